import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { SessionConfig } from '../../engine/aws/session.ts';
import type { Registered } from '../../engine/incidents/incident.ts';
import { incidentKey } from '../../engine/incidents/items.ts';
import { allItemsOf, dynamoDb, type Item, readItem, text } from '../../engine/ledger/item.ts';

/** Index of what is behind, by the name of its register. */
const BEHIND = 'behind';
const PREFIX = 'incident#';

/** What is remembered of an incident and a register; `version` is 0 when there is nothing yet. */
export interface Registration {
  readonly registered: Registered | undefined;
  readonly version: number;
}

/** What came of a telling. */
export interface Told {
  /** What is in the register now, as far as is known. */
  readonly registered: Registered | undefined;
  /** Whether there is something that it does not have. */
  readonly isBehind: boolean;
  /** What went wrong. */
  readonly error?: string;
}

/**
 * What registers know of incidents: in the incidents' table, the item REGISTER#<name> of an incident, {reference, told, version}, and
 * while it is behind {behind: <name>, since, error}.
 */
export class Registrations {
  readonly #db: DynamoDBClient;
  readonly #table: string;

  constructor(session: SessionConfig, table: string) {
    this.#db = dynamoDb(session);
    this.#table = table;
  }

  async get(incident: string, register: string): Promise<Registration> {
    const { reference, told, version } = (await readItem(this.#db, this.#table, keyOf(incident, register))) ?? {};
    return {
      registered: reference?.S === undefined ? undefined : { reference: reference.S, told: Number(told?.N) },
      version: Number(version?.N ?? 0),
    };
  }

  /** Keeps what came of a telling. False: there was another since `known` was read, and nothing is changed. */
  async keep(
    incident: string,
    register: string,
    known: Registration,
    { registered, isBehind, error }: Told,
  ): Promise<boolean> {
    const set: Item = {
      version: { N: String(known.version + 1) },
      ...(registered && { reference: text(registered.reference), told: { N: String(registered.told) } }),
      ...(isBehind && { behind: text(register) }),
      ...(error !== undefined && { error: text(error) }),
    };
    const assignments = Object.keys(set).map((name) => `#${name} = :${name}`);
    const removed = [...(isBehind ? [] : ['behind', 'since']), ...(error === undefined ? ['error'] : [])];
    const names = ['version', 'since', 'error', 'behind', ...(registered ? ['reference', 'told'] : [])];
    try {
      await this.#db.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(incident, register),
          UpdateExpression: [
            `SET ${[...assignments, ...(isBehind ? ['#since = if_not_exists(#since, :now)'] : [])].join(', ')}`,
            ...(removed.length > 0 ? [`REMOVE ${removed.map((name) => `#${name}`).join(', ')}`] : []),
          ].join(' '),
          ConditionExpression: 'attribute_not_exists(#version) OR #version = :known',
          ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: {
            ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
            ':known': { N: String(known.version) },
            ...(isBehind && { ':now': text(new Date().toISOString()) }),
          },
        }),
      );
      return true;
    } catch (failure) {
      if (failure instanceof ConditionalCheckFailedException) return false;
      throw failure;
    }
  }

  /** Ids of incidents of which a register does not have all. */
  async behind(register: string): Promise<readonly string[]> {
    const query = {
      TableName: this.#table,
      IndexName: BEHIND,
      KeyConditionExpression: '#behind = :register',
      ExpressionAttributeNames: { '#behind': 'behind' },
      ExpressionAttributeValues: { ':register': text(register) },
    };
    return (await allItemsOf(this.#db, query)).map(({ pk }) => incidentIn(pk?.S ?? ''));
  }
}

/** The id of the incident that a partition key of its items names. */
export const incidentIn = (pk: string): string => pk.slice(PREFIX.length);

const keyOf = (incident: string, register: string): Item => ({
  pk: incidentKey(incident),
  sk: text(`REGISTER#${register}`),
});
