import { ACCOUNT_ID } from '../../engine/arn.ts';
import { type Answer, type Asked, Refusal } from '../../engine/door.ts';
import type { Budgets } from '../../engine/ledger/budgets.ts';

const WORD = /^[a-z][a-z0-9-]{0,60}$/;

/** A person closes the circuit breaker of a remediation in an account; what it deferred is tried again by the sweep. */
export async function closeBreaker({ by, path }: Asked<object>, budgets: Budgets): Promise<Answer> {
  const { worker = '', remediation: name = '', account = '' } = path;
  const remediation = `${worker}.${name}`;
  const named = WORD.test(worker) && WORD.test(name) && ACCOUNT_ID.test(account);
  const at = new Date();
  if (!named || !(await budgets.close({ remediation, account }, by.arn, at))) {
    throw new Refusal(404, 'no such circuit breaker is open', 'firebreak breaker list shows those that are');
  }
  return { remediation, account, closed: at.toISOString(), by: by.arn };
}
