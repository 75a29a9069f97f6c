import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import { TransientError } from '../errors.ts';
import { workerOf } from '../targets.ts';
import { dynamoDb, type Item, packed, text, unpacked } from './item.ts';
import type { Hold, Lease, Leases, Memory, Note } from './ledger.ts';

/**
 * Notes on one lease. A finding is a kilobyte or two compressed, and an item holds 400 kB: whoever sets off events by the
 * hundred must not make the lease too large to write. One more than these comes back as any throttled message does.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items
 */
export const MOST_NOTES = 100;

/**
 * Leases in the ledger's table, one item each. A lease that is let go stays as an item without holder: the ledger deletes
 * nothing. Every step is one conditional write, so that there is nothing between two calls to be lost.
 */
export class DynamoDbLeases implements Leases {
  readonly #db: DynamoDBClient;
  readonly #table: string;
  readonly #seconds: number;
  readonly #now: () => number;

  /**
   * @param seconds how long a holder has; longer than the function's timeout
   * @param now milliseconds since 1970
   */
  constructor(session: SessionConfig, table: string, seconds: number, now: () => number = Date.now) {
    this.#db = dynamoDb(session);
    this.#table = table;
    this.#seconds = seconds;
    this.#now = now;
  }

  async acquire(key: string, holder: string, note: Note): Promise<Lease | undefined> {
    try {
      const { Attributes: lease } = await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression:
            'SET #holder = :me, #until = :until, #response = if_not_exists(#response, :response), #notes = if_not_exists(#notes, :none)',
          ConditionExpression: 'attribute_not_exists(#holder) OR #holder = :me OR #until < :now',
          ExpressionAttributeNames: NAMES,
          ExpressionAttributeValues: {
            ':me': text(holder),
            ':until': this.#inSeconds(this.#seconds),
            ':now': this.#inSeconds(0),
            ':response': text(note.response),
            ':none': { M: {} },
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      const hold = holdOf(lease);
      return {
        response: lease?.response?.S ?? note.response,
        notes: notesOf(lease),
        memory: lease?.memory?.S === undefined ? { fixed: [] } : (JSON.parse(lease.memory.S) as Memory),
        ...(hold && { hold }),
      };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
    return (await this.#leave(key, note)) ? undefined : this.acquire(key, holder, note);
  }

  async release(key: string, holder: string, seen: readonly Note[], memory?: Memory): Promise<readonly Note[]> {
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: `REMOVE #holder, #until, #response, #notes${memory ? ' SET #memory = :memory' : ''}`,
          ConditionExpression: '#holder = :me AND size(#notes) = :seen',
          ExpressionAttributeNames: { ...NAMES, ...(memory && { '#memory': 'memory' }) },
          ExpressionAttributeValues: {
            ':me': text(holder),
            ':seen': { N: String(seen.length) },
            ...(memory && { ':memory': text(JSON.stringify(memory)) }),
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return [];
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // What is left on a lease that somebody else took over is theirs to look at.
      if (error.Item?.holder?.S !== holder) return [];
      const known = new Set(seen.map(({ response }) => response));
      return notesOf(error.Item).filter(({ response }) => !known.has(response));
    }
  }

  async follow(key: string, holder: string, response: string): Promise<boolean> {
    const { '#notes': _, ...names } = NAMES;
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: 'SET #response = :response, #until = :until',
          ConditionExpression: '#holder = :me',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: {
            ':me': text(holder),
            ':response': text(response),
            ':until': this.#inSeconds(this.#seconds),
          },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** Leaves a note for the holder, unless that answers no findings; false when there is none any more. */
  async #leave(key: string, note: Note): Promise<boolean> {
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: 'SET #notes.#note = :note',
          ConditionExpression:
            'attribute_exists(#holder) AND size(#notes) < :most AND NOT begins_with(#holder, :alone)',
          ExpressionAttributeNames: { '#holder': 'holder', '#notes': 'notes', '#note': note.response },
          ExpressionAttributeValues: {
            ':note': packed(note),
            ':most': { N: String(MOST_NOTES) },
            ':alone': text(ALONE),
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const holder = error.Item?.holder?.S;
      if (holder === undefined) return false;
      if (holder.startsWith(ALONE)) throw new TransientError(`${holder} works on the resource`);
      throw new TransientError(`${MOST_NOTES} findings wait for the response that holds the resource`);
    }
  }

  #inSeconds(seconds: number) {
    return { N: String(Math.floor(this.#now() / 1_000) + seconds) };
  }
}

const NAMES = { '#holder': 'holder', '#until': 'until', '#response': 'response', '#notes': 'notes' };
/** Begins the holder of a lease that answers no findings, as an undo; messages have UUIDs. */
export const ALONE = 'response ';

export const keyOf = (key: string): Item => ({ pk: text(`${workerOf(key)}#lease#${key}`), sk: text('LEASE') });
export const holdOf = (lease: Item | undefined): Hold | undefined =>
  lease?.hold?.S === undefined ? undefined : (JSON.parse(lease.hold.S) as Hold);
const notesOf = (lease: Item | undefined): Note[] =>
  Object.values(lease?.notes?.M ?? {}).map((note) => unpacked<Note>(note));
