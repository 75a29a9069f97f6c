import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { SessionConfig } from '../aws/session.ts';
import { chunks } from '../chunks.ts';
import { TransientError } from '../errors.ts';

/** Our own event for other programs. */
export interface OwnEvent {
  readonly detailType: string;
  readonly detail: object;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** Entries that one PutEvents takes. */
const BATCH = 10;
/** Milliseconds before entries are sent again that EventBridge did not take: the SDK does so for whole calls alone. */
const WAITS_MS = [200, 1_000];

const UNTRIED = new TransientError('EventBridge: an event before it was not taken');

/** The default bus of our account. No rule of Firebreak's own matches what is put there by it. */
export class Bus {
  readonly #client: EventBridgeClient;

  constructor(session: SessionConfig) {
    this.#client = new EventBridgeClient(session);
  }

  /**
   * Puts events in their order. When some of a batch fail, none after that batch is put: whoever puts the events again begins with
   * the first that failed.
   * @returns by its index, why an event was not put; it may be another time
   */
  async put(events: readonly OwnEvent[]): Promise<ReadonlyMap<number, unknown>> {
    let failed: ReadonlyMap<number, unknown> = new Map();
    for (const batch of chunks([...events.entries()], BATCH)) {
      if (failed.size === 0) failed = await this.#put(batch);
      else failed = new Map([...failed, ...batch.map(([index]) => [index, UNTRIED] as const)]);
    }
    return failed;
  }

  async #put(batch: readonly (readonly [number, OwnEvent])[]): Promise<ReadonlyMap<number, unknown>> {
    let left = batch;
    for (const wait of [...WAITS_MS, undefined]) {
      const failed = new Map<number, unknown>();
      try {
        const { Entries = [] } = await this.#client.send(
          new PutEventsCommand({
            Entries: left.map(([, { detailType, detail, at }]) => ({
              Source: 'firebreak',
              DetailType: detailType,
              Detail: JSON.stringify(detail),
              Time: new Date(at),
            })),
          }),
        );
        left.forEach(([index], position) => {
          const { ErrorCode, ErrorMessage } = Entries[position] ?? {};
          if (ErrorCode) failed.set(index, new TransientError(`EventBridge: ${ErrorCode}: ${ErrorMessage}`));
        });
      } catch (error) {
        return new Map(left.map(([index]) => [index, error]));
      }
      left = left.filter(([index]) => failed.has(index));
      if (left.length === 0 || wait === undefined) return failed;
      await sleep(wait);
    }
    return new Map();
  }
}
