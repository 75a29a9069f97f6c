import type { Hold } from '../ledger/ledger.ts';
import type { Guard } from './guard.ts';

/** True until a hold's time is over. */
export const inForce = ({ until }: Hold, now: Date): boolean => now.getTime() < Date.parse(until);

/** What a person took back is not fixed again by the next telling of it, for the time that they said. */
export const hold = {
  name: 'hold',
  yieldsTo: ['approval', 'run'],
  onFinding({ hold, at }) {
    if (!hold || !inForce(hold, at)) return undefined;
    return { outcome: 'excepted', reason: `hold until ${hold.until} by ${hold.by}: ${hold.reason}` };
  },
} satisfies Guard;
