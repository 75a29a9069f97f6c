import type { Guard } from './guard.ts';

/** What the remediation itself saw on the resource that a person should look at first. */
export const caution = {
  name: 'caution',
  yieldsTo: ['approval', 'run'],
  onPlan({ action, context, plan }) {
    const reason = action.caution?.(plan, context);
    return reason === undefined ? undefined : { outcome: 'awaiting-approval', reason };
  },
} satisfies Guard;
