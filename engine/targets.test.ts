import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findingOn } from '../local/findings.ts';
import { isResponseId, ownTargets, responseId, targetFromArn, targetKey, targetOf } from './targets.ts';

const place = { account: '444455556666', region: 'eu-west-1', partition: 'aws' };
const TYPES = [
  'AWS::S3::Bucket',
  'AWS::EC2::Snapshot',
  'AWS::EC2::Instance',
  'AWS::EC2::SecurityGroup',
  'AWS::RDS::DBSnapshot',
  'AWS::RDS::DBClusterSnapshot',
  'AWS::IAM::User',
];
const user = (path: string, region = 'eu-west-1') => {
  const target = targetFromArn(['AWS::IAM::User'], `arn:aws:iam::444455556666:user/${path}`, { ...place, region });
  if (!target) throw new Error(path);
  return target;
};

describe('a target', () => {
  test('is never made of a wildcard, a path or white space, whoever names it', () => {
    const text = fc.string({
      unit: fc.constantFrom('*', '?', '/', '.', ' ', '\n', '$', '{', '}', 'a', '1', '-'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), text, (type, id) => {
        expect(targetOf(type, place, id)?.arn ?? '').not.toMatch(/[*?\s${}]|\.\./);
      }),
    );
    for (const type of TYPES) expect(targetOf(type, place, '*')).toBeUndefined();
  });

  test('by its ARN is the one of that ARN', () => {
    for (const [type, id] of [
      ['AWS::S3::Bucket', 'exports'],
      ['AWS::EC2::Snapshot', 'snap-0a91c35d7e2f4b680'],
      ['AWS::RDS::DBSnapshot', 'orders'],
      ['AWS::IAM::User', 'alice'],
    ] as const) {
      const target = targetOf(type, place, id);
      expect(targetFromArn(TYPES, target?.arn ?? '', place)).toEqual(target);
    }
  });

  test('of a finding is only what the remediation acts on', () => {
    const target = targetOf('AWS::RDS::DBSnapshot', place, 'orders');
    if (!target) throw new Error('no target');
    const finding = findingOn(target, 'securityhub', 'RDS.1', {
      resources: [
        { type: 'AWS::RDS::DBSnapshot', id: 'orders', arn: target.arn },
        { type: 'AWS::EC2::Instance', id: 'i-0847d1f6a3c9e5b20' },
        { type: 'AWS::RDS::DBSnapshot', id: '*' },
      ],
    });
    expect(ownTargets(['AWS::RDS::DBSnapshot'], finding)).toEqual([target]);
  });
});

describe('the key of a target', () => {
  test('is one for an IAM user, whatever its path and the Region that tells of it', () => {
    expect(targetKey(user('ops/alice'))).toBe(targetKey(user('alice', 'us-east-1')));
    expect(targetKey(user('bob'))).not.toBe(targetKey(user('alice')));
  });

  test('keeps Regions apart where resources have one', () => {
    const here = targetOf('AWS::RDS::DBSnapshot', place, 'orders');
    const there = targetOf('AWS::RDS::DBSnapshot', { ...place, region: 'us-east-1' }, 'orders');
    expect(here && targetKey(here)).not.toBe(there && targetKey(there));
  });
});

describe('the id of a response', () => {
  test('is the same for the same, reads as an id, and begins with the worker', () => {
    fc.assert(
      fc.property(fc.string(), (message) => {
        const id = responseId('identity.deactivate-old-access-keys', user('alice'), message);
        expect(id).toBe(responseId('identity.deactivate-old-access-keys', user('ops/alice'), message));
        expect(isResponseId(id)).toBe(true);
        expect(id).toMatch(/^identity-/);
        expect(id).not.toBe(responseId('identity.deactivate-old-access-keys', user('alice'), `${message}.`));
        expect(id).not.toBe(responseId('identity.deactivate-old-access-keys', user('bob'), message));
      }),
    );
  });

  test.each(['../x', 'snapshots-', 'Snapshots-aaaaaaaaaa', 'snapshots-aaaaaaaaaa\n', 'snapshots-aaaaaaaaai'])(
    'is not %j',
    (text) => {
      expect(isResponseId(text)).toBe(false);
    },
  );
});
