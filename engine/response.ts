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
  readonly finding: Pick<Finding, 'source' | 'type' | 'id' | 'productArn' | 'severity' | 'title'>;
  /** How many responses there are to the same telling of the finding, where it means several resources. */
  readonly siblings?: number;
  /** ISO 8601, UTC, to the millisecond. */
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly outcome?: Outcome;
  /** In words, for whoever reads it at night. */
  readonly reason?: string;
  /** Name of the guard that ended it, where one did. */
  readonly guard?: string;
  /** The response that comes in its place, where its plan came to nothing. */
  readonly followedBy?: string;
  /** The response that this one takes back. */
  readonly undoes?: string;
  /** Who asked for it, where a person did. */
  readonly by?: string;
  /** Only a plan was asked for: nothing is changed, and how it ends is for whoever asked alone. */
  readonly looks?: true;
}

/** What a response keeps of its finding in its header. */
export const told = ({ source, type, id, severity, title, productArn }: Finding): Response['finding'] => ({
  ...{ source, type, id, severity, title },
  ...(productArn !== undefined && { productArn }),
});

/** How a response ends. */
export interface End {
  readonly outcome: Outcome;
  /** In words. */
  readonly reason?: string | undefined;
  readonly guard?: string | undefined;
  readonly followedBy?: string | undefined;
}

/** A response as it ended. */
export const ended = (response: Response, { outcome, reason, guard, followedBy }: End, at: Date): Response => ({
  ...reopened(response),
  outcome,
  finishedAt: at.toISOString(),
  ...(reason !== undefined && { reason }),
  ...(guard !== undefined && { guard }),
  ...(followedBy !== undefined && { followedBy }),
});

/** A response as it was before it ended. */
export function reopened(response: Response): Response {
  const { outcome: _, finishedAt: __, reason: ___, guard: ____, followedBy: _____, ...open } = response;
  return open;
}

/** Characters of a reason that a person gives. */
export const LONGEST_REASON = 500;

/** What is said of a response: its plan is approved, denied, or was decided by nobody in time; or it is to be taken back. */
export interface Order {
  readonly verb: 'approve' | 'deny' | 'expire' | 'undo';
  /** ARN of the person, as IAM knows them; `firebreak` where time decided. */
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason?: string;
  /** Undo: id of the response that takes this one back. */
  readonly undo?: string;
  /** Undo: until when the resource is held, ISO 8601, UTC. Absent: it is not. */
  readonly until?: string;
}

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
  /** Oldest first. At most one of them is no undo: it decides on the plan. */
  readonly orders: readonly Order[];
  readonly timeline: readonly TimelineEntry[];
}

/** A decision on a plan. */
export type Decision = Order & { readonly verb: Exclude<Order['verb'], 'undo'> };

/** What was decided on the plan of a response. */
export const decisionOf = ({ orders }: Pick<ResponseRecord, 'orders'>): Decision | undefined =>
  orders.find((order): order is Decision => order.verb !== 'undo');
