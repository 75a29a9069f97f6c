import {
  EC2Client,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { Place } from '../../engine/arn.ts';
import type { Instruction } from '../../engine/messages.ts';
import { calledOwnGroup, OWN_GROUPS_WORKER, ROLE_TAG, ROLES } from '../../engine/own-groups.ts';
import type { Target } from '../../engine/remediation.ts';
import { targetKey, targetOf, workerOf } from '../../engine/targets.ts';
import { type Concern, isFresh, type SweptHouse } from './concern.ts';

/** What the sweep may do in a member account: organization/member.yml gives its role these. */
export const SWEEP_READS = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups'];

const DELETION = `${OWN_GROUPS_WORKER}.delete-unused-group`;
/** Values of one filter. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-filters */
const MOST_VALUES = 200;

/**
 * The groups that Firebreak made to isolate instances with and that no interface is in. It looks where an instance was isolated
 * or freed, and nothing was for a day: until then a group may be about to be used. A group that was asked about before is left to
 * whoever was told what came of it. The worker reads each again, and says whether it is ours and unused.
 */
export function unusedGroups(house: SweptHouse): Concern {
  const places = new Map<string, Place>();
  const busy = new Set<string>();
  const asked = new Set<string>();
  return {
    see({ remediation, target, startedAt, finishedAt, outcome }) {
      if (workerOf(remediation) !== OWN_GROUPS_WORKER) return;
      if (remediation === DELETION) {
        asked.add(targetKey(target));
        return;
      }
      const { account, region, partition } = target;
      const place = `${account}/${region}`;
      places.set(place, { account, region, partition });
      if (!outcome || isFresh(finishedAt ?? startedAt, house)) busy.add(place);
    },

    async find(failed) {
      const instructions: Instruction[] = [];
      const quiet = [...places].filter(([place]) => !busy.has(place));
      for (const [name, place] of quiet) {
        try {
          for (const id of await unusedIn(place, house)) {
            const target = targetOf('AWS::EC2::SecurityGroup', place, id);
            if (!target || asked.has(targetKey(target))) continue;
            instructions.push(deletionOf(target));
          }
        } catch (error) {
          failed(`security groups in ${name}`, error);
        }
      }
      return { instructions, counts: { places: quiet.length, unusedGroups: instructions.length }, notices: [] };
    },
  };
}

/** Has the worker look at a group of ours once more, and delete it. */
export const deletionOf = ({ arn, account, region }: Target): Instruction => ({
  do: 'run',
  remediation: DELETION,
  ...{ arn, account, region },
  reason: 'Firebreak made this security group, and no interface is in it',
});

/** Ids of our groups that no interface is in. @throws when either cannot be read to its end */
async function unusedIn(place: Place, { sessions }: SweptHouse): Promise<readonly string[]> {
  const client = new EC2Client(await sessions.read(place));
  const groups: SecurityGroup[] = [];
  const tagged = { Filters: [{ Name: `tag:${ROLE_TAG}`, Values: Object.values(ROLES) }] };
  for await (const { SecurityGroups } of paginateDescribeSecurityGroups({ client }, tagged)) {
    if (!SecurityGroups) throw new Error('EC2 answered without a list of security groups');
    groups.push(...SecurityGroups);
  }
  const ours = groups
    .filter((group) => group.OwnerId === place.account && calledOwnGroup(group))
    .flatMap(({ GroupId }) => (GroupId ? [GroupId] : []));
  const used = new Set<string | undefined>();
  for (let from = 0; from < ours.length; from += MOST_VALUES) {
    const having = { Filters: [{ Name: 'group-id', Values: ours.slice(from, from + MOST_VALUES) }] };
    for await (const { NetworkInterfaces } of paginateDescribeNetworkInterfaces({ client }, having)) {
      if (!NetworkInterfaces) throw new Error('EC2 answered without a list of interfaces');
      for (const { Groups = [] } of NetworkInterfaces) for (const { GroupId } of Groups) used.add(GroupId);
    }
  }
  return ours.filter((id) => !used.has(id));
}
