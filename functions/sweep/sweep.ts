import { describeError } from '../../engine/errors.ts';
import type { Instruction } from '../../engine/messages.ts';
import type { SweepNotice } from '../../engine/notify/sweep-page.ts';
import { approvals } from './approvals.ts';
import { type Concern, DAY_MS, type SweptHouse } from './concern.ts';
import { drift } from './drift.ts';
import { ended } from './ended.ts';
import { leftOpen } from './left-open.ts';
import { retries } from './retries.ts';
import { unusedGroups } from './unused-groups.ts';

export type Sweep = 'hourly' | 'daily';

/** Days that a sweep goes back: an approval may wait for seven. What waits for longer has its turn once a day. */
const DAYS: Readonly<Record<Sweep, number>> = { hourly: 8, daily: 35 };

const HOURLY = { approvals, leftOpen, retries };
const CONCERNS: Readonly<Record<Sweep, Readonly<Record<string, (house: SweptHouse) => Concern>>>> = {
  hourly: HOURLY,
  daily: { ...HOURLY, ended, drift, unusedGroups },
};

/** What a sweep found, and what it had done about it. */
export interface SweepReport {
  readonly sweep: Sweep;
  /** Responses that it was shown. */
  readonly responses: number;
  /** By what it looked for. */
  readonly counts: Readonly<Record<string, number>>;
  readonly notices: readonly SweepNotice[];
  /** What could not be read or told, and why: the next sweep tries it again. */
  readonly failures: readonly string[];
}

/**
 * Looks through the ledger for what waits, and tells the workers what is due. It remembers nothing: whatever it has done is in the
 * ledger by the next time.
 * @throws when the ledger cannot be listed
 */
export async function sweep(which: Sweep, house: SweptHouse): Promise<SweepReport> {
  const concerns = Object.entries(CONCERNS[which]).map(([name, make]) => ({ name, ...make(house) }));
  let responses = 0;
  for await (const response of house.ledger.headers(new Date(house.at.getTime() - DAYS[which] * DAY_MS))) {
    responses += 1;
    for (const { see } of concerns) see(response);
  }
  const failures: string[] = [];
  const failed = (what: string, error: unknown): void => {
    failures.push(`${what}: ${describeError(error)}`);
  };
  const instructions: Instruction[] = [];
  const notices: SweepNotice[] = [];
  let counts: Readonly<Record<string, number>> = {};
  for (const { name, find } of concerns) {
    try {
      const found = await find(failed);
      instructions.push(...found.instructions);
      notices.push(...found.notices);
      counts = { ...counts, ...found.counts };
    } catch (error) {
      failed(name, error);
    }
  }
  await house.workers.instruct(instructions).catch((error: unknown) => failed('instructions', error));
  return { sweep: which, responses, counts, notices, failures };
}
