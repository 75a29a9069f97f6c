import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findingOn } from '../local/findings.ts';
import { actor } from './findings/identity.ts';
import { principalOf, subjects } from './principals.ts';
import { targetOf } from './targets.ts';

const HOME = '111122223333';

describe('who an ARN stands for', () => {
  test.each([
    [`arn:aws:iam::${HOME}:user/ana`, `${HOME} user ana`],
    [`arn:aws:iam::${HOME}:user/a/b/Ana`, `${HOME} user ana`],
    [`arn:aws:iam::${HOME}:user/!*$/a..b`, `${HOME} user a..b`],
    [
      `arn:aws-cn:iam::${HOME}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Ops_0a1b`,
      `${HOME} role awsreservedsso_ops_0a1b`,
    ],
    [
      `arn:aws:sts::${HOME}:assumed-role/AWSReservedSSO_Ops_0a1b/ana@example.com`,
      `${HOME} role awsreservedsso_ops_0a1b`,
    ],
    [`arn:aws:iam::${HOME}:root`, `${HOME} root`],
  ])('%s', (arn, principal) => {
    expect(principalOf(arn)).toBe(principal);
  });

  test.each([
    '',
    'ana',
    `arn:aws:iam::${HOME}:user/`,
    `arn:aws:iam::${HOME}:user/a b`,
    `arn:aws:iam::${HOME}:group/ana`,
    `arn:aws:iam::${HOME}:role`,
    `arn:aws:iam::1111:user/ana`,
    `arn:aws:iam::${HOME}:user/ana\n`,
    ` arn:aws:iam::${HOME}:user/ana`,
    `arn:other:iam::${HOME}:user/ana`,
    `arn:aws:sts::${HOME}:assumed-role/ana`,
    `arn:aws:sts::${HOME}:assumed-role/a/b/session`,
    `arn:aws:sts::${HOME}:federated-user/ana`,
    `arn:aws:iam:eu-west-1:${HOME}:user/ana`,
  ])('nobody: %j', (arn) => {
    expect(principalOf(arn)).toBeUndefined();
  });

  const letters = (alphabet: string, minLength: number, maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
  const name = letters('aB7+=,.@_-', 1, 64);
  const path = letters('a/B!*$:.{~', 0, 40);

  test('is the same by whatever path and session, and another by another name', () => {
    fc.assert(
      fc.property(name, name, path, path, letters('a7@.', 2, 64), (one, other, here, there, session) => {
        const at = (way: string, of: string) =>
          principalOf(`arn:aws:iam::${HOME}:role/${way === '' ? '' : `${way}/`}${of}`);
        expect(at(here, one)).toBe(`${HOME} role ${one.toLowerCase()}`);
        expect(at(there, one)).toBe(at(here, one));
        expect(principalOf(`arn:aws:sts::${HOME}:assumed-role/${one}/${session}`)).toBe(at('', one));
        expect(at(here, one) === at(there, other)).toBe(one.toLowerCase() === other.toLowerCase());
      }),
    );
  });
});

test('a finding says who did it whatever path they chose for themselves', () => {
  const arn = `arn:aws:iam::${HOME}:user/$(id)/*/ana`;
  const issuer = `arn:aws:iam::${HOME}:role/!/ops`;
  expect(actor({ arn, sessionContext: { sessionIssuer: { arn: issuer } } })).toEqual({
    principal: arn,
    sessionIssuer: issuer,
  });
});

test('a finding is about its actor, the role behind, and the users and roles that it names or that are acted on', () => {
  const target = targetOf('AWS::IAM::User', { account: HOME, region: 'eu-west-1', partition: 'aws' }, 'exporter');
  if (!target) throw new Error('exporter is no user');
  const finding = findingOn(target, 'cloudtrail', 'iam:CreateAccessKey', {
    principal: `arn:aws:sts::${HOME}:assumed-role/ops/ana`,
    sessionIssuer: `arn:aws:iam::${HOME}:role/a/ops`,
    resources: [
      { type: 'AWS::IAM::Role', id: 'deploy' },
      { type: 'AWS::S3::Bucket', id: 'bucket' },
    ],
  });
  expect(Object.fromEntries(subjects(finding, target))).toEqual({
    [`${HOME} role deploy`]: `arn:aws:iam::${HOME}:role/deploy`,
    [`${HOME} role ops`]: `arn:aws:iam::${HOME}:role/a/ops`,
    [`${HOME} user exporter`]: `arn:aws:iam::${HOME}:user/exporter`,
  });
});
