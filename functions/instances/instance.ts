import {
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  type EC2Client,
  type NetworkInterface,
  type Instance as Told,
} from '@aws-sdk/client-ec2';
import { tagsByKey } from '../../engine/aws/lists.ts';

/** An instance that was terminated: EC2 shows it for about an hour, without interfaces and volumes. */
export class InstanceGone extends Error {
  override readonly name = 'InstanceGone';
}

/** What is known of an instance beside its security groups. */
export interface Instance {
  /** running, stopped, shutting-down, ... */
  readonly state: string;
  /** ISO 8601, UTC. */
  readonly launchedAt: string | null;
  readonly vpc: string;
  readonly subnet: string | null;
  readonly privateAddresses: readonly string[];
  readonly publicAddresses: readonly string[];
  /** ARN. Whoever took the instance has had the credentials of its role; isolation does not revoke those. */
  readonly instanceProfile: string | null;
  readonly autoScalingGroup: string | null;
  /** It passes on other machines' traffic: a NAT instance, a router, a firewall. */
  readonly forwards: boolean;
  /** A tag calls it a bastion or jump host, by which people reach other machines. */
  readonly bastion: boolean;
  /** Ids of its EBS volumes. */
  readonly volumes: readonly string[];
  /** Interfaces whose groups cannot be changed from here, and why. */
  readonly unchangeable: readonly string[];
}

/** A network interface of the instance, and the ids of its security groups. */
export interface Interface {
  readonly id: string;
  readonly groups: readonly string[];
}

/**
 * Reads an instance and its network interfaces.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
 * @throws InstanceGone when it was terminated
 */
export async function describeInstance(
  ec2: EC2Client,
  { id, account }: { readonly id: string; readonly account: string },
): Promise<{ instance: Instance; interfaces: readonly Interface[] }> {
  const found = await instanceAsTold(ec2, id);
  const state = found.State?.Name;
  if (!state) throw new Error('EC2 answered without the state of the instance');
  const attached = (found.NetworkInterfaces ?? []).flatMap(({ NetworkInterfaceId = [] }) => NetworkInterfaceId);
  // Until its interfaces are taken away it can still talk, and until its volumes are they can still be kept.
  if (state === 'terminated' || (state === 'shutting-down' && attached.length === 0)) {
    throw new InstanceGone(`${id} is ${state}`);
  }
  const vpc = found.VpcId;
  if (!vpc || attached.length === 0) throw new Error('EC2 answered without the VPC or the interfaces of the instance');

  // Only here does EC2 say who manages an interface. All of them were named: without ids it would answer the whole account's.
  const { NetworkInterfaces: interfaces = [] } = await ec2.send(
    new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: attached }),
  );
  const tags = tagsByKey(found.Tags ?? []);
  return {
    instance: {
      state,
      launchedAt: found.LaunchTime?.toISOString() ?? null,
      vpc,
      subnet: found.SubnetId ?? null,
      privateAddresses: interfaces.flatMap(privateAddresses).sort(),
      publicAddresses: interfaces.flatMap(publicAddresses).sort(),
      instanceProfile: found.IamInstanceProfile?.Arn ?? null,
      autoScalingGroup: tags['aws:autoscaling:groupName'] ?? null,
      forwards: interfaces.some(({ SourceDestCheck }) => SourceDestCheck === false),
      bastion: Object.entries(tags).some((tag) => tag.some((text) => BASTION.test(text))),
      volumes: (found.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs?.VolumeId ?? []).sort(),
      unchangeable: interfaces.flatMap((each) => {
        const reason = whyUnchangeable(each, vpc, account);
        return reason === undefined ? [] : [`${each.NetworkInterfaceId} ${reason}`];
      }),
    },
    interfaces: interfaces.map(({ NetworkInterfaceId: name, Groups }) => {
      if (!name || !Groups) throw new Error('EC2 answered without the groups of an interface');
      return { id: name, groups: Groups.flatMap(({ GroupId = [] }) => GroupId).sort() };
    }),
  };
}

/** The tags of an instance. */
export const tagsOfInstance = async (ec2: EC2Client, id: string): Promise<Record<string, string>> =>
  tagsByKey((await instanceAsTold(ec2, id)).Tags ?? []);

async function instanceAsTold(ec2: EC2Client, id: string): Promise<Told> {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const found = Reservations?.[0]?.Instances?.[0];
  if (!found) throw new Error('EC2 answered without the instance');
  return found;
}

/** EC2 itself does not tell a bastion from other machines; whoever named it may have. */
const BASTION = /bastion|jump[-_ ]?(?:host|box|server)/i;

/**
 * Interfaces that a service made and manages (of ECS tasks, of EKS Auto Mode) are refused to their account, and our groups
 * are of the instance's own VPC.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html
 */
function whyUnchangeable(
  { RequesterManaged, Operator, OwnerId, VpcId }: NetworkInterface,
  vpc: string,
  account: string,
): string | undefined {
  if (RequesterManaged || Operator?.Managed) return 'is managed by an AWS service';
  if (OwnerId !== account) return 'belongs to another account';
  if (VpcId !== vpc) return 'is in another VPC';
  return undefined;
}

const privateAddresses = ({ PrivateIpAddresses = [], Ipv6Addresses = [] }: NetworkInterface): string[] => [
  ...PrivateIpAddresses.flatMap(({ PrivateIpAddress = [] }) => PrivateIpAddress),
  ...Ipv6Addresses.flatMap(({ Ipv6Address = [] }) => Ipv6Address),
];

const publicAddresses = ({ PrivateIpAddresses = [] }: NetworkInterface): string[] =>
  PrivateIpAddresses.flatMap(({ Association }) => Association?.PublicIp ?? []);
