import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Answers, SimulateRequest } from '../simulations/requests.ts';
import type { Run, RunRecord } from '../simulations/run.ts';
import type { Scenario } from '../simulations/scenario.ts';
import type { Cloud } from './cloud.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from './connection.ts';
import { notice } from './detector.ts';

const FUNCTION = 'firebreak-simulate';
/** What scenarios have to be told here: what local/simulation-policy.yml allows. */
const PARAMETERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'faults.allow-listed-left-alone': { allowed: MEMBER_ACCOUNTS[0] },
};
/** Milliseconds between two looks at a run. */
const LOOK_MS = 150;
/** Milliseconds until the reaper comes, at most. */
const REAPER_MS = 15 * 60_000;
/** Milliseconds for a run to end. */
const PATIENCE_MS = 240_000;

/** The deployed simulator of an embedded cloud, invoked as people and schedules invoke it. */
export class Simulator {
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** @throws with what the function says when it fails */
  ask<D extends keyof Answers>(asked: Extract<SimulateRequest, { do: D }>): Promise<Answers[D]> {
    return this.invoke(asked) as Promise<Answers[D]>;
  }

  /** What schedules invoke it with too. */
  async invoke(asked: SimulateRequest): Promise<unknown> {
    const { client } = await this.#cloud.connection.account(SECURITY_ACCOUNT, HOME_REGION);
    const lambda = new LambdaClient(client);
    const answer = await lambda.send(new InvokeCommand({ FunctionName: FUNCTION, Payload: JSON.stringify(asked) }));
    const payload = JSON.parse(answer.Payload?.transformToString() ?? 'null');
    if (answer.FunctionError !== undefined) throw new Error((payload as { errorMessage: string }).errorMessage);
    return payload;
  }

  /**
   * Runs a scenario to its end, and has the services notice what it makes wrong.
   * @param see is told what is known of the run whenever that is more
   */
  async run(
    scenario: Scenario,
    wanted: Omit<Extract<SimulateRequest, { do: 'start' }>, 'do' | 'scenario'> = {},
    see: (record: RunRecord) => void = () => {},
  ): Promise<Answers['status']> {
    const parameters = PARAMETERS[scenario.id];
    const usual = { do: 'start', fidelity: 'bus-replay', ...(parameters && { parameters }) } as const;
    const { run } = await this.ask({ ...usual, ...wanted, scenario: scenario.id });
    return this.follow(run, scenario, see);
  }

  /** Plays the schedule of the reaper, which goes on with what nobody has worked on for a while. */
  async #reap(killedAt: string): Promise<void> {
    await this.invoke({ do: 'tend', at: new Date(Date.parse(killedAt) + REAPER_MS).toISOString() });
  }

  /** Goes with a run to its end. */
  async follow(run: Run, scenario: Scenario, see: (record: RunRecord) => void = () => {}): Promise<Answers['status']> {
    const deadline = Date.now() + PATIENCE_MS;
    let noticed = run.fidelity !== 'bus-replay';
    let reaped = false;
    let known = '';
    for (;;) {
      const record = await this.ask({ do: 'status', run: run.id });
      const shown = `${record.run.status} ${record.timeline.length}`;
      if (shown !== known) see(record);
      known = shown;
      if (!noticed && record.run.status === 'watching') {
        noticed = true;
        await notice(record.run, scenario, this.#cloud);
      }
      const { status, killedAt } = record.run;
      if (!reaped && status === 'cleaning' && killedAt !== undefined) {
        reaped = true;
        await this.#reap(killedAt);
      }
      if (status === 'clean' || status === 'cleanup-failed') return record;
      if (Date.now() > deadline) throw new Error(`run ${run.id} has not ended: it is ${record.run.status}`);
      await sleep(LOOK_MS);
    }
  }
}
