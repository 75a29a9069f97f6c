import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import { TransientError } from '../errors.ts';
import { dynamoDb, type Item, readItem, text } from './item.ts';
import { ALONE, holdOf, keyOf } from './leases.ts';
import type { Hold, SharedHolds } from './ledger.ts';

/**
 * Seconds an undo has a resource. What it left by a crash comes free before SQS gives up a message that waits for it
 * (RETRY_SECONDS in engine/pipeline.ts).
 */
const UNDO_SECONDS = 240;

/**
 * Holds in the ledger's table: an attribute of the lease on the same remediation and resource, so that a worker reads it with
 * the lease, and at no cost. An undo has the lease while it works, and leaves there what an interrupted response has to go on with.
 */
export class DynamoDbHolds implements SharedHolds {
  readonly #db: DynamoDBClient;
  readonly #table: string;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(session: SessionConfig, table: string, now: () => number = Date.now) {
    this.#db = dynamoDb(session);
    this.#table = table;
    this.#now = now;
  }

  async get(key: string): Promise<Hold | undefined> {
    return (await this.glance(key)).hold;
  }

  async glance(key: string): Promise<{ readonly hold?: Hold; readonly busy?: string }> {
    const lease = await readItem(this.#db, this.#table, keyOf(key));
    const hold = holdOf(lease);
    const isBusy = lease?.holder !== undefined && Number(lease.until?.N) >= this.#seconds();
    return { ...(hold && { hold }), ...(isBusy && { busy: holderIn(lease) }) };
  }

  async take(key: string, undo: string): Promise<string | undefined> {
    const now = this.#seconds();
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: 'SET #holder = :me, #until = :until, #notes = if_not_exists(#notes, :none)',
          ConditionExpression: 'attribute_not_exists(#holder) OR #holder = :me OR #until < :now',
          ExpressionAttributeNames: { '#holder': 'holder', '#until': 'until', '#notes': 'notes' },
          ExpressionAttributeValues: {
            ':me': holderOf(undo),
            ':until': { N: String(now + UNDO_SECONDS) },
            ':now': { N: String(now) },
            ':none': { M: {} },
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return holderIn(error.Item ?? {});
    }
  }

  async put(key: string, undo: string, hold: Hold | undefined): Promise<void> {
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: hold ? 'SET #hold = :hold' : 'REMOVE #hold',
          ConditionExpression: '#holder = :me',
          ExpressionAttributeNames: { '#holder': 'holder', '#hold': 'hold' },
          ExpressionAttributeValues: {
            ':me': holderOf(undo),
            ...(hold && { ':hold': text(JSON.stringify(hold)) }),
          },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      throw new TransientError(`${undo} has the resource no more`);
    }
  }

  async release(key: string, undo: string): Promise<void> {
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: 'REMOVE #holder, #until',
          ConditionExpression: '#holder = :me',
          ExpressionAttributeNames: { '#holder': 'holder', '#until': 'until' },
          ExpressionAttributeValues: { ':me': holderOf(undo) },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1_000);
  }
}

const holderOf = (undo: string) => text(`${ALONE}${undo}`);
/** Who has a lease, in words. */
const holderIn = ({ holder, response }: Item): string =>
  holder?.S?.startsWith(ALONE) ? holder.S : `response ${response?.S}`;
