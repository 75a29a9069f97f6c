import { exceptionFor } from '../policy.ts';
import type { FindingGuard } from './guard.ts';

/** An exception in the reviewed policy, with owner, reason and expiry, is the only way to exempt a resource. */
export const exception: FindingGuard = {
  name: 'exception',
  phase: 'finding',
  check({ policy, action, target, context }) {
    const found = exceptionFor(policy, action.id, target, context.now);
    return (
      found && {
        outcome: 'excepted',
        reason: `exception until ${found.expires} by ${found.owner}: ${found.reason}`,
      }
    );
  },
};
