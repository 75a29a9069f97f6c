import type { Sessions } from '../../engine/aws/sessions.ts';
import type { Workers } from '../../engine/aws/workers.ts';
import { isUndoInVain } from '../../engine/facts.ts';
import type { Breaker, Kind } from '../../engine/ledger/budgets.ts';
import type { Headers, Holds, Ledger } from '../../engine/ledger/ledger.ts';
import type { Instruction } from '../../engine/messages.ts';
import type { SweepNotice } from '../../engine/notify/sweep-page.ts';
import type { Policy } from '../../engine/policy-schema.ts';
import type { Response } from '../../engine/response.ts';

/** What the sweep looks into. All of it is for reading; what is to be done, workers do. */
export interface SweptHouse {
  readonly at: Date;
  readonly policy: Policy;
  readonly ledger: Pick<Ledger, 'get'> & Headers;
  readonly holds: Pick<Holds, 'get'>;
  /** The circuit breaker of a kind, when it is open. */
  readonly breaker: (kind: Kind) => Promise<Breaker | undefined>;
  /** Why nothing may be changed, when the kill switch says so. @throws when it cannot be read */
  readonly stopped: () => Promise<string | undefined>;
  readonly sessions: Pick<Sessions, 'read'>;
  readonly workers: Pick<Workers, 'instruct'>;
}

/** What came of a look. */
export interface Found {
  /** For the workers. */
  readonly instructions: readonly Instruction[];
  /** By names that are the report's. */
  readonly counts: Readonly<Record<string, number>>;
  readonly notices: readonly SweepNotice[];
}

/** One thing that the sweep looks for. */
export interface Concern {
  /** Is shown the header of each response, newest first. */
  see(response: Response): void;
  /**
   * Says what is to be done, when all were shown.
   * @param failed is told what could not be read; nothing is concluded from that, and the rest goes on
   */
  find(failed: (what: string, error: unknown) => void): Promise<Found>;
}

export const DAY_MS = 86_400_000;
/** Days that a sweep goes back at most: what is older is out of its sight. */
export const FARTHEST_DAYS = 31;

/** True within the day before: what is new to whoever was told yesterday. */
export const isFresh = (time: string | undefined, { at }: Pick<SweptHouse, 'at'>): boolean =>
  time !== undefined && at.getTime() - Date.parse(time) < DAY_MS;

/** Whether a response says nothing of its resource: it only looked, or was an undo that took nothing back. */
export const isIdle = ({ outcome, ...response }: Response): boolean =>
  response.looks === true || (outcome !== undefined && isUndoInVain({ ...response, outcome }));
