/** Plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The security state of a resource: only what a remediation writes, as named parts. A part that is absent and a part
 * that is `null` are the same state.
 */
export interface State {
  readonly [part: string]: Json;
}

/** One part that differs between two states. */
export interface Change {
  readonly part: string;
  readonly from: Json;
  readonly to: Json;
}

/** JSON text with sorted keys: equal text means equal value. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value as { [key: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}

export const equal = (a: Json, b: Json): boolean => canonical(a) === canonical(b);

/** A part of a state; `null` when it is absent. */
export const part = (state: State, name: string): Json => (Object.hasOwn(state, name) ? (state[name] ?? null) : null);

/** The parts in which two states differ, in alphabetical order. */
export function changes(from: State, to: State): Change[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .sort()
    .map((name) => ({ part: name, from: part(from, name), to: part(to, name) }))
    .filter((change) => !equal(change.from, change.to));
}

/** `state` with one part set; `null` takes the part out. */
export function withPart(state: State, name: string, value: Json): State {
  const { [name]: _, ...rest } = state;
  return value === null ? rest : { ...rest, [name]: value };
}
