import { createHash } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { dynamoDb, type Item, packed, text, unpacked } from '../../engine/ledger/item.ts';
import type { Tally } from './tally.ts';

/** A tally as it was read; `version` is 0 when there is none yet. */
export interface Kept {
  readonly tally: Tally | undefined;
  readonly version: number;
}

/** What tell remembers, in the ledger's table under keys of its own: IAM keeps it to them. */
export class Memory {
  readonly #db: DynamoDBClient;
  readonly #table: string;

  constructor(session: SessionConfig, table: string) {
    this.#db = dynamoDb(session);
    this.#table = table;
  }

  /** @param finding what names it, of any length */
  async tally(finding: string): Promise<Kept> {
    const item = await this.#get(tallyKey(finding));
    return { tally: item && unpacked<Tally>(item.tally), version: Number(item?.version?.N ?? 0) };
  }

  /** Puts a tally in the place of the one that was read. False: another was put there meanwhile, and nothing is changed. */
  async keep(finding: string, tally: Tally, version: number): Promise<boolean> {
    return this.#put(
      { ...tallyKey(finding), tally: packed(tally), version: { N: String(version + 1) } },
      'attribute_not_exists(pk) OR #version = :version',
      version,
    );
  }

  /** Whether a message was sent, as far as is remembered. */
  async wasSent(message: string, to: string): Promise<boolean> {
    return (await this.#get(messageKey(message, to))) !== undefined;
  }

  async sent(message: string, to: string): Promise<void> {
    await this.#put(messageKey(message, to));
  }

  async #get(Key: Item): Promise<Item | undefined> {
    const { Item } = await this.#db.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }));
    return Item;
  }

  async #put(item: Item, condition?: string, version?: number): Promise<boolean> {
    try {
      await this.#db.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: item,
          ...(condition !== undefined && {
            ConditionExpression: condition,
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': { N: String(version) } },
          }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

const tallyKey = (finding: string): Item => ({
  pk: text(`tell#finding#${createHash('sha256').update(finding).digest('base64url')}`),
  sk: text('TALLY'),
});
const messageKey = (message: string, to: string): Item => ({ pk: text(`tell#message#${message}`), sk: text(to) });
