import type { Finding } from '../findings/finding.ts';
import type { Hold } from '../ledger/ledger.ts';
import type { Policy } from '../policy-schema.ts';
import type { Action, Context, Plan, Target } from '../remediation.ts';
import type { Outcome } from '../response.ts';

/** What a guard looks at. */
export interface Situation {
  readonly action: Action;
  readonly target: Target;
  readonly finding: Finding;
  readonly policy: Policy;
  readonly context: Context;
  /** Where Firebreak itself runs. */
  readonly home: { readonly account: string; readonly region: string };
  /** What an undo left on the resource, also when its time is over. */
  readonly hold?: Hold;
}

/** Why a response ends here, in words. */
export interface Stop {
  readonly outcome: Outcome;
  readonly reason: string;
}

interface Named {
  readonly name: string;
  /** Only warns where a person asked for this resource by name. */
  readonly yields?: true;
}

/** Looks before anything is read. */
export interface FindingGuard extends Named {
  readonly phase: 'finding';
  check(situation: Situation): Stop | undefined;
}

/** Looks at what would be done. */
export interface PlanGuard extends Named {
  readonly phase: 'plan';
  check(situation: Situation, plan: Plan): Stop | undefined;
}

export type Guard = FindingGuard | PlanGuard;
