import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evenly, killPoints, killsBySeed } from './walk.ts';

test('a kill point is before each call, and after each that took place', () => {
  const [allowed, denied] = [{ decision: 'allowed' }, { decision: 'denied' }] as const;
  expect(killPoints([allowed, denied, allowed])).toEqual([
    { call: 1, phase: 'before' },
    { call: 1, phase: 'after' },
    { call: 2, phase: 'before' },
    { call: 3, phase: 'before' },
    { call: 2, phase: 'after' },
  ]);
});

test('some of them are different ones, from the whole run', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }), (length, most) => {
      const all = Array.from({ length }, (_, index) => index);
      const some = evenly(all, most);
      expect(new Set(some).size).toBe(Math.min(length, most));
      expect(some[0]).toBeLessThan(length / Math.min(length, most));
      expect(some.at(-1)).toBeGreaterThanOrEqual(length - length / Math.min(length, most) - 1);
    }),
  );
});

describe('kills by seed', () => {
  test('are one to three, one after the other, and the same each time', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 80 }), (seed, calls) => {
        const kills = killsBySeed(seed, calls);
        expect(killsBySeed(seed, calls)).toEqual(kills);
        expect([1, 2, 3]).toContain(kills.length);
        expect(kills[0]?.call).toBeLessThanOrEqual(calls);
        kills.reduce((last, { call }) => {
          expect(call).toBeGreaterThan(last);
          return call;
        }, 0);
      }),
    );
  });

  test('reach every number, both phases and every call', () => {
    const drawn = Array.from({ length: 500 }, (_, seed) => killsBySeed(String(seed), 20));
    expect(new Set(drawn.map(({ length }) => length))).toEqual(new Set([1, 2, 3]));
    expect(new Set(drawn.map(([first]) => `${first?.call} ${first?.phase}`)).size).toBe(40);
  });
});
