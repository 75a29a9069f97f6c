import { isTransient } from '../../engine/errors.ts';
import type { Contract } from '../../local/contract.ts';
import type { Fault } from '../../local/doors.ts';
import type { Laboratory } from './laboratory.ts';
import { type Trial, trial } from './trial.ts';

/** Trials on one cloud: hundreds leave it full, and slow. */
const MOST_TRIALS = 50;
/** Tries of a trial that the machine itself disturbs. */
const MOST_TRIES = 5;
/** Milliseconds for a call that nothing holds up. After twice as long the worker gives it up, and sends it again. */
const SLOW_MS = 2_000;

/** Where trials are made: on one cloud after the other. */
export class Bench implements AsyncDisposable {
  readonly #start: () => Promise<Laboratory>;
  /** Ids of the remediations that were tried on this cloud. */
  readonly #known = new Set<string>();
  #laboratory: Laboratory | undefined;
  #trials = 0;

  /** @param start a new cloud, for all that is to be tried */
  constructor(start: () => Promise<Laboratory>) {
    this.#start = start;
  }

  /**
   * A trial that says something of the worker: one in which our own looks time out, or calls are slow by themselves, is made again.
   * @param faultsIn a cloud, for this trial
   */
  async trial(
    action: Contract['action'],
    specimen: Contract['specimens'][number],
    faultsIn: (laboratory: Laboratory) => readonly Fault[] = () => [],
  ): Promise<Trial> {
    for (let tries = 1; ; tries += 1) {
      const laboratory = await this.#ready(action, specimen);
      const faults = faultsIn(laboratory);
      const holdsUp = faults.some(({ hang }) => hang !== undefined);
      try {
        const tried = await trial(laboratory, action, specimen, faults);
        const slow = !holdsUp && tried.calls.some(({ duration }) => duration > SLOW_MS);
        if (!slow || tries >= MOST_TRIES) return tried;
      } catch (error) {
        if (!isTransient(error) || tries >= MOST_TRIES) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#laboratory?.stop();
    this.#laboratory = undefined;
  }

  async #ready(action: Contract['action'], specimen: Contract['specimens'][number]): Promise<Laboratory> {
    if (this.#trials >= MOST_TRIALS) await this[Symbol.asyncDispose]();
    if (!this.#laboratory) {
      this.#laboratory = await this.#start();
      this.#trials = 0;
      this.#known.clear();
    }
    // The first change of an hour in an account takes a call more, which begins the remediation's count.
    if (!this.#known.has(action.id)) await trial(this.#laboratory, action, specimen, []);
    this.#known.add(action.id);
    this.#trials += 1;
    return this.#laboratory;
  }
}
