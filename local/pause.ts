import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks at a source: right after it had something, and when it has long been empty. */
const SHORTEST_MS = 20;
const LONGEST_MS = 250;

/** A poller's rest between two looks: the longer a source is empty, the longer it takes, until someone ends it. */
export class Pause {
  #next = SHORTEST_MS;
  #resting = new AbortController();

  /** Resolves at the end of the pause, or when `end` is called. */
  async rest(): Promise<void> {
    this.#resting = new AbortController();
    const ended = await sleep(this.#next, false, { signal: this.#resting.signal }).catch(() => true);
    this.#next = ended ? SHORTEST_MS : Math.min(1.5 * this.#next, LONGEST_MS);
  }

  /** Ends the pause that is under way. */
  end(): void {
    this.#resting.abort();
  }

  /** The next pause is short again. */
  shorten(): void {
    this.#next = SHORTEST_MS;
  }
}
