import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Action } from '../../engine/remediation.ts';
import type { Call } from '../../local/doors.ts';
import { type Disturbance, disturbances, faultOf, shuffled } from './disturbance.ts';

const action = { id: 'storage.shut', permissions: { read: ['s3:GetBucketAcl'] } } as unknown as Action;
const IN_MEMBER = 'arn:aws:sts::444455556666:assumed-role/firebreak-storage/storage-1';
const call = (operation: string, principal: string, action: string, decision = 'allowed') =>
  ({ operation, principal, actions: [action], decision }) as unknown as Call;
const calls = [
  call(
    'PutItem',
    'arn:aws:sts::111122223333:assumed-role/firebreak-worker-storage/firebreak-storage',
    'dynamodb:PutItem',
  ),
  call('GetBucketAcl', IN_MEMBER, 's3:GetBucketAcl', 'denied'),
  call('PutBucketAcl', IN_MEMBER, 's3:PutBucketAcl'),
];
const at = (kind: Disturbance['kind'], all: readonly Disturbance[]) =>
  all.filter((each) => each.kind === kind).map(({ operation, call }) => `${operation} ${call}`);

test('each call is disturbed in every way that it can be', () => {
  const all = disturbances(action, calls, 0);
  for (const kind of ['throttled', 'a 500', 'reset before', 'refused'] as const) {
    expect(at(kind, all)).toEqual(['PutItem 1', 'GetBucketAcl 2', 'PutBucketAcl 3']);
  }
  // What happens after a call is counted among those that took place.
  expect(at('reset after', all)).toEqual(['PutItem 1', 'PutBucketAcl 2']);
  expect(at('cut short', all)).toEqual(['PutItem 1', 'PutBucketAcl 2']);
  expect(at('pretended', all)).toEqual(['PutBucketAcl 3']);
  expect(at('hung', all)).toEqual([]);
  expect(at('hung', disturbances(action, calls, 2))).toHaveLength(2);
});

test('once, at this call', () => {
  expect(faultOf({ call: 3, kind: 'reset after', operation: 'PutBucketAcl' })).toEqual({
    reset: true,
    phase: 'after',
    skip: 2,
    times: 1,
  });
});

test('what IAM refuses in the member account it goes on refusing', () => {
  const refused = disturbances(action, [...calls, ...calls], 0).filter(({ kind }) => kind === 'refused');
  expect(refused.map(faultOf)).toEqual([
    { deny: true, skip: 0, times: 1 },
    { deny: true, operation: 'GetBucketAcl', skip: 0 },
    { deny: true, operation: 'PutBucketAcl', skip: 0 },
    { deny: true, skip: 3, times: 1 },
    { deny: true, operation: 'GetBucketAcl', skip: 1 },
    { deny: true, operation: 'PutBucketAcl', skip: 1 },
  ]);
});

test('a seed decides the order, and loses nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.string(), (all, seed) => {
      const order = shuffled(all, seed);
      expect(shuffled(all, seed)).toEqual(order);
      expect([...order].sort()).toEqual([...all].sort());
    }),
  );
});
