import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import { FLUSH, type OwnGroup, ROLE_TAG, ROLES } from '../../engine/own-groups.ts';
import type { Account } from '../specimen.ts';
import { tagged } from './tags.ts';

/** An empty VPC with one subnet. */
export interface Network {
  readonly vpc: string;
  readonly subnet: string;
}

export async function createNetwork(
  { client }: Account,
  tags: Readonly<Record<string, string>> = {},
): Promise<Network> {
  const ec2 = new EC2Client(client);
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: '10.20.0.0/16', TagSpecifications: tagged('vpc', tags) }),
  );
  const VpcId = Vpc?.VpcId ?? '';
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId, CidrBlock: '10.20.0.0/24', TagSpecifications: tagged('subnet', tags) }),
  );
  return { vpc: VpcId, subnet: Subnet?.SubnetId ?? '' };
}

/** Makes a security group that lets nobody in, and answers its id. */
export async function createGroup(
  { client }: Account,
  { vpc }: Network,
  GroupName: string,
  tags: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { GroupId } = await new EC2Client(client).send(
    new CreateSecurityGroupCommand({
      GroupName,
      Description: 'made to be tried',
      VpcId: vpc,
      TagSpecifications: tagged('security-group', tags),
    }),
  );
  return GroupId ?? '';
}

/** Makes a group as an isolation leaves it; or half made, as EC2 makes it and one that was killed leaves it. */
export async function createOwnGroup(
  account: Account,
  network: Network,
  which: OwnGroup,
  { name = which, halfMade = false }: { name?: string; halfMade?: boolean } = {},
): Promise<string> {
  const ec2 = new EC2Client(account.client);
  const GroupId = await createGroup(account, network, name, { [ROLE_TAG]: ROLES[which] });
  if (halfMade) return GroupId;
  if (which === FLUSH) {
    const everyV6: IpPermission = { IpProtocol: '-1', Ipv6Ranges: [{ CidrIpv6: '::/0' }] };
    await allow(account, GroupId, [EVERY_V4, everyV6]);
    await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: [everyV6] }));
  } else {
    await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: [EVERY_V4] }));
  }
  return GroupId;
}
const EVERY_V4: IpPermission = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };

/** Lets traffic into a group by new rules that all have the same tags. */
export async function allow(
  { client }: Account,
  GroupId: string,
  IpPermissions: IpPermission[],
  tags: Readonly<Record<string, string>> = {},
): Promise<void> {
  await new EC2Client(client).send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId,
      IpPermissions,
      TagSpecifications: tagged('security-group-rule', tags),
    }),
  );
}

/** A port, or a range of them, open to every IPv4 address, with what is written on the rule. */
export const fromAnywhere = (protocol: string, from: number, to: number, Description?: string): IpPermission => ({
  IpProtocol: protocol,
  FromPort: from,
  ToPort: to,
  IpRanges: [{ CidrIp: '0.0.0.0/0', Description }],
});

/** The same to every IPv6 address. */
export const fromAnywhereV6 = (protocol: string, from: number, to: number, Description?: string): IpPermission => ({
  IpProtocol: protocol,
  FromPort: from,
  ToPort: to,
  Ipv6Ranges: [{ CidrIpv6: '::/0', Description }],
});

/** Starts an instance whose only interface has these groups, and answers its id. */
export async function runInstance(
  { client }: Account,
  { subnet }: Network,
  groups: string[],
  tags: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { Instances } = await new EC2Client(client).send(
    new RunInstancesCommand({
      ImageId: 'ami-0b6c1e8d2f47a9530',
      InstanceType: 't3.micro',
      MinCount: 1,
      MaxCount: 1,
      SubnetId: subnet,
      SecurityGroupIds: groups,
      TagSpecifications: tagged('instance', tags),
    }),
  );
  return Instances?.[0]?.InstanceId ?? '';
}
