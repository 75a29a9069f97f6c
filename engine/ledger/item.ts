import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type AttributeValue,
  DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';

/** An item of the ledger's table, as DynamoDB writes it. */
export type Item = Record<string, AttributeValue>;

/** What is read of an item where its texts are enough: a stream's records have their bytes otherwise than the table. */
export type Texts = Readonly<Record<string, { readonly S?: string | undefined } | undefined>>;

export const text = (value: string): AttributeValue => ({ S: value });

/** JSON, compressed: an item holds 400 kB at most. */
export const packed = (value: unknown): AttributeValue => ({ B: gzipSync(JSON.stringify(value)) });

export const unpacked = <T>(attribute: AttributeValue | undefined): T =>
  JSON.parse(gunzipSync(attribute?.B ?? new Uint8Array()).toString()) as T;

const clients = new WeakMap<SessionConfig, DynamoDBClient>();

/** One client for all that a session keeps in the table: each takes a moment to make, at every cold start. */
export function dynamoDb(session: SessionConfig): DynamoDBClient {
  const client = clients.get(session) ?? new DynamoDBClient(session);
  clients.set(session, client);
  return client;
}

/** The one item of a key, as it is now. A Query, since that is the one way of reading that every role here has. */
export async function readItem(db: DynamoDBClient, table: string, { pk, sk }: Item): Promise<Item | undefined> {
  const { Items } = await db.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND sk = :sk',
      ExpressionAttributeValues: { ':pk': pk, ':sk': sk } as Item,
      ConsistentRead: true,
    }),
  );
  return Items?.[0];
}

/** All items that a query answers, page by page, as they are asked for. */
export async function* itemsOf(db: DynamoDBClient, query: QueryCommandInput): AsyncGenerator<Item> {
  let start: Item | undefined;
  do {
    const page: QueryCommandOutput = await db.send(
      new QueryCommand({ ...query, ...(start && { ExclusiveStartKey: start }) }),
    );
    yield* page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start);
}

/** The same, all at once. */
export async function allItemsOf(db: DynamoDBClient, query: QueryCommandInput): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of itemsOf(db, query)) items.push(item);
  return items;
}

/** Index of headers by the day on which what they head began. */
export const BY_DAY = 'by-day';

/**
 * Headers by that index, newest first.
 * @param span from when to when they began
 * @param atOnce headers to ask for in one call; without it, as many as DynamoDB answers: 1 MB
 */
export async function* itemsByDay(
  db: DynamoDBClient,
  table: string,
  { since, until }: { readonly since: Date; readonly until: Date },
  atOnce?: number,
): AsyncGenerator<Item> {
  const first = since.toISOString().slice(0, 10);
  for (let day = until; ; day = new Date(day.getTime() - 86_400_000)) {
    const date = day.toISOString().slice(0, 10);
    if (date < first) return;
    yield* itemsOf(db, {
      TableName: table,
      IndexName: BY_DAY,
      KeyConditionExpression: '#day = :day AND #at >= :since',
      ExpressionAttributeNames: { '#day': 'day', '#at': 'at' },
      ExpressionAttributeValues: { ':day': text(date), ':since': text(since.toISOString()) },
      ScanIndexForward: false,
      ...(atOnce !== undefined && { Limit: atOnce }),
    });
  }
}
