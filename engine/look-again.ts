import { describeChanges } from './change.ts';
import type { Action } from './remediation.ts';
import { contextOf, type House } from './respond.ts';
import type { Response, ResponseRecord } from './response.ts';
import { type Change, changes } from './state.ts';

/** What became of a fix. */
export interface Drift {
  /** The resource does not exist any more. */
  readonly gone: boolean;
  /** What is wrong again. */
  readonly left: readonly Change[];
  /** What came beside it (a new access key): it may be what its owner needed, or what whoever held the resource made. */
  readonly came: readonly Change[];
}

/**
 * Reads once more what a verified fix left, as of the time when the response began: what is due only since is no drift. Undefined:
 * it holds, and there is nothing to say.
 */
export async function driftOf(
  { response, finding, plan }: ResponseRecord,
  action: Action,
  house: House,
): Promise<Drift | undefined> {
  if (response.outcome !== 'verified') return undefined;
  const { id, target, startedAt } = response;
  const context = contextOf({ id, action, finding }, house, startedAt);
  const clients = action.clients(await house.sessions.read(target));
  const fresh = await action.plan(clients, target, context).catch((error: unknown) => {
    if (error instanceof Error && action.gone.includes(error.name)) return undefined;
    throw error;
  });
  if (!fresh) return { gone: true, left: [], came: [] };
  const left = changes(fresh.after, fresh.before);
  const known = { ...plan?.before, ...plan?.after };
  const came = changes({}, fresh.before).filter(({ part: name }) => !Object.hasOwn(known, name));
  return left.length + came.length > 0 ? { gone: false, left, came } : undefined;
}

/** Records what became of a fix. One that does not hold any more becomes `unverified`. */
export async function recordDrift(response: Response, { gone, left, came }: Drift, house: House): Promise<void> {
  const listed = (list: readonly Change[]) => list.map((change) => ({ ...change }));
  await house.ledger.append(
    response.id,
    'looked again',
    gone ? 'the resource does not exist any more' : { left: listed(left), came: listed(came) },
  );
  if (left.length === 0) return;
  const reason = `it was verified, and is wrong again since: ${describeChanges(left)}`;
  const drifted = await house.ledger.close(response, { outcome: 'unverified', reason });
  house.ended?.(drifted);
}
