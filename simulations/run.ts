import type { Place } from '../engine/arn.ts';
import type { Outcome } from '../engine/response.ts';
import type { Json } from '../engine/state.ts';
import type { Fidelity, Things } from './scenario.ts';

/** Where a run is. Each is written before what it says begins. */
export const STATUSES = ['warming-up', 'injecting', 'watching', 'cleaning', 'clean', 'cleanup-failed'] as const;
export type Status = (typeof STATUSES)[number];

/** One execution of a scenario: what is kept of it. Times are ISO 8601, UTC, to the millisecond. */
export interface Run {
  readonly id: string;
  /** Id of the scenario. */
  readonly scenario: string;
  readonly fidelity: Fidelity;
  readonly place: Place;
  readonly partner: string;
  readonly parameters: Json;
  /** What people call the exercise that it is a part of: `2026-Q4`. */
  readonly exercise?: string;
  /** Why it was started: the quarter's schedule, the nightly canary, a person. */
  readonly launch: 'quarterly' | 'canary' | 'on-demand';
  readonly startedAt: string;
  /** Then it is cleaned up, whatever it waits for. */
  readonly expiresAt: string;
  readonly status: Status;
  /** Seconds for which what is expected is waited for, from the injection on. */
  readonly watchSeconds: number;
  readonly things?: Things;
  readonly injectedAt?: string;
  /** When the workers were handed the events, or asked. */
  readonly handedAt?: string;
  /** When the process that cleaned up was killed, as the scenario has it. */
  readonly killedAt?: string;
  /** Scenarios of the same exercise that come next. */
  readonly next?: readonly string[];
  /** Why it ended before its end: somebody asked for it, a guard, its time, an error. */
  readonly stopped?: {
    readonly at: string;
    readonly by: 'person' | 'guard' | 'time' | 'error';
    readonly reason: string;
  };
  /** What clean-up could not do, when it was tried last. */
  readonly left?: readonly string[];
  /** SHA-256 of all of the scenario's kinds in the account and Region, in canonical JSON. */
  readonly inventory?: {
    readonly before: string;
    readonly after?: string;
    /** What is not as it was, in words: not the run's, or it would be left. */
    readonly differs?: readonly string[];
  };
  readonly finishedAt?: string;
}

/** What can happen in a run, in the order in which it should. */
export const MOMENTS = [
  'started',
  'made',
  'injected',
  'detected',
  'alerted',
  'acknowledged',
  'acted',
  'responded',
  'contained',
  'recovered',
  'stopped',
  'killed',
  'cleaned',
] as const;

/** Something that happened in a run, and where its time is from. */
export interface Moment {
  readonly at: string;
  readonly what: (typeof MOMENTS)[number];
  readonly detail: string;
  /** Who knows the time: `simulator` (its clock, at the answer of its call), `event`, `ledger`, `sns` (when the page was
   * published), `people` (who wrote it down), or `cloudtrail`. */
  readonly source: 'simulator' | 'event' | 'ledger' | 'sns' | 'people' | 'cloudtrail';
}

/** A response that came of a run. */
export interface Seen {
  readonly id: string;
  readonly remediation: string;
  readonly target: string;
  readonly finding: { readonly source: string; readonly type: string };
  readonly outcome?: Outcome;
  readonly reason?: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** SHA-256 of its record in the ledger, in canonical JSON. */
  readonly digest: string;
}

/** A run with all that was seen of it: what reports are made from. */
export interface RunRecord {
  readonly run: Run;
  /** Oldest first. */
  readonly timeline: readonly Moment[];
  readonly responses: readonly Seen[];
  /** Whether the resource was as it shall be when the run's watch ended; absent: it was not looked at. */
  readonly asExpected?: boolean;
}
