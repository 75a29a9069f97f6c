import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describeError } from '../errors.ts';
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
   * @throws when a worker did not take its instructions, after the others have theirs; some of them may be followed all the same
   */
  async instruct(instructions: readonly Instruction[]): Promise<void> {
    const failures: string[] = [];
    for (const [worker, own] of Map.groupBy(instructions, addressee)) {
      await this.#tell(worker, own).catch((error: unknown) => {
        failures.push(`the ${worker} worker did not take its instructions: ${describeError(error)}`);
      });
    }
    if (failures.length > 0) throw new Error(failures.join('; '));
  }

  async #tell(worker: string, instructions: readonly Instruction[]): Promise<void> {
    for (let from = 0; from < instructions.length; from += AT_ONCE) {
      const Payload = JSON.stringify({
        firebreak: 'instructions',
        instructions: instructions.slice(from, from + AT_ONCE),
      });
      const answer = await this.#lambda.send(new InvokeCommand({ FunctionName: `firebreak-${worker}`, Payload }));
      if (answer.FunctionError !== undefined) throw new Error(answer.Payload?.transformToString().slice(0, 500));
    }
  }
}

/** The worker of an instruction: of the response that it names, or of the remediation. */
const addressee = (one: Instruction): string =>
  one.do === 'run' ? workerOf(one.remediation) : one.response.slice(0, one.response.lastIndexOf('-'));
