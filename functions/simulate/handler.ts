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
import { describeError } from '../../engine/errors.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { Pages } from '../../simulations/pages.ts';
import { type Answers, request, type SimulateRequest } from '../../simulations/requests.ts';
import type { Run } from '../../simulations/run.ts';
import { goOn, type Rehearsal } from '../../simulations/runner.ts';
import { FIDELITIES, type Fidelity } from '../../simulations/scenario.ts';
import { readsOf } from '../../simulations/stage.ts';
import { type Held, RunStore } from '../../simulations/store.ts';
import { Timer } from '../../simulations/timer.ts';
import { announce, announceRefused, countOverdue, type Refused } from './announce.ts';
import { listed, SCENARIOS, scenarioOf } from './catalogue.ts';
import { type Deployment, preview, start, type Wanted } from './start.ts';

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
/** Milliseconds after its time within which a run is cleaned up, if all goes well. */
const GRACE_MS = 15 * 60_000;

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
      die: () => process.kill(process.pid, 'SIGKILL'),
      timer: new Timer(session, { function: function_, role: environment('TIMER_ROLE') }),
    };
    /** Has another invocation do something. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html */
    const later = async (asked: SimulateRequest): Promise<void> => {
      const Payload = JSON.stringify(asked);
      await lambda.send(new InvokeCommand({ FunctionName: function_, InvocationType: 'Event', Payload }));
    };
    const begin = async (wanted: Wanted): Promise<Run> => {
      const run = await start(wanted, deployment, house);
      logger.info('simulation started', { ...run });
      await later({ do: 'go', run: run.id }).catch((error: unknown) => {
        logger.warn('the reaper will go on with it', { run: run.id, error: describeError(error) });
      });
      return run;
    };
    /** Begins the first of several scenarios that may start, the others to follow it. People are told which may not. */
    const beginNext = async (ids: readonly string[], about: Omit<Wanted, 'scenario' | 'next'>) => {
      const refused: Refused[] = [];
      let run: Run | undefined;
      for (const [index, scenario] of ids.entries()) {
        run = await begin({ ...about, scenario, next: ids.slice(index + 1) }).catch((error: unknown) => {
          refused.push({ scenario, why: describeError(error) });
          return undefined;
        });
        if (run) break;
      }
      if (refused.length > 0) await announceRefused(refused, outlets);
      return run;
    };
    /** Goes on with a run, and with what comes after it. */
    const go = async (id: string, over?: Run['stopped']): Promise<void> => {
      const until = Date.now() + context.getRemainingTimeInMillis();
      const run = await goOn(id, scenarioOf, house, until, over);
      if (!run) return;
      if (run.status !== 'clean' && run.status !== 'cleanup-failed') return later({ do: 'go', run: id });
      // Who ends a run of several by hand wants no other to begin.
      if (run.status === 'clean' && run.next && run.stopped?.by !== 'person') {
        const { account, region } = run.place;
        const { fidelity, launch, exercise } = run;
        await beginNext(run.next, { fidelity, account, region, launch, ...(exercise && { exercise }) });
      }
      await announce(run, scenarioOf(run.scenario), store, outlets);
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
        const held = await store.abort(asked.run, asked.reason);
        const { run } = held;
        // Whoever works on it ends it; when nobody does, this does.
        if (run.status !== 'clean' && isAbandoned(held, Date.now())) await later({ do: 'go', run: run.id });
        return { run } satisfies Answers['abort'];
      }
      case 'quarter': {
        const offered = SCENARIOS.filter(
          ({ minutes, asksFor = [] }) => minutes[defaultFidelity()] !== undefined && asksFor.length === 0,
        );
        const about = { launch: 'quarterly', exercise: quarterOf(new Date()) } as const;
        return {
          run: await beginNext(
            offered.map(({ id }) => id),
            about,
          ),
        };
      }
      case 'canary':
        return { run: await begin({ scenario: environment('CANARY'), launch: 'canary' }) };
      case 'go':
        return go(asked.run);
      case 'expire':
        return go(asked.run, { at: new Date().toISOString(), by: 'time', reason: 'its time is over' });
      case 'tend': {
        const at = asked.at === undefined ? Date.now() : Date.parse(asked.at);
        const open = await store.open();
        const runs = (await Promise.all(open.map((id) => store.get(id)))).filter((held) => held !== undefined);
        const overdue = (ms: number) => runs.filter(({ run }) => Date.parse(run.expiresAt) + ms < at);
        countOverdue(overdue(GRACE_MS).length);
        const expired = new Set(overdue(0));
        for (const held of runs) {
          // Each in an invocation of its own: none takes another's time, or has it fail.
          if (isAbandoned(held, at)) {
            await later({ do: expired.has(held) ? 'expire' : 'go', run: held.run.id });
          }
        }
      }
    }
  });

/** Whether nobody has worked on a run for a while. @param at milliseconds since 1970 */
const isAbandoned = ({ run, beat }: Held, at: number): boolean => at - Date.parse(beat ?? run.startedAt) > ABANDONED_MS;

const defaultFidelity = (): Fidelity => deployment.fidelities[0] ?? 'handler-replay';

/** `2026-Q4` */
const quarterOf = (at: Date): string => `${at.getUTCFullYear()}-Q${Math.floor(at.getUTCMonth() / 3) + 1}`;
