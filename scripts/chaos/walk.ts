import { createHash } from 'node:crypto';
import { type Change, canonical, changes } from '../../engine/state.ts';
import type { Contract } from '../../local/contract.ts';
import type { Call } from '../../local/doors.ts';
import type { Kill, Laboratory } from './laboratory.ts';
import { type Trial, trial, wrongIn } from './trial.ts';

/** A state that is not that of an undisturbed run. */
export interface Unequal {
  /** Where the worker was killed, or should have been. */
  readonly kills: readonly string[];
  /** Part by part, from the undisturbed run to this one; or what kept it from having a state at all. */
  readonly differences: readonly Change[] | string;
}

/** One remediation on one of its specimens, killed everywhere. */
export interface Walk {
  readonly remediation: string;
  /** From 1, in the order of its test. */
  readonly specimen: number;
  /** Calls of AWS that the undisturbed worker made. */
  readonly calls: number;
  /** Runs with one kill. */
  readonly points: number;
  /** Runs with up to three kills at places chosen by a seed. */
  readonly seeds: number;
  readonly unequal: readonly Unequal[];
  readonly seconds: number;
}

export interface Extent {
  /** The most kill points of a specimen, spread evenly; all when absent. */
  readonly points?: number | undefined;
  /** Runs of a specimen with several kills. */
  readonly seeds: number;
}

/** Kills in one run: one receive of the five that SQS gives must be left to end it. */
const MOST_KILLS = 3;

/** Tries every specimen of a remediation without a kill, and then with kills. */
export async function* walk(
  laboratory: Laboratory,
  { action, specimens }: Contract,
  extent: Extent,
  progress: (unequal: Unequal, specimen: number) => void,
): AsyncGenerator<Walk> {
  for (const [index, specimen] of specimens.entries()) {
    const began = performance.now();
    const attempt = (kills: readonly Kill[]) => trial(laboratory, action, specimen, kills);
    const undisturbed = await attempt([]);
    const wrong = wrongIn(undisturbed.state);
    if (wrong.length > 0) throw new Error(`${action.id} goes wrong without any kill: ${wrong.join(', ')}`);
    const points = evenly(killPoints(undisturbed.calls), extent.points);
    const runs = [
      ...points.map((kill) => [kill]),
      ...Array.from({ length: extent.seeds }, (_, seed) =>
        killsBySeed(`${action.id}/${index}/${seed}`, undisturbed.calls.length),
      ),
    ];
    const unequal: Unequal[] = [];
    for (const [run, kills] of runs.entries()) {
      const differences = await attempt(kills).then(
        (tried) => differencesOf(undisturbed, tried, run < points.length ? 1 : 0),
        (error: unknown) => String(error),
      );
      if (differences.length === 0) continue;
      const found = { kills: kills.map((kill) => placeOf(kill, undisturbed.calls)), differences };
      unequal.push(found);
      progress(found, index + 1);
    }
    yield {
      remediation: action.id,
      specimen: index + 1,
      calls: undisturbed.calls.length,
      points: points.length,
      seeds: extent.seeds,
      unequal,
      seconds: Math.round((performance.now() - began) / 1_000),
    };
  }
}

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

/** @param kills that must have taken place: later ones may come too late for a run that needed fewer calls */
function differencesOf({ state }: Trial, tried: Trial, kills: number): readonly Change[] | string {
  if (tried.killed.length < kills) return 'the worker made fewer calls than without a kill, and was not killed';
  return changes(state, tried.state);
}

const placeOf = ({ call, phase }: Kill, calls: readonly Call[]): string =>
  `${phase} call ${call}${calls[call - 1] ? ` (${calls[call - 1]?.operation})` : ''}`;

/** In one line. */
export const describeUnequal = ({ kills, differences }: Unequal): string => {
  const what =
    typeof differences === 'string'
      ? differences
      : differences
          .map(({ part, from, to }) => `${part} is ${canonical(to)} instead of ${canonical(from)}`)
          .join('; ')
          .slice(0, MOST_CHARACTERS);
  return `killed ${kills.join(', ')}: ${what}`;
};
const MOST_CHARACTERS = 2_000;
