import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../../engine/state.ts';
import { wording } from './sameness.ts';

const hex = fc.stringMatching(/^[0-9a-f]{17}$/);

/** Two interfaces in a group each, a neighbour, and a rule of one group only: ids at will. */
const scene = ([web, ssh, first, second, other]: readonly string[], name: string) => ({
  own: { [`eni-${first}`]: [`sg-${web}`, `sg-${ssh}`].sort(), [`eni-${second}`]: [`sg-${ssh}`] },
  neighbour: { [`eni-${other}`]: [`sg-${web}`] },
  rules: [`sg-${web} open`, `sg-${ssh} closed ${name}`].sort(),
});
const ids = fc.uniqueArray(hex, { minLength: 6, maxLength: 6 });
const name = fc.stringMatching(/^c[0-9a-f]{8}$/);
const textOf = (beginning: Json, seen: Json, own: string) => JSON.stringify(wording(beginning, [own])(seen));

describe('two resources made the same way', () => {
  test('are told in the same words, whatever their ids and the order of these', () => {
    fc.assert(
      fc.property(ids, ids, name, name, (one, two, mine, yours) => {
        const [a, b] = [scene(one, mine), scene(two, yours)];
        expect(textOf(a, a, mine)).toBe(textOf(b, b, yours));
        const isolated = (of: typeof a, id: string | undefined) => ({ ...of, own: { moved: [`sg-${id}`] } });
        expect(textOf(a, isolated(a, one[5]), mine)).toBe(textOf(b, isolated(b, two[5]), yours));
      }),
    );
  });

  test('are told apart as soon as another group, interface or rule is meant', () => {
    fc.assert(
      fc.property(ids, name, (made, own) => {
        const [web, ssh, first, second] = made;
        const a = scene(made, own);
        const others: Json[] = [
          { ...a, own: { [`eni-${first}`]: [`sg-${web}`], [`eni-${second}`]: [`sg-${ssh}`] } },
          { ...a, own: { [`eni-${second}`]: [`sg-${web}`, `sg-${ssh}`], [`eni-${first}`]: [`sg-${ssh}`] } },
          { ...a, rules: [`sg-${ssh} open`, `sg-${web} closed ${own}`] },
          { ...a, rules: [...a.rules, `sg-${made[5]} open`] },
          { ...a, rules: [...a.rules, a.rules[0] ?? ''] },
        ];
        for (const other of others) expect(textOf(a, other, own)).not.toBe(textOf(a, a, own));
      }),
    );
  });
});
