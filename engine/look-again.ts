import type { Action } from './remediation.ts';
import { contextOf, describeChanges, type House } from './respond.ts';
import type { Response, ResponseRecord } from './response.ts';
import { changes } from './state.ts';

/**
 * Reads once more what a verified fix left, as of the time when the response began: what is due only since is no drift. One that
 * does not hold any more becomes `unverified`.
 */
export async function lookAgain(
  { response, finding }: ResponseRecord,
  action: Action,
  house: House,
): Promise<Response> {
  if (response.outcome !== 'verified') return response;
  const { id, target, startedAt } = response;
  const context = contextOf({ id, action, finding }, house, startedAt);
  const clients = action.clients(await house.sessions.read(target));
  const { before, after } = await action.plan(clients, target, context);
  const wrong = changes(after, before);
  await context.record('looked again', { left: wrong.map((change) => ({ ...change })) });
  if (wrong.length === 0) return response;
  const reason = `it was verified, and is wrong again since: ${describeChanges(wrong)}`;
  const drifted = await house.ledger.close(response, { outcome: 'unverified', reason });
  house.ended?.(drifted);
  return drifted;
}
