import type { Sessions } from './aws/sessions.ts';
import { change, describeChanges, settle } from './change.ts';
import { describeError, isTransient, TransientError } from './errors.ts';
import type { Finding } from './findings/finding.ts';
import type { Guard, Situation, Stop, Watch, Word } from './guards/guard.ts';
import { GUARDS } from './guards/guards.ts';
import type { Hold, Ledger } from './ledger/ledger.ts';
import { parametersOf } from './policy.ts';
import type { Policy } from './policy-schema.ts';
import type { Action, Context, Plan, Target } from './remediation.ts';
import { type End, type Response, type ResponseRecord, told } from './response.ts';
import { type Change, changes, equal, type Json, part, withPart } from './state.ts';
import { successorOf } from './targets.ts';

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
  /** Is told how a response ended; of one that two runs end at once, perhaps twice. */
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
  /** When the remediation changed the resource before. */
  readonly fixed?: readonly string[];
  /** The response that waits for the approval of a plan for the resource. */
  readonly waiting?: ResponseRecord;
  /** How many responses there are to the same telling of the finding, where it means several resources. */
  readonly siblings?: number;
}

/** Plans in a row that come to nothing because the resource moves. */
const MOST_SUCCESSORS = 5;

/**
 * Runs one response from the guards to the verified end, and records each step before the next. Called again with the same
 * id it goes on where the last run stopped, or answers what that run came to. When the plan comes to nothing because the
 * resource moved, it answers the response with the new plan.
 *
 * @throws what is transient (throttles, time-outs, service faults), with the response left open for the next try
 */
export async function respond(request: Request, house: House): Promise<Response> {
  let response = await attempt(request, house, fix);
  for (let made = 0; response.followedBy !== undefined; made += 1) {
    if (made === MOST_SUCCESSORS) throw new TransientError(`${request.target.arn} moves faster than it is planned for`);
    response = await attempt({ ...request, id: response.followedBy }, house, fix);
  }
  return response;
}

/** Records a response that ends before there is anything to read: the ledger has an end for every finding. */
export const conclude = (
  request: Request,
  stop: Stop,
  house: House,
  origin?: Pick<Response, 'undoes'>,
): Promise<Response> => attempt(request, house, async () => stop, origin);

type Work<R extends Request, H extends House> = (
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
  const { id, action, target, finding, correlation, by = finding.asked?.by, siblings } = request;
  const { response, resumed } = await house.ledger.open(
    {
      id,
      remediation: action.id,
      target,
      correlation,
      finding: told(finding),
      startedAt: new Date().toISOString(),
      ...(siblings && { siblings }),
      ...(by !== undefined && { by }),
      ...(onlyLooks(request, house) && { looks: true }),
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

const onlyLooks = ({ finding }: Pick<Request, 'finding'>, { planOnly }: Pick<House, 'planOnly'>): boolean =>
  planOnly === true || finding.asked?.mode === 'observe';

export const contextOf = (
  { id, action, finding }: Pick<Request, 'id' | 'action' | 'finding'>,
  { policy, ledger }: House,
  startedAt: string,
): Context => ({
  finding,
  parameters: parametersOf(policy, action, finding),
  response: id,
  now: new Date(startedAt),
  record: (event, detail) => ledger.append(id, event, detail),
});

async function fix(request: Request, house: House, context: Context, resumed: boolean): Promise<End> {
  const { action, target, id, finding } = request;
  const earlier = resumed ? await house.ledger.get(id) : undefined;
  const judgement = finding.judgedBy?.[action.id];
  if (judgement && !earlier?.timeline.some(({ event }) => event === JUDGED))
    await context.record(JUDGED, judgement as Json);
  const approved = earlier !== undefined && isApproved(earlier);
  // Who only looks is told what the guards that yield to a person have against it.
  const looks = onlyLooks(request, house);
  const asker: Asker = {
    word: house.requested || finding.asked?.mode === 'observe' ? 'run' : approved ? 'approval' : undefined,
    context,
  };
  const begun = earlier?.plan !== undefined && hasWritten(earlier);
  const ended = begun && (await finish(request, house, context, earlier, earlier.plan));
  if (ended) return ended;
  const situation = situationOf(request, house, context, begun);
  const refused = await guarded(asker, (guard) => guard.onFinding?.(situation()));
  if (refused) return refused;

  const clients = action.clients(await house.sessions.read(target));
  const plan = await action.plan(clients, target, context);
  const declined = action.decline?.(plan, context);
  if (declined) return declined;
  if (changes(plan.before, plan.after).length === 0) return COMPLIANT;
  const stored = await house.ledger.plan(id, plan);
  const moved = movedSince(stored, plan, action);
  const caution = action.caution?.(plan, context);
  const doubt = caution !== undefined && action.caution?.(stored, context) === undefined && caution;
  if (moved.length > 0 || doubt) {
    const how = describeChanges(moved) || doubt;
    const reason = `it moved since the plan was made, so nothing was changed, and a new plan is made: ${how}`;
    return { outcome: 'changed-since', reason, followedBy: successorOf({ id, remediation: action.id, target }) };
  }
  if (looks) return { outcome: 'observed', reason: 'only a plan was asked for' };
  const planned = () => ({ ...situation(), plan, clients });
  const stopped =
    (await guarded(asker, (guard) => guard.onPlan?.(planned()))) ??
    (await guarded(asker, (guard) => guard.beforeWrite?.(planned())));
  if (stopped) return stopped;

  await change(clients, plan, request, house, context);
  const left = await settle(clients, plan, request, context);
  return left.length === 0 ? AS_PLANNED : judged(clients, left, request, context);
}

/**
 * Goes on with a change that an interrupted run began, and does of it what is left: a resource that is changed in part is worse off
 * than before or after. Undefined: it wrote nothing, so that all may still be asked who can stop it.
 */
async function finish(
  request: Request,
  house: House,
  context: Context,
  earlier: ResponseRecord,
  recorded: Plan,
): Promise<End | undefined> {
  const { action, target, id } = request;
  const back = await takenBack(earlier, house.ledger);
  if (back !== undefined) return { outcome: 'excepted', reason: `${back} took it back meanwhile` };
  const clients = action.clients(await house.sessions.read(target));
  const fresh = await action.plan(clients, target, context);
  if (isUntouched(fresh, recorded, action)) return undefined;
  const strange = unexplained(fresh, recorded, action);
  if (strange.length > 0) {
    const reason = `it moved while it was being changed: ${describeChanges(strange)}`;
    return { outcome: 'unverified', reason, followedBy: successorOf({ id, remediation: action.id, target }) };
  }
  const plan = continued(fresh, recorded);
  if (changes(plan.before, plan.after).length === 0) {
    const since = changes(fresh.after, fresh.before);
    return since.length > 0
      ? { outcome: 'unverified', reason: `${MORE_SINCE}: ${describeChanges(since)}` }
      : { outcome: 'verified', reason: 'the change of an interrupted run is in place' };
  }
  await context.record('continued', { before: plan.before, after: plan.after });
  await change(clients, plan, request, house, context);
  const left = await settle(clients, plan, request, context);
  // What was planned then may by now be less than the resource needs.
  return judged(clients, left, request, context);
}

/** The end of a change by what another plan still finds wrong, whatever of the first plan is not in place. */
async function judged(
  clients: unknown,
  left: readonly Change[],
  { action, target }: Request,
  context: Context,
): Promise<End> {
  const { before, after } = await action.plan(clients, target, context);
  const wrong = changes(after, before);
  if (wrong.length > 0) {
    const how = left.length > 0 ? 'changed, but it reads back otherwise' : MORE_SINCE;
    return { outcome: 'unverified', reason: `${how}: ${describeChanges(wrong)}` };
  }
  return left.length === 0
    ? AS_PLANNED
    : { outcome: 'verified', reason: 'the resource is compliant, if not exactly as planned' };
}

/** What is not as it was when a plan was stored. What lasts, and so may be another's work too, need only be meant to be the same. */
const movedSince = (stored: Plan, fresh: Plan, { lasting = [] }: Action): Change[] => [
  ...changes(stored.before, fresh.before).filter(({ part: name }) => !lasting.includes(name)),
  ...changes(stored.after, fresh.after),
];

/** Whether all that a plan changes is as it was. What lasts may be there by another's work. */
function isUntouched(fresh: Plan, { before, after }: Plan, { lasting = [] }: Action): boolean {
  const all = changes(before, after);
  const own = all.filter(({ part: name }) => !lasting.includes(name));
  return (own.length > 0 ? own : all).every(({ part: name, from }) => equal(part(fresh.before, name), from));
}

/** Parts of a plan that neither it nor a run that was interrupted can have left as they are. */
const unexplained = (fresh: Plan, recorded: Plan, { lasting = [], transitional }: Action): Change[] =>
  changes(recorded.before, recorded.after)
    .map(({ part: name, from, to }) => ({ part: name, from, to, found: part(fresh.before, name) }))
    .filter(
      ({ part: name, from, to, found }) =>
        !lasting.includes(name) && !equal(found, from) && !equal(found, to) && !transitional?.(name, found),
    )
    .map(({ part: name, to, found }) => ({ part: name, from: to, to: found }));

/** Who took a response back, if an undo of it has begun to write. */
export async function takenBack({ orders }: ResponseRecord, ledger: Ledger): Promise<string | undefined> {
  for (const { undo, by } of orders) {
    const record = undo === undefined ? undefined : await ledger.get(undo);
    if (record && hasWritten(record)) return by;
  }
  return undefined;
}

/** What guards look at, as it is when they are asked. */
const situationOf = (
  { action, target, finding, held, fixed = [], waiting }: Request,
  { policy, home, watch }: House,
  context: Context,
  begun: boolean,
): (() => Situation) => {
  const others = waiting && waiting.response.id !== context.response && { waiting };
  return () => ({
    ...{ action, target, finding, policy, context, home, fixed, begun, at: new Date() },
    ...(held && { hold: held }),
    ...(watch && { watch }),
    ...others,
  });
};

/** In whose name guards are asked, and where those that yield leave their reason. */
interface Asker {
  readonly word: Word | undefined;
  readonly context: Context;
}

/**
 * The first guard's word that ends the response, with what else there is for a person to weigh who shall approve it. To a person who
 * asked for it, those that yield only say it.
 */
async function guarded(
  { word, context }: Asker,
  check: (guard: Guard) => Stop | undefined | Promise<Stop | undefined>,
): Promise<End | undefined> {
  let end: (Stop & End) | undefined;
  for (const guard of GUARDS) {
    if (end && !guard.yieldsTo?.includes('approval')) continue;
    const stop = await check(guard);
    if (!stop) continue;
    if (word && guard.yieldsTo?.includes(word))
      await context.record('warned', { guard: guard.name, reason: stop.reason });
    else if (end) end = { ...end, reason: `${end.reason}; ${stop.reason}` };
    else {
      end = { ...stop, guard: guard.name };
      if (end.outcome !== 'awaiting-approval') break;
    }
  }
  return end;
}

/** True when the response began to change its resource: then there is something to take back. */
export const hasWritten = ({ timeline }: ResponseRecord): boolean => timeline.some(({ event }) => event === 'applying');

export const isApproved = ({ orders }: ResponseRecord): boolean => orders.some(({ verb }) => verb === 'approve');

/** Its detail: parameters that were not the policy's. */
const JUDGED = 'judged by a simulation';
const COMPLIANT: Stop = { outcome: 'compliant', reason: 'nothing to change' };
const AS_PLANNED: Stop = { outcome: 'verified', reason: 'changed, and it reads back as planned' };
const MORE_SINCE = 'what was planned is in place, and more is wrong since';

/** What is left of a recorded plan after an interruption: its own parts, as they are now. No other: the record knows no way back. */
const continued = (fresh: Plan, recorded: Plan): Plan => ({
  ...fresh,
  after: changes(recorded.before, recorded.after).reduce(
    (state, { part: name }) => withPart(state, name, part(fresh.after, name)),
    fresh.before,
  ),
});
