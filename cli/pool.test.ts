import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inPool } from './pool.ts';

const never = new AbortController().signal;

describe('a pool', () => {
  test('does every item once, in order, and never more than so many at a time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 12 }), async (length, concurrency) => {
        const items = Array.from({ length }, (_, index) => index);
        const started: number[] = [];
        let running = 0;
        let most = 0;
        const left = await inPool(items, concurrency, never, async (item) => {
          started.push(item);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
        });
        expect([left, started, most]).toEqual([0, items, Math.min(length, concurrency)]);
      }),
    );
  });

  test('starts nothing more when it is stopped, and waits for what is in work', async () => {
    const controller = new AbortController();
    const ended: number[] = [];
    const left = await inPool([1, 2, 3, 4, 5], 2, controller.signal, async (item) => {
      if (item === 2) controller.abort();
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended.push(item);
    });
    expect([left, ended.sort()]).toEqual([3, [1, 2]]);
  });

  test('passes a failure on, when what is in work has ended', async () => {
    const ended: number[] = [];
    const work = inPool([1, 2, 3, 4], 2, never, async (item) => {
      if (item === 1) throw new Error('the disk is full');
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended.push(item);
    });
    await expect(work).rejects.toThrow('the disk is full');
    expect(ended).toEqual([2]);
  });
});
