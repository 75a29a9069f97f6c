import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countUpTo, pageSizeFor, tagsByKey } from './lists.ts';

test('a count reaches what is enough, or is exact, with no page more than it takes', async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 100 }), async (pages, enough) => {
      let asked = 0;
      async function* listed() {
        for (const size of pages) {
          asked += 1;
          yield Array.from({ length: size });
        }
      }
      const count = await countUpTo(enough, listed(), (page) => page);
      const total = pages.reduce((sum, size) => sum + size, 0);
      if (total < enough) expect(count).toBe(total);
      else expect(count).toBeGreaterThanOrEqual(enough);
      const before = pages.slice(0, Math.max(asked - 1, 0)).reduce((sum, size) => sum + size, 0);
      if (asked > 0) expect(before).toBeLessThan(enough);
    }),
  );
});

test('an answer without a list is no count', async () => {
  async function* listed() {
    yield undefined;
  }
  await expect(countUpTo(1, listed(), (page) => page)).rejects.toThrow('without a list');
});

test('pages are of a size that the operation takes', () => {
  const limits = { least: 5, most: 1_000 };
  expect([1, 5, 70, 1_000, 5_000].map((enough) => pageSizeFor(enough, limits))).toEqual([5, 5, 70, 1_000, 1_000]);
});

test('tags are by key, whatever they are called', () => {
  const tags = [{ Key: '__proto__', Value: 'x' }, { Key: 'team' }, { Value: 'nobody' }];
  expect(Object.entries(tagsByKey(tags))).toEqual([
    ['__proto__', 'x'],
    ['team', ''],
  ]);
});
