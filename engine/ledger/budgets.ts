import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import { TransientError } from '../errors.ts';
import { workerOf } from '../targets.ts';
import { dynamoDb, type Item, readItem, type Texts, text } from './item.ts';

/** What is counted together. */
export interface Kind {
  readonly remediation: string;
  readonly account: string;
}

/** One change that is about to be made. */
export interface Change extends Kind {
  /** Where the resources that it is one of are counted: their Region, or one name for what has none of its own. */
  readonly region: string;
  /** Id of the response that makes it: one that asks again at once is not counted again. */
  readonly response: string;
}

/** Changes of a kind in one hour of the clock: in all Regions, and in that of the change. */
export interface Count {
  readonly all: number;
  readonly inRegion: number;
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
  spend(change: Change, perHour: number, at: Date): Promise<{ readonly count: Count; readonly breaker?: Breaker }>;
  /** Opens the breaker; answers the one that is open then, which may have been opened before. */
  open(kind: Kind, breaker: Breaker): Promise<Breaker>;
  /** The breaker, when it is open. */
  breaker(kind: Kind): Promise<Breaker | undefined>;
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

  async spend(change: Change, perHour: number, at: Date): Promise<{ count: Count; breaker?: Breaker }> {
    const hour = at.toISOString().slice(0, 13);
    const here = `in ${change.region}`;
    const countOf = (item: Item | undefined): Count => ({
      all: Number(item?.spent?.N ?? 0),
      inRegion: Number(item?.[here]?.N ?? 0),
    });
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const { item, refused } = await this.#write(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: budgetKey(change),
          UpdateExpression: 'ADD #spent :one, #here :one SET #last = :last',
          ConditionExpression:
            'attribute_not_exists(#opened) AND #hour >= :hour AND #spent < :limit AND #last <> :last',
          ExpressionAttributeNames: { ...NAMES, '#spent': 'spent', '#here': here, '#last': 'last' },
          ExpressionAttributeValues: {
            ':one': number(1),
            ':hour': text(hour),
            ':limit': number(perHour),
            ':last': text(change.response),
          },
          ...ANSWERS,
        }),
      );
      const count = countOf(item);
      if (!refused) return { count };
      const breaker = breakerOf(item);
      if (breaker) return { count, breaker };
      if (item?.hour?.S !== undefined && item.hour.S >= hour) {
        if (item.last?.S === change.response) return { count };
        const why = `${count.all} changes within an hour are all that the policy allows`;
        const opened = await this.open(change, { at: at.toISOString(), count: count.all, limit: perHour, why });
        return { count, breaker: opened };
      }
      const first: Item = {
        ...budgetKey(change),
        ...{ hour: text(hour), spent: number(1), [here]: number(1), last: text(change.response) },
      };
      const began = await this.#put(
        first,
        'attribute_not_exists(#opened) AND (attribute_not_exists(#hour) OR #hour < :hour)',
        {
          ExpressionAttributeNames: NAMES,
          ExpressionAttributeValues: { ':hour': text(hour) },
        },
      );
      if (began) return { count: countOf(first) };
    }
    throw new TransientError(`the budget of ${change.remediation} in ${change.account} is written by many at once`);
  }

  async open(kind: Kind, breaker: Breaker): Promise<Breaker> {
    const { item } = await this.#write(
      new UpdateItemCommand({
        TableName: this.#table,
        Key: budgetKey(kind),
        UpdateExpression: 'SET #opened = :breaker, #kind = :kind',
        ConditionExpression: 'attribute_not_exists(#opened)',
        ExpressionAttributeNames: { '#opened': 'opened', '#kind': 'kind' },
        ExpressionAttributeValues: {
          ':breaker': text(JSON.stringify(breaker)),
          ':kind': kindText(kind),
        },
        ...ANSWERS,
      }),
    );
    return breakerOf(item) ?? breaker;
  }

  async breaker(kind: Kind): Promise<Breaker | undefined> {
    return breakerOf(await readItem(this.#db, this.#table, budgetKey(kind)));
  }

  close(kind: Kind, by: string, at: Date): Promise<boolean> {
    const closed = JSON.stringify({ by, at: at.toISOString() });
    return this.#put({ ...budgetKey(kind), kind: kindText(kind), closed: text(closed) }, 'attribute_exists(#opened)', {
      ExpressionAttributeNames: { '#opened': 'opened' },
    });
  }

  /** Writes on a condition; answers the item as it is then, and whether the condition kept it so. */
  async #write(command: UpdateItemCommand): Promise<{ item: Item | undefined; refused: boolean }> {
    try {
      const { Attributes } = await this.#db.send(command);
      return { item: Attributes, refused: false };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { item: error.Item, refused: true };
    }
  }

  /** Puts an item in the place of the one that is there; false: the condition does not hold. */
  async #put(
    item: Item,
    condition: string,
    terms: Pick<PutItemCommandInput, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>,
  ): Promise<boolean> {
    try {
      await this.#db.send(
        new PutItemCommand({ TableName: this.#table, Item: item, ConditionExpression: condition, ...terms }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

const NAMES = { '#opened': 'opened', '#hour': 'hour' };
const ANSWERS = { ReturnValues: 'ALL_NEW', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
const kindText = ({ remediation, account }: Kind): AttributeValue => text(JSON.stringify({ remediation, account }));
const number = (value: number): AttributeValue => ({ N: String(value) });

/** Key of a kind's item; the worker leads it, as it does every key of the ledger. */
const budgetKey = ({ remediation, account }: Kind): Item => ({
  pk: text(`${workerOf(remediation)}#budget#${remediation}#${account}`),
  sk: text('BUDGET'),
});

/** The breaker on an item, when it is open. */
export const breakerOf = (item: Texts | undefined): Breaker | undefined =>
  item?.opened?.S === undefined ? undefined : (JSON.parse(item.opened.S) as Breaker);

/** What an item counts, once its breaker was ever opened. */
export const kindOf = (item: Texts): Kind => JSON.parse(item.kind?.S ?? '') as Kind;

/** Who closed the breaker on an item last, and when. */
export const closingOf = (item: Texts): { readonly by: string; readonly at: string } =>
  JSON.parse(item.closed?.S ?? '') as { by: string; at: string };
