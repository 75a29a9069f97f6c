import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../engine/aws/session.ts';
import { allItemsOf, dynamoDb, type Item, packed, readItem, text, unpacked } from '../engine/ledger/item.ts';
import type { Json } from '../engine/state.ts';
import type { Moment, Run, RunRecord, Seen } from './run.ts';

/** What a run is about to make: written before the call. */
export interface Intent {
  /** CloudFormation type of its kind. */
  readonly type: string;
  readonly what: string;
  readonly at: string;
}

/** A run in the hands of one process. The epoch is the store's: a process that lost the run can neither change it nor make things. */
export interface Held {
  readonly run: Run;
  readonly epoch: number;
  /** Why somebody wants it to end. */
  readonly abort?: string;
  /** When a process last said that it works on it. ISO 8601; absent when none has. */
  readonly beat?: string;
}

/** All of a scenario's kinds in the account and Region, by type and id. */
export type Inventory = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** Another process has the run now. */
export class Superseded extends Error {}

/** Why a run cannot start: another one has the account. */
export class Busy extends Error {}

const runKey = (id: string): AttributeValue => text(`run#${id}`);
const RUN = text('RUN');
const OPEN = text('open');
const LATEST = text('runs');
const scenarioKey = ({ scenario, fidelity }: Pick<Run, 'scenario' | 'fidelity'>): AttributeValue =>
  text(`scenario#${scenario}#${fidelity}`);
const order = ({ startedAt, id }: Run): AttributeValue => text(`${startedAt}#${id}`);
const lockKey = ({ place: { account } }: Run): AttributeValue => text(`account#${account}`);

/**
 * The record of runs, in a DynamoDB table of the simulator's own. A run's items: RUN, one JOURNAL# item for each thing that it was
 * about to make, one MOMENT# item for each thing that happened, and what was seen in the end. Beside them the runs that are not
 * clean yet, one lock for each account, and the runs by time, of all and of each scenario.
 */
export class RunStore {
  readonly #db: DynamoDBClient;
  readonly #table: string;

  constructor(session: SessionConfig, table: string) {
    this.#db = dynamoDb(session);
    this.#table = table;
  }

  /** Records a run, as the only one in its account. @throws {Busy} when there is another */
  async start(run: Run): Promise<void> {
    const { id } = run;
    const put = (item: Item, condition = 'attribute_not_exists(pk)') => ({
      Put: { TableName: this.#table, Item: item, ConditionExpression: condition },
    });
    try {
      await this.#db.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            put({ pk: lockKey(run), sk: text('LOCK'), run: text(id) }),
            put({ pk: runKey(id), sk: RUN, ...headOf(run), epoch: { N: '0' } }),
            put({ pk: OPEN, sk: text(id) }),
            put({ pk: LATEST, sk: order(run), run: text(id) }),
            put({ pk: scenarioKey(run), sk: order(run), run: text(id) }),
          ],
        }),
      );
    } catch (error) {
      if (!isCancelled(error)) throw error;
      const lock = await readItem(this.#db, this.#table, { pk: lockKey(run), sk: text('LOCK') });
      if (!lock || lock.run?.S === id) throw error;
      throw new Busy(`run ${lock.run?.S} has account ${run.place.account}`);
    }
  }

  async get(id: string): Promise<Held | undefined> {
    const item = await readItem(this.#db, this.#table, { pk: runKey(id), sk: RUN });
    return item && heldOf(item);
  }

  /** Takes a run out of the hands of whoever has it. */
  async takeOver(id: string): Promise<Held> {
    const { Attributes } = await this.#db.send(
      new UpdateItemCommand({
        TableName: this.#table,
        Key: { pk: runKey(id), sk: RUN },
        UpdateExpression: 'SET epoch = epoch + :one, beat = :now',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':one': { N: '1' }, ':now': text(new Date().toISOString()) },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return heldOf(Attributes ?? {});
  }

  /** Writes what became of a run, and that somebody works on it. @throws {Superseded} */
  update(held: Held, run: Run): Promise<Held> {
    return this.#write(this.#written(held, run), run.id);
  }

  /** Says that this process still works on a run. @throws {Superseded} */
  async keepAlive({ run: { id }, epoch }: Held): Promise<void> {
    const beat = {
      TableName: this.#table,
      Key: { pk: runKey(id), sk: RUN },
      UpdateExpression: 'SET beat = :now',
      ConditionExpression: 'epoch = :epoch',
      ExpressionAttributeValues: { ':now': text(new Date().toISOString()), ':epoch': { N: String(epoch) } },
    };
    await this.#write(beat, id);
  }

  /** Asks whoever works on a run to end it. The first reason stays. */
  async abort(id: string, reason: string): Promise<Held> {
    const { Attributes } = await this.#db.send(
      new UpdateItemCommand({
        TableName: this.#table,
        Key: { pk: runKey(id), sk: RUN },
        UpdateExpression: 'SET #abort = if_not_exists(#abort, :reason)',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#abort': 'abort' },
        ExpressionAttributeValues: { ':reason': text(reason) },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return heldOf(Attributes ?? {});
  }

  /** Writes down what a run is about to make, in the hands of this process alone. @throws {Superseded} */
  async intend(held: Held, number: number, intent: Intent): Promise<void> {
    const { run, epoch } = held;
    const sk = text(`JOURNAL#${String(epoch).padStart(4, '0')}#${String(number).padStart(4, '0')}`);
    await this.#together(held, [
      {
        ConditionCheck: {
          TableName: this.#table,
          Key: { pk: runKey(run.id), sk: RUN },
          ConditionExpression: 'epoch = :epoch',
          ExpressionAttributeValues: { ':epoch': { N: String(epoch) } },
        },
      },
      { Put: { TableName: this.#table, Item: { pk: runKey(run.id), sk, intent: text(JSON.stringify(intent)) } } },
    ]);
  }

  /** What a run was about to make, in that order. */
  async journal(id: string): Promise<readonly Intent[]> {
    return (await this.#items(runKey(id), 'JOURNAL#')).map((item) => JSON.parse(item.intent?.S ?? '') as Intent);
  }

  /** Records something that happened, once for its key. */
  async moment(id: string, moment: Moment, key = ''): Promise<void> {
    await this.#putOnce({
      pk: runKey(id),
      sk: text(`MOMENT#${moment.what}#${key}`),
      moment: text(JSON.stringify(moment)),
    });
  }

  async moments(id: string): Promise<readonly Moment[]> {
    const items = await this.#items(runKey(id), 'MOMENT#');
    const moments = items.map((item) => JSON.parse(item.moment?.S ?? '') as Moment);
    return moments.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  }

  /** Keeps what was there before a run. The first stays. */
  async keepInventory(id: string, inventory: Inventory): Promise<void> {
    await this.#putOnce({ pk: runKey(id), sk: text('INVENTORY'), inventory: packed(inventory) });
  }

  async inventory(id: string): Promise<Inventory | undefined> {
    const item = await readItem(this.#db, this.#table, { pk: runKey(id), sk: text('INVENTORY') });
    return item && unpacked<Inventory>(item.inventory);
  }

  /** Keeps what was seen of a run, in the place of what was seen before. */
  async keepSeen(id: string, seen: Pick<RunRecord, 'responses' | 'asExpected'>): Promise<void> {
    await this.#db.send(
      new PutItemCommand({ TableName: this.#table, Item: { pk: runKey(id), sk: text('SEEN'), seen: packed(seen) } }),
    );
  }

  /** A run with all that was seen of it. */
  async record(id: string): Promise<RunRecord | undefined> {
    const held = await this.get(id);
    if (!held) return undefined;
    const [timeline, item] = await Promise.all([
      this.moments(id),
      readItem(this.#db, this.#table, { pk: runKey(id), sk: text('SEEN') }),
    ]);
    const seen = item && unpacked<{ responses: readonly Seen[]; asExpected?: boolean }>(item.seen);
    return { run: held.run, timeline, responses: [], ...seen };
  }

  /** Ids of the runs that are not clean yet. */
  async open(): Promise<readonly string[]> {
    return (await this.#items(OPEN, '')).map((item) => item.sk?.S ?? '');
  }

  /** The latest runs of all, newest first. */
  async latest(most: number): Promise<readonly Run[]> {
    const ids = (await this.#newest(LATEST, most)).map((item) => item.run?.S ?? '');
    const runs = await Promise.all(ids.map((id) => this.get(id)));
    return runs.filter((held) => held !== undefined).map(({ run }) => run);
  }

  /** Up to four runs of the same scenario and fidelity that began before a run, however they ended, oldest first. */
  async previous(run: Run): Promise<readonly RunRecord[]> {
    const before = await this.#newest(scenarioKey(run), 4, order(run));
    const records = await Promise.all(before.map((item) => this.record(item.run?.S ?? '')));
    return records.filter((record) => record !== undefined).reverse();
  }

  /**
   * A run left nothing behind: the account is free for another. In one write, or a run that is clean could keep its account.
   * @throws {Superseded}
   */
  async finish(held: Held, run: Run): Promise<Held> {
    await this.#together(held, [
      { Update: this.#written(held, run) },
      { Delete: { TableName: this.#table, Key: { pk: OPEN, sk: text(run.id) } } },
      {
        Delete: {
          TableName: this.#table,
          Key: { pk: lockKey(run), sk: text('LOCK') },
          ConditionExpression: 'attribute_not_exists(pk) OR #run = :run',
          ExpressionAttributeNames: { '#run': 'run' },
          ExpressionAttributeValues: { ':run': text(run.id) },
        },
      },
    ]);
    return { ...held, run };
  }

  /** The write of a run by the process that has it. */
  #written({ epoch }: Held, run: Run) {
    return {
      TableName: this.#table,
      Key: { pk: runKey(run.id), sk: RUN },
      UpdateExpression: 'SET #run = :run, beat = :now',
      ConditionExpression: 'epoch = :epoch',
      ExpressionAttributeNames: { '#run': 'run' },
      ExpressionAttributeValues: {
        ':run': text(JSON.stringify(run)),
        ':now': text(new Date().toISOString()),
        ':epoch': { N: String(epoch) },
      },
    };
  }

  async #write(update: UpdateItemCommandInput, id: string): Promise<Held> {
    try {
      const { Attributes } = await this.#db.send(new UpdateItemCommand({ ...update, ReturnValues: 'ALL_NEW' }));
      return heldOf(Attributes ?? {});
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) throw new Superseded(`another process has run ${id}`);
      throw error;
    }
  }

  /** Writes all or nothing. @param items the first says that this process has the run @throws {Superseded} */
  async #together({ run: { id }, epoch }: Held, items: TransactWriteItem[]): Promise<void> {
    try {
      await this.#db.send(new TransactWriteItemsCommand({ TransactItems: items }));
    } catch (error) {
      if (!isCancelled(error) || (await this.get(id))?.epoch === epoch) throw error;
      throw new Superseded(`another process has run ${id}`);
    }
  }

  async #putOnce(item: Item): Promise<void> {
    try {
      await this.#db.send(
        new PutItemCommand({ TableName: this.#table, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  #items(pk: AttributeValue, prefix: string): Promise<readonly Item[]> {
    return allItemsOf(this.#db, {
      TableName: this.#table,
      KeyConditionExpression: prefix ? 'pk = :pk AND begins_with(sk, :prefix)' : 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk, ...(prefix && { ':prefix': text(prefix) }) },
      ConsistentRead: true,
    });
  }

  async #newest(pk: AttributeValue, most: number, before?: AttributeValue): Promise<readonly Item[]> {
    const { Items = [] } = await this.#db.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: before ? 'pk = :pk AND sk < :before' : 'pk = :pk',
        ExpressionAttributeValues: { ':pk': pk, ...(before && { ':before': before }) },
        ConsistentRead: true,
        ScanIndexForward: false,
        Limit: most,
      }),
    );
    return Items;
  }
}

/** A transaction of which nothing took place. By its name: bundles know no class of this error. */
const isCancelled = (error: unknown): boolean =>
  error instanceof Error && error.name === 'TransactionCanceledException';

const headOf = (run: Run): Item => ({ run: text(JSON.stringify(run)) });

function heldOf(item: Item): Held {
  const run = JSON.parse(item.run?.S ?? '') as Run;
  const [abort, beat] = [item.abort?.S, item.beat?.S];
  return {
    run,
    epoch: Number(item.epoch?.N ?? 0),
    ...(abort !== undefined && { abort }),
    ...(beat !== undefined && { beat }),
  };
}
