import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ATTACKS, hostileText } from '../notify/attacks.ts';
import type { Entry, IncidentRecord } from './incident.ts';
import { endThatFits, lineOf, outline, titleOf } from './outline.ts';

const AT = '2026-11-26T03:12:00.000Z';
const entry = (detail: string, more: Partial<Entry> = {}): Entry => ({
  at: AT,
  by: 'firebreak',
  what: 'note',
  detail,
  ...more,
});
const record = (timeline: readonly Entry[], more: Partial<IncidentRecord['incident']> = {}): IncidentRecord => ({
  incident: {
    id: 'inc-h7kq2m9xwa',
    title: 'A bucket is public',
    severity: 'HIGH',
    state: 'open',
    account: '444455556666',
    region: 'eu-west-1',
    subjects: ['arn:aws:s3:::orders'],
    playbooks: ['exposed-bucket'],
    openedAt: AT,
    changedAt: AT,
    ...more,
  },
  timeline,
});

describe('an outline', () => {
  test('says what, how bad, in whose hands, where, what happened last, and the command that says more', () => {
    const ann = 'arn:aws:iam::111122223333:user/ann';
    const timeline = [
      entry('it was not fixed', { what: 'opened' }),
      entry('Block it, arn:aws:s3:::orders: denied', { what: 'response', response: 'storage-1', outcome: 'failed' }),
      entry('I look at it', { by: ann }),
    ];
    expect(outline(record(timeline, { owner: 'ann' }), 2_048)).toBe(
      `HIGH: A bucket is public
State: open, in the hands of ann
Where: account 444455556666, eu-west-1
About: arn:aws:s3:::orders
Playbooks: exposed-bucket

${AT} ${ann} note: I look at it
${AT} firebreak response failed: Block it, arn:aws:s3:::orders: denied
${AT} firebreak opened: it was not fixed

All of it: firebreak incident show inc-h7kq2m9xwa`,
    );
  });

  test('has the newest entries that fit', () => {
    const timeline = Array.from({ length: 200 }, (_, index) => entry(`step ${index}.`));
    const text = outline(record(timeline), 2_048);
    expect(text.length).toBeGreaterThan(1_950);
    expect(text.match(/step \d+/g)?.[0]).toBe('step 199');
    expect(text).not.toContain('step 0.');
  });

  test('names a few of many resources', () => {
    const subjects = Array.from({ length: 9 }, (_, index) => `arn:aws:s3:::orders-${index}`);
    expect(outline(record([], { subjects }), 2_048)).toContain(
      'About: arn:aws:s3:::orders-3\nAbout: 5 more\nPlaybooks',
    );
  });

  test.each(Object.entries(ATTACKS))('is not moved by %s', (_, text) => {
    const told = record([entry(text, { by: text })], { title: text, owner: text, subjects: [text] });
    const lines = outline(told, 2_048).split('\n');
    for (const line of lines) {
      expect(line).toMatch(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u);
      expect(line).not.toMatch(/:\/\/|<[a-z!/?@#]|\]\(/i);
    }
    expect(lines.at(-1)).toBe('All of it: firebreak incident show inc-h7kq2m9xwa');
    expect(lines.filter((line) => line.startsWith('State: '))).toHaveLength(1);
  });

  test('stays within its length, whatever others wrote', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 6, maxLength: 20 }), (texts) => {
        const [title = '', owner = '', ...others] = texts;
        const timeline = others.map((text) => entry(text, { by: text }));
        const playbooks = Array.from({ length: 12 }, () => 'compromised-access-key');
        const told = record(timeline, { title, owner, subjects: others, playbooks, simulation: 'run-h7kq2m9xwa' });
        expect(outline(told, 2_048).length).toBeLessThanOrEqual(2_048);
        expect(lineOf(entry(title, { by: owner })).length).toBeLessThan(900);
        expect(titleOf(told.incident, 200).length).toBeLessThanOrEqual(200);
      }),
    );
  });
});

test('the end of a list that fits is the longest one', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9)), fc.nat(40), (numbers, most) => {
      const sum = (all: readonly number[]): number => all.reduce((total, number) => total + number, 0);
      const end = endThatFits(numbers, (some) => sum(some) <= most);
      expect(numbers.slice(numbers.length - end.length)).toEqual(end);
      expect(sum(end)).toBeLessThanOrEqual(most);
      const longer = numbers.slice(numbers.length - end.length - 1);
      if (longer.length > end.length && end.length < numbers.length) expect(sum(longer)).toBeGreaterThan(most);
    }),
  );
});
