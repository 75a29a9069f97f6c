import {
  DeleteSecurityGroupCommand,
  EC2Client,
  type Filter,
  type IpPermission,
  paginateDescribeSecurityGroups,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { tagsByKey } from '../../engine/aws/lists.ts';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { calledOwnGroup } from '../../engine/own-groups.ts';
import { canonical, type Json } from '../../engine/state.ts';
import { inSandbox } from '../network.ts';
import { unlessGone } from './gone.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { ec2Arn, madeFor, onItsOwn, taggedWhenMade } from './narrowed.ts';

/** Security groups. Those that isolation makes are nobody's alone, and the sweep deletes them: unless a run made one, they do not count. */
export const securityGroup: Kind = {
  type: 'AWS::EC2::SecurityGroup',
  permissions: {
    read: ['ec2:DescribeSecurityGroups'],
    own(run, place) {
      const groups = [ec2Arn('security-group', place)];
      return [
        { actions: ['ec2:CreateSecurityGroup'], resources: groups, condition: madeFor(run) },
        { actions: ['ec2:CreateSecurityGroup'], resources: [ec2Arn('vpc', place)], condition: inSandbox },
        taggedWhenMade(place, 'CreateSecurityGroup'),
        onItsOwn(run, place, 'ec2:DeleteSecurityGroup'),
      ];
    },
  },

  async inventory(session) {
    const isOfRun = ({ Tags = [] }: SecurityGroup) => Tags.some(({ Key }) => Key === RUN_TAG);
    const found = (await groups(session)).filter((group) => !calledOwnGroup(group) || isOfRun(group));
    return Object.fromEntries(found.map((group) => [group.GroupId ?? '', described(group)]));
  },

  async left(session, _place, run) {
    const found = await groups(session, { Name: `tag:${RUN_TAG}`, Values: [run] });
    return found.flatMap(({ GroupId }) => GroupId ?? []);
  },

  async remove(session, _place, GroupId) {
    const deletion = new EC2Client(session).send(new DeleteSecurityGroupCommand({ GroupId }));
    const ofIt = { Name: 'group-id', Values: [GroupId] };
    await unlessGone(['DependencyViolation'], deletion, async () => (await groups(session, ofIt)).length > 0);
  },
};

async function groups(session: SessionConfig, ...Filters: Filter[]): Promise<SecurityGroup[]> {
  const client = new EC2Client(session);
  const found: SecurityGroup[] = [];
  for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups({ client }, { Filters })) {
    found.push(...SecurityGroups);
  }
  return found;
}

const described = ({
  GroupName = '',
  VpcId = '',
  IpPermissions,
  IpPermissionsEgress,
  Tags = [],
}: SecurityGroup): Json => ({
  name: GroupName,
  vpc: VpcId,
  ingress: inOrder(IpPermissions),
  egress: inOrder(IpPermissionsEgress),
  tags: tagsByKey(Tags),
});

/** Rules as text: EC2 tells them in any order. */
const inOrder = (rules: readonly IpPermission[] = []): string[] =>
  rules.map((rule) => canonical(JSON.parse(JSON.stringify(rule)))).sort();
