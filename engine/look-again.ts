import { describeChanges } from './change.ts';
import type { Action } from './remediation.ts';
import { contextOf, type House } from './respond.ts';
import type { Response, ResponseRecord } from './response.ts';
import { type Change, changes, equal, type Json } from './state.ts';

/** What became of a fix. */
export interface Drift {
  /** What is wrong again. */
  readonly left: readonly Change[];
  /**
   * For the timeline: `left`, and what came beside it (a new access key), or that the resource does not exist any more. What came is
   * what its owner needed, or what whoever held the resource made; by the policy nothing is wrong with it.
   */
  readonly seen: Json;
}

const LOOKED = 'looked again';

/**
 * Reads once more what a verified fix left, as of the time when the response began: what is due only since is no drift. Undefined:
 * it holds, and there is nothing to say but what the last look said.
 */
export async function driftOf(
  { response, finding, plan, timeline }: ResponseRecord,
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
  const known = { ...plan?.before, ...plan?.after };
  const left = fresh ? changes(fresh.after, fresh.before) : [];
  const came = changes({}, fresh?.before ?? {}).filter(({ part: name }) => !Object.hasOwn(known, name));
  const listed = (list: readonly Change[]) => list.map((change) => ({ ...change }));
  const seen = fresh ? { left: listed(left), came: listed(came) } : 'the resource does not exist any more';
  const last = timeline.findLast(({ event }) => event === LOOKED)?.detail ?? { left: [], came: [] };
  return left.length > 0 || !equal(seen, last) ? { left, seen } : undefined;
}

/** Records what became of a fix. One that does not hold any more becomes `unverified`. */
export async function recordDrift(response: Response, { left, seen }: Drift, house: House): Promise<void> {
  await house.ledger.append(response.id, LOOKED, seen);
  if (left.length === 0) return;
  const reason = `it was verified, and is wrong again since: ${describeChanges(left)}`;
  const drifted = await house.ledger.close(response, { outcome: 'unverified', reason });
  house.ended?.(drifted);
}
