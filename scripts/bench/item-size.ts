import type { AttributeValue } from '@aws-sdk/client-dynamodb-streams';

type Item = Readonly<Record<string, AttributeValue>>;

const utf8 = (text: string): number => Buffer.byteLength(text);
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/**
 * The bytes of an item as DynamoDB counts them.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const itemSize = (item: Item): number =>
  sum(Object.entries(item).map(([name, value]) => utf8(name) + valueSize(value)));

function valueSize({ S, N, B, M, L }: AttributeValue): number {
  if (S !== undefined) return utf8(S);
  // About a byte for two significant digits, and one more.
  if (N !== undefined) return Math.ceil(N.replace(/\D/g, '').length / 2) + 1;
  if (B !== undefined) return B.length;
  if (M !== undefined) return 3 + sum(Object.entries(M).map(([name, value]) => 1 + utf8(name) + valueSize(value)));
  if (L !== undefined) return 3 + sum(L.map((value) => 1 + valueSize(value)));
  return 1;
}

/** Write units of one write: 1 kB of the larger of the item before and after it. */
export const writeUnits = (before: Item = {}, after: Item = {}): number =>
  Math.ceil(Math.max(itemSize(before), itemSize(after)) / 1_024);
