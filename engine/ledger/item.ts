import { gunzipSync, gzipSync } from 'node:zlib';
import { type AttributeValue, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
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
