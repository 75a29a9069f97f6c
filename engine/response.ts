import type { Finding } from './findings/finding.ts';
import type { Plan, Target } from './remediation.ts';
import type { Json } from './state.ts';

/** How a response can end; few and exact. */
export const OUTCOMES = [
  'compliant',
  'verified',
  'unverified',
  'failed',
  'awaiting-approval',
  'denied',
  'expired',
  'observed',
  'simulated',
  'excepted',
  'refused',
  'deferred',
  'gone',
  'undone',
  'changed-since',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The header of a response: one remediation on one resource because of one finding. */
export interface Response {
  /** `<worker>-<ten letters or digits>`; the same on every redelivery of a message. */
  readonly id: string;
  readonly remediation: string;
  readonly target: Target;
  /** From the event to the last log line. */
  readonly correlation: string;
  readonly finding: Pick<Finding, 'source' | 'type' | 'id' | 'severity' | 'title'>;
  /** ISO 8601, UTC, to the millisecond. */
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly outcome?: Outcome;
  /** In words, for whoever reads it at night. */
  readonly reason?: string;
  /** The response that this one takes back. */
  readonly undoes?: string;
  /** Who asked for it, where a person did. */
  readonly by?: string;
}

/** A response as it ended. */
export const ended = (response: Response, outcome: Outcome, reason: string | undefined, at: Date): Response => ({
  ...response,
  outcome,
  finishedAt: at.toISOString(),
  ...(reason !== undefined && { reason }),
});

/** One thing that happened in a response. */
export interface TimelineEntry {
  readonly at: string;
  readonly event: string;
  readonly detail: Json;
}

/** All that the ledger knows of a response. */
export interface ResponseRecord {
  readonly response: Response;
  readonly finding: Finding;
  /** Absent when the response ended before anything was planned. */
  readonly plan?: Plan;
  readonly timeline: readonly TimelineEntry[];
}
