import type { Action } from './remediation.ts';
import { contextOf, describeChanges, type House } from './respond.ts';
import type { Response, ResponseRecord } from './response.ts';
import { changes } from './state.ts';

/**
 * Reads once more what a verified fix left, as of the time when the response began: what is due only since is no drift. One that
 * does not hold any more becomes `unverified`. What came beside it (a new access key) is recorded: it may be what its owner needed,
 * or what whoever held the resource made.
 */
export async function lookAgain(
  { response, finding, plan }: ResponseRecord,
  action: Action,
  house: House,
): Promise<Response> {
  if (response.outcome !== 'verified') return response;
  const { id, target, startedAt } = response;
  const context = contextOf({ id, action, finding }, house, startedAt);
  const clients = action.clients(await house.sessions.read(target));
  const fresh = await action.plan(clients, target, context).catch((error: unknown) => {
    if (error instanceof Error && action.gone.includes(error.name)) return undefined;
    throw error;
  });
  if (!fresh) {
    await context.record('looked again', 'the resource does not exist any more');
    return response;
  }
  const wrong = changes(fresh.after, fresh.before);
  const known = { ...plan?.before, ...plan?.after };
  const came = changes({}, fresh.before).filter(({ part: name }) => !Object.hasOwn(known, name));
  await context.record('looked again', {
    left: wrong.map((change) => ({ ...change })),
    came: came.map((change) => ({ ...change })),
  });
  if (wrong.length === 0) return response;
  const reason = `it was verified, and is wrong again since: ${describeChanges(wrong)}`;
  const drifted = await house.ledger.close(response, { outcome: 'unverified', reason });
  house.ended?.(drifted);
  return drifted;
}
