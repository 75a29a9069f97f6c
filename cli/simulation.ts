import { RUN_ID } from '../engine/rehearsal.ts';
import type { Run } from '../simulations/run.ts';
import { UsageError } from './failure.ts';
import { follow, lookAgain, momentSpans, statusSpans } from './follow.ts';
import { tellOf, toItsEnd } from './simulate.ts';
import { Simulator } from './simulator.ts';
import type { Io, Span } from './terminal.ts';

export interface SimulationOptions {
  readonly region?: string;
  readonly json?: boolean;
}

export interface StatusOptions extends SimulationOptions {
  readonly follow?: boolean;
}

export interface AbortOptions extends SimulationOptions {
  readonly reason: string;
  readonly wait: boolean;
}

/** `firebreak simulation list`: the scenarios, and the latest runs. */
export async function listSimulations({ region, json }: SimulationOptions, { out }: Io): Promise<number> {
  const answer = await (await Simulator.open(region)).ask({ do: 'list' });
  if (json) {
    out.json(answer);
    return 0;
  }
  const { scenarios, runs } = answer;
  out.table([
    ...scenarios.map(({ id, title, safety, cost, fidelities, attack }): Span[] => [
      ['bold', id],
      `${safety}, $${cost.toFixed(2)}`,
      fidelities.join(', '),
      ['dim', attack.join(', ')],
      title,
    ]),
  ]);
  if (runs.length === 0) out.line('there was no run yet');
  else {
    out.line();
    out.table(runs.map(listed));
  }
  return 0;
}

const listed = (run: Run): Span[] => {
  const { id, scenario, fidelity, launch, exercise, startedAt, stopped, place } = run;
  const why = stopped ? `stopped by ${stopped.by}: ${stopped.reason}` : '';
  return [
    ['bold', id],
    startedAt.slice(0, 19),
    statusSpans(run)[0] ?? '',
    fidelity,
    exercise ?? launch,
    place.account,
    scenario,
    why,
  ];
};

/** `firebreak simulation status <run>`: exit 0 while it runs, and when it passed. */
export async function simulationStatus(run: string, options: StatusOptions, io: Io): Promise<number> {
  assertRun(run);
  const simulator = await Simulator.open(options.region);
  if (options.follow) return toItsEnd(run, simulator, {}, options, io);
  const record = await simulator.ask({ do: 'status', run });
  const screen = options.json ? io.err : io.out;
  const { scenario, startedAt, place, things = {} } = record.run;
  screen.line(
    ['bold', run],
    `  ${scenario} in account ${place.account}, ${place.region}, since ${startedAt}  `,
    ...statusSpans(record.run),
  );
  screen.table(
    Object.entries(things).map(([name, id]) => [['dim', name], id]),
    '  ',
  );
  for (const moment of record.timeline) screen.line(...momentSpans(moment, record.timeline));
  const verdict = await tellOf(record, {}, options, io);
  return verdict === 'passed' || verdict === 'running' ? 0 : 1;
}

/** `firebreak simulation abort <run>`: exit 0 when it is cleaned up, or without waiting when that was begun. */
export async function abortSimulation(id: string, options: AbortOptions, io: Io): Promise<number> {
  assertRun(id);
  const simulator = await Simulator.open(options.region);
  const { run } = await simulator.ask({ do: 'abort', run: id, reason: options.reason });
  if (!options.wait) {
    if (options.json) io.out.json({ run });
    else io.out.line(['bold', id], '  ', ...statusSpans(run), ['dim', `  ${lookAgain(id)}`]);
    return 0;
  }
  const followed = await follow(id, simulator, io.err);
  if (!followed) return 130;
  const { previous: _, ...record } = followed.record;
  if (options.json) io.out.json(record);
  return record.run.status === 'clean' ? 0 : 1;
}

/** @throws {UsageError} on what is no id of a run */
export function assertRun(run: string): void {
  if (!RUN_ID.test(run)) throw new UsageError(`${run} is not the id of a run: firebreak simulation list shows them`);
}
