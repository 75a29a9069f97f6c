import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@aws-lambda-powertools/logger';
import { describeError, isTransient, TransientError } from '../../engine/errors.ts';
import type { IncidentRecord, Register, Registered } from '../../engine/incidents/incident.ts';
import type { Registrations, Told } from './registrations.ts';

/** Times that an incident is told anew because it was told elsewhere at the same time. */
const ROUNDS = 5;
/** Milliseconds that a telling may take, and that there must be left to begin one. */
const LONGEST_TELLING_MS = 60_000;
const ENOUGH_MS = 90_000;
/** Failures in a row that will pass, after which a register is left alone for now. */
const PATIENCE = 2;

export interface FollowedHouse {
  readonly incidents: { get(id: string): Promise<IncidentRecord | undefined> };
  readonly registrations: Pick<Registrations, 'get' | 'keep'>;
  readonly logger: Logger;
  /** Milliseconds that there are left. */
  readonly timeLeft: () => number;
}

/**
 * Brings a register up to date about incidents. What cannot be told now is kept as behind: it stops nothing, and is told at the next
 * catch-up.
 * @param areBehind whether they are kept as that already, with the reason: what is left for later then stays as it is
 * @returns by incident, why not even that could be kept
 */
export async function followAll(
  ids: Iterable<string>,
  register: Register,
  house: FollowedHouse,
  areBehind = false,
): Promise<ReadonlyMap<string, unknown>> {
  const failed = new Map<string, unknown>();
  let inRow = 0;
  for (const id of ids) {
    const postponed = inRow >= PATIENCE || house.timeLeft() < ENOUGH_MS;
    if (postponed && areBehind) break;
    try {
      const error = await follow(id, register, house, postponed);
      inRow = isTransient(error) ? inRow + 1 : postponed ? inRow : 0;
    } catch (error) {
      failed.set(id, error);
    }
  }
  return failed;
}

/**
 * Tells a register of an incident, and keeps what came of it.
 * @param postponed whether it is only kept that it is behind
 * @returns what went wrong in the telling
 * @throws when what came of it cannot be kept
 */
async function follow(
  id: string,
  register: Register,
  { incidents, registrations, logger }: FollowedHouse,
  postponed: boolean,
): Promise<unknown> {
  for (let round = 0; round < ROUNDS; round += 1) {
    // Before the record: whoever keeps something after this has seen what this one sees, or more, or comes again.
    const known = await registrations.get(id, register.name);
    const { error, ...told } = postponed
      ? { registered: known.registered, isBehind: true, error: new TransientError('it was left for the catch-up') }
      : await tell(id, register, known.registered, incidents);
    const kept: Told = { ...told, ...(error !== undefined && { error: describeError(error) }) };
    if (!(await registrations.keep(id, register.name, known, kept))) continue;
    const line = { incident: id, register: register.name, ...kept };
    if (kept.isBehind) logger.warn('a register is behind', line);
    else logger.info('a register is up to date', line);
    return postponed ? undefined : error;
  }
  throw new TransientError(`${id} is told to ${register.name} by many at once`);
}

async function tell(
  id: string,
  register: Register,
  known: Registered | undefined,
  incidents: FollowedHouse['incidents'],
): Promise<{ readonly registered: Registered | undefined; readonly isBehind: boolean; readonly error?: unknown }> {
  try {
    const record = await incidents.get(id);
    if (!record) throw new Error(`there is no incident ${id}`);
    const registered = await inTime(register.tell(record, known));
    return { registered, isBehind: registered.told < record.timeline.length };
  } catch (error) {
    return { registered: known, isBehind: true, error };
  }
}

/** @throws TransientError when it takes too long; what it does after that does no harm, since it is told again */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const over = sleep(LONGEST_TELLING_MS, undefined, { signal: done.signal }).then(() => {
    throw new TransientError(`it took longer than ${LONGEST_TELLING_MS / 1_000} seconds`);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    done.abort();
  }
}
