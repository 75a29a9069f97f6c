import { budgetOf } from '../policy.ts';
import { GLOBAL } from '../targets.ts';
import type { Guard, Planned, Stop } from './guard.ts';

/**
 * The circuit breaker: what is changed more often than anybody would expect, or on too large a part of all there is, is more
 * likely a fault of a rule or a forged flood than so many exposures. Once open, nothing more of the kind is changed in the account
 * until a person closes it.
 */
export const budget = {
  name: 'budget',
  async beforeWrite(situation) {
    const { watch, action, target, policy, context, at, begun } = situation;
    if (!watch) return undefined;
    const { perHour } = budgetOf(policy, action.id);
    const { account, type } = target;
    if (begun) {
      const open = await watch.budgets.breaker({ remediation: action.id, account });
      return open && stop(open.why);
    }
    const region = GLOBAL.has(type) ? 'the account' : target.region;
    const change = { remediation: action.id, account, region, response: context.response };
    const { count, breaker } = await watch.budgets.spend(change, perHour, at);
    return breaker ? stop(breaker.why) : tooMuchOfAll(situation, count.inRegion, region);
  },
} satisfies Guard;

async function tooMuchOfAll({ watch, action, target, policy, clients, at }: Planned, count: number, where: string) {
  const { share, shareFrom } = budgetOf(policy, action.id);
  if (count < shareFrom || !action.population) return undefined;
  const enough = Math.ceil(count / share);
  const population = await action.population(clients, target, enough);
  if (population >= enough) return undefined;
  const why = `${count} changes within an hour are more than ${Math.round(share * 100)} % of the ${population} resources of this kind in ${where}`;
  const kind = { remediation: action.id, account: target.account };
  const breaker = await watch?.budgets.open(kind, {
    at: at.toISOString(),
    count,
    limit: Math.floor(share * population),
    why,
  });
  return breaker && stop(breaker.why);
}

const stop = (why: string): Stop => ({ outcome: 'deferred', reason: `the circuit breaker is open: ${why}` });
