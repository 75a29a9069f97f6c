import { setTimeout as sleep } from 'node:timers/promises';
import type { Sessions } from '../engine/aws/sessions.ts';
import type { Workers } from '../engine/aws/workers.ts';
import { describeError } from '../engine/errors.ts';
import type { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import { workerOf } from '../engine/targets.ts';
import { cleanUp, differences, inventoryOf } from './clean-up.ts';
import { digestOf } from './digest.ts';
import { askedOf, eventsOf } from './events.ts';
import { hasResource } from './measure.ts';
import type { Pages } from './pages.ts';
import type { Run, RunRecord, Status } from './run.ts';
import { assertAccount, type Bounds, pausesOf, refusalsOf } from './safety.ts';
import { askForSamples } from './samples.ts';
import type { Scenario } from './scenario.ts';
import { type Scribe, sessionFor, stageFor } from './stage.ts';
import { type Held, type RunStore, Superseded } from './store.ts';
import type { Timer } from './timer.ts';
import { lookFor, type Sight } from './watch.ts';

/** All that a run needs. */
export interface Rehearsal extends Bounds {
  readonly store: RunStore;
  readonly ledger: Pick<DynamoDbLedger, 'headers' | 'get'>;
  /** How the simulator comes into an account, for what a scenario reads. */
  sessionsOf(scenario: Scenario): Sessions;
  readonly workers: Pick<Workers, 'instruct'>;
  readonly pages: Pages;
  readonly timer: Timer;
  /** Ends this process as a crash does. */
  die(): void;
}

/** Milliseconds between two looks: short while things happen, long while a service has to notice first. */
const paceAfter = (ms: number): number => (ms < 15_000 ? 500 : ms < 120_000 ? 2_000 : 10_000);
/** Milliseconds for which nothing more may come before a watch ends that saw all that it should. */
const SETTLED_MS = 2_000;
/** The same where something is missing, and all was told at once: a worker may only be starting, or try again. */
const MISSING_MS = 30_000;
/** Milliseconds for one try to clean up. */
const CLEAN_UP_MS = 120_000;
/** Milliseconds of an invocation that stay for what is begun. */
const RESERVE_MS = 30_000;
/** Milliseconds between two signs of life: well below the time after which a run counts as abandoned. */
const BEAT_MS = 30_000;

/** What is on its way out has had its time. */
const ENDING: readonly Status[] = ['cleaning', 'cleanup-failed', 'clean'];

/** The time of this process is nearly over; the run goes on in another. */
class OutOfTime extends Error {
  readonly run: Run;

  constructor(run: Run) {
    super('the time of this process is nearly over');
    this.run = run;
  }
}

/**
 * Goes on with a run where it is. A process that makes things and dies cannot be gone on with: then the run is cleaned up. A watch
 * and a clean-up can.
 *
 * @param until milliseconds since 1970: then this process has to end
 * @param over why the run has to end now
 * @returns the run as this process left it; while it is neither `clean` nor `cleanup-failed`, somebody has to go on with it.
 *   Undefined: it was clean before, or another process has it now
 */
export async function goOn(
  id: string,
  scenarioOf: (id: string) => Scenario,
  house: Rehearsal,
  until: number,
  over?: Run['stopped'],
): Promise<Run | undefined> {
  const held = await house.store.takeOver(id);
  if (held.run.status === 'clean') return undefined;
  // What it waits for may take minutes: a copy, a clean-up. Whether the run is still its own, its next write says.
  const beats = setInterval(() => house.store.keepAlive(held).catch(() => undefined), BEAT_MS);
  try {
    const scenario = scenarioOf(held.run.scenario);
    return (await end(await toItsEnd(held, scenario, house, until, over), scenario, house, until)).run;
  } catch (error) {
    if (error instanceof Superseded) return undefined;
    if (error instanceof OutOfTime) return error.run;
    throw error;
  } finally {
    clearInterval(beats);
  }
}

/** Does what is left to do before the clean-up. @throws {Superseded} @throws {OutOfTime} */
async function toItsEnd(
  begun: Held,
  scenario: Scenario,
  house: Rehearsal,
  until: number,
  over?: Run['stopped'],
): Promise<Held> {
  const { store } = house;
  const fresh = begun.run.status === 'warming-up' && begun.epoch === 1;
  let held = begun;
  try {
    // Somebody who asked for its end did so before its time was over.
    const why = held.abort === undefined ? over : aborted(held.abort);
    if (why && !ENDING.includes(held.run.status)) held = await store.update(held, stopped(held.run, why));
    if (fresh && !held.run.stopped) held = await makeWrong(held, scenario, house);
    else if (held.run.status === 'warming-up' || held.run.status === 'injecting') {
      const reason = 'the simulator was interrupted while it made things';
      held = await store.update(held, stopped(held.run, { at: now(), by: 'error', reason }));
    }
    if (held.run.status === 'watching' && !held.run.stopped) held = await watch(held, scenario, house, until);
    return held;
  } catch (error) {
    if (error instanceof Superseded || error instanceof OutOfTime) throw error;
    const known = (await store.get(begun.run.id)) ?? held;
    return store.update(held, stopped(known.run, { at: now(), by: 'error', reason: describeError(error) }));
  }
}

const now = (): string => new Date().toISOString();

/** The first reason is the one that counts. */
const stopped = (run: Run, why: NonNullable<Run['stopped']>): Run => ({ ...run, stopped: run.stopped ?? why });

const aborted = (reason: string): NonNullable<Run['stopped']> => ({ at: now(), by: 'person', reason });

/** Warms up and injects; or has GuardDuty tell of samples, which takes neither. */
async function makeWrong(begun: Held, scenario: Scenario, house: Rehearsal): Promise<Held> {
  const { store, timer } = house;
  let held = begun;
  const { id, place } = held.run;
  const sessions = house.sessionsOf(scenario);
  const session = await sessionFor(scenario, held.run, sessions);
  await assertAccount(place, session);
  const before = await inventoryOf(scenario, held.run, sessions);
  await store.keepInventory(id, before);
  held = await store.update(held, { ...held.run, inventory: { before: digestOf(before) } });
  // Before anything is made: from here on, somebody cleans up, whatever becomes of this process.
  await timer.set(held.run);

  const real = hasResource(held.run.fidelity);
  const parameters = scenario.parameters.parse(held.run.parameters);
  const stage = () => stageFor(held.run, scenario, session, scribe(held, store));
  const things = real ? await scenario.warmUp(stage(), parameters) : {};
  const refusals = await refusalsOf({ scenario, place, partner: held.run.partner, parameters }, house);
  if (refusals.length > 0) {
    return store.update(
      held,
      stopped({ ...held.run, things }, { at: now(), by: 'guard', reason: refusals.join('; ') }),
    );
  }
  held = await store.update(held, { ...held.run, things, status: 'injecting' });
  if (held.abort !== undefined) return store.update(held, stopped(held.run, aborted(held.abort)));
  if (real) {
    await scenario.inject(stage(), things, parameters);
    return store.update(held, { ...held.run, status: 'watching', injectedAt: now() });
  }
  const asked = await askForSamples(scenario, place, session);
  await store.moment(id, asked);
  return store.update(held, { ...held.run, status: 'watching', injectedAt: asked.at });
}

function scribe(held: Held, store: RunStore): Scribe {
  let number = 0;
  return {
    async intend(intent) {
      number += 1;
      await store.intend(held, number, intent);
    },
    assertHeld: () => store.keepAlive(held),
    happened: (moment) => store.moment(held.run.id, moment, `${moment.at}#${moment.detail}`),
  };
}

/** Hands the finding over where that is this run's way, and looks until all is as it should be, or nothing more comes. */
async function watch(begun: Held, scenario: Scenario, house: Rehearsal, until: number): Promise<Held> {
  const { store, ledger, pages } = house;
  let held = begun;
  const { run } = held;
  const { id, place, injectedAt = run.startedAt, watchSeconds } = run;
  const look = hasResource(run.fidelity) ? await lookAt(run, scenario, house) : NOTHING_THERE;
  const asks = hasResource(run.fidelity) ? askedOf(scenario, run) : [];
  if ((run.fidelity === 'handler-replay' || asks.length > 0) && !run.handedAt) {
    await house.workers.instruct(asks);
    if (run.fidelity === 'handler-replay') await handOver(held, scenario, house);
    held = await store.update(held, { ...held.run, handedAt: now() });
  }
  const deadline = Date.parse(injectedAt) + 1_000 * watchSeconds;
  let quietSince = Date.now();
  let known = '';
  for (;;) {
    const sight = await lookFor(run, scenario, ledger);
    for (const { key, moment } of sight.moments) await store.moment(id, moment, key);
    await pages.about(sight.responses, (moment, key) => store.moment(id, moment, key));
    const { asWanted, ...state } = await look(sight);
    const seen: Pick<RunRecord, 'responses' | 'asExpected'> = { responses: sight.responses, ...state };
    const digest = digestOf(seen);
    if (digest !== known) {
      await store.keepSeen(id, seen);
      known = digest;
      quietSince = Date.now();
    }
    held = await store.update(held, held.run);
    if (held.abort !== undefined) return store.update(held, stopped(held.run, aborted(held.abort)));
    const pauses = await pausesOf({ scenario, place }, house);
    if (pauses.length > 0)
      return store.update(held, stopped(held.run, { at: now(), by: 'guard', reason: pauses.join('; ') }));
    const all = sight.complete && asWanted;
    const patience = all ? SETTLED_MS : run.fidelity === 'live' ? Number.POSITIVE_INFINITY : MISSING_MS;
    if ((sight.settled && Date.now() - quietSince > patience) || Date.now() > deadline) return held;
    if (Date.now() > until - RESERVE_MS) throw new OutOfTime(held.run);
    await sleep(paceAfter(Date.now() - Date.parse(injectedAt)));
  }
}

/** What is read of a resource; `asWanted`: there is nothing more to wait for in it. */
interface State extends Pick<RunRecord, 'asExpected'> {
  readonly asWanted: boolean;
}

/** A sample finding is about no resource. */
const NOTHING_THERE = async (): Promise<State> => ({ asWanted: true });

/** How the run's resource is read, and what that says written down. */
async function lookAt(run: Run, scenario: Scenario, house: Rehearsal): Promise<(sight: Sight) => Promise<State>> {
  const { id, things = {} } = run;
  const parameters = scenario.parameters.parse(run.parameters);
  const session = await sessionFor(scenario, run, house.sessionsOf(scenario));
  const reader = stageFor(run, scenario, session, READ_ONLY);
  const changing = scenario.responses.some(({ outcome }) => outcome === 'verified');
  const happened = (what: 'contained' | 'recovered', detail: string): Promise<void> =>
    house.store.moment(id, { at: now(), what, detail, source: 'simulator' });
  return async ({ moments }) => {
    const asExpected = await scenario.expect(reader, things, parameters);
    // Before anything was changed, a read that still shows how it was before the injection would pass for a containment.
    const changed = moments.some(({ moment }) => moment.what === 'acted');
    if (asExpected && changing && changed) await happened('contained', 'reads back as it shall be');
    const recovered = !scenario.recovered || (await scenario.recovered(reader, things, parameters));
    if (asExpected && recovered && scenario.recovered) await happened('recovered', 'what it is for works');
    return { asExpected, asWanted: asExpected && recovered };
  };
}

/** For verbs that only read. */
const READ_ONLY: Scribe = {
  intend: () => Promise.reject(new Error('expect and recovered make nothing')),
  assertHeld: () => Promise.reject(new Error('expect and recovered change nothing')),
  happened: () => Promise.reject(new Error('expect and recovered change nothing')),
};

/** Has the workers take the events that the services would emit. */
async function handOver({ run }: Held, scenario: Scenario, { home, workers }: Rehearsal): Promise<void> {
  const names = new Set(scenario.responses.map(({ remediation }) => workerOf(remediation)));
  const events = eventsOf(scenario, run, home, new Date());
  await workers.instruct(
    [...names].flatMap((worker) => {
      const judgedBy = Object.entries(scenario.judgedBy ?? {}).filter(
        ([remediation]) => workerOf(remediation) === worker,
      );
      const judged = judgedBy.length > 0 && { judgedBy: Object.fromEntries(judgedBy) };
      return events.map((event) => ({ do: 'replay' as const, worker, event, ...judged }));
    }),
  );
}

/** Cleans up, and says what became of it. */
async function end(begun: Held, scenario: Scenario, house: Rehearsal, until: number): Promise<Held> {
  const { store, timer } = house;
  const { id } = begun.run;
  // What failed to be cleaned up stays so until it is clean.
  const status = begun.run.status === 'cleanup-failed' ? 'cleanup-failed' : 'cleaning';
  const held = await store.update(begun, { ...begun.run, status });
  if (held.run.stopped) {
    const { at, by, reason } = held.run.stopped;
    await store.moment(id, { at, what: 'stopped', detail: `${by}: ${reason}`, source: 'simulator' });
  }
  // It is not begun where it might be cut off.
  if (Date.now() + CLEAN_UP_MS + RESERVE_MS > until) throw new OutOfTime(held.run);
  const failed = (left: readonly string[]) => store.update(held, { ...held.run, status: 'cleanup-failed', left });
  const sessions = house.sessionsOf(scenario);
  const journal = await store.journal(id);
  const killed = async (): Promise<void> => {
    if (!scenario.killedInCleanUp || held.run.killedAt !== undefined) return;
    const killedAt = now();
    await store.update(held, { ...held.run, killedAt });
    const detail = 'the process that cleans up is killed, and does not come to the rest';
    await store.moment(id, { at: killedAt, what: 'killed', detail, source: 'simulator' });
    house.die();
  };
  const left = await cleanUp(scenario, held.run, journal, sessions, Date.now() + CLEAN_UP_MS, killed).catch(
    (error: unknown) => [describeError(error)],
  );
  if (left.length > 0) return failed(left);

  const before = await store.inventory(id);
  const after = await inventoryOf(scenario, held.run, sessions).catch(describeError);
  if (typeof after === 'string') return failed([`the account cannot be listed, so that nobody attests it: ${after}`]);
  const { left: _, ...run } = held.run;
  await store.moment(id, { at: now(), what: 'cleaned', detail: 'nothing of the run is left', source: 'simulator' });
  await timer.clear(run);
  return store.finish(held, {
    ...run,
    status: 'clean',
    finishedAt: now(),
    ...(before && {
      inventory: { before: digestOf(before), after: digestOf(after), differs: differences(before, after) },
    }),
  });
}
