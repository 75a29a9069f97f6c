import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Finding } from './finding.ts';
import { normalise } from './normalise.ts';
import { sampleEvent, sampleNames } from './samples.ts';

const isTwin = (name: string) => name.includes('.not-');

const HOME = { account: '444455556666', region: 'eu-west-1', partition: 'aws' };
const AWAY = { account: '777788889999', region: 'us-east-1', partition: 'aws' };

/** Type, score, place, and the resources as `type id`, of each finding in the sample. */
const EXPECTED: Readonly<Record<string, readonly (readonly [string, number, typeof HOME, readonly string[]])[]>> = {
  'access-analyzer/ebs-snapshot-public': [['AWS::EC2::Snapshot', 7, HOME, ['EC2::Snapshot snap-0a91c35d7e2f4b680']]],
  'access-analyzer/rds-cluster-snapshot-public': [
    ['AWS::RDS::DBClusterSnapshot', 7, HOME, ['RDS::DBClusterSnapshot catalogue-weekly']],
  ],
  'access-analyzer/rds-snapshot-public': [
    ['AWS::RDS::DBSnapshot', 7, HOME, ['RDS::DBSnapshot orders-before-migration']],
  ],
  'access-analyzer/rds-snapshot-shared': [['AWS::RDS::DBSnapshot', 4, AWAY, ['RDS::DBSnapshot billing-2026-10']]],
  'cloudtrail/open-everything-ipv6': [
    ['ec2:AuthorizeSecurityGroupIngress', 7, AWAY, ['EC2::SecurityGroup sg-09f7b3d6e18c2a450']],
  ],
  'cloudtrail/open-ssh-to-world': [
    ['ec2:AuthorizeSecurityGroupIngress', 7, HOME, ['EC2::SecurityGroup sg-0c4e1a97b25d8f360']],
  ],
  'cloudtrail/publish-ebs-snapshot': [
    ['ec2:ModifySnapshotAttribute', 7, AWAY, ['EC2::Snapshot snap-06d2b8f41c9ea7350']],
  ],
  'cloudtrail/share-ebs-snapshot': [['ec2:ModifySnapshotAttribute', 7, HOME, ['EC2::Snapshot snap-0a91c35d7e2f4b680']]],
  'cloudtrail/share-rds-cluster-snapshot': [
    ['rds:ModifyDBClusterSnapshotAttribute', 7, AWAY, ['RDS::DBClusterSnapshot catalogue-weekly']],
  ],
  'cloudtrail/share-rds-snapshot': [
    ['rds:ModifyDBSnapshotAttribute', 7, HOME, ['RDS::DBSnapshot orders-before-migration']],
  ],
  'guardduty/command-and-control-dns': [
    ['Backdoor:EC2/C&CActivity.B!DNS', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']],
  ],
  'guardduty/command-and-control': [['Backdoor:EC2/C&CActivity.B', 8, AWAY, ['EC2::Instance i-0847d1f6a3c9e5b20']]],
  'guardduty/denial-of-service': [['Backdoor:EC2/DenialOfService.Udp', 8, AWAY, ['EC2::Instance i-0847d1f6a3c9e5b20']]],
  'guardduty/dns-exfiltration': [['Trojan:EC2/DNSDataExfiltration', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'guardduty/miner': [['CryptoCurrency:EC2/BitcoinTool.B', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'guardduty/miner-dns': [['CryptoCurrency:EC2/BitcoinTool.B!DNS', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'guardduty/rdp-brute-force': [
    ['UnauthorizedAccess:EC2/RDPBruteForce', 8, AWAY, ['EC2::Instance i-0847d1f6a3c9e5b20']],
  ],
  'guardduty/root-credential-usage': [['Policy:IAMUser/RootCredentialUsage', 2, HOME, []]],
  'guardduty/runtime-command-and-control': [
    ['Backdoor:Runtime/C&CActivity.B!DNS', 8, AWAY, ['EC2::Instance i-0847d1f6a3c9e5b20']],
  ],
  'guardduty/runtime-miner-executed': [
    ['Impact:Runtime/CryptoMinerExecuted', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']],
  ],
  'guardduty/runtime-miner': [['CryptoCurrency:Runtime/BitcoinTool.B', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'guardduty/runtime-tor-client': [
    ['UnauthorizedAccess:Runtime/TorClient', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']],
  ],
  'guardduty/runtime-trojan': [
    ['Trojan:Runtime/DGADomainRequest.C!DNS', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']],
  ],
  'guardduty/s3-bucket-anonymous-access': [
    ['Policy:S3/BucketAnonymousAccessGranted', 8, HOME, ['S3::Bucket example-quarterly-exports']],
  ],
  'guardduty/s3-bucket-block-disabled': [
    ['Policy:S3/BucketBlockPublicAccessDisabled', 2, HOME, ['S3::Bucket example-quarterly-exports']],
  ],
  'guardduty/s3-buckets-public-access': [
    [
      'Policy:S3/BucketPublicAccessGranted',
      8,
      AWAY,
      ['S3::Bucket example-release-notes', 'S3::Bucket example-release-assets'],
    ],
  ],
  'guardduty/ssh-brute-force': [
    ['UnauthorizedAccess:EC2/SSHBruteForce', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']],
  ],
  'guardduty/tor-relay': [['UnauthorizedAccess:EC2/TorRelay', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'guardduty/trojan-domain-generation': [
    ['Trojan:EC2/DGADomainRequest.C!DNS', 8, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']],
  ],
  'inspector/package-vulnerability': [['PACKAGE_VULNERABILITY', 7, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'inspector/port-range-reachable': [['NETWORK_REACHABILITY', 7, AWAY, ['EC2::Instance i-0847d1f6a3c9e5b20']]],
  'inspector/rdp-reachable': [['NETWORK_REACHABILITY', 4, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'inspector/ssh-reachable': [['NETWORK_REACHABILITY', 4, HOME, ['EC2::Instance i-0f3c7a19e5b82d460']]],
  'macie/s3-bucket-block-disabled': [
    ['Policy:IAMUser/S3BlockPublicAccessDisabled', 7, AWAY, ['S3::Bucket example-release-notes']],
  ],
  'macie/s3-bucket-public': [['Policy:IAMUser/S3BucketPublic', 7, HOME, ['S3::Bucket example-quarterly-exports']]],
  'securityhub/custom-action-rds-snapshot': [['RDS.1', 9, HOME, ['RDS::DBSnapshot orders-before-migration']]],
  'securityhub/custom-action-two-findings': [
    ['S3.2', 9, HOME, ['S3::Bucket example-quarterly-exports']],
    ['EC2.13', 7, HOME, ['EC2::SecurityGroup sg-0c4e1a97b25d8f360']],
  ],
  'securityhub/ebs-snapshots-public': [['EC2.1', 9, HOME, ['Account 444455556666']]],
  'securityhub/iam-access-key-old': [['IAM.3', 4, HOME, ['IAM::User report-exporter']]],
  'securityhub/iam-credentials-unused-45-days': [['IAM.22', 4, HOME, ['IAM::User report-exporter']]],
  'securityhub/iam-credentials-unused-90-days': [['IAM.8', 4, AWAY, ['IAM::User release-bot']]],
  'securityhub/ocsf-ebs-snapshots-public': [['EC2.1', 9, HOME, ['Account 444455556666']]],
  'securityhub/ocsf-iam-access-key-old': [['IAM.3', 4, HOME, ['IAM::User report-exporter']]],
  'securityhub/ocsf-rds-snapshot-public': [['RDS.1', 9, HOME, ['RDS::DBSnapshot orders-before-migration']]],
  'securityhub/ocsf-s3-bucket-public-read': [['S3.2', 9, AWAY, ['S3::Bucket example-release-notes']]],
  'securityhub/ocsf-security-group-open-ssh': [['EC2.13', 7, AWAY, ['EC2::SecurityGroup sg-09f7b3d6e18c2a450']]],
  'securityhub/rds-cluster-snapshot-public': [['RDS.1', 9, AWAY, ['RDS::DBClusterSnapshot catalogue-weekly']]],
  'securityhub/rds-snapshot-public': [['RDS.1', 9, HOME, ['RDS::DBSnapshot orders-before-migration']]],
  'securityhub/s3-bucket-block-public-access': [['S3.8', 7, HOME, ['S3::Bucket example-quarterly-exports']]],
  'securityhub/s3-bucket-public-read': [['S3.2', 9, HOME, ['S3::Bucket example-quarterly-exports']]],
  'securityhub/s3-bucket-public-write': [['S3.3', 9, AWAY, ['S3::Bucket example-release-assets']]],
  'securityhub/security-group-open-high-risk-ports': [['EC2.19', 9, HOME, ['EC2::SecurityGroup sg-0c4e1a97b25d8f360']]],
  'securityhub/security-group-open-rdp': [['EC2.14', 7, AWAY, ['EC2::SecurityGroup sg-09f7b3d6e18c2a450']]],
  'securityhub/security-group-open-ssh': [['EC2.13', 7, HOME, ['EC2::SecurityGroup sg-0c4e1a97b25d8f360']]],
  'securityhub/security-group-open-unauthorized-ports': [
    ['EC2.18', 7, HOME, ['EC2::SecurityGroup sg-0c4e1a97b25d8f360']],
  ],
};

/** What a twin's finding says that its sample's does not; `rule` when only the rule's own pattern keeps it out. */
const TWINS: Readonly<Record<string, Partial<Finding> | 'rejected' | 'rule' | 'type'>> = {
  closed: { status: 'resolved' },
  deleted: { status: 'resolved' },
  failed: { status: 'resolved' },
  passed: { status: 'resolved' },
  resolved: { status: 'resolved' },
  archived: { status: 'suppressed' },
  error: { status: 'suppressed' },
  suppressed: { status: 'suppressed' },
  target: { role: 'target' },
  insight: 'rejected',
  'internal-access': 'rejected',
  'another-action': 'rule',
  removed: 'rule',
  'to-everybody': 'rule',
  'access-logging': 'type',
  'account-block': 'type',
  'another-control': 'type',
  'another-product': 'type',
  credentials: 'type',
  'custom-threat-list': 'type',
  'drop-point': 'type',
  egress: 'type',
  'new-binary': 'type',
  'package-vulnerability': 'type',
  'port-probe': 'type',
  'port-scan': 'type',
  'sensitive-data': 'type',
  'suspicious-domain': 'type',
};

describe('samples', () => {
  test('each is in the table and has a twin', () => {
    expect(sampleNames.filter((name) => !isTwin(name))).toEqual(Object.keys(EXPECTED).sort());
    expect(
      Object.keys(EXPECTED).filter((name) => !sampleNames.some((file) => file.startsWith(`${name}.not-`))),
    ).toEqual([]);
  });

  test.each(Object.entries(EXPECTED))('%s', (name, expected) => {
    const { findings = [] } = normalise(sampleEvent(name));
    expect(
      findings.map(({ type, score, account, region, partition, resources }) => [
        type,
        score,
        { account, region, partition },
        resources.map(({ type, id }) => `${type.slice('AWS::'.length)} ${id}`),
      ]),
    ).toEqual(expected);
    expect(findings.map(({ status, sample }) => [status, sample])).toEqual(findings.map(() => ['active', false]));
    expect(findings.map(({ envelope }) => envelope.id)).toEqual(findings.map(() => sampleEvent(name).id));
  });

  test.each(sampleNames.filter(isTwin))('%s', (name) => {
    const [sample = '', why = ''] = name.split('.not-');
    expect(isDeepStrictEqual(sampleEvent(name), sampleEvent(sample))).toBe(false);
    const twin = normalise(sampleEvent(name));
    const types = EXPECTED[sample]?.map(([type]) => type) ?? [];
    const difference = TWINS[why];
    if (difference === 'rejected') return expect(twin.rejection).toMatch(/^detail-type: nothing here reads /);
    expect(twin.rejection).toBeUndefined();
    if (difference === 'type') {
      return expect(twin.findings?.filter(({ type }) => types.includes(type))).toEqual([]);
    }
    expect(twin.findings?.map(({ type }) => type)).toEqual(types);
    if (difference === 'rule') return expect(twin.findings?.[0]?.status).toBe('active');
    expect(difference).toBeDefined();
    expect(twin.findings?.[0]).toMatchObject(difference ?? {});
  });
});
