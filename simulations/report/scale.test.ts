import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { specimen } from '../specimens.ts';
import { placed, rows, ticks } from './scale.ts';
import { entriesOf } from './timeline.ts';
import { duration } from './words.ts';

const time = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });

describe('a scale', () => {
  test('keeps order and ends', () => {
    fc.assert(
      fc.property(time, time, time, (a, b, c) => {
        const [from = 0, value = 0, to = 0] = [a, b, c].sort((x, y) => x - y);
        fc.pre(from < to);
        expect(placed(from, from, to)).toBe(0);
        expect(placed(to, from, to)).toBe(100);
        expect(placed(value, from, to)).toBeGreaterThanOrEqual(0);
        expect(placed(value, from, to)).toBeLessThanOrEqual(100);
      }),
    );
    expect(placed(5, 5, 5)).toBe(50);
  });

  test('has a few marks, all on it, as far from each other', () => {
    fc.assert(
      fc.property(
        time,
        fc.integer({ min: 1, max: 2_000_000_000 }),
        fc.integer({ min: 3, max: 9 }),
        (from, length, most) => {
          const marks = ticks(from, from + length, most);
          expect(marks.length).toBeLessThanOrEqual(most);
          for (const mark of marks) expect(mark >= from && mark <= from + length).toBe(true);
          expect(new Set(marks.slice(1).map((mark, index) => mark - (marks[index] ?? 0))).size).toBeLessThanOrEqual(1);
        },
      ),
    );
    expect(ticks(-1_800, 7_900, 5)).toEqual([0, 5_000]);
  });

  test('puts no mark upon another', () => {
    const places = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(places, fc.double({ min: 0.1, max: 30, noNaN: true }), (unsorted, apart) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const marks = rows(sorted, apart).map((row, index) => ({ row, place: sorted[index] ?? 0 }));
        for (const [index, mark] of marks.entries()) {
          const before = marks.slice(0, index).findLast(({ row }) => row === mark.row);
          if (before) expect(mark.place - before.place).toBeGreaterThanOrEqual(apart);
        }
      }),
    );
  });
});

test('what happens often in a row is one number, and what does not has one each', () => {
  const record = specimen();
  const [first] = record.timeline;
  const storm = Array.from({ length: 50 }, (_, index) => ({
    at: new Date(Date.parse(record.run.startedAt) + 2_020 + index).toISOString(),
    what: 'detected' as const,
    detail: 'securityhub RDS.1',
    source: 'event' as const,
  }));
  expect(first?.what).toBe('started');
  const entries = entriesOf({ ...record, timeline: [...record.timeline, ...storm] });
  const detected = entries.filter(({ what }) => what === 'detected');
  expect(detected).toMatchObject([{ number: 4, at: 210, until: 259, count: 51 }]);
  expect(entries.map(({ number }) => number)).toEqual(entries.map((_, index) => index + 1));
});

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [2_085, '2.1 s'],
  [9_960, '10 s'],
  [59_499, '59 s'],
  [59_501, '1 min'],
  [252_000, '4 min 12 s'],
  [11_100_000, '3 h 5 min'],
  [180_000_000, '2 d 2 h'],
  [-670, '−670 ms'],
])('%d ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});
