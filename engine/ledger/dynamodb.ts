import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import type { Finding } from '../findings/finding.ts';
import type { Plan } from '../remediation.ts';
import {
  type End,
  ended,
  type Order,
  type Response,
  type ResponseRecord,
  reopened,
  type TimelineEntry,
} from '../response.ts';
import type { Json } from '../state.ts';
import { allItemsOf, dynamoDb, type Item, itemsByDay, packed, readItem, type Texts, text, unpacked } from './item.ts';
import { type Headers, isWanted, type Ledger, type Wanted } from './ledger.ts';

/** A response's worker is in its id, and leads every key, so that IAM can keep each worker to its own items. */
const workerOf = (id: string): string => id.slice(0, id.lastIndexOf('-'));
const responseKey = (id: string): AttributeValue => text(`${workerOf(id)}#response#${id}`);

let sequence = 0;

/**
 * The ledger in one DynamoDB table. Items of a response: HEADER, FINDING, PLAN, one ORDER# item per order and one TIME# item
 * per timeline entry; finding and plan are compressed, since an item holds 400 kB at most.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items
 */
export class DynamoDbLedger implements Ledger, Headers {
  readonly #db: DynamoDBClient;
  readonly #table: string;
  readonly #now: () => Date;

  constructor(session: SessionConfig, table: string, now: () => Date = () => new Date()) {
    this.#db = dynamoDb(session);
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

  async close(response: Response, end: End): Promise<Response> {
    const closed = ended(response, end, this.#now());
    return (await this.#moveOn(response, closed)) ?? closed;
  }

  async order(id: string, order: Order): Promise<Order> {
    const sk = text(order.undo === undefined ? 'ORDER#decision' : `ORDER#undo#${order.undo}`);
    const existing = await this.#putOnce({ pk: responseKey(id), sk, order: text(JSON.stringify(order)) });
    return existing ? orderOf(existing) : order;
  }

  async reopen(response: Response): Promise<void> {
    if (response.outcome === 'awaiting-approval') await this.#moveOn(response, reopened(response));
  }

  /** Puts a header in the place of the one that is known; answers another that is there meanwhile. */
  async #moveOn({ id, outcome: known }: Response, next: Response): Promise<Response | undefined> {
    const existing = await this.#put(
      { pk: responseKey(id), sk: text('HEADER'), ...header(next) },
      known === undefined ? 'attribute_not_exists(#outcome)' : '#outcome = :known',
      {
        ExpressionAttributeNames: { '#outcome': 'outcome' },
        ...(known !== undefined && { ExpressionAttributeValues: { ':known': text(known) } }),
      },
    );
    return existing && headerOf(existing);
  }

  async get(id: string): Promise<ResponseRecord | undefined> {
    const items = await allItemsOf(this.#db, {
      TableName: this.#table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': responseKey(id) },
      ConsistentRead: true,
    });
    const bySort = new Map(items.map((item) => [item.sk?.S ?? '', item]));
    const head = bySort.get('HEADER');
    if (!head) return undefined;
    const plan = bySort.get('PLAN');
    return {
      response: headerOf(head),
      finding: unpacked<Finding>(bySort.get('FINDING')?.finding),
      ...(plan && { plan: unpacked<Plan>(plan.plan) }),
      orders: items
        .filter((item) => item.order)
        .map(orderOf)
        .sort((a, b) => (a.at < b.at ? -1 : 1)),
      timeline: items.filter((item) => item.entry).map((item) => unpacked<TimelineEntry>(item.entry)),
    };
  }

  /** The finding that a response is about, as it was when that began. */
  async finding(id: string): Promise<Finding | undefined> {
    const item = await readItem(this.#db, this.#table, { pk: responseKey(id), sk: text('FINDING') });
    return item && unpacked<Finding>(item.finding);
  }

  async list(wanted: Wanted): Promise<readonly Response[]> {
    const found: Response[] = [];
    for await (const response of this.headers(wanted.since, wanted.limit)) {
      if (isWanted(response, wanted)) found.push(response);
      if (found.length >= wanted.limit) break;
    }
    return found;
  }

  /** @param atOnce headers to ask for in one call; without it, as many as DynamoDB answers: 1 MB */
  async *headers(since: Date, atOnce?: number): AsyncGenerator<Response> {
    const span = { since, until: this.#now() };
    for await (const item of itemsByDay(this.#db, this.#table, span, atOnce)) yield headerOf(item);
  }

  /** Puts an item that is not there yet; answers the one that is. */
  #putOnce(item: Item): Promise<Item | undefined> {
    return this.#put(item, 'attribute_not_exists(pk)');
  }

  /** Puts an item, or answers the one for which the condition does not hold. */
  async #put(
    item: Item,
    condition: string,
    terms: Pick<PutItemCommandInput, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'> = {},
  ): Promise<Item | undefined> {
    try {
      await this.#db.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: item,
          ConditionExpression: condition,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          ...terms,
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
  ...(response.outcome !== undefined && { outcome: text(response.outcome) }),
});

/** The response of a HEADER item, as the table or its stream has it. */
export const headerOf = (item: Texts): Response => JSON.parse(item.response?.S ?? '') as Response;

const orderOf = (item: Item): Order => JSON.parse(item.order?.S ?? '') as Order;
