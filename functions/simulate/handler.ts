import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import middy from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import * as z from 'zod/mini';
import { KillSwitch } from '../../engine/aws/kill-switch.ts';
import { sessionConfig } from '../../engine/aws/session.ts';
import { AssumedSessions } from '../../engine/aws/sessions.ts';
import { Workers } from '../../engine/aws/workers.ts';
import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { environment } from '../../engine/environment.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { Pages } from '../../simulations/pages.ts';
import { type Answers, request, type SimulateRequest } from '../../simulations/requests.ts';
import type { Run } from '../../simulations/run.ts';
import { goOn, type Rehearsal } from '../../simulations/runner.ts';
import { FIDELITIES, type Fidelity } from '../../simulations/scenario.ts';
import { readsOf } from '../../simulations/stage.ts';
import { RunStore } from '../../simulations/store.ts';
import { Timer } from '../../simulations/timer.ts';
import { announce } from './announce.ts';
import { listed, SCENARIOS, scenarioOf } from './catalogue.ts';
import { type Deployment, preview, start } from './start.ts';

const home = { account: environment('ACCOUNT_ID'), region: environment('AWS_REGION') };
const session = sessionConfig(home.account, home.region);
const logger = logOf('simulate');
const lambda = new LambdaClient(session);
const store = new RunStore(session, environment('SIMULATIONS_TABLE'));
const outlets = { logger, sns: new SNSClient(session), topic: environment('PEOPLE_TOPIC') };
const workers = new Workers(session);
const pages = new Pages(session, environment('PAGES_QUEUE_URL'));
const ledger = new DynamoDbLedger(session, environment('LEDGER_TABLE'));
const policy = deployedPolicy();
const words = (name: string): readonly string[] =>
  environment(name)
    .split(',')
    .map((word) => word.trim());
const deployment: Deployment = {
  home,
  sandboxes: words('SANDBOXES'),
  fidelities: words('FIDELITIES').filter((word): word is Fidelity => (FIDELITIES as readonly string[]).includes(word)),
};

/** Runs that `list` shows. */
const LATEST = 20;
/** Milliseconds after which a run without a sign of life is gone on with. */
const ABANDONED_MS = 120_000;

export const handler = middy<unknown, unknown>()
  .use(withRequest(logger))
  .handler(async (event, context: LambdaContext) => {
    const asked = z.parse(request(), event);
    const function_ = context.invokedFunctionArn;
    const house: Rehearsal = {
      ...{ home, policy, session, store, ledger, workers, pages },
      sandboxes: deployment.sandboxes,
      // Each invocation asks the switch itself: an answer may be half a minute old.
      killSwitch: new KillSwitch(session, environment('KILL_SWITCH_PARAMETER')),
      sessionsOf: (scenario) => new AssumedSessions(home, 'simulate', readsOf(scenario)),
      timer: new Timer(session, { function: function_, role: environment('TIMER_ROLE') }),
    };
    const again = async (run: string): Promise<void> => {
      const Payload = JSON.stringify({ do: 'go', run } satisfies SimulateRequest);
      await lambda.send(new InvokeCommand({ FunctionName: function_, InvocationType: 'Event', Payload }));
    };
    const begin = async (wanted: Parameters<typeof start>[0]): Promise<Run> => {
      const run = await start(wanted, deployment, house);
      logger.info('simulation started', { ...run });
      await again(run.id);
      return run;
    };
    /** Goes on with a run, and with what comes after it. */
    const go = async (id: string, over?: Run['stopped']): Promise<void> => {
      const until = Date.now() + context.getRemainingTimeInMillis();
      const run = await goOn(id, scenarioOf, house, until, over);
      if (run.status !== 'clean' && run.status !== 'cleanup-failed') return again(id);
      await announce(run, scenarioOf(run.scenario), store, outlets);
      // Who ends a run ends the exercise.
      const goesOn = run.status === 'clean' && run.stopped?.by !== 'person';
      const [scenario, ...next] = goesOn ? (run.next ?? []) : [];
      if (scenario === undefined) return;
      const { account, region } = run.place;
      const { fidelity, launch, exercise } = run;
      await begin({ scenario, fidelity, account, region, launch, next, ...(exercise && { exercise }) });
    };
    const recordOf = async (id: string) => {
      const record = await store.record(id);
      if (!record) throw new Error(`there is no run ${id}: firebreak simulation list shows those that there are`);
      return record;
    };
    switch (asked.do) {
      case 'list':
        return { scenarios: SCENARIOS.map(listed), runs: await store.latest(LATEST) } satisfies Answers['list'];
      case 'preview': {
        const { do: _, ...wanted } = asked;
        return (await preview({ ...wanted, launch: 'on-demand' }, deployment, house)) satisfies Answers['preview'];
      }
      case 'start': {
        const { do: _, ...wanted } = asked;
        return { run: await begin({ ...wanted, launch: 'on-demand' }) } satisfies Answers['start'];
      }
      case 'status': {
        const record = await recordOf(asked.run);
        return { ...record, previous: await store.previous(record.run) } satisfies Answers['status'];
      }
      case 'abort': {
        await recordOf(asked.run);
        const { run } = await store.abort(asked.run, asked.reason);
        // Whoever works on it ends it; when nobody does, this does.
        const beat = await store.beat(asked.run);
        if (!beat || Date.now() - Date.parse(beat) > ABANDONED_MS) await again(asked.run);
        return { run } satisfies Answers['abort'];
      }
      case 'quarter': {
        const [first, ...next] = SCENARIOS.filter(
          ({ minutes, asksFor = [] }) => minutes[defaultFidelity()] !== undefined && asksFor.length === 0,
        ).map(({ id }) => id);
        const exercise = quarterOf(new Date());
        return first && { run: await begin({ scenario: first, launch: 'quarterly', exercise, next }) };
      }
      case 'canary':
        return { run: await begin({ scenario: environment('CANARY'), launch: 'canary' }) };
      case 'go':
        return go(asked.run);
      case 'expire':
        return go(asked.run, { at: new Date().toISOString(), by: 'time', reason: 'its time is over' });
      case 'tend': {
        const at = asked.at === undefined ? new Date() : new Date(asked.at);
        for (const id of await store.open()) {
          const beat = await store.beat(id);
          if (beat && at.getTime() - Date.parse(beat) < ABANDONED_MS) continue;
          const expired = Date.parse((await recordOf(id)).run.expiresAt) < at.getTime();
          await go(id, expired ? { at: at.toISOString(), by: 'time', reason: 'its time is over' } : undefined);
        }
      }
    }
  });

const defaultFidelity = (): Fidelity => deployment.fidelities[0] ?? 'handler-replay';

/** `2026-Q4` */
const quarterOf = (at: Date): string => `${at.getUTCFullYear()}-Q${Math.floor(at.getUTCMonth() / 3) + 1}`;
