import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { TransientError } from '../../engine/errors.ts';
import { chunks } from './chunks.ts';

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

/** The default bus of our account. No rule of Firebreak's own matches what is put there by it. */
export class Bus {
  readonly #client: EventBridgeClient;

  constructor(session: SessionConfig) {
    this.#client = new EventBridgeClient(session);
  }

  /**
   * Puts events in their order.
   * @returns by its index, what went wrong with an event that may go right another time
   */
  async put(events: readonly OwnEvent[]): Promise<ReadonlyMap<number, unknown>> {
    const failed = new Map<number, unknown>();
    for (const batch of chunks([...events.entries()], BATCH)) {
      for (const [index, error] of await this.#put(batch)) failed.set(index, error);
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
