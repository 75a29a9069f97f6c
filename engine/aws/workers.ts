import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { parcels } from '../chunks.ts';
import { describeError } from '../errors.ts';
import type { Instruction } from '../messages.ts';
import { workerOf } from '../targets.ts';
import type { SessionConfig } from './session.ts';

/** Instructions in one invocation: ten batches for the worker's queue. */
const AT_ONCE = 100;
/**
 * Bytes of instructions in one invocation, below the 6 MB that Lambda takes.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const BYTES_AT_ONCE = 5_000_000;

/** The workers, as approve, undo, sweep and simulate reach them: by invoking their Lambdas. */
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
    for (const some of parcels(instructions, AT_ONCE, BYTES_AT_ONCE)) {
      const Payload = JSON.stringify({ firebreak: 'instructions', instructions: some });
      const answer = await this.#lambda.send(new InvokeCommand({ FunctionName: `firebreak-${worker}`, Payload }));
      if (answer.FunctionError !== undefined) throw new Error(answer.Payload?.transformToString().slice(0, 500));
    }
  }
}

/** The worker of an instruction: the one that it names, or that of the remediation or of the response. */
function addressee(one: Instruction): string {
  if (one.do === 'replay') return one.worker;
  return one.do === 'run' ? workerOf(one.remediation) : one.response.slice(0, one.response.lastIndexOf('-'));
}
