import { gunzipSync, gzipSync } from 'node:zlib';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item of the ledger's table, as DynamoDB writes it. */
export type Item = Record<string, AttributeValue>;

export const text = (value: string): AttributeValue => ({ S: value });

/** JSON, compressed: an item holds 400 kB at most. */
export const packed = (value: unknown): AttributeValue => ({ B: gzipSync(JSON.stringify(value)) });

export const unpacked = <T>(attribute: AttributeValue | undefined): T =>
  JSON.parse(gunzipSync(attribute?.B ?? new Uint8Array()).toString()) as T;
