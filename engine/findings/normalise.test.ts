import { describe, expect, test } from '@jest/globals';
import { normalise } from './normalise.ts';
import { resourceNames, sampleEvent, sampleFinding } from './samples.ts';

const F = 'detail/findings/0';

describe('the envelope', () => {
  test('is read from JSON text and from its value alike', () => {
    const value = sampleEvent('inspector/ssh-reachable');
    expect(normalise(JSON.stringify(value))).toEqual(normalise(value));
    expect(normalise(value).findings?.[0]?.envelope).toEqual({
      id: value.id,
      source: 'aws.inspector2',
      detailType: 'Inspector2 Finding',
      account: '111122223333',
      region: 'eu-west-1',
      time: '2026-11-03T14:21:07.000Z',
    });
  });

  test.each([
    ['not JSON', '{"version":', 'message: is not JSON'],
    ['no event', '[]', 'message: is not of type object'],
    ['null', 'null', 'message: is not of type object'],
  ])('%s', (_, text, rejection) => expect(normalise(text)).toEqual({ rejection }));

  test.each([
    [{ version: undefined }, 'version: is none of 0'],
    [{ account: '44445555666' }, 'account: is not a twelve-digit account id'],
    [{ account: 444455556666 }, 'account: is not of type string'],
    [{ time: 'yesterday' }, 'time: is not an ISO 8601 time'],
    [{ time: '2026-13-03T14:21:07Z' }, 'time: is not an ISO 8601 time'],
    [{ region: 'eu-west-1; rm' }, 'region: is not a Region'],
    [{ resources: 'i-1' }, 'resources: is not of type array'],
    [{ id: 'a b' }, 'id: is not an event id'],
    [{ detail: undefined }, 'detail: is missing'],
    [{ detail: [] }, 'detail: is not of type object'],
    [{ source: 'aws.guardduty' }, 'source: "aws.guardduty" does not send "Inspector2 Finding"'],
    [{ source: 'com.attacker' }, 'source: "com.attacker" does not send "Inspector2 Finding"'],
    [{ 'detail-type': 'Inspector2 Scan' }, 'detail-type: nothing here reads "Inspector2 Scan"'],
    [{ 'detail-type': '__proto__' }, 'detail-type: nothing here reads "__proto__"'],
  ])('%j', (changes, rejection) =>
    expect(normalise(sampleEvent('inspector/ssh-reachable', changes))).toEqual({ rejection }),
  );

  test('foreign text in a rejection is cut and encoded', () => {
    const { rejection } = normalise(
      sampleEvent('inspector/ssh-reachable', { 'detail-type': `\u001b[2J\n\u202e<script>${'x'.repeat(10_000)}` }),
    );
    expect(rejection).toMatch(/^detail-type: nothing here reads "\\u001b\[2J\\n\\u202e<script>x+"$/);
    expect(rejection?.length).toBeLessThan(100);
  });
});

describe('each source is strict where a response relies on a field', () => {
  test.each([
    ['guardduty/miner', { 'detail/accountId': '1' }, 'detail.accountId: is not a twelve-digit account id'],
    ['guardduty/miner', { 'detail/severity': '8' }, 'detail.severity: is not of type number'],
    ['guardduty/miner', { 'detail/severity': 11 }, 'detail.severity: is above 10'],
    ['guardduty/miner', { 'detail/service': undefined }, 'detail.service: is missing'],
    [
      'macie/s3-bucket-public',
      { 'detail/severity/description': 'Huge' },
      'detail.severity.description: is none of Low',
    ],
    [
      'macie/s3-bucket-public',
      { 'detail/resourcesAffected/s3Bucket': null },
      'detail.resourcesAffected.s3Bucket: is not',
    ],
    ['inspector/ssh-reachable', { 'detail/status': 'OPEN' }, 'detail.status: is none of ACTIVE, CLOSED, SUPPRESSED'],
    [
      'inspector/ssh-reachable',
      { 'detail/findingArn': 'arn:aws:s3:::x' },
      'detail.findingArn: is not the ARN of a finding of inspector2',
    ],
    ['securityhub/rds-snapshot-public', { [`${F}/ProductArn`]: '*' }, 'detail.findings[0].ProductArn: is not the ARN'],
    [
      'securityhub/rds-snapshot-public',
      { [`${F}/Severity/Label`]: 'High' },
      'detail.findings[0].Severity.Label: is none of',
    ],
    ['securityhub/rds-snapshot-public', { 'detail/findings': [] }, 'detail.findings: is empty'],
    [
      'securityhub/ocsf-rds-snapshot-public',
      { [`${F}/cloud/account/uid`]: '4' },
      'detail.findings[0].cloud.account.uid: is',
    ],
    [
      'access-analyzer/rds-snapshot-public',
      { 'detail/status': 'NEW' },
      'detail.status: is none of ACTIVE, ARCHIVED, RES',
    ],
    [
      'cloudtrail/share-rds-snapshot',
      { 'detail/eventSource': 'ec2.amazonaws.com' },
      'detail.eventSource: is not the source',
    ],
    [
      'cloudtrail/share-rds-snapshot',
      { 'detail/requestParameters/dBSnapshotIdentifier': 7 },
      'detail.requestParameters.dBSnapshotIdentifier: is not of type string',
    ],
    [
      'cloudtrail/open-ssh-to-world',
      { 'detail/requestParameters/ipPermissions/items/0/toPort': 70_000 },
      'detail.requestParameters.ipPermissions.items[0].toPort: is not a port',
    ],
  ])('%s %j', (name, changes, rejection) => {
    expect(normalise(sampleEvent(name, changes)).rejection).toEqual(expect.stringContaining(rejection));
  });

  test('and loose where AWS adds fields', () => {
    expect(sampleFinding('guardduty/miner', { 'detail/service/newField': { a: [1] }, 'detail/new': 1 })).toEqual(
      sampleFinding('guardduty/miner'),
    );
  });
});

describe('Macie', () => {
  test('names who did it, with the role behind the session', () => {
    expect(sampleFinding('macie/s3-bucket-public')).toMatchObject({
      severity: 'HIGH',
      principal: 'arn:aws:sts::444455556666:assumed-role/DatabaseOperator/m.okafor',
      sessionIssuer: 'arn:aws:iam::444455556666:role/teams/data/DatabaseOperator',
    });
  });

  test('marks its samples', () =>
    expect(sampleFinding('macie/s3-bucket-public', { 'detail/sample': true }).sample).toBe(true));

  test.each([
    ['Low', 'LOW', 1],
    ['Medium', 'MEDIUM', 4],
    ['High', 'HIGH', 7],
  ])('severity %s', (description, severity, score) =>
    expect(sampleFinding('macie/s3-bucket-public', { 'detail/severity/description': description })).toMatchObject({
      severity,
      score,
    }),
  );
});

describe('Inspector', () => {
  test.each([
    ['Tue Nov 03 14:20:36.951 UTC 2026', '2026-11-03T14:20:36.951Z'],
    ['Nov 3, 2026, 2:20:36 PM', '2026-11-03T14:20:36.000Z'],
    ['Nov 3, 2026, 12:20:36\u202fAM', '2026-11-03T00:20:36.000Z'],
    ['2026-11-03T14:20:36.951Z', '2026-11-03T14:20:36.951Z'],
    ['the third of November', '2026-11-03T14:21:07.000Z'],
    [null, '2026-11-03T14:20:36.476Z'],
  ])('time %s', (updatedAt, expected) =>
    expect(sampleFinding('inspector/ssh-reachable', { 'detail/updatedAt': updatedAt }).updatedAt).toBe(expected),
  );

  test.each([
    ['CRITICAL', 'CRITICAL', 9],
    ['LOW', 'LOW', 1],
    ['UNTRIAGED', 'INFORMATIONAL', 0],
  ])('severity %s', (given, severity, score) =>
    expect(sampleFinding('inspector/ssh-reachable', { 'detail/severity': given })).toMatchObject({ severity, score }),
  );

  test('the ports are those of a network finding', () => {
    expect(sampleFinding('inspector/port-range-reachable').ports).toEqual([{ protocol: 'tcp', from: 8000, to: 8999 }]);
    expect(sampleFinding('inspector/package-vulnerability').ports).toBeUndefined();
  });
});

describe('Access Analyzer', () => {
  test('says whether a snapshot is public or shared', () => {
    expect(sampleFinding('access-analyzer/rds-snapshot-public')).toMatchObject({ severity: 'HIGH', score: 7 });
    expect(sampleFinding('access-analyzer/rds-snapshot-shared')).toMatchObject({ severity: 'MEDIUM', score: 4 });
  });

  test.each(['arn:aws:ec2:eu-west-1::snapshot/snap-0a91c35d7e2f4b680', 'snap-0a91c35d7e2f4b680'])('%s', (resource) =>
    expect(
      resourceNames(sampleFinding('access-analyzer/ebs-snapshot-public', { 'detail/resource': resource })),
    ).toEqual(['AWS::EC2::Snapshot snap-0a91c35d7e2f4b680']),
  );
});
