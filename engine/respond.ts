import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Sessions } from './aws/sessions.ts';
import { describeError, isTransient } from './errors.ts';
import type { Finding } from './findings/finding.ts';
import type { Guard, Situation, Stop } from './guards/guard.ts';
import { GUARDS } from './guards/guards.ts';
import { type Hold, type Holds, type Ledger, leaseKey } from './ledger/ledger.ts';
import { parametersOf } from './policy.ts';
import type { Policy } from './policy-schema.ts';
import type { Action, Context, Plan, Target } from './remediation.ts';
import type { Response } from './response.ts';
import { type Change, canonical, changes, part, withPart } from './state.ts';
import { targetKey } from './targets.ts';

/** What a response needs of the house it runs in. */
export interface House {
  readonly ledger: Ledger;
  readonly sessions: Sessions;
  readonly policy: Policy;
  readonly home: { readonly account: string; readonly region: string };
  /** A person asked for this resource by name: guards that yield to a person only warn. */
  readonly requested?: boolean;
  /** Plan, and go no further. */
  readonly planOnly?: boolean;
  /** A person's word on an undo before it writes; a stop when it is no. */
  readonly confirm?: (plan: Plan) => Promise<Stop | undefined>;
  /** No other try will follow, so that what is transient ends the response too. */
  readonly lastTry?: boolean;
  /** Is told of each response that ends here, once. */
  readonly ended?: (response: Response, finding: Finding) => void;
}

/** Where an undo runs: it takes the resource for itself, and puts a hold on it. */
export interface UndoHouse extends House {
  readonly holds: Holds;
}

/** One remediation, one resource, one finding. */
export interface Request {
  readonly id: string;
  readonly action: Action;
  readonly target: Target;
  readonly finding: Finding;
  readonly correlation: string;
  /** Who asked for it, where a person did. */
  readonly by?: string;
  /** The hold on the resource, also when its time is over. */
  readonly held?: Hold;
}

/** A response that a person takes back. */
export interface UndoRequest extends Request {
  readonly recorded: Plan;
  readonly undoes: string;
  readonly by: string;
  /** What it leaves on the resource, in the place of the hold before; without one, that is lifted. */
  readonly hold?: Hold;
}

/** Milliseconds before each look at whether a change has settled: AWS reads are eventually consistent. */
const LOOKS_MS = [0, 250, 750, 2_000, 4_000];

/**
 * Runs one response from the guards to the verified end, and records each step before the next. Called again with the same
 * id it goes on where the last run stopped, or answers what that run came to.
 *
 * @throws what is transient (throttles, time-outs, service faults), with the response left open for the next try
 */
export const respond = (request: Request, house: House): Promise<Response> => attempt(request, house, fix);

/**
 * Takes a response's recorded change back, part by part, as a response of its own. No other response works on the resource
 * meanwhile, and its hold is there before the first write.
 *
 * @throws what is transient, with the response left open for the next try
 */
export const undo = (request: UndoRequest, house: UndoHouse): Promise<Response> =>
  attempt(request, house, goBack, { undoes: request.undoes });

/** Records a response that ends before there is anything to read: the ledger has an end for every finding. */
export const conclude = (request: Request, stop: Stop, house: House): Promise<Response> =>
  attempt(request, house, async () => stop);

type Work<R extends Request, H extends House> = (
  request: R,
  house: H,
  context: Context,
  resumed: boolean,
) => Promise<Stop>;

async function attempt<R extends Request, H extends House>(
  request: R,
  house: H,
  work: Work<R, H>,
  origin: Pick<Response, 'undoes'> = {},
): Promise<Response> {
  const { id, action, target, finding, correlation, by } = request;
  const { source, type, severity, title } = finding;
  const { response, resumed } = await house.ledger.open(
    {
      id,
      remediation: action.id,
      target,
      correlation,
      finding: { source, type, id: finding.id, severity, title },
      startedAt: new Date().toISOString(),
      ...(by !== undefined && { by }),
      ...origin,
    },
    finding,
  );
  if (response.outcome) return response;
  const context: Context = {
    finding,
    parameters: parametersOf(house.policy, action),
    response: id,
    now: new Date(response.startedAt),
    record: (event, detail) => house.ledger.append(id, event, detail),
  };
  const { outcome, reason } = await work(request, house, context, resumed).catch((error: unknown): Stop => {
    if (error instanceof Error && action.gone.includes(error.name)) {
      return { outcome: 'gone', reason: 'the resource does not exist any more' };
    }
    if (isTransient(error) && !house.lastTry) throw error;
    return { outcome: 'failed', reason: describeError(error) };
  });
  const closed = await house.ledger.close(response, outcome, reason);
  house.ended?.(closed, finding);
  return closed;
}

async function fix(request: Request, house: House, context: Context, resumed: boolean): Promise<Stop> {
  const { action, target, finding, id, held } = request;
  const { policy, home } = house;
  const situation: Situation = { action, target, finding, policy, context, home, ...(held && { hold: held }) };
  const refused = await guarded(
    (guard) => (guard.phase === 'finding' ? guard.check(situation) : undefined),
    house,
    context,
  );
  if (refused) return refused;

  const reader = action.clients(await house.sessions.read(target));
  const fresh = await action.plan(reader, target, context);
  const earlier = resumed ? await house.ledger.get(id) : undefined;
  const applying = earlier?.timeline.some(({ event }) => event === 'applying');
  // What is half changed is not declined any more: the facts may speak of our own change.
  const declined = applying ? undefined : action.decline?.(fresh, context);
  if (declined) return declined;
  const plan = earlier?.plan ? continued(fresh, earlier.plan) : fresh;
  if (changes(plan.before, plan.after).length === 0) {
    const since = changes(fresh.after, fresh.before);
    if (since.length > 0) return { outcome: 'unverified', reason: `${MORE_SINCE}: ${describeChanges(since)}` };
    return applying
      ? { outcome: 'verified', reason: 'the change of an interrupted run is in place' }
      : { outcome: 'compliant', reason: 'nothing to change' };
  }
  if (earlier?.plan) await context.record('continued', { before: plan.before, after: plan.after });
  else await house.ledger.plan(id, plan);

  if (house.planOnly) return { outcome: 'observed', reason: 'only a plan was asked for' };
  const stopped = await guarded(
    (guard) => (guard.phase === 'plan' ? guard.check(situation, plan) : undefined),
    house,
    context,
  );
  if (stopped) return stopped;

  await change(reader, plan, request, house, context);
  const left = await settle(reader, plan, request, context);
  // What an interrupted run planned may by now be less than the resource needs.
  if (left.length === 0 && !earlier?.plan) return AS_PLANNED;
  const again = await action.plan(reader, target, context);
  const wrong = changes(again.after, again.before);
  if (wrong.length > 0) {
    const how = left.length > 0 ? 'changed, but it reads back otherwise' : MORE_SINCE;
    return { outcome: 'unverified', reason: `${how}: ${describeChanges(wrong)}` };
  }
  return left.length === 0
    ? AS_PLANNED
    : { outcome: 'verified', reason: 'the resource is compliant, if not exactly as planned' };
}

/** The first guard's word that ends the response. To a person who asked by name, those that yield only say it. */
async function guarded(
  check: (guard: Guard) => Stop | undefined,
  { requested }: House,
  context: Context,
): Promise<Stop | undefined> {
  for (const guard of GUARDS) {
    const stop = check(guard);
    if (stop && !(requested && guard.yields)) return stop;
    if (stop) await context.record('warned', { guard: guard.name, reason: stop.reason });
  }
  return undefined;
}

const AS_PLANNED: Stop = { outcome: 'verified', reason: 'changed, and it reads back as planned' };
const MORE_SINCE = 'what was planned is in place, and more is wrong since';

/**
 * What is left of a recorded plan after an interruption: its own parts, as they are now. A part that the record does not know
 * how to go back from is left to another response.
 */
const continued = (fresh: Plan, recorded: Plan): Plan => ({
  ...fresh,
  after: changes(recorded.before, recorded.after).reduce(
    (state, { part: name }) => withPart(state, name, part(fresh.after, name)),
    fresh.before,
  ),
});

async function goBack(request: UndoRequest, house: UndoHouse, context: Context): Promise<Stop> {
  const { action, target, recorded, id, hold } = request;
  if (action.undo === 'irreversible') return { outcome: 'refused', reason: `${action.id} cannot be undone` };
  z.parse(action.state, recorded.before);

  const reader = action.clients(await house.sessions.read(target));
  const { changedSince, ...plan } = await action.undo(reader, target, recorded, context);
  if (changedSince.length > 0) {
    return { outcome: 'changed-since', reason: `somebody changed it since: ${describeChanges(changedSince)}` };
  }
  const already = changes(plan.before, plan.after).length === 0;
  if (already && house.planOnly) return ALREADY_BACK;
  if (!already) {
    await house.ledger.plan(id, plan);
    if (house.planOnly) return { outcome: 'observed', reason: 'only a plan was asked for' };
    const stop = await house.confirm?.(plan);
    if (stop) return stop;
  }

  const key = leaseKey(action.id, targetKey(target));
  try {
    const busy = await house.holds.take(key, id);
    if (busy !== undefined) {
      return { outcome: 'refused', reason: `${busy} works on it: try again when that has ended` };
    }
    const { before: now } = await action.undo(reader, target, recorded, context);
    const moved = changes(plan.before, now);
    if (moved.length > 0)
      return { outcome: 'changed-since', reason: `it changed meanwhile: ${describeChanges(moved)}` };
    // Held before it is open again: or a finding in between would have it fixed, and the fix would be held.
    await context.record(hold ? 'held' : 'hold lifted', { ...hold });
    await house.holds.put(key, id, hold);
    if (already) return ALREADY_BACK;

    await change(reader, plan, request, house, context);
    const left = await settle(reader, plan, request, context);
    return left.length === 0
      ? { outcome: 'undone', reason: 'it is as it was before, and reads back so' }
      : { outcome: 'unverified', reason: `written back, but it reads otherwise: ${describeChanges(left)}` };
  } finally {
    // One that is not let go of ends by itself.
    await house.holds.release(key, id).catch(() => undefined);
  }
}

const ALREADY_BACK: Stop = { outcome: 'undone', reason: 'it already is as it was before' };

/**
 * Applies a plan. A call whose answer was lost is sent again, and may be refused because it took place the first time: what
 * is so decides, and not the refusal.
 */
const change = (reader: unknown, plan: Plan, request: Request, house: House, context: Context): Promise<void> =>
  send(plan, request, house, context).catch(async (error: unknown) => {
    const { action, target } = request;
    if (isTransient(error) || (await action.verify(reader, target, plan, context)).length > 0) throw error;
    await context.record('refused, and done', describeError(error));
  });

/** Sends a plan's calls in one session, or, when its policy would be too long for STS, in one session for each part. */
async function send(plan: Plan, { action, target, id }: Request, house: House, context: Context): Promise<void> {
  const wanted = changes(plan.before, plan.after);
  await context.record(
    'applying',
    wanted.map((change) => ({ ...change })),
  );
  const whole = await house.sessions.write(target, action.permissions.write(target, plan), id);
  if (whole) return action.apply(action.clients(whole), target, plan, context);

  // A part that cannot be written does not keep the others from being.
  const failures: unknown[] = [];
  for (const { part: name, from } of wanted) {
    // Each step is told the whole goal, so that what forbids one part is seen before any is written.
    const step: Plan = { ...plan, before: withPart(plan.after, name, from) };
    const session = await house.sessions.write(target, action.permissions.write(target, step), id);
    if (!session) throw new Error(`the session policy for ${name} is longer than STS takes`);
    await action.apply(action.clients(session), target, step, context).catch((error: unknown) => {
      if (isTransient(error)) throw error;
      failures.push(error);
    });
  }
  if (failures.length > 0) throw failures[0];
}

/** Reads until the plan is in place, or long enough; answers the parts that are not. */
async function settle(
  reader: unknown,
  plan: Plan,
  { action, target }: Request,
  context: Context,
): Promise<readonly Change[]> {
  let left: readonly Change[] = [];
  for (const wait of LOOKS_MS) {
    await sleep(wait);
    left = await action.verify(reader, target, plan, context);
    if (left.length === 0) break;
  }
  await context.record('read back', { left: left.map((change) => ({ ...change })) });
  return left;
}

/** Differences in one line, for a reason. */
const describeChanges = (list: readonly Change[]): string =>
  list
    .map(({ part: name, from, to }) => `${name} should be ${canonical(from)} and is ${canonical(to)}`)
    .join('; ')
    .slice(0, 1_000);
