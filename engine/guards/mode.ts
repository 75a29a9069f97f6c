import { modeOf } from '../policy.ts';
import type { PlanGuard } from './guard.ts';

/** What the policy lets happen by itself; the rest waits for a person, or is only shown. */
export const mode: PlanGuard = {
  name: 'mode',
  phase: 'plan',
  yields: true,
  check({ policy, action }) {
    const { mode, because } = modeOf(policy, action);
    if (mode === 'observe') return { outcome: 'observed', reason: `dry run, because ${because}` };
    if (mode === 'approval') return { outcome: 'awaiting-approval', reason: `needs approval, because ${because}` };
    return undefined;
  },
};
