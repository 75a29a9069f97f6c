import * as z from 'zod/mini';
import { change, describeChanges, settle } from './change.ts';
import { TransientError } from './errors.ts';
import type { Planned, Stop } from './guards/guard.ts';
import { GUARDS } from './guards/guards.ts';
import { type Hold, type Holds, type Ledger, leaseKey } from './ledger/ledger.ts';
import type { Context, Plan } from './remediation.ts';
import { attempt, type House, hasWritten, isApproved, type Request } from './respond.ts';
import type { End, Response } from './response.ts';
import { type Change, changes } from './state.ts';
import { targetKey } from './targets.ts';

const WEEK_MS = 7 * 86_400_000;
/** How long an undo holds the resource, unless it says otherwise; what shall be left alone for longer than the other is an exception. */
export const USUAL_HOLD_MS = WEEK_MS;
export const LONGEST_HOLD_MS = 52 * WEEK_MS;
/** Why, where nobody said. */
export const usualReason = (id: string): string => `${id} was taken back`;

/** Where an undo runs: it takes the resource for itself, and puts a hold on it. */
export interface UndoHouse extends House {
  readonly holds: Holds;
}

/** A response that a person takes back. */
export interface UndoRequest extends Request {
  readonly recorded: Plan;
  readonly undoes: string;
  readonly by: string;
  /** Takes an undo back, so that it fixes again what that opened. */
  readonly fixes?: boolean;
  /** What it leaves on the resource, in the place of the hold before; without one, that is lifted. */
  readonly hold?: Hold;
  /** Id of the message that asks: of two that are told at once, one has the resource; a redelivery has it still. */
  readonly message?: string;
}

/**
 * Takes a response's recorded change back, part by part, as a response of its own. No other response works on the resource
 * meanwhile, and its hold is there before the first write.
 *
 * @throws what is transient, with the response left open for the next try
 */
export const undo = (request: UndoRequest, house: UndoHouse): Promise<Response> =>
  attempt(request, house, goBack, { undoes: request.undoes });

/** Whether an undo of a response opens again what a fix closed: that of an undo brings the fix back. */
export async function opensAgain({ undoes }: Response, ledger: Ledger): Promise<boolean> {
  const taken = undoes === undefined ? undefined : await ledger.get(undoes);
  return !(taken && (await opensAgain(taken.response, ledger)));
}

async function goBack(request: UndoRequest, house: UndoHouse, context: Context, resumed: boolean): Promise<End> {
  const { action, target, recorded, id, hold, message, undoes, by, fixes } = request;
  if (action.undo === 'irreversible') return { outcome: 'refused', reason: `${action.id} cannot be undone` };
  z.parse(action.state, recorded.before);

  const earlier = resumed ? await house.ledger.get(id) : undefined;
  const applying = earlier !== undefined && hasWritten(earlier);
  const changed = async (how: string, list: readonly Change[]): Promise<End> => {
    // What another message of this very undo has begun to write is nobody else's change.
    const record = applying ? undefined : await house.ledger.get(id);
    if (record && hasWritten(record)) throw new TransientError(`${id} is being written back`);
    return { outcome: 'changed-since', reason: `${how}: ${describeChanges(list)}` };
  };
  const reader = action.clients(await house.sessions.read(target));
  const { changedSince, ...plan } = await action.undo(reader, target, recorded, context);
  if (changedSince.length > 0) return changed('somebody changed it since', changedSince);
  const already = changes(plan.before, plan.after).length === 0;
  if (already && house.planOnly) return ALREADY_BACK;
  if (!already) {
    const shown = await house.ledger.plan(id, plan);
    const moved = applying ? [] : [...changes(shown.before, plan.before), ...changes(shown.after, plan.after)];
    if (moved.length > 0) return changed('it changed meanwhile', moved);
    if (house.planOnly) return { outcome: 'observed', reason: 'only a plan was asked for' };
    const approved = earlier !== undefined && isApproved(earlier);
    const fix = { ...request, ...house, context, plan, clients: reader, at: new Date(), fixed: [] };
    const forbids = fixes && !applying && (await forbidden(fix));
    const stop = forbids || (applying || approved ? undefined : await house.confirm?.(plan));
    if (stop) return stop;
  }

  const key = leaseKey(action.id, targetKey(target));
  const holder = message === undefined ? id : `${id} by message ${message}`;
  try {
    const busy = await house.holds.take(key, holder);
    if (busy !== undefined) {
      if (!house.lastTry) throw new TransientError(`${busy} works on it`);
      return { outcome: 'refused', reason: `${busy} works on it: try again when that has ended` };
    }
    const { before: now } = await action.undo(reader, target, recorded, context);
    const moved = changes(plan.before, now);
    if (moved.length > 0)
      return { outcome: 'changed-since', reason: `it changed meanwhile: ${describeChanges(moved)}` };
    // Known to whoever goes on with the response, or looks at it again.
    const until = hold && { until: hold.until };
    await house.ledger.order(undoes, { verb: 'undo', by, at: new Date().toISOString(), undo: id, ...until });
    // Held before it is open again: or a finding in between would have it fixed, and the fix would be held.
    await context.record(hold ? 'held' : 'hold lifted', { ...hold });
    await house.holds.put(key, holder, hold);
    if (already) return ALREADY_BACK;

    await change(reader, plan, request, house, context);
    const left = await settle(reader, plan, request, context);
    return left.length === 0
      ? { outcome: 'undone', reason: 'it is as it was before, and reads back so' }
      : { outcome: 'unverified', reason: `written back, but it reads otherwise: ${describeChanges(left)}` };
  } finally {
    // One that is not let go of ends by itself.
    await house.holds.release(key, holder).catch(() => undefined);
  }
}

/** Why nothing is fixed, not even again and at a person's word: by the first guard that yields to none. */
async function forbidden(fix: Planned): Promise<End | undefined> {
  for (const guard of GUARDS.filter(({ yieldsTo }) => !yieldsTo)) {
    const stop = (await guard.onFinding?.(fix)) ?? (await guard.onPlan?.(fix));
    if (stop) return { ...stop, outcome: 'refused', guard: guard.name };
  }
  return undefined;
}

const ALREADY_BACK: Stop = { outcome: 'undone', reason: 'it already is as it was before' };
