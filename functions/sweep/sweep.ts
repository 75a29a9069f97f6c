import { describeError } from '../../engine/errors.ts';
import type { SweepNotice } from '../../engine/notify/sweep-page.ts';
import type { Response } from '../../engine/response.ts';
import { approvals } from './approvals.ts';
import { type Concern, DAY_MS, FARTHEST_DAYS, type SweptHouse } from './concern.ts';
import { drift } from './drift.ts';
import { endings } from './endings.ts';
import { leftOpen } from './left-open.ts';
import { retries } from './retries.ts';
import { unusedGroups } from './unused-groups.ts';

export type Sweep = 'hourly' | 'daily';

/** Days that a sweep goes back at most. An approval may wait for seven; what waits for longer has its turn once a day. */
const DAYS: Readonly<Record<Sweep, number>> = { hourly: 8, daily: FARTHEST_DAYS };
/** Days that an hourly one goes back anyway, and days beyond the last response that waits. */
const NEAR_DAYS = 2;
const BEYOND_DAYS = 1;

const HOURLY = { approvals, leftOpen, retries };
const CONCERNS: Readonly<Record<Sweep, Readonly<Record<string, (house: SweptHouse) => Concern>>>> = {
  hourly: HOURLY,
  daily: { ...HOURLY, endings, drift, unusedGroups },
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
  for await (const response of recent(which, house)) {
    responses += 1;
    for (const { see } of concerns) see(response);
  }
  const failures: string[] = [];
  const failed = (what: string, error: unknown): void => {
    failures.push(`${what}: ${describeError(error)}`);
  };
  const notices: SweepNotice[] = [];
  let counts: Readonly<Record<string, number>> = {};
  for (const { name, find } of concerns) {
    try {
      const found = await find(failed);
      notices.push(...found.notices);
      counts = { ...counts, ...found.counts };
      // At once: what is still to be read may take longer than there is time.
      await house.workers.instruct(found.instructions);
    } catch (error) {
      failed(name, error);
    }
  }
  return { sweep: which, responses, counts, notices, failures };
}

/** Headers, newest first. Hourly ones end where nothing waits any more: each is read two dozen times a day. */
async function* recent(which: Sweep, { ledger, at }: SweptHouse): AsyncGenerator<Response> {
  const daysAgo = (days: number): number => at.getTime() - days * DAY_MS;
  let near = daysAgo(which === 'daily' ? DAYS.daily : NEAR_DAYS);
  for await (const response of ledger.headers(new Date(daysAgo(DAYS[which])))) {
    const began = Date.parse(response.startedAt);
    if (began < near) return;
    if (waits(response)) near = Math.min(near, began - BEYOND_DAYS * DAY_MS);
    yield response;
  }
}

const waits = ({ outcome }: Response): boolean =>
  outcome === undefined || outcome === 'deferred' || outcome === 'awaiting-approval';
