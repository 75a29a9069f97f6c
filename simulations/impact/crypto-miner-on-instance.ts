import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  type Instance,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod/mini';
import sample from '../../events/samples/guardduty/miner-dns.json' with { type: 'json' };
import { ebsSnapshot } from '../kinds/ebs-snapshot.ts';
import { INSTANCE_TYPE, instance, PARTS } from '../kinds/instance.ts';
import { ec2Arn, taggedFor } from '../kinds/narrowed.ts';
import { tagList } from '../kinds/tags.ts';
import { volume } from '../kinds/volume.ts';
import { findsNetwork, sandboxNetwork } from '../network.ts';
import { defineScenario, type Stage, type Things } from '../scenario.ts';

interface Made extends Things {
  readonly instance: string;
  readonly interface: string;
  readonly group: string;
  readonly vpc: string;
  readonly subnet: string;
}

/**
 * The smallest Amazon Linux for Graviton: its disk of 2 GiB is all that evidence is kept of.
 * https://docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-via-aws-cli
 */
const IMAGE_PARAMETER = '/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-arm64';

/** Begins the mining. The instance reads its own tags, so that nothing has to reach it. */
const MINE_TAG = 'firebreak:mine';

/**
 * What the instance does, and all that it does: from the injection on it asks the VPC's resolver for the name of a mining pool,
 * which GuardDuty sees; it talks to no pool. Whatever becomes of the run, it ends by itself.
 * https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-ec2.html#cryptocurrency-ec2-bitcointoolbdns
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
 */
const USER_DATA = `#!/bin/bash
shutdown -P +180
metadata=http://169.254.169.254/latest
while sleep 15; do
  token=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $metadata/api/token)
  curl -sf -o /dev/null -H "X-aws-ec2-metadata-token: $token" $metadata/meta-data/tags/instance/${MINE_TAG} &&
    getent hosts pool.supportxmr.com
done &
`;

export default defineScenario({
  id: 'impact.crypto-miner-on-instance',
  title: 'A crypto-miner runs on an instance',
  story:
    'Somebody got into a worker machine and mines with it. GuardDuty sees the machine ask for the name of a mining pool. ' +
    'Firebreak keeps the disk, cuts every open connection, and lets nothing in or out any more.',
  attack: ['T1496.001'],
  csf: ['DE.CM-01', 'DE.AE-02', 'RS.MA-01', 'RS.AN-07', 'RS.MI-01'],
  safety: 'contained',
  // Three hours of the instance, and a day of its disk and a snapshot.
  cost: 0.03,
  minutes: { 'handler-replay': 30, 'bus-replay': 15, 'sample-finding': 20, live: 120 },
  objectives: { detect: 3_600, respond: 60, contain: 300 },
  kinds: [ebsSnapshot, volume, instance],
  permissions: (run, place) => [
    findsNetwork,
    { actions: ['ec2:DescribeSecurityGroups'], resources: ['*'] },
    {
      actions: ['ssm:GetParameter'],
      resources: [`arn:${place.partition}:ssm:${place.region}:*:parameter${IMAGE_PARAMETER}`],
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [ec2Arn('instance', place)],
      condition: { ...taggedFor(run), 'ForAllValues:StringEquals': { 'aws:TagKeys': MINE_TAG } },
    },
  ],
  parameters: z.strictObject({}),
  findings: [
    {
      source: 'guardduty',
      type: 'CryptoCurrency:EC2/BitcoinTool.B!DNS',
      sample,
      names: (things: Made) => ({
        'i-0f3c7a19e5b82d460': things.instance,
        'eni-05b8e2c7d4a19f360': things.interface,
        'sg-0c4e1a97b25d8f360': things.group,
        'subnet-0d7b4f2e91c6a8350': things.subnet,
        'vpc-0a3e5c9f7d1b28640': things.vpc,
      }),
    },
  ],
  responses: [
    {
      remediation: 'instances.isolate-instance',
      outcome: 'verified',
      target: ({ instance }: Made, { partition, region, account }) =>
        `arn:${partition}:ec2:${region}:${account}:instance/${instance}`,
    },
  ],

  async warmUp(stage): Promise<Made> {
    const ec2 = new EC2Client(stage.session);
    const { vpc, subnet } = await sandboxNetwork(ec2);
    const image = await latestImage(stage);
    const { Instances } = await stage.make(instance, `an instance ${INSTANCE_TYPE} without a public address`, () =>
      ec2.send(
        new RunInstancesCommand({
          ImageId: image,
          InstanceType: INSTANCE_TYPE,
          MinCount: 1,
          MaxCount: 1,
          NetworkInterfaces: [
            {
              DeviceIndex: 0,
              SubnetId: subnet,
              AssociatePublicIpAddress: false,
              DeleteOnTermination: true,
            },
          ],
          MetadataOptions: { HttpTokens: 'required', InstanceMetadataTags: 'enabled' },
          InstanceInitiatedShutdownBehavior: 'terminate',
          UserData: Buffer.from(USER_DATA).toString('base64'),
          TagSpecifications: PARTS.map((ResourceType) => ({ ResourceType, Tags: tagList(stage.tags) })),
          ClientToken: stage.name('worker'),
        }),
      ),
    );
    const { InstanceId: id, NetworkInterfaces } = Instances?.[0] ?? {};
    const { NetworkInterfaceId: only, Groups } = NetworkInterfaces?.[0] ?? {};
    const group = Groups?.[0]?.GroupId;
    if (!id || !only || !group) throw new Error('EC2 started no instance with an interface in a security group');
    return { instance: id, interface: only, group, vpc, subnet };
  },

  async inject(stage, { instance: id }) {
    const mine = new CreateTagsCommand({ Resources: [id], Tags: [{ Key: MINE_TAG, Value: 'yes' }] });
    await stage.change(`${id} told to ask for the name of a mining pool`, () =>
      new EC2Client(stage.session).send(mine),
    );
  },

  async expect(stage, { instance: id }) {
    const ec2 = new EC2Client(stage.session);
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    const found = Reservations?.[0]?.Instances?.[0];
    return found !== undefined && (await isCutOff(ec2, found)) && (await isKept(ec2, found));
  },
});

async function latestImage({ session }: Stage): Promise<string> {
  const { Parameter } = await new SSMClient(session).send(new GetParameterCommand({ Name: IMAGE_PARAMETER }));
  if (!Parameter?.Value) throw new Error(`${IMAGE_PARAMETER} names no image`);
  return Parameter.Value;
}

/** Whether no group of any of its interfaces lets anything in or out. */
async function isCutOff(ec2: EC2Client, { NetworkInterfaces = [] }: Instance): Promise<boolean> {
  const GroupIds = NetworkInterfaces.flatMap(({ Groups = [] }) => Groups.flatMap(({ GroupId }) => GroupId ?? []));
  if (GroupIds.length === 0) return false;
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }));
  return SecurityGroups.every(
    ({ IpPermissions, IpPermissionsEgress }) => IpPermissions?.length === 0 && IpPermissionsEgress?.length === 0,
  );
}

/** Whether there is a snapshot of each of its volumes. */
async function isKept(ec2: EC2Client, { BlockDeviceMappings = [] }: Instance): Promise<boolean> {
  const volumes = BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []);
  const Filters = [{ Name: 'volume-id', Values: volumes }];
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ['self'], Filters }));
  return volumes.length > 0 && volumes.every((volume) => Snapshots.some(({ VolumeId }) => VolumeId === volume));
}
