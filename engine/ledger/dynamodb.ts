import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import type { Finding } from '../findings/finding.ts';
import type { Plan } from '../remediation.ts';
import type { Outcome, Response, ResponseRecord, TimelineEntry } from '../response.ts';
import type { Json } from '../state.ts';
import type { Lease, Leases, Ledger, Note } from './ledger.ts';

type Item = Record<string, AttributeValue>;

/** Index of headers by the day they started. */
export const BY_DAY = 'by-day';

const text = (value: string): AttributeValue => ({ S: value });
const packed = (value: unknown): AttributeValue => ({ B: gzipSync(JSON.stringify(value)) });
const unpacked = <T>(attribute: AttributeValue | undefined): T =>
  JSON.parse(gunzipSync(attribute?.B ?? new Uint8Array()).toString()) as T;

/** A response's worker is in its id, and leads every key, so that IAM can keep each worker to its own items. */
const workerOf = (id: string): string => id.slice(0, id.lastIndexOf('-'));
const responseKey = (id: string): AttributeValue => text(`${workerOf(id)}#response#${id}`);

let sequence = 0;

/**
 * The ledger in one DynamoDB table. Items of a response: HEADER, FINDING, PLAN and one TIME# item per timeline entry;
 * finding and plan are compressed, since an item holds 400 kB at most.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items
 */
export class DynamoDbLedger implements Ledger {
  readonly #db: DynamoDBClient;
  readonly #table: string;
  readonly #now: () => Date;

  constructor(session: SessionConfig, table: string, now: () => Date = () => new Date()) {
    this.#db = new DynamoDBClient(session);
    this.#table = table;
    this.#now = now;
  }

  async open(response: Response, finding: Finding): Promise<{ response: Response; resumed: boolean }> {
    const pk = responseKey(response.id);
    await this.#putOnce({ pk, sk: text('FINDING'), finding: packed(finding) });
    const existing = await this.#putOnce({ pk, sk: text('HEADER'), ...header(response) });
    return existing ? { response: headerOf(existing), resumed: true } : { response, resumed: false };
  }

  async append(id: string, event: string, detail: Json): Promise<void> {
    const at = this.#now().toISOString();
    sequence = (sequence + 1) % 1_000_000;
    const sk = text(`TIME#${at}#${String(sequence).padStart(6, '0')}#${event}`);
    await this.#putOnce({ pk: responseKey(id), sk, entry: packed({ at, event, detail } satisfies TimelineEntry) });
  }

  async plan(id: string, plan: Plan): Promise<Plan> {
    const existing = await this.#putOnce({ pk: responseKey(id), sk: text('PLAN'), plan: packed(plan) });
    return existing ? unpacked<Plan>(existing.plan) : plan;
  }

  async close(response: Response, outcome: Outcome, reason: string | undefined): Promise<Response> {
    const closed: Response = {
      ...response,
      outcome,
      finishedAt: this.#now().toISOString(),
      ...(reason !== undefined && { reason }),
    };
    await this.#db.send(
      new PutItemCommand({
        TableName: this.#table,
        Item: { pk: responseKey(response.id), sk: text('HEADER'), ...header(closed) },
      }),
    );
    return closed;
  }

  async get(id: string): Promise<ResponseRecord | undefined> {
    const items: Item[] = [];
    let start: Item | undefined;
    do {
      const page: QueryCommandOutput = await this.#db.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': responseKey(id) },
          ConsistentRead: true,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      items.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start);
    const bySort = new Map(items.map((item) => [item.sk?.S ?? '', item]));
    const head = bySort.get('HEADER');
    if (!head) return undefined;
    const plan = bySort.get('PLAN');
    return {
      response: headerOf(head),
      finding: unpacked<Finding>(bySort.get('FINDING')?.finding),
      ...(plan && { plan: unpacked<Plan>(plan.plan) }),
      timeline: items.filter((item) => item.entry).map((item) => unpacked<TimelineEntry>(item.entry)),
    };
  }

  async list({
    since,
    limit,
    outcome,
  }: {
    since: Date;
    limit: number;
    outcome?: Outcome;
  }): Promise<readonly Response[]> {
    const found: Response[] = [];
    const first = since.toISOString().slice(0, 10);
    for (let day = this.#now(); found.length < limit; day = new Date(day.getTime() - 86_400_000)) {
      const date = day.toISOString().slice(0, 10);
      if (date < first) break;
      let start: Item | undefined;
      do {
        const page: QueryCommandOutput = await this.#db.send(
          new QueryCommand({
            TableName: this.#table,
            IndexName: BY_DAY,
            KeyConditionExpression: '#day = :day AND #at >= :since',
            ExpressionAttributeNames: { '#day': 'day', '#at': 'at' },
            ExpressionAttributeValues: { ':day': text(date), ':since': text(since.toISOString()) },
            ScanIndexForward: false,
            Limit: limit,
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        const headers = (page.Items ?? []).map(headerOf);
        found.push(...headers.filter((response) => outcome === undefined || response.outcome === outcome));
        start = page.LastEvaluatedKey;
      } while (start && found.length < limit);
    }
    return found.slice(0, limit);
  }

  /** Puts an item that is not there yet; answers the one that is. */
  async #putOnce(item: Item): Promise<Item | undefined> {
    try {
      await this.#db.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: item,
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return undefined;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException && error.Item) return error.Item;
      throw error;
    }
  }
}

const header = (response: Response): Item => ({
  day: text(response.startedAt.slice(0, 10)),
  at: text(response.startedAt),
  response: text(JSON.stringify(response)),
});
const headerOf = (item: Item): Response => JSON.parse(item.response?.S ?? '') as Response;

/** Leases in the same table. A lease that is let go stays as an item without holder: the ledger deletes nothing. */
export class DynamoDbLeases implements Leases {
  readonly #db: DynamoDBClient;
  readonly #table: string;
  readonly #seconds: number;

  /** @param seconds how long a holder has; longer than the function's timeout */
  constructor(session: SessionConfig, table: string, seconds: number) {
    this.#db = new DynamoDBClient(session);
    this.#table = table;
    this.#seconds = seconds;
  }

  async acquire(key: string, response: string, note: Note): Promise<Lease | undefined> {
    const now = Math.floor(Date.now() / 1_000);
    try {
      const { Attributes: lease } = await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression:
            'SET #holder = :me, #until = :until, #response = if_not_exists(#response, :response), #notes = if_not_exists(#notes, :none)',
          ConditionExpression: 'attribute_not_exists(#holder) OR #holder = :me OR #until < :now',
          ExpressionAttributeNames: LEASE_NAMES,
          ExpressionAttributeValues: {
            ':me': text(note.message),
            ':until': { N: String(now + this.#seconds) },
            ':now': { N: String(now) },
            ':response': text(response),
            ':none': { M: {} },
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return { response: lease?.response?.S ?? response, notes: notesOf(lease) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
    return (await this.#leave(key, note)) ? undefined : this.acquire(key, response, note);
  }

  async release(key: string, holder: string, seen: readonly Note[]): Promise<readonly Note[]> {
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: 'REMOVE #holder, #until, #response, #notes',
          ConditionExpression: '#holder = :me AND size(#notes) = :seen',
          ExpressionAttributeNames: LEASE_NAMES,
          ExpressionAttributeValues: { ':me': text(holder), ':seen': { N: String(seen.length) } },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return [];
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      if (error.Item?.holder?.S !== holder) return [];
      const known = new Set(seen.map((note) => note.message));
      return notesOf(error.Item).filter((note) => !known.has(note.message));
    }
  }

  async follow(key: string, holder: string, response: string): Promise<void> {
    await this.#db.send(
      new UpdateItemCommand({
        TableName: this.#table,
        Key: keyOf(key),
        UpdateExpression: 'SET #response = :response, #until = :until',
        ConditionExpression: '#holder = :me',
        ExpressionAttributeNames: { '#holder': 'holder', '#until': 'until', '#response': 'response' },
        ExpressionAttributeValues: {
          ':me': text(holder),
          ':response': text(response),
          ':until': { N: String(Math.floor(Date.now() / 1_000) + this.#seconds) },
        },
      }),
    );
  }

  /** Leaves a note for the holder; false when there is none any more. */
  async #leave(key: string, note: Note): Promise<boolean> {
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(key),
          UpdateExpression: 'SET #notes.#message = :note',
          ConditionExpression: 'attribute_exists(#holder)',
          ExpressionAttributeNames: { '#holder': 'holder', '#notes': 'notes', '#message': note.message },
          ExpressionAttributeValues: { ':note': packed(note.finding) },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

const keyOf = (key: string): Item => ({
  pk: text(`${key.slice(0, key.indexOf('.'))}#lease#${key}`),
  sk: text('LEASE'),
});
const LEASE_NAMES = { '#holder': 'holder', '#until': 'until', '#response': 'response', '#notes': 'notes' };
const notesOf = (lease: Item | undefined): Note[] =>
  Object.entries(lease?.notes?.M ?? {}).map(([message, note]) => ({ message, finding: unpacked<Finding>(note) }));
