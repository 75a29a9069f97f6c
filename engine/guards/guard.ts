import type { Finding } from '../findings/finding.ts';
import type { Policy } from '../policy.ts';
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
}

/** Why a response ends here, in words. */
export interface Stop {
  readonly outcome: Outcome;
  readonly reason: string;
}

/** Looks before anything is read. */
export interface FindingGuard {
  readonly name: string;
  readonly phase: 'finding';
  check(situation: Situation): Stop | undefined;
}

/** Looks at what would be done. */
export interface PlanGuard {
  readonly name: string;
  readonly phase: 'plan';
  check(situation: Situation, plan: Plan): Stop | undefined;
}

export type Guard = FindingGuard | PlanGuard;
