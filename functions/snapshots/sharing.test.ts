import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EVERYBODY, grantees, keepAllowed, sharingOf } from './sharing.ts';

const account = fc.integer({ min: 0, max: 40 }).map((number) => String(number).padStart(12, '0'));
const shared = fc.uniqueArray(fc.oneof(account, fc.constant(EVERYBODY))).map(sharingOf);
const allowed = fc.uniqueArray(account);

test('those stay who are allowed, and nobody comes in', () => {
  fc.assert(
    fc.property(shared, allowed, (state, allowedAccounts) => {
      const kept = keepAllowed(state, { allowedAccounts });
      expect(new Set([...kept.sharedWith, ...allowedAccounts])).toEqual(new Set(allowedAccounts));
      expect(new Set([...state.sharedWith, ...kept.sharedWith])).toEqual(new Set(state.sharedWith));
      for (const who of allowedAccounts) expect(kept.sharedWith.includes(who)).toBe(state.sharedWith.includes(who));
      expect(keepAllowed(kept, { allowedAccounts })).toEqual(kept);
    }),
  );
});

test('what is taken away and what is given lead from one state to the other', () => {
  fc.assert(
    fc.property(shared, shared, (from, to) => {
      const taken = grantees(from, { notIn: to });
      const left = from.sharedWith.filter((who) => !taken.includes(who));
      expect(sharingOf([...left, ...grantees(to, { notIn: from })])).toEqual(to);
    }),
  );
});

test.each([undefined, 'everybody', '12345', 'arn:aws:iam::444455556666:root'])(
  '%s is nobody a snapshot is shared with',
  (who) => {
    expect(() => sharingOf([who])).toThrow();
  },
);
