import { exceptionFor } from '../policy.ts';
import type { Guard } from './guard.ts';

/** An exception in the reviewed policy, with owner, reason and expiry, is the only way to exempt a resource. */
export const exception = {
  name: 'exception',
  onFinding({ policy, action, target, at }) {
    const found = exceptionFor(policy, action.id, target, at);
    return (
      found && {
        outcome: 'excepted',
        reason: `exception until ${found.expires} by ${found.owner}: ${found.reason}`,
      }
    );
  },
} satisfies Guard;
