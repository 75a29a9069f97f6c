import type { Plan } from '../engine/remediation.ts';
import { canonical, changes, equal, type Json } from '../engine/state.ts';
import type { Span, Terminal } from './terminal.ts';

/** One value that comes, goes or changes; absent where there is none. */
interface Edit {
  readonly path: string;
  readonly from?: Json;
  readonly to?: Json;
}

const isObject = (value: Json | undefined): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const without = (list: readonly Json[], other: readonly Json[]): Json[] =>
  list.filter((item) => !other.some((known) => equal(item, known)));

/** What differs between two values, as deep as both are objects, and by element where both are lists. */
export function edits(path: string, from: Json | undefined, to: Json | undefined): Edit[] {
  if (from !== undefined && to !== undefined && equal(from, to)) return [];
  if (isObject(from) && isObject(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return keys.flatMap((key) =>
      edits(
        `${path}.${key}`,
        Object.hasOwn(from, key) ? from[key] : undefined,
        Object.hasOwn(to, key) ? to[key] : undefined,
      ),
    );
  }
  if (Array.isArray(from) && Array.isArray(to)) {
    const gone = without(from, to);
    const come = without(to, from);
    if (gone.length + come.length > 0) {
      return [...gone.map((item) => ({ path, from: item })), ...come.map((item) => ({ path, to: item }))];
    }
  }
  return [{ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
}

/** A part that is null is absent: that is the same state. */
const present = (value: Json): Json | undefined => (value === null ? undefined : value);

/** Shows what a plan changes: `-` what goes, `+` what comes, `~` what gets another value. */
export function showPlan(plan: Plan, out: Terminal): void {
  const rows = changes(plan.before, plan.after)
    .flatMap(({ part, from, to }) => edits(part, present(from), present(to)))
    .map(({ path, from, to }): Span[] => {
      if (from === undefined) return [['green', `+ ${path}`], canonical(to ?? null)];
      if (to === undefined) return [['red', `- ${path}`], canonical(from)];
      return [['yellow', `~ ${path}`], `${canonical(from)} -> ${canonical(to)}`];
    });
  out.table(rows, '    ');
}
