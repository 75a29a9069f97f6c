import { describe, expect, test } from '@jest/globals';
import { isKnownType } from '../arn.ts';
import { normalise } from './normalise.ts';
import { resourceNames, sampleEvent, sampleFinding } from './samples.ts';

const F = 'detail/findings/0';
const RDS = 'securityhub/rds-snapshot-public';
const OCSF = 'securityhub/ocsf-rds-snapshot-public';

describe('a Security Hub finding', () => {
  test('carries what BatchUpdateFindings takes', () => {
    expect(sampleFinding(RDS)).toMatchObject({
      id: expect.stringMatching(/^arn:aws:securityhub:eu-west-1:444455556666:security-control\/RDS\.1\/finding\//),
      productArn: 'arn:aws:securityhub:eu-west-1::product/aws/securityhub',
      requested: false,
    });
  });

  test.each([
    ['of a consolidated control', { [`${F}/Compliance/SecurityControlId`]: 'EC2.19' }, 'EC2.19'],
    [
      'before consolidation',
      { [`${F}/Compliance/SecurityControlId`]: undefined, [`${F}/ProductFields`]: { ControlId: 'RDS.1' } },
      'RDS.1',
    ],
    [
      'without a control',
      { [`${F}/Compliance`]: undefined },
      'product/aws/securityhub/Software and Configuration Checks/Industry and Regulatory Standards',
    ],
    [
      'whose control is no id',
      { [`${F}/Compliance/SecurityControlId`]: 'RDS.1\n', [`${F}/Types`]: undefined },
      'product/aws/securityhub/security-control/RDS.1',
    ],
  ])('type %s', (_, changes, type) => expect(sampleFinding(RDS, changes).type).toBe(type));

  test.each([
    'arn:aws:securityhub:eu-west-1::product/aws/guardduty',
    'arn:aws:securityhub:eu-west-1::product/aws/securityhub-lookalike',
    'arn:aws:securityhub:eu-west-1:444455556666:product/aws/securityhub',
    'arn:aws:securityhub:eu-west-1:444455556666:product/444455556666/default',
  ])('of the product %s takes no control for its type, whatever it writes', (ProductArn) => {
    const changes = {
      [`${F}/ProductArn`]: ProductArn,
      [`${F}/GeneratorId`]: 'RDS.1',
      [`${F}/Types`]: ['RDS.1'],
      [`${F}/ProductFields/ControlId`]: 'RDS.1',
    };
    expect(sampleFinding(RDS, changes).type).toMatch(/^product\/.+\/RDS\.1$/);
  });

  test.each([
    [{ Workflow: { Status: 'NEW' } }, 'active'],
    [{ Workflow: { Status: 'NOTIFIED' } }, 'active'],
    [{ Workflow: undefined }, 'active'],
    [{ Compliance: { Status: 'WARNING', SecurityControlId: 'RDS.1' } }, 'active'],
    [{ Workflow: { Status: 'RESOLVED' } }, 'resolved'],
    [{ Compliance: { Status: 'PASSED', SecurityControlId: 'RDS.1' } }, 'resolved'],
    [{ Compliance: { Status: 'NOT_AVAILABLE', SecurityControlId: 'RDS.1' } }, 'resolved'],
    [{ Workflow: { Status: 'SUPPRESSED' } }, 'suppressed'],
    [{ RecordState: 'ARCHIVED' }, 'suppressed'],
  ])('%j is %s', (fields, status) => {
    const changes = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`${F}/${key}`, value]));
    expect(sampleFinding(RDS, changes).status).toBe(status);
  });

  // The sample was updated by its provider at 14:18:31 and taken in at 14:18:44, and the event is of 14:21:07.
  test.each([
    ['firebreak', '2026-11-03T14:21:05.000Z', 'noted'],
    ['somebody', '2026-11-03T14:21:05.000Z', 'active'],
    ['firebreak', '2026-11-03T14:21:07.999Z', 'noted'],
    ['firebreak', '2026-11-03T14:21:08.000Z', 'active'],
    ['firebreak', '2026-11-03T14:18:31.902Z', 'active'],
    ['firebreak', '2026-11-03T14:18:44.530Z', 'active'],
    ['firebreak', '2026-11-02T14:21:05.000Z', 'active'],
    ['firebreak', '2026-12-24T00:00:00.000Z', 'active'],
    ['firebreak', 'yesterday', 'active'],
    ['firebreak', undefined, 'active'],
  ])('with a note by %s of %s is %s', (UpdatedBy, UpdatedAt, status) => {
    const noted = { [`${F}/Note`]: { Text: 'x', UpdatedBy, UpdatedAt }, [`${F}/Workflow`]: { Status: 'NOTIFIED' } };
    expect(sampleFinding(RDS, noted).status).toBe(status);
  });

  // A loop of such notes would hide an exposure that its provider tells with a time from before the last one.
  test.each(['2026-11-03T14:21:06.000Z', undefined, null, 'yesterday'])(
    'taken in at %s is looked at, whatever its note',
    (at) => {
      const Note = { Text: 'x', UpdatedBy: 'firebreak', UpdatedAt: '2026-11-03T14:21:05.000Z' };
      expect(sampleFinding(RDS, { [`${F}/Note`]: Note, [`${F}/ProcessedAt`]: at }).status).toBe('active');
    },
  );

  test('that somebody touched long after our note is looked at', () => {
    const Note = { Text: 'x', UpdatedBy: 'firebreak', UpdatedAt: '2026-11-03T14:21:05.000Z' };
    expect(sampleFinding(RDS, { [`${F}/Note`]: Note, time: '2026-11-03T14:26:05Z' }).status).toBe('active');
    expect(sampleFinding('securityhub/custom-action-rds-snapshot', { [`${F}/Note`]: Note }).status).toBe('active');
  });

  test.each([
    [{ Label: 'HIGH', Normalized: 1 }, 'HIGH', 7],
    [{ Label: 'INFORMATIONAL' }, 'INFORMATIONAL', 0],
    [{ Normalized: 90 }, 'CRITICAL', 9],
    [{ Normalized: 39 }, 'LOW', 1],
    [{ Normalized: 0 }, 'INFORMATIONAL', 0],
  ])('severity %j', (Severity, severity, score) =>
    expect(sampleFinding(RDS, { [`${F}/Severity`]: Severity })).toMatchObject({ severity, score }),
  );

  test.each([
    { [`${F}/Sample`]: true },
    { [`${F}/Title`]: '[SAMPLE] Bucket is public' },
    { [`${F}/ProductFields/aws~1guardduty~1service~1additionalInfo~1sample`]: 'true' },
  ])('is a sample: %j', (changes) => expect(sampleFinding(RDS, changes).sample).toBe(true));

  test.each([
    [
      'AwsEc2Instance',
      'arn:aws:ec2:eu-west-1:444455556666:instance/i-0f3c7a19e5b82d460',
      'AWS::EC2::Instance i-0f3c7a19e5b82d460',
    ],
    [
      'AwsEc2Snapshot',
      'arn:aws:ec2:eu-west-1::snapshot/snap-0a91c35d7e2f4b680',
      'AWS::EC2::Snapshot snap-0a91c35d7e2f4b680',
    ],
    ['AwsS3Bucket', 'arn:aws:s3:::example', 'AWS::S3::Bucket example'],
    ['AwsIamUser', 'arn:aws:iam::444455556666:user/a/b/alice', 'AWS::IAM::User alice'],
    [
      'AwsRdsDbInstance',
      'arn:aws:rds:eu-west-1:444455556666:db:orders',
      'AWS::RDS::DBInstance arn:aws:rds:eu-west-1:444455556666:db:orders',
    ],
    ['AwsLambdaFunction', 'resize', 'AWS::Lambda::Function resize'],
    ['AwsAccount', 'AWS::::Account:444455556666', 'AWS::Account 444455556666'],
    ['AwsAccount', '444455556666', 'AWS::Account 444455556666'],
    ['Other', 'anything', 'Other anything'],
  ])('%s %s', (Type, Id, name) =>
    expect(resourceNames(sampleFinding(RDS, { [`${F}/Resources`]: [{ Type, Id }] }))).toEqual([name]),
  );

  test.each([
    ['AwsAccount', 'AWS::::Account:777788889999'],
    ['AwsRdsDbSnapshot', 'arn:aws:rds:eu-west-1:777788889999:snapshot:orders-before-migration'],
    ['AwsRdsDbSnapshot', 'arn:aws:rds:us-east-1:444455556666:snapshot:orders-before-migration'],
    ['AwsRdsDbSnapshot', 'arn:aws-cn:rds:eu-west-1:444455556666:snapshot:orders-before-migration'],
    ['AwsRdsDbSnapshot', 'arn:aws:rds:eu-west-1:444455556666:db:orders'],
    ['AwsRdsDbSnapshot', 'orders before migration'],
    ['AwsS3Bucket', '*'],
    ['AwsS3Bucket', 'arn:aws:s3:::*'],
    ['AwsIamUser', '../root'],
  ])('drops what it cannot act on: %s %s', (Type, Id) =>
    expect(resourceNames(sampleFinding(RDS, { [`${F}/Resources`]: [{ Type, Id }] }))).toEqual([]),
  );

  test('names a resource once', () => {
    const resource = { Type: 'AwsS3Bucket', Id: 'arn:aws:s3:::example' };
    expect(sampleFinding(RDS, { [`${F}/Resources`]: [resource, resource] }).resources).toHaveLength(1);
  });
});

describe('a custom action', () => {
  test('is a request of a person, so its findings are active whatever their workflow', () => {
    const { findings = [] } = normalise(sampleEvent('securityhub/custom-action-two-findings'));
    expect(findings.map(({ requested, status }) => [requested, status])).toEqual([
      [true, 'active'],
      [true, 'active'],
    ]);
  });

  test('with one bad finding is rejected whole, by its place', () => {
    const event = sampleEvent('securityhub/custom-action-two-findings', { 'detail/findings/1/AwsAccountId': '4' });
    expect(normalise(event).rejection).toBe('detail.findings[1].AwsAccountId: is not a twelve-digit account id');
  });
});

describe('an OCSF finding', () => {
  test('carries what BatchUpdateFindingsV2 takes', () => {
    expect(sampleFinding(OCSF)).toMatchObject({
      type: 'RDS.1',
      severity: 'CRITICAL',
      productArn: 'arn:aws:securityhub:eu-west-1::productv2/aws/securityhub',
      updatedAt: '2026-11-03T14:18:31.902Z',
    });
  });

  test.each([
    ['of another class', { [`${F}/class_uid`]: 2004 }],
    ['of another product', { [`${F}/metadata/product/uid`]: 'arn:aws:securityhub:eu-west-1::productv2/aws/guardduty' }],
    ['without a control', { [`${F}/compliance/control`]: undefined }],
  ])('%s has no control for its type', (_, changes) =>
    expect(sampleFinding(OCSF, changes).type).toMatch(/^productv2\/aws\/(?:securityhub|guardduty)\/Software /),
  );

  test.each([
    [{ status_id: 1 }, 'active'],
    [{ status_id: 2 }, 'active'],
    [{ status_id: 3 }, 'suppressed'],
    [{ status_id: 4 }, 'resolved'],
    [{ status_id: 5 }, 'suppressed'],
    [{ activity_id: 3 }, 'resolved'],
    [{ compliance: { control: 'RDS.1', status: 'Pass', status_id: 1 } }, 'resolved'],
  ])('%j is %s', (fields, status) => {
    const changes = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`${F}/${key}`, value]));
    expect(sampleFinding(OCSF, changes).status).toBe(status);
  });

  test.each([
    [0, 'INFORMATIONAL'],
    [1, 'INFORMATIONAL'],
    [2, 'LOW'],
    [3, 'MEDIUM'],
    [4, 'HIGH'],
    [6, 'CRITICAL'],
    [99, 'INFORMATIONAL'],
  ])('severity_id %d is %s', (severity_id, severity) =>
    expect(sampleFinding(OCSF, { [`${F}/severity_id`]: severity_id }).severity).toBe(severity),
  );

  test('knows a user by the ARN alone: its uid is not the name', () => {
    const user = 'securityhub/ocsf-iam-access-key-old';
    expect(resourceNames(sampleFinding(user))).toEqual(['AWS::IAM::User report-exporter']);
    expect(sampleFinding(user, { [`${F}/resources/0/uid_alt`]: undefined }).resources).toEqual([]);
  });

  test('drops the resources of another owner', () => {
    const changes = { [`${F}/resources/0/owner/account/uid`]: '777788889999' };
    expect(sampleFinding(OCSF, changes).resources).toEqual([]);
    const arn = 'arn:aws:rds:eu-west-1:777788889999:snapshot:orders-before-migration';
    expect(sampleFinding(OCSF, { [`${F}/resources/0/uid_alt`]: arn }).resources).toEqual([]);
  });

  test('the account is no resource type with an ARN', () => expect(isKnownType('AWS::Account')).toBe(false));
});
