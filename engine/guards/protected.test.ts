import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { findingOn } from '../../local/findings.ts';
import { loadPolicy, SHIPPED_POLICY } from '../../scripts/response-policy.ts';
import { workerNames } from '../../scripts/workers.ts';
import type { Finding } from '../findings/finding.ts';
import { policySchema } from '../policy-schema.ts';
import type { Target } from '../remediation.ts';
import type { Planned } from './guard.ts';
import { protectedBy, protectedThings } from './protected.ts';

const [HOME, MEMBER, MANAGEMENT] = ['111122223333', '444455556666', '999900001111'];
const home = { account: HOME, region: 'eu-west-1' };

function thing(type: string, arn: string, account = MEMBER): Target {
  return { type, id: arn.slice(arn.lastIndexOf('/') + 1), arn, account, region: 'eu-west-1', partition: 'aws' };
}
const role = (name: string, account = MEMBER) =>
  thing('AWS::IAM::Role', `arn:aws:iam::${account}:role/${name}`, account);
const bucket = thing('AWS::S3::Bucket', 'arn:aws:s3:::exports');

function why(target: Target, resources: readonly string[] = [], more: Partial<Finding> = {}, organization = {}) {
  const finding = findingOn(target, 'guardduty', 'x', { severity: 'CRITICAL', ...more });
  const lines = resources.map((resource) => ({ resource, owner: 'o', reason: 'r' }));
  const policy = policySchema.parse({ version: 1, organization, protected: { resources: lines } });
  return protectedBy({ policy, home, target, finding })?.because;
}

describe('a line protects', () => {
  test.each<[string, Target]>([
    ['arn:aws:s3:::exports', bucket],
    ['arn:aws:s3:::exp*', bucket],
    [
      'arn:aws:ec2:*:444455556666:instance/*',
      thing('AWS::EC2::Instance', 'arn:aws:ec2:eu-west-1:444455556666:instance/i-1'),
    ],
    [
      'arn:aws:ec2:eu-west-1:444455556666:snapshot/*',
      thing('AWS::EC2::Snapshot', 'arn:aws:ec2:eu-west-1::snapshot/snap-1'),
    ],
    ['arn:aws:iam::*:role/break-glass', role('break-glass')],
    ['arn:aws:iam::*:role/break-glass', role('ops/break-glass')],
    ['arn:aws:iam::*:role/ops/break-glass', role('break-glass')],
    [
      'arn:aws:iam::*:role/AWSReservedSSO_BreakGlass_*',
      role('aws-reserved/sso.amazonaws.com/AWSReservedSSO_BreakGlass_1a'),
    ],
  ])('by %s', (line, target) => {
    expect(why(target, [line])).toBe('protected by o: r');
  });

  test.each<[string, Target]>([
    ['arn:aws:s3:::export', bucket],
    ['arn:aws-cn:s3:::exports', bucket],
    [
      'arn:aws:ec2:us-east-1:*:instance/*',
      thing('AWS::EC2::Instance', 'arn:aws:ec2:eu-west-1:444455556666:instance/i-1'),
    ],
    ['arn:aws:ec2:*:777788889999:snapshot/*', thing('AWS::EC2::Snapshot', 'arn:aws:ec2:eu-west-1::snapshot/snap-1')],
    ['arn:aws:iam::777788889999:role/break-glass', role('break-glass')],
    ['arn:aws:iam::*:role/break-glass', role('break-glass/anybody')],
    ['arn:aws:iam::*:user/break-glass', role('break-glass')],
  ])('by %s nothing else', (line, target) => {
    expect(why(target, [line])).toBeUndefined();
  });

  test('the key of a principal too, and the role behind a session; not what the principal did to anything else', () => {
    const key = thing('AWS::IAM::AccessKey', 'arn:aws:iam::444455556666:access-key/AKIA1');
    const line = ['arn:aws:iam::*:user/break-glass', 'arn:aws:iam::*:role/break-glass'];
    const principal = `arn:aws:iam::${MEMBER}:user/ops/break-glass`;
    expect(why(key, line, { principal })).toBeDefined();
    expect(why(key, line, { principal: `arn:aws:sts::${MEMBER}:assumed-role/break-glass/ann` })).toBeDefined();
    expect(why(key, line, { sessionIssuer: `arn:aws:iam::${MEMBER}:role/ops/break-glass` })).toBeDefined();
    expect(why(key, line, { principal: `arn:aws:sts::${MEMBER}:assumed-role/other/break-glass` })).toBeUndefined();
    expect(why(bucket, line, { principal })).toBeUndefined();
  });
});

describe('without a line', () => {
  test('root, the management account and what Firebreak runs on are protected', () => {
    const key = thing('AWS::IAM::AccessKey', 'arn:aws:iam::444455556666:access-key/AKIA1');
    expect(why(key, [], { principal: `arn:aws:iam::${MEMBER}:root` })).toBe('it is root');
    expect(why(role('x', MANAGEMENT), [], {}, { management: MANAGEMENT })).toBe('it is in the management account');
    for (const [type, resource] of [
      ['AWS::IAM::Role', 'iam::111122223333:role/firebreak-worker-storage'],
      ['AWS::DynamoDB::Table', 'dynamodb:eu-west-1:111122223333:table/firebreak-ledger'],
      ['AWS::SQS::Queue', 'sqs:eu-west-1:111122223333:firebreak-storage'],
      ['AWS::SNS::Topic', 'sns:eu-west-1:111122223333:firebreak-people'],
      ['AWS::Lambda::Function', 'lambda:eu-west-1:111122223333:function:firebreak-storage'],
      ['AWS::SSM::Parameter', 'ssm:eu-west-1:111122223333:parameter/firebreak/kill-switch'],
      ['AWS::S3::Bucket', 's3:::firebreak-dev-serverlessdeploymentbucket-1'],
    ]) {
      expect(why(thing(String(type), `arn:aws:${resource}`, HOME))).toBe('Firebreak runs on it');
    }
  });

  test('a name like ours proves nothing in another account, nor one of a user or within a name', () => {
    expect(why(role('firebreak-worker-storage'))).toBeUndefined();
    expect(why(thing('AWS::IAM::User', `arn:aws:iam::${HOME}:user/firebreak-ann`, HOME))).toBeUndefined();
    expect(why(role('not-firebreak-storage', HOME))).toBeUndefined();
  });

  test('our roles in member accounts are, by their exact names: those that the template makes', () => {
    const policy = loadPolicy(SHIPPED_POLICY, [], workerNames());
    const because = (name: string) => {
      const target = role(name);
      return protectedBy({ policy, home, target, finding: findingOn(target, 'guardduty', 'x') })?.because;
    };
    const made = [...readFileSync('organization/member.yml', 'utf8').matchAll(/RoleName: (\S+)/g)].map(
      ([, name = '']) => name,
    );
    expect(made).toContain('firebreak-storage');
    for (const name of made) expect(because(name)).toContain('protected by Firebreak');
    for (const name of ['firebreak-evil', 'firebreak-storage-2', 'xfirebreak-storage'])
      expect(because(name)).toBeUndefined();
  });
});

describe('what many share', () => {
  const planned = (reached: number | undefined, sharedBy = 50, asked: number[] = []): Planned => {
    const reach = async (_clients: unknown, _target: Target, enough: number) => {
      asked.push(enough);
      return reached ?? 0;
    };
    const policy = policySchema.parse({ version: 1, protected: { sharedBy } });
    const finding = findingOn(bucket, 'guardduty', 'x', { severity: 'CRITICAL' });
    return {
      policy,
      home,
      target: bucket,
      finding,
      clients: {},
      action: reached === undefined ? {} : { reach },
    } as Planned;
  };

  test.each([
    [undefined, undefined],
    [50, undefined],
    [51, 'refused'],
  ])('with %s it is %s', async (reached, outcome) => {
    const asked: number[] = [];
    expect((await protectedThings.onPlan(planned(reached, 50, asked)))?.outcome).toBe(outcome);
    expect(asked).toEqual(reached === undefined ? [] : [1_000]);
  });

  test.each([
    [9, 8, '9 things'],
    [999, 8, '999 things'],
    [1_000, 8, '1000 things or more'],
    [2_001, 2_000, '2001 things or more'],
  ])('says how many: of %s where %s are the most, %s', async (reached, sharedBy, many) => {
    expect((await protectedThings.onPlan(planned(reached, sharedBy)))?.reason).toBe(
      `needs a person: a change reaches ${many}, and ${sharedBy} are the most`,
    );
  });
});
