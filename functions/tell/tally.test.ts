import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTCOMES, type Outcome } from '../../engine/response.ts';
import type { Ended } from './news.ts';
import { afterTelling, counted, due, type Tally, type Update } from './tally.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 23, 3, minute)).toISOString();

/** A response to a telling that ended so, in a minute of the hour. */
function response(id: string, outcome: Outcome, minute: number, more: Partial<Ended> & { on?: string } = {}): Ended {
  const { on = 'daily', ...rest } = more;
  return {
    id: `snapshots-${id}`,
    remediation: 'snapshots.privatize-rds-snapshot',
    target: {
      type: 'AWS::RDS::DBSnapshot',
      id: on,
      arn: `arn:aws:rds:eu-west-1:444455556666:snapshot:${on}`,
      account: '444455556666',
      region: 'eu-west-1',
      partition: 'aws',
    },
    correlation: 'first',
    finding: { source: 'securityhub', type: 'RDS.1', id: 'finding', severity: 'HIGH', title: 'public' },
    startedAt: at(minute),
    finishedAt: at(minute),
    outcome,
    reason: `it ended ${outcome}`,
    ...rest,
  };
}

/** What Security Hub is told, one response after the other; undefined: nothing. */
function told(...responses: readonly Ended[]): (Update | undefined)[] {
  let tally: Tally | undefined;
  return responses.map((each) => {
    tally = counted(tally, each);
    const update = tally && due(tally, (id) => id);
    if (tally && update) tally = afterTelling(tally, update);
    return update;
  });
}
const statuses = (...responses: readonly Ended[]): (string | undefined)[] =>
  told(...responses).map((update) => update && (update.status ?? 'note'));

describe('a finding about one resource', () => {
  test.each(OUTCOMES)('that ended %s', (outcome) => {
    const [update] = told(response('a', outcome, 0));
    expect(update?.status).toBe(outcome === 'verified' ? 'NOTIFIED' : undefined);
    expect(update?.note).toContain(`it ended ${outcome}`);
  });

  test('is told once of what is delivered twice, or in the wrong order', () => {
    const waits = response('a', 'awaiting-approval', 0);
    const fixed = { ...response('a', 'verified', 10), startedAt: at(0) };
    expect(statuses(waits, waits, fixed, fixed, waits)).toEqual(['note', undefined, 'NOTIFIED', undefined, undefined]);
  });

  test('that is told again and is right by then is not told of', () => {
    const again = response('b', 'compliant', 5, { correlation: 'second' });
    expect(statuses(response('a', 'verified', 0), again)).toEqual(['NOTIFIED', undefined]);
  });

  test('that is fixed a second time is told again: Security Hub may have begun anew in between', () => {
    const again = response('b', 'verified', 5, { correlation: 'second' });
    expect(statuses(response('a', 'verified', 0), again)).toEqual(['NOTIFIED', 'NOTIFIED']);
  });

  test('that is found open again is NEW', () => {
    const again = response('b', 'awaiting-approval', 5, { correlation: 'second' });
    const approved = { ...response('b', 'verified', 20, { correlation: 'second' }), startedAt: at(5) };
    expect(statuses(response('a', 'verified', 0), again, approved)).toEqual(['NOTIFIED', 'NEW', 'NOTIFIED']);
  });

  test('whose fix drifted is NEW, once', () => {
    const drifted = { ...response('a', 'unverified', 15), startedAt: at(0) };
    expect(statuses(response('a', 'verified', 0), drifted, drifted)).toEqual(['NOTIFIED', 'NEW', undefined]);
  });

  test('whose fix was taken back is NEW, and NOTIFIED when that is taken back', () => {
    const fixed = response('a', 'verified', 0);
    const asked = response('u', 'awaiting-approval', 5, { undoes: fixed.id });
    const undone = response('u', 'undone', 10, { undoes: fixed.id });
    const redone = response('v', 'undone', 15, { undoes: undone.id });
    expect(statuses(fixed, asked, undone, redone)).toEqual(['NOTIFIED', undefined, 'NEW', 'NOTIFIED']);
    expect(told(fixed, undone)[1]?.note).toContain('Undo: ');
  });

  test('keeps what was fixed when a plan that nobody needs any more expires', () => {
    const waits = response('a', 'awaiting-approval', 0);
    const twin = response('b', 'awaiting-approval', 1, { correlation: 'second' });
    const approved = { ...response('a', 'verified', 10), startedAt: at(0) };
    const expired = { ...response('b', 'expired', 50, { correlation: 'second' }), startedAt: at(1) };
    expect(statuses(waits, twin, approved, expired)).toEqual(['note', undefined, 'NOTIFIED', undefined]);
  });
});

describe('a finding about several resources', () => {
  const siblings = 3;
  const three = (outcomes: readonly Outcome[], correlation = 'first', minute = 0): Ended[] =>
    outcomes.map((outcome, index) =>
      response('abc'[index] ?? '', outcome, minute + index, { on: `s${index}`, siblings, correlation }),
    );

  test('is told of when the last one has ended', () => {
    expect(statuses(...three(['verified', 'compliant', 'verified']))).toEqual([undefined, undefined, 'NOTIFIED']);
    expect(statuses(...three(['verified', 'failed', 'verified']))).toEqual([undefined, undefined, 'note']);
  });

  test('is NOTIFIED when a successor has fixed the one that was left', () => {
    const later = response('d', 'verified', 30, { on: 's1', siblings, startedAt: at(29) });
    expect(statuses(...three(['verified', 'deferred', 'verified']), later)[3]).toBe('NOTIFIED');
  });

  test('says the same in the end, in whatever order the shards bring them', () => {
    const outcome = fc.constantFrom(...OUTCOMES);
    fc.assert(
      fc.property(
        fc.tuple(outcome, outcome, outcome),
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        (ends, order) => {
          const all = three(ends);
          const shuffled = order.map((index) => all[index]).filter((each) => each !== undefined);
          expect(told(...shuffled)[2]).toEqual(told(...all)[2]);
        },
      ),
    );
  });

  test('does not fall back to an earlier telling', () => {
    const other = 2;
    const again = [
      response('x', 'verified', 10, { on: 's0', siblings: other, correlation: 'second' }),
      response('y', 'verified', 11, { on: 's1', siblings: other, correlation: 'second' }),
    ];
    const [first, second, late] = three(['verified', 'failed', 'failed'], 'first', 0);
    if (!first || !second || !late) throw new Error('three are three');
    expect(
      statuses(first, ...again.slice(0, 1), { ...late, startedAt: at(20), finishedAt: at(21) }, ...again.slice(1)),
    ).toEqual([undefined, undefined, undefined, 'NOTIFIED']);
  });
});
