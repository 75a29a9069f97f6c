import { createHash } from 'node:crypto';
import { type Change, canonical, changes, type Json, type State } from '../../engine/state.ts';
import type { Contract } from '../../local/contract.ts';
import type { Call, Fault } from '../../local/doors.ts';
import type { Bench } from './bench.ts';
import { disturbances, faultOf, passes, shuffled } from './disturbance.ts';
import type { Kill, Laboratory } from './laboratory.ts';
import { CHANGES, liesOf, type Trial, wrongIn } from './trial.ts';

/** A state that is not that of an undisturbed run, or does not say what is so. */
export interface Unequal {
  /** Where the worker was killed, or which call was disturbed and how. */
  readonly where: readonly string[];
  /** Part by part, from the undisturbed run to this one; or in words. */
  readonly differences: readonly Change[] | string;
}

/** One remediation on one of its specimens, disturbed and killed everywhere. */
export interface Walk {
  readonly remediation: string;
  /** From 1, in the order of its test. */
  readonly specimen: number;
  /** Calls of AWS that the undisturbed worker made. */
  readonly calls: number;
  /** Runs in which something happened to one call. */
  readonly faults: number;
  /** Runs with one kill. */
  readonly points: number;
  /** Runs with up to three kills at places chosen by a seed. */
  readonly seeds: number;
  readonly unequal: readonly Unequal[];
  readonly seconds: number;
}

export interface Extent {
  /** The most kill points and the most faults of a specimen, spread over the run; all when absent. */
  readonly points?: number | undefined;
  /** Runs of a specimen with several kills. */
  readonly seeds: number;
}

/** Kills in one run: one receive of the five that SQS gives must be left to end it. */
const MOST_KILLS = 3;
/** Calls of a specimen that hang in a run of all faults. */
const HUNG = 3;
/** A change may be sent once more when its answer was lost, and no more than that. */
const TIMES_AS_MANY = 2;

/** One run with something in its way. */
interface Attempt {
  readonly where: readonly string[];
  faultsIn(laboratory: Laboratory): readonly Fault[];
  /** What is wrong with what came of it; empty: nothing. */
  judge(tried: Trial): readonly Change[] | string;
}

/** Tries every specimen of a remediation undisturbed, then with each fault, and then with kills. */
export async function* walk(
  bench: Bench,
  { action, specimens }: Contract,
  extent: Extent,
  progress: (unequal: Unequal, specimen: number) => void,
): AsyncGenerator<Walk> {
  for (const [index, specimen] of specimens.entries()) {
    const began = performance.now();
    const undisturbed = await bench.trial(action, specimen);
    const { calls, state } = undisturbed;
    const wrong = wrongIn(state);
    if (wrong.length > 0) throw new Error(`${action.id} goes wrong undisturbed: ${wrong.join(', ')}`);
    const name = `${action.id}/${index}`;

    const faults = shuffled(disturbances(action, calls, HUNG), name)
      .slice(0, extent.points)
      .map(
        (each): Attempt => ({
          where: [`${each.kind} at call ${each.call} (${each.operation})`],
          faultsIn: () => [faultOf(each)],
          judge: (tried) => (passes(each.kind) ? disturbedOf(state, tried) : liesOf(tried, action).join('; ')),
        }),
      );
    const killed = (kills: readonly Kill[], least: number): Attempt => ({
      where: kills.map((kill) => placeOf(kill, calls)),
      faultsIn: (laboratory) => kills.map((kill) => laboratory.killAt(action.id, kill)),
      judge: (tried) => (tried.disturbed < least ? UNDISTURBED : changes(state, tried.state)),
    });
    const points = evenly(killPoints(calls), extent.points).map((kill) => killed([kill], 1));
    // The later ones of several kills may come too late for a run that needed fewer calls.
    const seeds = Array.from({ length: extent.seeds }, (_, seed) =>
      killed(killsBySeed(`${name}/${seed}`, calls.length), 0),
    );

    const unequal: Unequal[] = [];
    for (const { where, faultsIn, judge } of [...faults, ...points, ...seeds]) {
      const differences = await bench.trial(action, specimen, faultsIn).then(judge, String);
      if (differences.length === 0) continue;
      const found = { where, differences };
      unequal.push(found);
      progress(found, index + 1);
    }
    yield {
      remediation: action.id,
      specimen: index + 1,
      calls: calls.length,
      faults: faults.length,
      points: points.length,
      seeds: extent.seeds,
      unequal,
      seconds: Math.round((performance.now() - began) / 1_000),
    };
  }
}

/** How a run that something passed by differs from an undisturbed one, but for changes that were sent once more. */
function disturbedOf(state: State, tried: Trial): readonly Change[] | string {
  if (tried.disturbed === 0) return UNDISTURBED;
  return changes(state, tried.state).filter(({ part, from, to }) => part !== CHANGES || tooMany(from, to));
}

const tooMany = (least: Json, made: Json): boolean =>
  Object.entries(made as Record<string, number>).some(
    ([operation, times]) => times > TIMES_AS_MANY * ((least as Record<string, number>)[operation] ?? 0),
  );

const UNDISTURBED = 'the worker made fewer calls than the run before, and nothing happened to it';

/** Before each call, and after each that IAM let take place. */
export function killPoints(calls: readonly Pick<Call, 'decision'>[]): Kill[] {
  let took = 0;
  return calls.flatMap(({ decision }, index): Kill[] => {
    const before: Kill = { call: index + 1, phase: 'before' };
    if (decision === 'denied') return [before];
    took += 1;
    return [before, { call: took, phase: 'after' }];
  });
}

/** At most so many of them, spread evenly. */
export function evenly<T>(all: readonly T[], most = all.length): readonly T[] {
  if (most >= all.length) return all;
  return Array.from({ length: most }, (_, index) => all[Math.floor(((index + 0.5) * all.length) / most)] as T);
}

/** One to three kills, the later ones in the processes that go on: the same for the same seed. */
export function killsBySeed(seed: string, calls: number): Kill[] {
  const drawn = createHash('sha256').update(seed).digest();
  let call = 0;
  return Array.from({ length: 1 + (drawn.readUInt8(0) % MOST_KILLS) }, (_, index): Kill => {
    call += 1 + (drawn.readUInt16BE(1 + 3 * index) % calls);
    return { call, phase: drawn.readUInt8(3 + 3 * index) % 2 === 0 ? 'before' : 'after' };
  });
}

const placeOf = ({ call, phase }: Kill, calls: readonly Call[]): string =>
  `killed ${phase} call ${call}${calls[call - 1] ? ` (${calls[call - 1]?.operation})` : ''}`;

/** In one line. */
export const describeUnequal = ({ where, differences }: Unequal): string => {
  const what =
    typeof differences === 'string'
      ? differences
      : differences
          .map(({ part, from, to }) => `${part} is ${canonical(to)} instead of ${canonical(from)}`)
          .join('; ')
          .slice(0, MOST_CHARACTERS);
  return `${where.join(', ')}: ${what}`;
};
const MOST_CHARACTERS = 2_000;
