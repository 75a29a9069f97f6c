import { setTimeout as sleep } from 'node:timers/promises';
import type { Sessions } from './aws/sessions.ts';
import { describeError, isTransient } from './errors.ts';
import type { Finding } from './findings/finding.ts';
import type { Guard, Situation, Stop, Watch, Word } from './guards/guard.ts';
import { GUARDS } from './guards/guards.ts';
import type { Hold, Ledger } from './ledger/ledger.ts';
import { parametersOf } from './policy.ts';
import type { Policy } from './policy-schema.ts';
import type { Action, Context, Plan, Target } from './remediation.ts';
import type { End, Response, ResponseRecord } from './response.ts';
import { type Change, canonical, changes, part, withPart } from './state.ts';

/** What a response needs of the house it runs in. */
export interface House {
  readonly ledger: Ledger;
  readonly sessions: Sessions;
  readonly policy: Policy;
  readonly home: { readonly account: string; readonly region: string };
  /** A person runs it by name, with credentials of their own: guards that yield to that only warn. */
  readonly requested?: boolean;
  readonly watch?: Watch;
  /** Plan, and go no further. */
  readonly planOnly?: boolean;
  /** A person's word on an undo before it writes; a stop when it is no. */
  readonly confirm?: (plan: Plan) => Promise<Stop | undefined>;
  /** No other try will follow, so that what is transient ends the response too. */
  readonly lastTry?: boolean;
  /** Sees to it that a verified fix is read once more, so many seconds later. */
  readonly lookLater?: (response: string, seconds: number) => Promise<void>;
  /** Is told of each response that ends here, once. */
  readonly ended?: (response: Response) => void;
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
  /** When the remediation fixed the resource before. */
  readonly fixed?: readonly string[];
  /** Ids of all responses to the same telling of the finding, where it means several resources. */
  readonly siblings?: readonly string[];
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

/** Records a response that ends before there is anything to read: the ledger has an end for every finding. */
export const conclude = (
  request: Request,
  stop: Stop,
  house: House,
  origin: Pick<Response, 'undoes'> = {},
): Promise<Response> => attempt(request, house, async () => stop, origin);

export type Work<R extends Request, H extends House> = (
  request: R,
  house: H,
  context: Context,
  resumed: boolean,
) => Promise<End>;

export async function attempt<R extends Request, H extends House>(
  request: R,
  house: H,
  work: Work<R, H>,
  origin: Pick<Response, 'undoes'> = {},
): Promise<Response> {
  const { id, action, target, finding, correlation, by, siblings } = request;
  const { source, type, productArn, severity, title } = finding;
  const { response, resumed } = await house.ledger.open(
    {
      id,
      remediation: action.id,
      target,
      correlation,
      finding: { source, type, id: finding.id, severity, title, ...(productArn !== undefined && { productArn }) },
      startedAt: new Date().toISOString(),
      ...(siblings && { siblings }),
      ...(by !== undefined && { by }),
      ...origin,
    },
    finding,
  );
  if (response.outcome) return response;
  const context = contextOf(request, house, response.startedAt);
  const end = await work(request, house, context, resumed).catch((error: unknown): End => {
    if (error instanceof Error && action.gone.includes(error.name)) {
      return { outcome: 'gone', reason: 'the resource does not exist any more' };
    }
    if (isTransient(error) && !house.lastTry) throw error;
    return { outcome: 'failed', reason: describeError(error) };
  });
  // Before its end is recorded: or one that is killed in between would never be looked at again.
  if (end.outcome === 'verified' && action.secondLook) await house.lookLater?.(id, action.secondLook);
  const closed = await house.ledger.close(response, end);
  house.ended?.(closed);
  return closed;
}

export const contextOf = (
  { id, action, finding }: Pick<Request, 'id' | 'action' | 'finding'>,
  { policy, ledger }: House,
  startedAt: string,
): Context => ({
  finding,
  parameters: parametersOf(policy, action),
  response: id,
  now: new Date(startedAt),
  record: (event, detail) => ledger.append(id, event, detail),
});

async function fix(request: Request, house: House, context: Context, resumed: boolean): Promise<End> {
  const { action, target, finding, id, held: hold, fixed = [] } = request;
  const { policy, home, watch } = house;
  const earlier = resumed ? await house.ledger.get(id) : undefined;
  const approved = earlier !== undefined && isApproved(earlier);
  const asker: Asker = { word: house.requested ? 'run' : approved ? 'approval' : undefined, context };
  const situation = (): Situation => ({
    ...{ action, target, finding, policy, context, home, fixed, at: new Date() },
    ...(hold && { hold }),
    ...(watch && { watch }),
  });
  const refused = await guarded(asker, (guard) => guard.onFinding?.(situation()));
  if (refused) return refused;

  const clients = action.clients(await house.sessions.read(target));
  const fresh = await action.plan(clients, target, context);
  const applying = earlier?.timeline.some(({ event }) => event === 'applying');
  // What is half changed is not declined any more: the facts may speak of our own change.
  const declined = applying ? undefined : action.decline?.(fresh, context);
  if (declined) return declined;
  if (approved && !applying && earlier?.plan) {
    const moved = [...changes(earlier.plan.before, fresh.before), ...changes(earlier.plan.after, fresh.after)];
    if (moved.length > 0) return { outcome: 'changed-since', reason: `${NOT_AS_APPROVED}: ${describeChanges(moved)}` };
  }
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
  if (!applying) {
    const planned = () => ({ ...situation(), plan, clients });
    const stopped =
      (await guarded(asker, (guard) => guard.onPlan?.(planned()))) ??
      (await guarded(asker, (guard) => guard.beforeWrite?.(planned())));
    if (stopped) return stopped;
  }

  await change(plan, request, house, context);
  const left = await settle(clients, plan, request, context);
  // What an interrupted run planned may by now be less than the resource needs.
  if (left.length === 0 && !earlier?.plan) return AS_PLANNED;
  const again = await action.plan(clients, target, context);
  const wrong = changes(again.after, again.before);
  if (wrong.length > 0) {
    const how = left.length > 0 ? 'changed, but it reads back otherwise' : MORE_SINCE;
    return { outcome: 'unverified', reason: `${how}: ${describeChanges(wrong)}` };
  }
  return left.length === 0
    ? AS_PLANNED
    : { outcome: 'verified', reason: 'the resource is compliant, if not exactly as planned' };
}

/** In whose name guards are asked, and where those that yield leave their reason. */
interface Asker {
  readonly word: Word | undefined;
  readonly context: Context;
}

/** The first guard's word that ends the response. To a person who asked for it, those that yield only say it. */
async function guarded(
  { word, context }: Asker,
  check: (guard: Guard) => Stop | undefined | Promise<Stop | undefined>,
) {
  for (const guard of GUARDS) {
    const stop = await check(guard);
    if (stop && !(word && guard.yieldsTo?.includes(word))) return { ...stop, guard: guard.name };
    if (stop) await context.record('warned', { guard: guard.name, reason: stop.reason });
  }
  return undefined;
}

export const isApproved = ({ orders }: ResponseRecord): boolean => orders.some(({ verb }) => verb === 'approve');
const NOT_AS_APPROVED =
  'it moved since the plan that was approved, so nothing was changed, and a new plan is asked for';

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

/** Applies a plan in one session, or, when its policy would be too long for STS, in one session for each part. */
export async function change(
  plan: Plan,
  { action, target, id }: Request,
  house: House,
  context: Context,
): Promise<void> {
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
export async function settle(
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
  // All as planned is what the outcome says; each entry costs a write.
  if (left.length > 0) await context.record('read back', { left: left.map((change) => ({ ...change })) });
  return left;
}

/** Differences in one line, for a reason. */
export const describeChanges = (list: readonly Change[]): string =>
  list
    .map(({ part: name, from, to }) => `${name} should be ${canonical(from)} and is ${canonical(to)}`)
    .join('; ')
    .slice(0, 1_000);
