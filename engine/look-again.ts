import type { Action } from './remediation.ts';
import { contextOf, describeChanges, type House } from './respond.ts';
import type { Response, ResponseRecord } from './response.ts';
import { canonical, changes } from './state.ts';

/**
 * Reads once more what a verified fix left, as of the time when the response began: what is due only since is no drift. One that
 * does not hold any more becomes `unverified`, and so does one beside which something came that the plan did not know (a new
 * access key): whoever held the resource may have made it. It is told, and left to a person.
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
  const { before, after } = await action.plan(clients, target, context);
  const wrong = changes(after, before);
  const known = { ...plan?.before, ...plan?.after };
  const came = changes({}, before).filter(
    ({ part: name }) => !Object.hasOwn(known, name) && !wrong.some((change) => change.part === name),
  );
  await context.record('looked again', {
    left: wrong.map((change) => ({ ...change })),
    came: came.map((change) => ({ ...change })),
  });
  if (wrong.length === 0 && came.length === 0) return response;
  const reasons = [
    ...(wrong.length > 0 ? [`is wrong again since: ${describeChanges(wrong)}`] : []),
    ...(came.length > 0
      ? [`since then there is more: ${came.map((one) => `${one.part} is ${canonical(one.to)}`).join('; ')}`]
      : []),
  ];
  const reason = `it was verified, and ${reasons.join('; ')}`.slice(0, 1_000);
  const drifted = await house.ledger.close(response, { outcome: 'unverified', reason });
  house.ended?.(drifted);
  return drifted;
}
