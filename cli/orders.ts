import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from '../engine/ledger/ledger.ts';
import type { Outcome, ResponseRecord } from '../engine/response.ts';
import type { Json } from '../engine/state.ts';
import type { Caller } from './caller.ts';
import { callDoor } from './door.ts';
import { Failure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds between two looks, and for all of them. */
const LOOK_MS = 500;
const PATIENCE_MS = 60_000;

type Told = { readonly [name: string]: Json };

/**
 * Asks a deployed Firebreak for something through its door, and answers what it took on.
 * @throws {Failure} with its reason, and what it advises, when it did not
 */
export async function askDoor(caller: Caller, path: string, body: Told): Promise<Told> {
  const { status, body: said = null } = await callDoor(caller, { method: 'POST', path, body });
  const told: Told = said !== null && typeof said === 'object' && !Array.isArray(said) ? (said as Told) : {};
  if (status === 202) return told;
  const { error = `the door answered ${status}`, do: advice } = told;
  throw new Failure(`${error}${advice === undefined ? '' : `: ${advice}`}`);
}

/**
 * Waits until a response has ended, and tells meanwhile what happens in it.
 * @param waiting outcomes that are not its end
 * @throws {Failure} when it has not ended in time
 */
export async function untilEnded(
  id: string,
  ledger: Ledger,
  waiting: readonly Outcome[],
  progress: Terminal,
): Promise<ResponseRecord> {
  const deadline = Date.now() + PATIENCE_MS;
  let told: number | undefined;
  for (;;) {
    const record = await ledger.get(id);
    const steps = record?.timeline ?? [];
    // What was there before it was asked for is no news.
    for (const { at, event } of steps.slice(told ?? steps.length))
      progress.line(['dim', `${at.slice(11, 19)} ${event}`]);
    told = steps.length;
    const outcome = record?.response.outcome;
    if (record && outcome && !waiting.includes(outcome)) return record;
    if (Date.now() > deadline) {
      throw new Failure(`${id} has not ended within ${PATIENCE_MS / 1_000} s: firebreak show ${id} tells when it has`);
    }
    await sleep(LOOK_MS);
  }
}
