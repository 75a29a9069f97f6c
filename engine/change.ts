import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, isTransient } from './errors.ts';
import type { Context, Plan } from './remediation.ts';
import type { House, Request } from './respond.ts';
import { type Change, canonical, changes, withPart } from './state.ts';

/** Milliseconds before each look at whether a change has settled: AWS reads are eventually consistent. */
const LOOKS_MS = [0, 250, 750, 2_000, 4_000];

/**
 * Applies a plan. A call whose answer was lost is sent again, and may be refused because it took place the first time: what
 * is so decides, and not the refusal; nor, where no other try follows, that the answer was lost.
 */
export const change = (reader: unknown, plan: Plan, request: Request, house: House, context: Context): Promise<void> =>
  send(plan, request, house, context).catch(async (error: unknown) => {
    const { action, target } = request;
    if (isTransient(error) && !house.lastTry) throw error;
    const look = isTransient(error)
      ? settle(reader, plan, request, context)
      : action.verify(reader, target, plan, context);
    const left = await look.catch(() => undefined);
    if (left?.length !== 0) throw error;
    await context.record('not answered so, and done', describeError(error));
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
