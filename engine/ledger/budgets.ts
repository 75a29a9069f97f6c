import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import { TransientError } from '../errors.ts';
import { workerOf } from '../targets.ts';
import { dynamoDb, type Item, text } from './item.ts';

/** What is counted together. */
export interface Kind {
  readonly remediation: string;
  readonly account: string;
}

/** A circuit breaker that is open. */
export interface Breaker {
  /** When it opened: ISO 8601, UTC. */
  readonly at: string;
  readonly count: number;
  readonly limit: number;
  readonly why: string;
}

/** Counts changes, and stops them at a limit. */
export interface Budgets {
  /** Counts one change more in the hour of the clock; an open breaker, or one that this change opens, says that it must not be made. */
  spend(kind: Kind, perHour: number, at: Date): Promise<{ readonly count: number; readonly breaker?: Breaker }>;
  /** Opens the breaker; answers the one that is open then, which may have been opened before. */
  open(kind: Kind, breaker: Breaker): Promise<Breaker>;
  /** A person closes it, and the count begins anew. False: it is not open. */
  close(kind: Kind, by: string, at: Date): Promise<boolean>;
}

/** Conditional writes that another worker may get ahead of, one after the other. */
const TRIES = 5;

/** Budgets in the ledger's table: an item for each remediation and account, and one write for each change. */
export class DynamoDbBudgets implements Budgets {
  readonly #db: DynamoDBClient;
  readonly #table: string;

  constructor(session: SessionConfig, table: string) {
    this.#db = dynamoDb(session);
    this.#table = table;
  }

  async spend(kind: Kind, perHour: number, at: Date): Promise<{ count: number; breaker?: Breaker }> {
    const hour = at.toISOString().slice(0, 13);
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const { item, refused } = await this.#update(kind, {
        UpdateExpression: 'ADD #spent :one',
        ConditionExpression: 'attribute_not_exists(#opened) AND #hour >= :hour AND #spent < :limit',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: { ':one': number(1), ':hour': text(hour), ':limit': number(perHour) },
      });
      const breaker = breakerOf(item);
      const count = Number(item?.spent?.N ?? 0);
      if (!refused) return { count };
      if (breaker) return { count, breaker };
      if (item?.hour?.S !== undefined && item.hour.S >= hour) {
        const why = `${count} changes within an hour are all that the policy allows`;
        return { count, breaker: await this.open(kind, { at: at.toISOString(), count, limit: perHour, why }) };
      }
      const began = await this.#update(kind, {
        UpdateExpression: 'SET #hour = :hour, #spent = :one',
        ConditionExpression: 'attribute_not_exists(#opened) AND (attribute_not_exists(#hour) OR #hour < :hour)',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: { ':one': number(1), ':hour': text(hour) },
      });
      if (!began.refused) return { count: 1 };
    }
    throw new TransientError(`the budget of ${kind.remediation} in ${kind.account} is written by many at once`);
  }

  async open(kind: Kind, breaker: Breaker): Promise<Breaker> {
    const { item } = await this.#update(kind, {
      UpdateExpression: 'SET #opened = :breaker, #kind = :kind',
      ConditionExpression: 'attribute_not_exists(#opened)',
      ExpressionAttributeNames: { '#opened': 'opened', '#kind': 'kind' },
      ExpressionAttributeValues: { ':breaker': text(JSON.stringify(breaker)), ':kind': text(JSON.stringify(kind)) },
    });
    return breakerOf(item) ?? breaker;
  }

  async close(kind: Kind, by: string, at: Date): Promise<boolean> {
    const { refused } = await this.#update(kind, {
      UpdateExpression: 'REMOVE #opened SET #spent = :none, #closed = :closed',
      ConditionExpression: 'attribute_exists(#opened)',
      ExpressionAttributeNames: { '#opened': 'opened', '#spent': 'spent', '#closed': 'closed' },
      ExpressionAttributeValues: {
        ':none': number(0),
        ':closed': text(JSON.stringify({ by, at: at.toISOString() })),
      },
    });
    return !refused;
  }

  /** Writes on a condition; answers the item as it is then, and whether the condition kept it so. */
  async #update(
    kind: Kind,
    how: Pick<
      UpdateItemCommandInput,
      'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
    >,
  ): Promise<{ item: Item | undefined; refused: boolean }> {
    try {
      const { Attributes } = await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: budgetKey(kind),
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          ...how,
        }),
      );
      return { item: Attributes, refused: false };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { item: error.Item, refused: true };
    }
  }
}

const NAMES = { '#opened': 'opened', '#hour': 'hour', '#spent': 'spent' };
const number = (value: number): AttributeValue => ({ N: String(value) });

/** Key of a kind's item; the worker leads it, as it does every key of the ledger. */
export const budgetKey = ({ remediation, account }: Kind): Item => ({
  pk: text(`${workerOf(remediation)}#budget#${remediation}#${account}`),
  sk: text('BUDGET'),
});

/** The breaker on an item, when it is open. */
export const breakerOf = (item: Item | undefined): Breaker | undefined =>
  item?.opened?.S === undefined ? undefined : (JSON.parse(item.opened.S) as Breaker);

/** The breaker of a kind, when it is open. For who only looks: a worker learns of it when it spends. */
export async function readBreaker(session: SessionConfig, table: string, kind: Kind): Promise<Breaker | undefined> {
  const { pk, sk } = budgetKey(kind);
  const { Items } = await dynamoDb(session).send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND sk = :sk',
      ExpressionAttributeValues: { ':pk': pk, ':sk': sk } as Item,
      ConsistentRead: true,
    }),
  );
  return breakerOf(Items?.[0]);
}
