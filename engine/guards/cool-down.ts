import type { Guard } from './guard.ts';

const HOUR_MS = 3_600_000;

/** What is fixed again and again is opened by something: a person finds that, before the two fight on. */
export const coolDown = {
  name: 'cool-down',
  yieldsTo: ['approval', 'run'],
  onPlan({ policy: { coolDown: limit }, fixed, at }) {
    const since = new Date(at.getTime() - limit.hours * HOUR_MS).toISOString();
    const lately = fixed.filter((time) => time >= since).length;
    if (lately < limit.fixes) return undefined;
    return {
      outcome: 'awaiting-approval',
      reason: `fixed ${lately} times within ${limit.hours} hours, and wrong again: find what opens it first`,
    };
  },
} satisfies Guard;
