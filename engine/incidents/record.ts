import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandOutput,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import { TransientError } from '../errors.ts';
import { dynamoDb, type Item, readItem, text } from '../ledger/item.ts';
import {
  type Head,
  isLive,
  joined,
  noted,
  type Opening,
  opened,
  openedBy,
  type Standing,
  type Step,
  said,
  type Telling,
  type Word,
} from './course.ts';
import type { Entry, Incident, IncidentRecord } from './incident.ts';
import {
  BY_DAY,
  entryKey,
  HEADER,
  header,
  headOf,
  incidentId,
  incidentKey,
  incidentOf,
  json,
  leadKey,
  placeKey,
  standingKey,
  subjectOf,
} from './items.ts';

/** Times that a change is made anew when somebody else changes the same incident or resource at the same moment. */
const ROUNDS = 10;
/** Milliseconds that are waited at most before that, for each round. */
const LONGEST_WAIT = 40;

/** How the policy has incidents joined. */
export interface Joining {
  /** Hours after the last telling about a resource or principal within which the next one is joined. */
  readonly joinHours: number;
}

/** Where a subject leads. */
interface Lead {
  readonly subject: string;
  /** As it was read; absent: it never led anywhere. */
  readonly known?: { readonly incident: string; readonly until: string };
  /** The incident that it leads to, when that has not ended, nor the time to join it. */
  readonly live?: Head;
}

/** Where a response was told last. */
interface Place {
  readonly incident: string;
  /** When that outcome was: what is as old is there already. */
  readonly at: string;
}

/** An incident that a person may not change any more, or that is there already. */
export class Conflict extends Error {
  readonly incident: Incident;

  constructor(message: string, incident: Incident) {
    super(message);
    this.incident = incident;
  }
}

/**
 * The record of incidents, in a DynamoDB table of its own (engine/incidents/items.ts has its items).
 *
 * Each change is one transaction, on the condition that nobody else changed the incident since it was read: entries are numbered
 * without gaps, two that tell of one resource at the same moment end in one incident, and what was told is not told again.
 */
export class Incidents {
  readonly #db: DynamoDBClient;
  readonly #table: string;
  readonly #now: () => Date;

  constructor(session: SessionConfig, table: string, now: () => Date = () => new Date()) {
    this.#db = dynamoDb(session);
    this.#table = table;
    this.#now = now;
  }

  /**
   * Tells a response that ended, in the incident that it belongs to: that of the same response, or else of its subjects.
   * @param opens whether one is opened for it where there is none
   * @returns the incident that it is told in; undefined: in none
   * @throws TransientError when too many tell of the same at once
   */
  async tell(telling: Telling, opens: boolean, { joinHours }: Joining): Promise<Incident | undefined> {
    const { id, undoes, finishedAt: at } = telling.response;
    return this.#rounds(`response ${id}`, async () => {
      const place = await this.#placeOf(id);
      const own = place ?? (undoes === undefined ? undefined : await this.#placeOf(undoes));
      const head = own && (await this.#head(own.incident));
      if (place && head && place.at >= at) return { done: head.incident };
      const leads = await this.#leads(telling.subjects, at, telling.simulation);
      const found = head && isLive(head.incident) ? head : leads.find(({ live }) => live)?.live;
      const step = found
        ? joined(found, telling, await this.#standing(found.incident.id, telling))
        : opens
          ? opened(incidentId([id, at]), telling)
          : head && noted(head, telling);
      if (!step) return { done: undefined };
      const { incident } = step.head;
      return this.#write(step, [
        this.#move({ ...placeKey(id), incident: text(incident.id), at: text(at) }, place && { at: place.at }),
        ...(isLive(incident) ? this.#follow(leads, incident.id, hoursAfter(at, joinHours)) : []),
        ...(step.standing
          ? [this.#put({ ...standingKey(incident.id, telling.response), standing: json(step.standing) })]
          : []),
      ]);
    });
  }

  /**
   * Opens an incident by hand.
   * @throws {Conflict} when there is one about a subject of it
   */
  async open(by: string, opening: Opening, { joinHours }: Joining): Promise<Incident> {
    const id = incidentId([randomUUID()]);
    return this.#rounds(`incident ${id}`, async () => {
      const at = this.#now().toISOString();
      const leads = await this.#leads(opening.subjects, at);
      const live = leads.find(({ live }) => live)?.live?.incident;
      if (live) throw new Conflict(`${live.id} is about that already`, live);
      return this.#write(openedBy(id, by, at, opening), this.#follow(leads, id, hoursAfter(at, joinHours)));
    });
  }

  /**
   * Adds what a person says. What was said before, adds nothing.
   * @returns undefined when there is no such incident
   * @throws {Conflict} when it has ended, and something else than a note is said
   */
  async say(id: string, by: string, word: Word): Promise<Incident | undefined> {
    return this.#rounds(`incident ${id}`, async () => {
      const head = await this.#head(id);
      if (!head) return { done: undefined };
      const step = said(head, by, this.#now().toISOString(), word);
      if (!step) return { done: head.incident };
      if (word.what !== 'note' && !isLive(head.incident)) {
        throw new Conflict(`${id} is ${head.incident.state}`, head.incident);
      }
      return this.#write(step, []);
    });
  }

  /** An incident without its timeline. */
  async find(id: string): Promise<Incident | undefined> {
    return (await this.#head(id))?.incident;
  }

  /** All that is known of an incident. */
  async get(id: string): Promise<IncidentRecord | undefined> {
    // The header first: what comes after it is in the timeline, and not the other way round.
    const head = await this.#head(id);
    if (!head) return undefined;
    const entries: Entry[] = [];
    let start: Item | undefined;
    do {
      const page: QueryCommandOutput = await this.#db.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :entries)',
          ExpressionAttributeValues: { ':pk': incidentKey(id), ':entries': text('ENTRY#') },
          ConsistentRead: true,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      entries.push(...(page.Items ?? []).map((item) => JSON.parse(item.entry?.S ?? '') as Entry));
      start = page.LastEvaluatedKey;
    } while (start);
    return { incident: head.incident, timeline: entries.slice(0, head.entries) };
  }

  /** Incidents that were opened since then, newest first. */
  async *list(since: Date): AsyncGenerator<Incident> {
    const first = since.toISOString().slice(0, 10);
    for (let day = this.#now(); ; day = new Date(day.getTime() - 86_400_000)) {
      const date = day.toISOString().slice(0, 10);
      if (date < first) return;
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
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        for (const item of page.Items ?? []) yield incidentOf(item);
        start = page.LastEvaluatedKey;
      } while (start);
    }
  }

  /** Reads, and writes what follows from it, until nobody was faster. `work` answers undefined when somebody was. */
  async #rounds<T>(what: string, work: () => Promise<{ readonly done: T } | undefined>): Promise<T> {
    for (let round = 0; round < ROUNDS; round += 1) {
      if (round > 0) await sleep(Math.random() * LONGEST_WAIT * round);
      const result = await work();
      if (result) return result.done;
    }
    throw new TransientError(`many change what ${what} belongs to at once`);
  }

  async #head(id: string): Promise<Head | undefined> {
    const item = await readItem(this.#db, this.#table, { pk: incidentKey(id), sk: HEADER });
    return item && headOf(item);
  }

  async #placeOf(response: string): Promise<Place | undefined> {
    const item = await readItem(this.#db, this.#table, placeKey(response));
    return item && { incident: item.incident?.S ?? '', at: item.at?.S ?? '' };
  }

  async #standing(id: string, telling: Telling): Promise<Standing | undefined> {
    const item = await readItem(this.#db, this.#table, standingKey(id, telling.response));
    return item && (JSON.parse(item.standing?.S ?? '') as Standing);
  }

  /** @param simulation the run whose subjects they are: a rehearsal is not joined with what is none */
  #leads(arns: readonly string[], at: string, simulation?: string): Promise<readonly Lead[]> {
    const subjects = new Set(arns.map((arn) => `${simulation === undefined ? '' : `${simulation}#`}${subjectOf(arn)}`));
    return Promise.all(
      [...subjects].map(async (subject) => {
        const item = await readItem(this.#db, this.#table, leadKey(subject));
        if (!item) return { subject };
        const known = { incident: item.incident?.S ?? '', until: item.until?.S ?? '' };
        const head = known.until >= at ? await this.#head(known.incident) : undefined;
        return { subject, known, ...(head && isLive(head.incident) && { live: head }) };
      }),
    );
  }

  /** Has subjects lead to an incident, but for those that lead to another one that has not ended. */
  #follow(leads: readonly Lead[], incident: string, until: string): TransactWriteItem[] {
    return leads
      .filter(({ live, known }) => !live || (live.incident.id === incident && (known?.until ?? '') < until))
      .map(({ subject, known }) =>
        this.#move({ ...leadKey(subject), incident: text(incident), until: text(until) }, known),
      );
  }

  /** Writes a step as a whole, unless somebody else changed the incident, or what leads to it, since that was read. */
  async #write(
    { head, entries }: Step,
    others: readonly TransactWriteItem[],
  ): Promise<{ readonly done: Incident } | undefined> {
    const { incident } = head;
    const before = head.entries - entries.length;
    const TransactItems = [
      this.#move(
        { pk: incidentKey(incident.id), sk: HEADER, ...header(head) },
        before > 0 ? { entries: before } : undefined,
      ),
      ...entries.map((entry, index) =>
        this.#move({ pk: incidentKey(incident.id), sk: entryKey(before + index + 1), entry: json(entry) }, undefined),
      ),
      ...others,
    ];
    try {
      await this.#db.send(new TransactWriteItemsCommand({ TransactItems }));
      return { done: incident };
    } catch (error) {
      if (error instanceof TransactionCanceledException && wasOvertaken(error)) return undefined;
      throw error;
    }
  }

  #put(item: Item): TransactWriteItem {
    return { Put: { TableName: this.#table, Item: item } };
  }

  /** Puts an item in the place of the one that was read, as long as that has these values; undefined: there was none. */
  #move(item: Item, before: Readonly<Record<string, string | number>> | undefined): TransactWriteItem {
    const known = Object.entries(before ?? {});
    return {
      Put: {
        TableName: this.#table,
        Item: item,
        ...(before === undefined
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: known.map(([name]) => `#${name} = :${name}`).join(' AND '),
              ExpressionAttributeNames: Object.fromEntries(known.map(([name]) => [`#${name}`, name])),
              ExpressionAttributeValues: Object.fromEntries(
                known.map(([name, value]) => [
                  `:${name}`,
                  typeof value === 'number' ? { N: String(value) } : text(value),
                ]),
              ),
            }),
      },
    };
  }
}

/** Another transaction has one of the items, or had it since it was read. */
const wasOvertaken = ({ CancellationReasons: reasons = [] }: TransactionCanceledException): boolean =>
  reasons.every(({ Code = 'None' }) => ['None', 'ConditionalCheckFailed', 'TransactionConflict'].includes(Code));

const hoursAfter = (at: string, hours: number): string => new Date(Date.parse(at) + hours * 3_600_000).toISOString();
