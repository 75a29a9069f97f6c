import type { Finding } from '../findings/finding.ts';
import type { Budgets } from '../ledger/budgets.ts';
import type { Hold } from '../ledger/ledger.ts';
import type { Policy } from '../policy-schema.ts';
import type { Action, Context, Plan, Target } from '../remediation.ts';
import type { Outcome, ResponseRecord } from '../response.ts';

/** What a guard looks at. */
export interface Situation {
  readonly action: Action;
  readonly target: Target;
  readonly finding: Finding;
  readonly policy: Policy;
  readonly context: Context;
  /** Where Firebreak itself runs. */
  readonly home: { readonly account: string; readonly region: string };
  /** Now: a response may have begun long ago, and waited for its approval. */
  readonly at: Date;
  /** What an undo left on the resource, also when its time is over. */
  readonly hold?: Hold;
  /** When this remediation changed the resource before, oldest first: ISO 8601, UTC. */
  readonly fixed: readonly string[];
  /** The response that waits for the approval of a plan for the same resource, if one does. */
  readonly waiting?: ResponseRecord;
  /** A run before this one said that it applies the plan, and wrote nothing: the change is counted. */
  readonly begun?: boolean;
  /** Absent where a person runs a remediation without a deployed Firebreak. */
  readonly watch?: Watch;
}

/** What would be done, and the clients of the session that read it. */
export interface Planned extends Situation {
  readonly plan: Plan;
  readonly clients: unknown;
}

/** What a deployed Firebreak keeps count of. */
export interface Watch {
  /** Why nothing may be changed anywhere, when the kill switch says so. @throws when it cannot be read */
  stopped(): Promise<string | undefined>;
  readonly budgets: Budgets;
}

/** Why a response ends here, in words. */
export interface Stop {
  readonly outcome: Outcome;
  readonly reason: string;
}

type Answer = Stop | undefined | Promise<Stop | undefined>;

/** Somebody's word that a guard may yield to: an approval of the plan, or a run by name with the person's own credentials. */
export type Word = 'approval' | 'run';

/** Looks before anything is read, at what would be done, or right before the first write, and may end the response. */
export interface Guard {
  readonly name: string;
  /** To these it only says its reason. */
  readonly yieldsTo?: readonly Word[];
  onFinding?(situation: Situation): Answer;
  /** Asked in every run, so also after an approval. */
  onPlan?(situation: Planned): Answer;
  /** Asked when all others let it pass. */
  beforeWrite?(situation: Planned): Answer;
}
