import { modeOf } from '../policy.ts';
import type { Guard } from './guard.ts';

/** What the policy lets happen by itself; the rest waits for a person, or is only shown. */
export const mode = {
  name: 'mode',
  yieldsTo: ['approval', 'run'],
  onPlan({ policy, action }) {
    const { mode, because } = modeOf(policy, action);
    if (mode === 'observe') return { outcome: 'observed', reason: `dry run, because ${because}` };
    if (mode === 'approval') return { outcome: 'awaiting-approval', reason: `needs approval, because ${because}` };
    return undefined;
  },
} satisfies Guard;
