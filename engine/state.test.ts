import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonical, changes, equal, type Json, part, type State, withPart } from './state.ts';

const json = fc.jsonValue() as fc.Arbitrary<Json>;
const name = fc.constantFrom('block', 'grants', 'statements', '__proto__', 'constructor', '');
const state: fc.Arbitrary<State> = fc
  .uniqueArray(fc.tuple(name, json), { selector: ([key]) => key })
  .map((parts) => parts.reduce<State>((whole, [key, value]) => withPart(whole, key, value), {}));

/** The same JSON with the keys of every object the other way round. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item as Json)]),
  );
}

describe('canonical text', () => {
  test('is the same for the same value, in whatever order it was written', () => {
    fc.assert(fc.property(json, (value) => canonical(reversed(value)) === canonical(value)));
  });

  test('is JSON for the value', () => {
    fc.assert(fc.property(json, (value) => equal(JSON.parse(canonical(value)) as Json, value)));
  });

  test('keeps the order of a list, and tells values of different types apart', () => {
    expect(equal([1, 2], [2, 1])).toBe(false);
    expect(equal('1', 1)).toBe(false);
    expect(equal(null, 'null')).toBe(false);
    expect(equal({}, [])).toBe(false);
  });
});

describe('changes', () => {
  test('are none exactly when all parts are equal', () => {
    fc.assert(
      fc.property(state, state, (one, other) => {
        const names = [...Object.keys(one), ...Object.keys(other)];
        const same = names.every((key) => equal(part(one, key), part(other, key)));
        expect(changes(one, other).length === 0).toBe(same);
        expect(changes(one, one)).toEqual([]);
      }),
    );
  });

  test('take one state to the other and back', () => {
    const follow = (from: State, steps: ReturnType<typeof changes>, way: 'from' | 'to') =>
      steps.reduce((whole, step) => withPart(whole, step.part, step[way]), from);
    fc.assert(
      fc.property(state, state, (one, other) => {
        const steps = changes(one, other);
        expect(changes(follow(one, steps, 'to'), other)).toEqual([]);
        expect(changes(follow(other, steps, 'from'), one)).toEqual([]);
      }),
    );
  });

  test('do not take an absent part for another state than null', () => {
    expect(changes({ block: null }, {})).toEqual([]);
    expect(changes({}, { block: true })).toEqual([{ part: 'block', from: null, to: true }]);
  });
});
