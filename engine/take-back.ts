import { type Answer, assertOutsider, type Person, Refusal } from './door.ts';
import { instruct, type Office, recorded } from './office.ts';
import { approvalEnds } from './policy.ts';
import { hasWritten } from './respond.ts';
import type { Order } from './response.ts';
import { responseId } from './targets.ts';
import { opensAgain, USUAL_HOLD_MS } from './undo.ts';

/** What a person wants taken back. */
export interface Wanted {
  readonly by: Person;
  /** Of the response. */
  readonly id: string | undefined;
  readonly reason?: string | undefined;
  /** Seconds; 0: none. */
  readonly hold?: number | undefined;
  /** Id of the response that shall do it; without one, the next of its undos. */
  readonly undo?: string;
}

/**
 * A person has a response taken back: by another response, which waits for an approval when it opens again what was closed. One
 * that has not ended is not begun twice; who began it may ask again, and the worker is told again.
 * @throws {Refusal} when it is not theirs to take back, or there is nothing to take back
 */
export async function takeBack(wanted: Wanted, office: Office): Promise<Answer> {
  const { ledger } = office;
  const { by } = wanted;
  const record = await recorded(wanted.id, office);
  assertOutsider(by, record);
  const { response, orders } = record;
  const { id, outcome, remediation, target } = response;
  if (!outcome) throw new Refusal(409, `${id} has not ended`, `wait until it has: firebreak show ${id}`);
  if (!record.plan || !hasWritten(record)) {
    throw new Refusal(409, `${id} ended ${outcome} without a change`, 'there is nothing to take back');
  }
  const opens = await opensAgain(response, ledger);
  if (!opens && wanted.hold) {
    throw new Refusal(400, `${id} took a fix back: its undo brings the fix again`, 'ask for it without a hold');
  }

  const earlier = orders.filter(({ verb }) => verb === 'undo');
  const going = await unfinished(earlier.at(-1), office);
  // The same for all who ask at once, so that the ledger keeps one of them.
  const next = wanted.undo ?? responseId(remediation, target, `undo ${earlier.length + 1} of ${id}`);
  const undo = going?.undo ?? next;
  const kept = going ?? (await ledger.order(id, orderOf(undo, wanted, opens)));
  if (kept.by !== by.arn || (wanted.undo !== undefined && wanted.undo !== undo)) {
    throw new Refusal(409, `${kept.by} has it taken back since ${kept.at}: ${undo}`, `see firebreak show ${undo}`);
  }
  await instruct({ do: 'undo', response: id, undo }, office);
  return { undo, undoes: id, by: kept.by, at: kept.at, until: kept.until ?? null, needsApproval: opens };
}

function orderOf(undo: string, { by, reason, hold = USUAL_HOLD_MS / 1_000 }: Wanted, opens: boolean): Order {
  const at = new Date();
  return {
    verb: 'undo',
    by: by.arn,
    at: at.toISOString(),
    undo,
    ...(reason !== undefined && { reason }),
    ...(opens && hold > 0 && { until: new Date(at.getTime() + hold * 1_000).toISOString() }),
  };
}

/** The order of an undo that has not come to its end. */
async function unfinished(order: Order | undefined, { ledger, policy }: Office): Promise<Order | undefined> {
  if (order?.undo === undefined) return undefined;
  const response = (await ledger.get(order.undo))?.response;
  const waits = response?.outcome === 'awaiting-approval' && approvalEnds(response, policy) > new Date();
  return !response?.outcome || waits ? order : undefined;
}
