import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Instruction } from '../messages.ts';
import { workerOf } from '../targets.ts';
import type { SessionConfig } from './session.ts';

/** Instructions in one invocation: far below the 6 MB that Lambda takes, and ten batches for the worker's queue. */
const AT_ONCE = 100;

/** The workers, as approve, undo and sweep reach them: by invoking their Lambdas. */
export class Workers {
  readonly #lambda: LambdaClient;

  constructor(session: SessionConfig) {
    this.#lambda = new LambdaClient(session);
  }

  /**
   * Gives instructions to the workers that they are for. When it answers, they are in the workers' queues, and will be followed.
   * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
   * @throws when a worker did not take its instructions; some of them may be followed all the same
   */
  async instruct(instructions: readonly Instruction[]): Promise<void> {
    for (const [worker, own] of Map.groupBy(instructions, addressee)) {
      for (let from = 0; from < own.length; from += AT_ONCE) {
        const Payload = JSON.stringify({ firebreak: 'instructions', instructions: own.slice(from, from + AT_ONCE) });
        const answer = await this.#lambda.send(new InvokeCommand({ FunctionName: `firebreak-${worker}`, Payload }));
        if (answer.FunctionError === undefined) continue;
        throw new Error(
          `the ${worker} worker did not take its instructions: ${answer.Payload?.transformToString().slice(0, 500)}`,
        );
      }
    }
  }
}

/** The worker of an instruction: of the response that it names, or of the remediation. */
const addressee = (one: Instruction): string =>
  one.do === 'run' ? workerOf(one.remediation) : one.response.slice(0, one.response.lastIndexOf('-'));
