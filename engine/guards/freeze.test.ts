import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Case } from '../policy.ts';
import { DAYS, policySchema } from '../policy-schema.ts';
import { freezeFor } from './freeze.ts';

const about: Case = { remediation: 'storage.x', account: '444455556666', severity: 'HIGH' };
const accounts = { 444455556666: { unit: 'Production/Payments' } };
const known = { name: 'n', owner: 'o', reason: 'r' };
const at = (time: string) => new Date(time);
const holds = (line: object, when: string, more: Partial<Case> = {}): boolean => {
  const policy = policySchema.parse({ version: 1, accounts, freezes: [{ ...known, ...line }] });
  return freezeFor(policy, { ...about, ...more }, at(when)) !== undefined;
};
const window = { from: '2026-12-18T00:00:00+01:00', until: '2027-01-04T06:00:00+01:00' };

describe('a freeze', () => {
  test.each([
    ['2026-12-17T22:59:59.999Z', false],
    ['2026-12-17T23:00:00.000Z', true],
    ['2027-01-04T04:59:59.999Z', true],
    ['2027-01-04T05:00:00.000Z', false],
  ])('of one span holds at %s: %s', (when, held) => {
    expect(holds(window, when)).toBe(held);
  });

  test('holds for its remediation, account, unit and what is less grave, and for nothing else', () => {
    const then = '2026-12-24T00:00:00Z';
    for (const line of [{ remediation: 'storage.*' }, { account: about.account }, { unit: 'Production' }]) {
      expect(holds({ ...window, ...line }, then)).toBe(true);
    }
    for (const line of [{ remediation: 'network.*' }, { account: '777788889999' }, { unit: 'Prod' }]) {
      expect(holds({ ...window, ...line }, then)).toBe(false);
    }
    const but = { ...window, severityBelow: 'CRITICAL' };
    expect(holds(but, then)).toBe(true);
    expect(holds(but, then, { severity: 'CRITICAL' })).toBe(false);
  });

  const nights = { weekly: { days: ['fri'], from: '22:00', until: '06:00', timezone: 'Europe/Vienna' } };

  test.each([
    ['2026-11-27T20:59:00Z', false], // a Friday, 21:59 there
    ['2026-11-27T21:00:00Z', true],
    ['2026-11-28T04:59:59Z', true],
    ['2026-11-28T05:00:00Z', false],
    ['2026-11-28T21:30:00Z', false], // Saturday night
    ['2026-11-27T02:00:00Z', false], // the night before
    ['2026-07-03T20:00:00Z', true], // in summer, 22:00 there
    ['2026-03-29T00:30:00Z', false], // when clocks go forward, on a Sunday
  ])('of every Friday night holds at %s: %s', (when, held) => {
    expect(holds(nights, when)).toBe(held);
  });

  test('of every week holds in exactly those minutes that a walk through the week finds', () => {
    const clockTime = fc.integer({ min: 0, max: 1_439 });
    const text = (minute: number) =>
      `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    fc.assert(
      fc.property(
        fc.subarray([0, 1, 2, 3, 4, 5, 6], { minLength: 1 }),
        clockTime,
        clockTime,
        fc.integer({ min: 0, max: 10_079 }),
        (days, from, until, minute) => {
          const length = until > from ? until - from : until - from + 1_440;
          const walked = days.some((day) => (minute - (day * 1_440 + from) + 10_080) % 10_080 < length);
          const weekly = { days: days.map((day) => DAYS[day]), from: text(from), until: text(until), timezone: 'UTC' };
          // 2026-11-22 was a Sunday.
          const when = new Date(Date.UTC(2026, 10, 22) + minute * 60_000).toISOString();
          expect(holds({ weekly }, when)).toBe(walked);
        },
      ),
    );
  });

  test('of a whole day holds to its midnight', () => {
    const sunday = { weekly: { days: ['sun'], from: '00:00', until: '24:00', timezone: 'UTC' } };
    expect(holds(sunday, '2026-11-22T23:59:59.999Z')).toBe(true);
    expect(holds(sunday, '2026-11-23T00:00:00Z')).toBe(false);
    expect(holds(sunday, '2026-11-21T23:59:59.999Z')).toBe(false);
  });
});
