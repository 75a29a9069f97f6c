import { randomUUID } from 'node:crypto';
import {
  DescribeInstancesCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSnapshotAttributeCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { GetBucketPolicyStatusCommand, GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import type { Target } from '../../engine/remediation.ts';
import { targetOf } from '../../engine/targets.ts';
import { HOME_REGION, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { createOpenBucket, readableByEverybody } from '../../local/exposures/buckets.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { runInstanceWithData } from '../../local/exposures/instances.ts';
import {
  allow,
  createGroup,
  createNetwork,
  fromAnywhere,
  fromAnywhereV6,
  type Network,
} from '../../local/exposures/network.ts';
import { type Told, told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';

/** Something wrong, who tells of it, and how to look at it without the service. */
export interface Wrong {
  readonly worker: string;
  readonly target: Target;
  /** The event, as one telling of the same finding; `names` replace text of the sample event. */
  told(names?: Readonly<Record<string, string>>): Told;
  /** True when an independent read finds it closed. */
  closed(): Promise<boolean>;
}

const administrator = { account: SECURITY_ACCOUNT, region: HOME_REGION };
const itself = ({ id: account, region }: Account) => ({ account, region });
const placeOf = (account: Account) => ({ ...itself(account), partition: 'aws' });
const fresh = (): string => `f${randomUUID().slice(0, 8)}`;

/** An EBS snapshot of the first member that everybody may make volumes of; `again` opens it once more. */
export async function publicSnapshot(account: Account): Promise<Wrong & { again(): Promise<void> }> {
  const ec2 = new EC2Client(account.client);
  const target = await shareEbsSnapshot(account, ['all']);
  const finding = randomUUID();
  return {
    worker: 'snapshots',
    target,
    told: (names = {}) =>
      told(
        'access-analyzer/ebs-snapshot-public',
        {
          'snap-0a91c35d7e2f4b680': target.id,
          '79659ad5-25c2-43f1-a646-9e06575035c7': finding,
          '444455556666': account.id,
          'eu-west-1': account.region,
          ...names,
        },
        itself(account),
      ),
    again: () => allowEbsSnapshot(account, target.id, ['all']),
    async closed() {
      const { CreateVolumePermissions } = await ec2.send(
        new DescribeSnapshotAttributeCommand({ SnapshotId: target.id, Attribute: 'createVolumePermission' }),
      );
      return CreateVolumePermissions?.length === 0;
    },
  };
}

/** A security group of the first member that lets everybody in at ports 22 and 3389, by IPv4 and IPv6, and at 443. */
export async function openGroup(
  account: Account,
): Promise<Wrong & { readonly network: Network; rules(): Promise<readonly string[]> }> {
  const ec2 = new EC2Client(account.client);
  const network = await createNetwork(account);
  const group = await createGroup(account, network, fresh());
  for (const port of [22, 3389])
    await allow(account, group, [fromAnywhere('tcp', port, port), fromAnywhereV6('tcp', port, port)]);
  await allow(account, group, [fromAnywhere('tcp', 443, 443)]);
  const finding = randomUUID();
  /** `22 0.0.0.0/0`, sorted. */
  const rules = async () => {
    const Filters = [{ Name: 'group-id', Values: [group] }];
    const { SecurityGroupRules = [] } = await ec2.send(new DescribeSecurityGroupRulesCommand({ Filters }));
    return SecurityGroupRules.filter(({ IsEgress }) => !IsEgress)
      .map(({ FromPort, CidrIpv4, CidrIpv6 }) => `${FromPort} ${CidrIpv4 ?? CidrIpv6}`)
      .sort();
  };
  return {
    worker: 'network',
    target: known(targetOf('AWS::EC2::SecurityGroup', placeOf(account), group)),
    told: (names = {}) =>
      told(
        'securityhub/security-group-open-ssh',
        { 'sg-0c4e1a97b25d8f360': group, 'aed96cb9-e70d-464e-9b6b-0f1bb469f859': finding, ...names },
        administrator,
      ),
    network,
    rules,
    closed: async () => !(await rules()).some((rule) => rule.startsWith('22 ')),
  };
}

/** A user of the first member with one access key that is too old. */
export async function oldKey(account: Account): Promise<Wrong> {
  const name = fresh();
  const arn = await createUser(account, name, { path: '/service/' });
  await createAccessKey(account, name, { created: 400, used: 30 });
  return {
    worker: 'identity',
    target: { ...known(targetOf('AWS::IAM::User', placeOf(account), name)), arn },
    told: (names = {}) => told('securityhub/iam-access-key-old', { 'report-exporter': name, ...names }, administrator),
    async closed() {
      const { AccessKeyMetadata = [] } = await new IAMClient(account.client).send(
        new ListAccessKeysCommand({ UserName: name }),
      );
      return AccessKeyMetadata.every(({ Status }) => Status === 'Inactive');
    },
  };
}

/** A bucket of the first member that everybody may read. */
export async function openBucket(account: Account): Promise<Wrong> {
  const name = fresh();
  const s3 = new S3Client(account.client);
  const target = await createOpenBucket(account, name, { statements: [readableByEverybody(name)] });
  return {
    worker: 'storage',
    target,
    told: (names = {}) =>
      told('macie/s3-bucket-public', { 'example-quarterly-exports': name, ...names }, administrator),
    async closed() {
      const blocked = await s3.send(new GetPublicAccessBlockCommand({ Bucket: name })).then(
        ({ PublicAccessBlockConfiguration: settings = {} }) => Object.values(settings).every((on) => on === true),
        (error: Error) => {
          if (error.name !== 'NoSuchPublicAccessBlockConfiguration') throw error;
          return false;
        },
      );
      const isPublic = await s3.send(new GetBucketPolicyStatusCommand({ Bucket: name })).then(
        ({ PolicyStatus }) => PolicyStatus?.IsPublic === true,
        (error: Error) => {
          if (error.name !== 'NoSuchBucketPolicy') throw error;
          return false;
        },
      );
      return blocked && !isPublic;
    },
  };
}

/** An instance with a data volume that talks to a command-and-control server. */
export async function compromisedInstance(
  account: Account,
): Promise<Wrong & { readonly groups: readonly string[]; groupIds(): Promise<readonly string[]> }> {
  const network = await createNetwork(account);
  const groups = [await createGroup(account, network, 'ssh'), await createGroup(account, network, 'web')].sort();
  const target = await runInstanceWithData(account, network, groups);
  const ec2 = new EC2Client(account.client);
  const groupsNow = async () => {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [target.id] }));
    const interfaces = Reservations?.[0]?.Instances?.[0]?.NetworkInterfaces ?? [];
    return interfaces.flatMap(({ Groups = [] }) => Groups);
  };
  return {
    worker: 'instances',
    target,
    groups,
    told: (names = {}) =>
      told(
        'guardduty/command-and-control',
        {
          'i-0847d1f6a3c9e5b20': target.id,
          '480aa59a663fd9e6a7471154ee62e947': randomUUID().replaceAll('-', ''),
          '777788889999': account.id,
          'us-east-1': account.region,
          ...names,
        },
        { account: SECURITY_ACCOUNT, region: account.region },
      ),
    groupIds: async () => (await groupsNow()).map(({ GroupId = '' }) => GroupId).sort(),
    closed: async () => (await groupsNow()).every(({ GroupName }) => GroupName === 'firebreak-quarantine'),
  };
}

function known(target: Target | undefined): Target {
  if (!target) throw new Error('AWS gave no id');
  return target;
}

/** The message that EventBridge makes of an event; `changes` replace what it wrote itself. */
export const messageOf = ({ account, region, entry }: Told, changes: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    version: '0',
    id: randomUUID(),
    'detail-type': entry.detailType,
    source: entry.source,
    account,
    time: new Date().toISOString(),
    region,
    resources: entry.resources ?? [],
    detail: entry.detail,
    ...changes,
  });
