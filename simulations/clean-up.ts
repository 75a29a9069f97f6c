import { setTimeout as sleep } from 'node:timers/promises';
import type { Sessions } from '../engine/aws/sessions.ts';
import { describeError } from '../engine/errors.ts';
import { equal } from '../engine/state.ts';
import type { Kind } from './kinds/kind.ts';
import type { Run } from './run.ts';
import type { Scenario } from './scenario.ts';
import type { Intent, Inventory } from './store.ts';

/** Milliseconds between two rounds of removals: what depends on something else goes a round later. */
const PACE_MS = 500;
/** Milliseconds within which a call lands whose process is gone: twice the time-out of one attempt, and a little. */
const UNDER_WAY_MS = 10_000;

/** All of a scenario's kinds in the account and Region of a run. @throws when one cannot be listed to its end */
export async function inventoryOf(
  { kinds }: Pick<Scenario, 'kinds'>,
  { place }: Pick<Run, 'place'>,
  sessions: Pick<Sessions, 'read'>,
): Promise<Inventory> {
  const session = await sessions.read(place);
  const entries = kinds.map(async (kind) => [kind.type, await kind.inventory(session, place)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** What differs between two inventories, in words. */
export function differences(before: Inventory, after: Inventory): readonly string[] {
  return Object.keys({ ...before, ...after }).flatMap((type) => {
    const [was, is] = [before[type] ?? {}, after[type] ?? {}];
    return Object.keys({ ...was, ...is }).flatMap((id) => {
      const [then, now] = [was[id], is[id]];
      if (now === undefined) return [`${type} ${id} is gone`];
      if (then === undefined) return [`${type} ${id} is new`];
      return equal(then, now) ? [] : [`${type} ${id} is not as it was`];
    });
  });
}

/**
 * Removes what a run made: all kinds of its scenario, the last that it was about to make first. What the journal does not know of is
 * found too: copies with its tags, and things whose making nobody heard the end of. Where the process was stopped while it made
 * things, a call of its may still be under way: that nothing is there counts only some seconds after the last of them.
 * @param until milliseconds since 1970: then it gives up
 * @param removed is told after each removal
 * @returns what is left, in words; nothing: nothing is
 */
export async function cleanUp(
  scenario: Pick<Scenario, 'kinds'>,
  run: Run,
  journal: readonly Intent[],
  sessions: Sessions,
  until: number,
  removed: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const lastMade = (kind: Kind): number => journal.findLastIndex(({ type }) => type === kind.type);
  const kinds = [...scenario.kinds].sort((a, b) => lastMade(b) - lastMade(a));
  const interrupted = run.injectedAt === undefined ? journal.at(-1) : undefined;
  const settled = interrupted ? Date.parse(interrupted.at) + UNDER_WAY_MS : 0;
  for (;;) {
    const left: string[] = [];
    for (const kind of kinds) left.push(...(await removeAll(kind, run, sessions, removed)));
    // What was asked for right before the process was stopped may show only now.
    const empty = left.length === 0 && (await leftOf(kinds, run, sessions)).length === 0;
    if (empty && Date.now() >= settled) return [];
    if (Date.now() > until) return left.length > 0 ? left : await leftOf(kinds, run, sessions);
    await sleep(PACE_MS);
  }
}

/** Has each of a kind removed that is left, and says which were. */
async function removeAll(
  kind: Kind,
  run: Run,
  sessions: Sessions,
  removed: () => Promise<void>,
): Promise<readonly string[]> {
  const { id, place } = run;
  const { found, unread } = await look(kind, run, sessions);
  if (found.length === 0) return unread;
  const session = await sessions.write(place, kind.permissions.own(id, place), `firebreak-clean-${id}`);
  if (!session) throw new Error(`the session policy to remove ${kind.type} is longer than STS takes`);
  const left: string[] = [...unread];
  for (const one of found) {
    const why = await kind.remove(session, place, one).then(
      () => '',
      (error: unknown) => `: ${describeError(error)}`,
    );
    if (why === '') await removed();
    left.push(`${kind.type} ${one}${why}`);
  }
  return left;
}

async function leftOf(kinds: readonly Kind[], run: Run, sessions: Sessions): Promise<readonly string[]> {
  const looks = await Promise.all(kinds.map(async (kind) => ({ kind, ...(await look(kind, run, sessions)) })));
  return looks.flatMap(({ kind, found, unread }) => [...found.map((one) => `${kind.type} ${one}`), ...unread]);
}

/** What is left of a kind; what cannot be listed may be there. */
async function look(kind: Kind, { id, place }: Run, sessions: Sessions) {
  const looked = async () => kind.left(await sessions.read(place), place, id);
  return looked().then(
    (found) => ({ found, unread: [] }),
    (error: unknown) => ({ found: [], unread: [`${kind.type}: cannot be listed: ${describeError(error)}`] }),
  );
}
