import { describe, expect, test } from '@jest/globals';
import { resourceNames, sampleFinding } from './samples.ts';

const SHARE = 'cloudtrail/share-rds-snapshot';
const OPEN = 'cloudtrail/open-ssh-to-world';
const P = 'detail/requestParameters';

describe('a call recorded by CloudTrail', () => {
  test('names the caller, and the role behind its session', () => {
    expect(sampleFinding(SHARE)).toMatchObject({
      type: 'rds:ModifyDBSnapshotAttribute',
      severity: 'HIGH',
      score: 7,
      principal: 'arn:aws:sts::444455556666:assumed-role/DatabaseOperator/m.okafor',
      sessionIssuer: 'arn:aws:iam::444455556666:role/teams/data/DatabaseOperator',
    });
  });

  test.each([
    ['a service', { type: 'AWSService', invokedBy: 'backup.amazonaws.com' }],
    ['a forged identity', { type: 'IAMUser', arn: 'arn:aws:iam::444455556666:user/a b' }],
    ['nobody', null],
  ])('by %s has no principal', (_, userIdentity) => {
    const finding = sampleFinding(SHARE, { 'detail/userIdentity': userIdentity });
    expect('principal' in finding || 'sessionIssuer' in finding).toBe(false);
  });

  test('is in the account that holds the resource, not in that of the caller', () => {
    const { account } = sampleFinding(SHARE, { 'detail/userIdentity/accountId': '999900001111' });
    expect(account).toBe('444455556666');
  });

  test('that failed is resolved, whatever its parameters', () => {
    const failed = { 'detail/errorCode': 'AccessDenied', [P]: null };
    expect(sampleFinding(SHARE, failed)).toMatchObject({ status: 'resolved', resources: [] });
  });

  test.each([
    ['an ARN', 'arn:aws:rds:eu-west-1:444455556666:snapshot:orders', ['AWS::RDS::DBSnapshot orders']],
    ['an ARN of another account', 'arn:aws:rds:eu-west-1:777788889999:snapshot:orders', []],
    ['capitals, which RDS takes for small letters', 'Orders-2026', ['AWS::RDS::DBSnapshot orders-2026']],
    ['a wildcard', '*', []],
  ])('may name its snapshot by %s', (_, dBSnapshotIdentifier, names) =>
    expect(resourceNames(sampleFinding(SHARE, { [`${P}/dBSnapshotIdentifier`]: dBSnapshotIdentifier }))).toEqual(names),
  );

  test.each(['PutBucketPolicy', 'PutBucketAcl', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock'])(
    's3:%s is about its bucket',
    (eventName) => {
      const changes = {
        source: 'aws.s3',
        'detail/eventSource': 's3.amazonaws.com',
        'detail/eventName': eventName,
        [P]: { bucketName: 'example-exports', Host: 'example-exports.s3.eu-west-1.amazonaws.com' },
      };
      const finding = sampleFinding(SHARE, changes);
      expect([finding.type, ...resourceNames(finding)]).toEqual([`s3:${eventName}`, 'AWS::S3::Bucket example-exports']);
    },
  );

  test('that nothing here reads is a finding about nothing', () => {
    const finding = sampleFinding(OPEN, { 'detail/eventName': 'RunInstances', [P]: { groupId: 7 } });
    expect([finding.type, finding.resources, finding.ports]).toEqual(['ec2:RunInstances', [], undefined]);
  });
});

describe('AuthorizeSecurityGroupIngress', () => {
  const range = (cidrIp: string) => ({ ipRanges: { items: [{ cidrIp }] }, ipv6Ranges: {} });
  const rule = (fields: object) => ({ [`${P}/ipPermissions`]: { items: [fields] } });

  test.each([
    [
      'a range',
      { ipProtocol: 'tcp', fromPort: 20, toPort: 25, ...range('0.0.0.0/0') },
      { protocol: 'tcp', from: 20, to: 25 },
    ],
    [
      'a protocol by number',
      { ipProtocol: '6', fromPort: 22, toPort: 22, ...range('0.0.0.0/0') },
      { protocol: 'tcp', from: 22, to: 22 },
    ],
    ['everything', { ipProtocol: '-1', ...range('0.0.0.0/0') }, { protocol: '-1', from: 0, to: 65_535 }],
    [
      'everything, with ports',
      { ipProtocol: '-1', fromPort: 22, toPort: 22, ...range('0.0.0.0/0') },
      { protocol: '-1', from: 0, to: 65_535 },
    ],
    [
      'ICMP',
      { ipProtocol: 'icmp', fromPort: 8, toPort: -1, ...range('0.0.0.0/0') },
      { protocol: 'icmp', from: 8, to: -1 },
    ],
    ['a protocol without ports', { ipProtocol: '50', ...range('0.0.0.0/0') }, { protocol: '50', from: 0, to: 65_535 }],
    [
      'IPv6',
      { ipProtocol: 'udp', fromPort: 53, toPort: 53, ipv6Ranges: { items: [{ cidrIpv6: '::/0' }] } },
      { protocol: 'udp', from: 53, to: 53 },
    ],
    [
      'everyone, in other words',
      { ipProtocol: 'tcp', fromPort: 22, toPort: 22, ...range('10.1.2.3/0') },
      { protocol: 'tcp', from: 22, to: 22 },
    ],
  ])('opens %s', (_, fields, ports) => expect(sampleFinding(OPEN, rule(fields)).ports).toEqual([ports]));

  test.each([
    ['a network', range('10.0.0.0/8')],
    ['half of the internet', range('0.0.0.0/1')],
    ['another group', { groups: { items: [{ groupId: 'sg-09f7b3d6e18c2a450' }] }, ipRanges: {} }],
    ['a prefix list', { prefixListIds: { items: [{ prefixListId: 'pl-63a5400a' }] } }],
  ])('to %s opens nothing', (_, fields) =>
    expect(sampleFinding(OPEN, rule({ ipProtocol: 'tcp', fromPort: 22, toPort: 22, ...fields })).ports).toEqual([]),
  );

  test('may give one rule without the list', () => {
    const single = {
      groupId: 'sg-0c4e1a97b25d8f360',
      ipProtocol: 'tcp',
      fromPort: 22,
      toPort: 22,
      cidrIp: '0.0.0.0/0',
    };
    expect(sampleFinding(OPEN, { [P]: single }).ports).toEqual([{ protocol: 'tcp', from: 22, to: 22 }]);
  });

  test('by the name of the group is known by its response, or not at all', () => {
    const byName = { [`${P}/groupId`]: undefined, [`${P}/groupName`]: 'default' };
    expect(resourceNames(sampleFinding(OPEN, byName))).toEqual(['AWS::EC2::SecurityGroup sg-0c4e1a97b25d8f360']);
    expect(sampleFinding(OPEN, { ...byName, 'detail/responseElements': null }).resources).toEqual([]);
  });
});
