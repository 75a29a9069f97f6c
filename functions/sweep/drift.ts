import { createHash } from 'node:crypto';
import { isFact } from '../../engine/facts.ts';
import { exceptionFor } from '../../engine/policy.ts';
import type { Outcome } from '../../engine/response.ts';
import { targetKey } from '../../engine/targets.ts';
import { type Concern, DAY_MS, isIdle, type SweptHouse } from './concern.ts';

/** Looks in a day, about: each is an invocation's part, a few calls and three writes. More fixes than these take turns. */
const MOST_LOOKS = 500;

/** Ends that say nothing against an earlier fix. */
const FIX_STANDS: readonly (Outcome | undefined)[] = ['compliant', 'observed', 'simulated'];

/**
 * Whether a fix still holds: of each resource the newest, unless it was taken back, or something may be wrong since. What was
 * decided on a plan is over when the resource was found right later.
 */
export function drift({ policy, at }: SweptHouse): Concern {
  const known = new Set<string>();
  const right = new Set<string>();
  const fixes: string[] = [];
  return {
    see(response) {
      const { id, remediation, target, outcome, undoes } = response;
      const key = `${remediation} ${targetKey(target)}`;
      if (known.has(key) || isIdle(response)) return;
      if (outcome === 'compliant') right.add(key);
      if (FIX_STANDS.includes(outcome) || (right.has(key) && outcome && !isFact(outcome))) return;
      known.add(key);
      const stands = outcome === 'verified' && undoes === undefined;
      if (stands && !exceptionFor(policy, remediation, target, at)) fixes.push(id);
    },
    async find() {
      const due = dueOn(at, fixes);
      return {
        instructions: due.map((id) => ({ do: 'look', response: id })),
        counts: { fixes: fixes.length, looks: due.length },
        notices: [{ label: 'Looks asked for', value: `${due.length} of ${fixes.length} fixes`, fresh: false }],
      };
    },
  };
}

/** Those whose turn it is on a day: each comes once in so many days as it takes. */
function dueOn(at: Date, fixes: readonly string[]): readonly string[] {
  const turns = Math.ceil(fixes.length / MOST_LOOKS);
  const turn = Math.floor(at.getTime() / DAY_MS) % turns;
  return fixes.filter((id) => createHash('sha256').update(id).digest().readUInt32BE() % turns === turn);
}
