import type { Severity } from '../findings/finding.ts';
import type { Outcome } from '../response.ts';

/**
 * Where an incident stands. `contained`: nothing more of it is open as far as Firebreak can see; a person ends it. After the last two,
 * what comes about the same resource is an incident of its own.
 */
export const STATES = ['open', 'contained', 'resolved', 'false-positive'] as const;
export type State = (typeof STATES)[number];

/** Characters of what a person writes, or another service called it. */
export const LONGEST_TITLE = 200;
export const LONGEST_OWNER = 200;
export const LONGEST_NOTE = 2_000;
/** Subjects and playbooks that a person may name. */
export const MOST_NAMED = 20;

/** What belongs together: what happened to one resource or was done by one principal within a time. */
export interface Incident {
  /** `inc-<ten letters or digits>`. */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly state: State;
  /** Who has it in hand, in their own words. */
  readonly owner?: string;
  readonly account: string;
  readonly region: string;
  /** ARNs of resources and principals that it is about, the first hundred: by these, what comes later is joined to it. */
  readonly subjects: readonly string[];
  /** Ids of the playbooks for it: `compromised-access-key`. */
  readonly playbooks: readonly string[];
  /** Id of the simulation's run that brought it about. */
  readonly simulation?: string;
  /** ISO 8601, UTC, to the millisecond. */
  readonly openedAt: string;
  /** Of the last entry. */
  readonly changedAt: string;
}

/** One thing that happened in an incident. None is ever replaced or deleted. */
export interface Entry {
  /** ISO 8601, UTC, to the millisecond. */
  readonly at: string;
  /** `firebreak`, or the ARN of a person as IAM knows them. */
  readonly by: string;
  readonly what: 'opened' | 'response' | 'note' | 'state' | 'owner' | 'severity';
  /** In words. Others wrote parts of it: it is never shown without the encoder for the place. */
  readonly detail: string;
  /** `response`: its id, and how it ended. */
  readonly response?: string;
  readonly outcome?: Outcome;
  /** `response`: the one that it takes back. */
  readonly undoes?: string;
}

/** All that is known of an incident. */
export interface IncidentRecord {
  readonly incident: Incident;
  /** As it was recorded: what is told late comes late, and its `at` says when it was. What was there stays in its place. */
  readonly timeline: readonly Entry[];
}

/**
 * Where incidents are kept beside our own record: OpsCenter, Incident Manager. It is brought up to date from the record, by as much
 * as it is behind, however often that takes.
 */
export interface Register {
  /** As the configuration calls it. */
  readonly name: string;
  /**
   * @param known what the last telling answered; undefined at the first
   * @returns what is there now, also when the same was told before
   * @throws when the service cannot be asked: it is told again later, and nothing waits for it
   */
  tell(record: IncidentRecord, known: Registered | undefined): Promise<Registered>;
}

/** What is in a register. */
export interface Registered {
  /** How the service calls the incident: an OpsItem's id, the ARN of an incident record. */
  readonly reference: string;
  /** How many entries of the timeline are there. */
  readonly told: number;
}
