import type { PlanGuard } from './guard.ts';

/** What the remediation itself saw on the resource that a person should look at first. */
export const caution: PlanGuard = {
  name: 'caution',
  phase: 'plan',
  yields: true,
  check({ action, context }, plan) {
    const reason = action.caution?.(plan, context);
    return reason === undefined ? undefined : { outcome: 'awaiting-approval', reason };
  },
};
