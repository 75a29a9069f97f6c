import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from './attacks.ts';
import { legible } from './encoders.ts';
import { type SweepNotice, sweepPage } from './sweep-page.ts';

const notice = (value: string, fresh = true): SweepNotice => ({ label: 'Hold ended', value, fresh });

test('nobody is told what they were told before', () => {
  expect(sweepPage([], [])).toBeUndefined();
  expect(sweepPage([notice('known', false)], [])).toBeUndefined();
});

test('what is new comes first, and what is more is counted', () => {
  const notices = [notice('known', false), ...Array.from({ length: 24 }, (_, index) => notice(`news ${index}`))];
  const page = sweepPage(
    notices,
    Array.from({ length: 7 }, (_, index) => `no answer from ${index}`),
  );
  expect(page?.subject).toBe('Firebreak: Look why the daily sweep could not see all');
  expect(page?.body.match(/^Hold ended +news/gm)).toHaveLength(20);
  expect(page?.body.match(/^Failed /gm)).toHaveLength(5);
  expect(page?.body).toMatch(/^More +7, in the log of firebreak-sweep$/m);
  expect(page?.body).not.toContain('known');
  expect(sweepPage([notice('known', false), notice('news')], [])?.body).toMatch(/news\n.*known\n/);
});

test('what others wrote stays on its line', () => {
  fc.assert(
    fc.property(hostileText, hostileText, (value, failure) => {
      const page = sweepPage([notice(value)], [failure]);
      const lines = page?.body.split('\n') ?? [];
      expect(lines.filter((line) => line.startsWith('Failed'))).toHaveLength(1);
      expect(lines).toHaveLength(sweepPage([notice('calm')], ['calm'])?.body.split('\n').length ?? 0);
      expect(legible(page?.body ?? '')).toContain('Hold ended');
    }),
  );
});
