import {
  AttachNetworkInterfaceCommand,
  AttachVolumeCommand,
  CreateNetworkInterfaceCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import type { Target } from '../../engine/remediation.ts';
import { targetOf } from '../../engine/targets.ts';
import type { Account } from '../specimen.ts';
import { type Network, runInstance } from './network.ts';

/** Starts an instance with a data volume beside its root volume. */
export async function runInstanceWithData(
  account: Account,
  network: Network,
  groups: string[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const ec2 = new EC2Client(account.client);
  const id = await runInstance(account, network, groups, tags);
  const target = targetOf('AWS::EC2::Instance', { account: account.id, region: account.region, partition: 'aws' }, id);
  if (!target) throw new Error('EC2 started no instance');
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const AvailabilityZone = Reservations?.[0]?.Instances?.[0]?.Placement?.AvailabilityZone;
  const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone, Size: 20 }));
  await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: id, Device: '/dev/sdf' }));
  return target;
}

/** Attaches one more interface with these groups to an instance, and answers its id. */
export async function attachInterface(
  { client }: Account,
  { subnet }: Network,
  instance: string,
  DeviceIndex: number,
  Groups: string[],
): Promise<string> {
  const ec2 = new EC2Client(client);
  const { NetworkInterface } = await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet, Groups }));
  const NetworkInterfaceId = NetworkInterface?.NetworkInterfaceId ?? '';
  await ec2.send(new AttachNetworkInterfaceCommand({ NetworkInterfaceId, InstanceId: instance, DeviceIndex }));
  return NetworkInterfaceId;
}

/** The groups of each interface of an instance, by name. */
export async function groupNames({ client }: Account, { id }: Pick<Target, 'id'>): Promise<string[][]> {
  const Filters = [{ Name: 'attachment.instance-id', Values: [id] }];
  const { NetworkInterfaces = [] } = await new EC2Client(client).send(
    new DescribeNetworkInterfacesCommand({ Filters }),
  );
  return NetworkInterfaces.map(({ Groups = [] }) => Groups.map(({ GroupName = '' }) => GroupName).sort());
}
