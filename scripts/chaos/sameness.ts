import type { Json } from '../../engine/state.ts';

/** Ids that AWS makes up: of EC2's resources, and of access keys. */
const MADE_UP = /\b(?:[a-z]{1,6}-[0-9a-f]{8,17}|A[KS]IA[A-Z0-9]{16})\b/g;
const kindOf = (id: string): string => id.split('-', 1)[0]?.slice(0, 4) ?? '';

/**
 * Tells what is seen of one resource in words that fit any other made the same way, so that equal texts mean equal states.
 * Each made-up id is named by its part in the state at the beginning; what nothing tells apart has one name, and what came
 * since is new. Lists are taken as sets, since many are sorted by made-up ids.
 *
 * @param own what is the resource's alone and means nothing: its name and id
 */
export function wording(beginning: Json, own: readonly string[]): (seen: Json) => Json {
  const plain = (text: string): string =>
    [...own].sort((a, b) => b.length - a.length).reduce((left, name) => left.replaceAll(name, '<own>'), text);
  const inWords = (json: Json, word: (id: string) => string): Json => {
    if (typeof json === 'string') return plain(json).replaceAll(MADE_UP, word);
    if (Array.isArray(json)) return sorted(json.map((item) => inWords(item, word)));
    if (json === null || typeof json !== 'object') return json;
    // As pairs, since two keys may be one word.
    return sorted(Object.entries(json).map(([key, item]) => [inWords(key, word), inWords(item, word)]));
  };
  const ids = new Set(plain(JSON.stringify(beginning)).match(MADE_UP));
  const part = (id: string) => JSON.stringify(inWords(beginning, (each) => (each === id ? '<this>' : kindOf(each))));
  const parts = new Map([...ids].map((id) => [id, part(id)]));
  const order = [...new Set(parts.values())].sort();
  return (seen) =>
    inWords(seen, (id) => {
      const known = parts.get(id);
      return `<${kindOf(id)} ${known === undefined ? 'new' : order.indexOf(known) + 1}>`;
    });
}

const sorted = (items: readonly Json[]): readonly Json[] =>
  items
    .map((item) => [JSON.stringify(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
