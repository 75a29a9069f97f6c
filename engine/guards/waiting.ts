import { changes } from '../state.ts';
import type { Guard } from './guard.ts';

/** One plan is asked for once: a finding that is told again leads to no second one to approve. */
export const waiting = {
  name: 'waiting',
  yieldsTo: ['approval', 'run'],
  onPlan({ waiting: other, plan }) {
    if (!other?.plan) return undefined;
    const same = changes(other.plan.before, plan.before).length + changes(other.plan.after, plan.after).length === 0;
    return same
      ? { outcome: 'excepted', reason: `${other.response.id} waits for the approval of the same plan` }
      : undefined;
  },
} satisfies Guard;
