import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DynamoDBClient,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../aws/session.ts';
import { TransientError } from '../errors.ts';
import { allItemsOf, dynamoDb, type Item, itemsByDay, readItem, text } from '../ledger/item.ts';
import {
  type Head,
  isAmiss,
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
import type { Incident, IncidentRecord } from './incident.ts';
import {
  BY_PEOPLE,
  entryKey,
  entryPrefix,
  HEADER,
  header,
  headOf,
  incidentId,
  incidentKey,
  incidentOf,
  json,
  type Kept,
  keptOf,
  leadKey,
  resourceKey,
  subjectOf,
} from './items.ts';
import { RECORDED } from './outcomes.ts';

/** Times that a change is made anew when somebody else changes the same incident or resource at the same moment. */
const ROUNDS = 20;
/** Milliseconds that are waited at most before that, for each round. */
const LONGEST_WAIT = 40;

/** How the policy has incidents joined. */
export interface Joining {
  /**
   * Hours after its last entry within which what is told of its subjects is joined to an incident. One that waits for a resource
   * takes in what is told of that, however late.
   */
  readonly joinHours: number;
}

/** Where a subject leads. */
interface Lead {
  readonly subject: string;
  /** The last incident about it, as it was read; absent: there was none yet. */
  readonly head?: Head;
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
  async tell(telling: Telling, opens: boolean, joining: Joining): Promise<Incident | undefined> {
    const { response, subjects, simulation } = telling;
    const { id, undoes, outcome, finishedAt: at } = response;
    const resource = resourceKey(response);
    return this.#rounds(`response ${id}`, async () => {
      const leads = await this.#leads(subjects, simulation);
      const last = leads[0]?.head;
      const told = last ? await this.#steps(last.incident.id, resource) : [];
      const entries = told.flatMap((step) => step.entries).filter(({ what }) => what === 'response');
      if (last && entries.some((entry) => entry.response === id && entry.at === at)) return { done: last.incident };
      const own = entries.some((entry) => entry.response === id || entry.response === undoes) ? last : undefined;
      const isAwaited = own !== undefined || isAmiss(standingIn(told)) === 1;
      const found =
        last && isLive(last.incident) && isAwaited
          ? last
          : leads.find(({ head }) => head && takesIn(head, at, joining))?.head;
      if (found) {
        const steps = found === last ? told : await this.#steps(found.incident.id, resource);
        return this.#write(joined(found, telling, standingIn(steps)), resource, leads.filter(isFree(at, joining)));
      }
      // What is left to a person is an incident again, though they ended the one that it was a part of.
      if (own && (!opens || RECORDED[outcome].does !== 'opens')) return this.#write(noted(own, telling), resource, []);
      if (!opens) return { done: undefined };
      return this.#write(opened(incidentId([id, at]), telling), resource, leads);
    });
  }

  /**
   * Opens an incident by hand.
   * @throws {Conflict} when there is one about a subject of it
   */
  async open(by: string, opening: Opening, joining: Joining): Promise<Incident> {
    const id = incidentId([randomUUID()]);
    return this.#rounds(`incident ${id}`, async () => {
      const at = this.#now().toISOString();
      const leads = await this.#leads(opening.subjects);
      const known = leads.find(({ head }) => head && takesIn(head, at, joining))?.head?.incident;
      if (known) throw new Conflict(`${known.id} is about that already`, known);
      return this.#write(openedBy(id, by, at, opening), BY_PEOPLE, leads);
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
      return this.#write(step, BY_PEOPLE, []);
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
    const steps = await this.#steps(id);
    return { incident: head.incident, timeline: steps.flatMap(({ entries }) => entries).slice(0, head.entries) };
  }

  /** Incidents that were opened since then, newest first. */
  async *list(since: Date): AsyncGenerator<Incident> {
    const span = { since, until: this.#now() };
    for await (const item of itemsByDay(this.#db, this.#table, span)) yield incidentOf(item);
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

  /** What was added to an incident, in that order: all, or what was told of one resource. */
  async #steps(id: string, resource?: string): Promise<readonly Kept[]> {
    const items = await allItemsOf(this.#db, {
      TableName: this.#table,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :steps)',
      ExpressionAttributeValues: { ':pk': incidentKey(id), ':steps': entryPrefix(resource) },
      ConsistentRead: true,
    });
    return items.map(keptOf).sort((one, other) => one.number - other.number);
  }

  /** @param simulation the run whose subjects they are: a rehearsal is not joined with what is none */
  #leads(arns: readonly string[], simulation?: string): Promise<readonly Lead[]> {
    const subjects = new Set(arns.map((arn) => subjectOf(arn, simulation)));
    return Promise.all(
      [...subjects].map(async (subject) => {
        const item = await readItem(this.#db, this.#table, leadKey(subject));
        const head = item && (await this.#head(item.incident?.S ?? ''));
        return { subject, ...(head && { head }) };
      }),
    );
  }

  /**
   * Writes a step as a whole, unless somebody else changed the incident, or what leads to it, since that was read.
   * @param about the resource that it tells of, or people
   * @param leads subjects that lead to the incident from now on
   */
  async #write(
    { head, entries, standing }: Step,
    about: string,
    leads: readonly Lead[],
  ): Promise<{ readonly done: Incident } | undefined> {
    const { id } = head.incident;
    const before = head.entries - entries.length;
    const kept: Kept = { number: before + 1, entries, ...(standing && { standing }) };
    const TransactItems = [
      this.#move(
        { pk: incidentKey(id), sk: HEADER, ...header(head) },
        before > 0 ? { entries: { N: String(before) } } : undefined,
      ),
      this.#move({ pk: incidentKey(id), sk: entryKey(about, kept), step: json(kept) }, undefined),
      ...leads
        .filter(({ head: known }) => known?.incident.id !== id)
        .map(({ subject, head: known }) =>
          this.#move({ ...leadKey(subject), incident: text(id) }, known && { incident: text(known.incident.id) }),
        ),
    ];
    try {
      await this.#db.send(new TransactWriteItemsCommand({ TransactItems }));
      return { done: head.incident };
    } catch (error) {
      if (error instanceof TransactionCanceledException && wasOvertaken(error)) return undefined;
      throw error;
    }
  }

  /** Puts an item in the place of the one that was read, as long as that has this attribute; undefined: there was none. */
  #move(item: Item, before: Item | undefined): TransactWriteItem {
    const [[name, value] = []] = Object.entries(before ?? {});
    return {
      Put: {
        TableName: this.#table,
        Item: item,
        ...(name === undefined || value === undefined
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: '#known = :known',
              ExpressionAttributeNames: { '#known': name },
              ExpressionAttributeValues: { ':known': value },
            }),
      },
    };
  }
}

/** Whether an incident takes in what is told of its subjects. */
const takesIn = ({ incident }: Head, at: string, { joinHours }: Joining): boolean =>
  isLive(incident) && Date.parse(at) <= Date.parse(incident.changedAt) + joinHours * 3_600_000;

/** What the resource of these steps stands at. */
const standingIn = (steps: readonly Kept[]): Standing | undefined => steps.findLast((step) => step.standing)?.standing;

/** Subjects that lead nowhere any more. */
const isFree =
  (at: string, joining: Joining) =>
  ({ head }: Lead): boolean =>
    !head || !takesIn(head, at, joining);

/** Another transaction has one of the items, or had it since it was read. */
const wasOvertaken = ({ CancellationReasons: reasons = [] }: TransactionCanceledException): boolean =>
  reasons.every(({ Code = 'None' }) => ['None', 'ConditionalCheckFailed', 'TransactionConflict'].includes(Code));
