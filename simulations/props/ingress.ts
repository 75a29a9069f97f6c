import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import type { Place } from '../../engine/arn.ts';
import type { Permission } from '../../engine/remediation.ts';
import { onItsOwn } from '../kinds/narrowed.ts';
import { securityGroup } from '../kinds/security-group.ts';
import { tagList } from '../kinds/tags.ts';
import { sandboxNetwork } from '../network.ts';
import type { Stage } from '../scenario.ts';

/** What a security group lets in: a TCP port, and a block of IPv4 addresses. */
export interface Ingress {
  readonly port: number;
  readonly from: string;
}

/** SSH from everywhere, as events/samples have it. */
export const SSH_TO_THE_WORLD: Ingress = { port: 22, from: '0.0.0.0/0' };

/** Makes a security group in the sandbox's network that lets nobody in, and answers its id. */
export async function makeGroup(stage: Stage, what: string): Promise<string> {
  const ec2 = new EC2Client(stage.session);
  const { vpc: VpcId } = await sandboxNetwork(ec2);
  const GroupName = stage.name(what);
  const { GroupId } = await stage.make(securityGroup, `the security group ${GroupName}, which lets nobody in`, () =>
    ec2.send(
      new CreateSecurityGroupCommand({
        GroupName,
        Description: 'Made by a simulation of Firebreak',
        VpcId,
        TagSpecifications: [{ ResourceType: 'security-group', Tags: tagList(stage.tags) }],
      }),
    ),
  );
  if (!GroupId) throw new Error('EC2 made a security group without an id');
  return GroupId;
}

/** Lets more into a group of the run's, in one call. */
export async function letIn(stage: Stage, GroupId: string, rules: readonly Ingress[]): Promise<void> {
  const IpPermissions = rules.map(({ port, from }) => ({
    IpProtocol: 'tcp',
    FromPort: port,
    ToPort: port,
    IpRanges: [{ CidrIp: from }],
  }));
  const what = rules.map(({ port, from }) => `port ${port} to ${from}`).join(' and ');
  await stage.change(`${what} opened in ${GroupId}`, () =>
    new EC2Client(stage.session).send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions })),
  );
}

/** With which that is done. */
export const letsIn = (run: string, place: Place): Permission =>
  onItsOwn(run, place, 'ec2:AuthorizeSecurityGroupIngress');

/** Whether a group lets it in, by a rule for that alone. */
export async function isLetIn({ session }: Stage, group: string, { port, from }: Ingress): Promise<boolean> {
  const { SecurityGroups } = await new EC2Client(session).send(
    new DescribeSecurityGroupsCommand({ GroupIds: [group] }),
  );
  const rules = SecurityGroups?.[0]?.IpPermissions;
  if (!rules) throw new Error('EC2 answered without the rules of the group');
  return rules.some(
    ({ FromPort, ToPort, IpRanges = [] }) =>
      FromPort === port && ToPort === port && IpRanges.some(({ CidrIp }) => CidrIp === from),
  );
}

export const groupArn = (group: string, { partition, region, account }: Place): string =>
  `arn:${partition}:ec2:${region}:${account}:security-group/${group}`;
