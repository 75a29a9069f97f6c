import { tookBack } from '../../engine/facts.ts';
import { inForce } from '../../engine/guards/hold.ts';
import { leaseKey } from '../../engine/ledger/ledger.ts';
import type { SweepNotice } from '../../engine/notify/sweep-page.ts';
import { targetKey } from '../../engine/targets.ts';
import { type Concern, DAY_MS, isFresh, type SweptHouse } from './concern.ts';

/** Says which exceptions and holds ended since yesterday: what they kept open is closed from now on. */
export function endings(house: SweptHouse): Concern {
  const held = new Map<string, string>();
  return {
    see(response) {
      const { remediation, target, outcome, guard } = response;
      if (tookBack(response) || (outcome === 'excepted' && guard === 'hold')) {
        held.set(leaseKey(remediation, targetKey(target)), `${remediation} on ${target.arn}`);
      }
    },
    async find(failed) {
      const notices = exceptionsEnded(house);
      for (const [key, what] of held) {
        try {
          const hold = await house.holds.get(key);
          if (!hold || inForce(hold, house.at) || !isFresh(hold.until, house)) continue;
          notices.push({ label: 'Hold ended', value: `${what}, by ${hold.by}: ${hold.reason}`, fresh: true });
        } catch (error) {
          failed(`the hold of ${what}`, error);
        }
      }
      return { instructions: [], counts: { ended: notices.length }, notices };
    },
  };
}

/** The day that an exception names is the last on which it holds. */
function exceptionsEnded({ policy, at }: SweptHouse): SweepNotice[] {
  const yesterday = new Date(at.getTime() - DAY_MS).toISOString().slice(0, 10);
  return policy.exceptions
    .filter(({ expires }) => expires === yesterday)
    .map(({ remediation, resource, owner, reason }) => ({
      label: 'Exception ended',
      value: `${remediation} on ${resource}, by ${owner}: ${reason}`,
      fresh: true,
    }));
}
