import { describe, expect, test } from '@jest/globals';
import { resourceNames, sampleFinding } from './samples.ts';

describe('GuardDuty', () => {
  test('acts on the account of the detail, not on the administrator of the envelope', () => {
    const { account, envelope } = sampleFinding('guardduty/miner');
    expect([account, envelope.account]).toEqual(['444455556666', '111122223333']);
  });

  test('a bucket finding with resource type AccessKey is about the buckets, not the caller or its instance', () => {
    expect(resourceNames(sampleFinding('guardduty/s3-bucket-anonymous-access'))).toEqual([
      'AWS::S3::Bucket example-quarterly-exports',
    ]);
  });

  test('a credential finding names its user, and never the instance it mentions', () => {
    const user = {
      'detail/type': 'UnauthorizedAccess:IAMUser/TorIPCaller',
      'detail/resource': {
        resourceType: 'AccessKey',
        accessKeyDetails: { userType: 'IAMUser', userName: 'release-bot', principalId: 'AIDAEXAMPLE' },
        instanceDetails: { instanceId: 'i-0f3c7a19e5b82d460' },
      },
    };
    expect(resourceNames(sampleFinding('guardduty/miner', user))).toEqual(['AWS::IAM::User release-bot']);
    expect(sampleFinding('guardduty/miner', user).principal).toBe('arn:aws:iam::444455556666:user/release-bot');
    const { resources, principal } = sampleFinding('guardduty/command-and-control-dns.not-credentials');
    expect(resources).toEqual([]);
    expect(principal).toBe('arn:aws:sts::444455556666:assumed-role/queue-worker/i-0f3c7a19e5b82d460');
  });

  test('a caller of another account keeps that account', () => {
    const details = { accountId: '999900001111', affiliated: false };
    const changes = { 'detail/service/action/awsApiCallAction/remoteAccountDetails': details };
    expect(sampleFinding('guardduty/s3-bucket-anonymous-access', changes).principal).toBe(
      'arn:aws:sts::999900001111:assumed-role/DatabaseOperator/m.okafor',
    );
  });

  test('a runtime finding in a cluster is about the cluster, not its node', () => {
    const cluster = {
      'detail/resource/resourceType': 'EKSCluster',
      'detail/resource/eksClusterDetails': { name: 'orders', arn: 'arn:aws:eks:eu-west-1:444455556666:cluster/orders' },
    };
    expect(resourceNames(sampleFinding('guardduty/runtime-miner', cluster))).toEqual([
      'AWS::EKS::Cluster arn:aws:eks:eu-west-1:444455556666:cluster/orders',
    ]);
  });

  test.each([
    [
      'Lambda',
      { lambdaDetails: { functionArn: 'arn:aws:lambda:eu-west-1:444455556666:function:resize' } },
      'AWS::Lambda::Function arn:aws:lambda:eu-west-1:444455556666:function:resize',
    ],
    [
      'RDSDBInstance',
      { rdsDbInstanceDetails: { dbInstanceArn: 'arn:aws:rds:eu-west-1:444455556666:db:orders' } },
      'AWS::RDS::DBInstance arn:aws:rds:eu-west-1:444455556666:db:orders',
    ],
    [
      'ECSCluster',
      { ecsClusterDetails: { arn: 'arn:aws:ecs:eu-west-1:444455556666:cluster/web' } },
      'AWS::ECS::Cluster arn:aws:ecs:eu-west-1:444455556666:cluster/web',
    ],
    [
      'EBSSnapshot',
      { ebsSnapshotDetails: { snapshotArn: 'arn:aws:ec2:eu-west-1::snapshot/snap-0a91c35d7e2f4b680' } },
      'AWS::EC2::Snapshot snap-0a91c35d7e2f4b680',
    ],
  ])('%s', (resourceType, details, id) => {
    expect(
      resourceNames(sampleFinding('guardduty/miner', { 'detail/resource': { resourceType, ...details } })),
    ).toEqual([id]);
  });

  test('an attack sequence names no resource that one response could act on', () => {
    expect(
      sampleFinding('guardduty/miner', { 'detail/resource': { resourceType: 'AttackSequence' } }).resources,
    ).toEqual([]);
  });

  test.each([
    { 'detail/service/additionalInfo/sample': true },
    { 'detail/service/additionalInfo/value': '{"threatName":"x","sample":true}' },
    { 'detail/title': '[SAMPLE] EC2 instance i-99999999 is communicating with a miner.' },
  ])('is a sample finding: %j', (changes) => expect(sampleFinding('guardduty/miner', changes).sample).toBe(true));

  test.each([
    { 'detail/service/additionalInfo/value': '{"userAgent":"\\"sample\\":true"}' },
    { 'detail/service/additionalInfo/value': '{"userAgent":{"sample":true}}' },
    { 'detail/service/additionalInfo/value': '{"sample":true' },
    { 'detail/title': 'Bucket [SAMPLE] is public' },
  ])('cannot be made to look like one: %j', (changes) =>
    expect(sampleFinding('guardduty/miner', changes).sample).toBe(false),
  );

  test.each([
    [0.9, 'INFORMATIONAL'],
    [1, 'LOW'],
    [3.9, 'LOW'],
    [4, 'MEDIUM'],
    [6.9, 'MEDIUM'],
    [7, 'HIGH'],
    [8.9, 'HIGH'],
    [9, 'CRITICAL'],
  ])('severity %d is %s', (score, severity) =>
    expect(sampleFinding('guardduty/miner', { 'detail/severity': score })).toMatchObject({ score, severity }),
  );
});
