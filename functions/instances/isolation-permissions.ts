import { FLUSH, type OwnGroup, QUARANTINE, ROLE_TAG, ROLES } from '../../engine/own-groups.ts';
import type { Permission, Plan, Target } from '../../engine/remediation.ts';
import { equal, part } from '../../engine/state.ts';
import { INSTANCE_TAG } from './evidence.ts';
import { isOurs } from './isolation-groups.ts';
import { BOTH_GROUPS, EVIDENCE, GROUPS, inQuarantine, swaps } from './isolation-state.ts';

/** What the permissions need of a plan's facts. */
interface Known {
  readonly vpc: string;
  /** Ids of our groups that are there already. */
  readonly groups: Readonly<Partial<Record<OwnGroup, string>>>;
}

/** What a session is to do. */
interface Task {
  /** To take evidence snapshots. */
  readonly evidence: boolean;
  /** To make our groups in this VPC. */
  readonly makeIn: string | null;
  /** To put interfaces in groups of ours that are yet to be made, so that nobody knows their ids. */
  readonly intoMade: boolean;
  /** To change the groups of these interfaces to these. */
  readonly interfaces: readonly string[];
  readonly groups: readonly string[];
}

/**
 * The write permissions of the isolation: for one plan, or without one for any instance.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export function isolationPermissions(target: Target, plan?: Plan): Permission[] {
  if (!plan) {
    return statements(target, { evidence: true, makeIn: '*', intoMade: false, interfaces: ['*'], groups: ['*'] });
  }
  const { vpc, groups } = plan.facts as Known;
  const differs = (name: string) => !equal(part(plan.before, name), part(plan.after, name));
  const moves = swaps(plan.before, plan.after);
  const isolates = moves.some(({ to }) => inQuarantine(to));
  const lacking = !equal(part(plan.before, GROUPS), BOTH_GROUPS);
  // Where the quarantine is refused, the groups before it are put back.
  const named = new Set(moves.flatMap(({ from, to }) => (inQuarantine(to) ? [FLUSH, QUARANTINE, ...from] : to)));
  return statements(target, {
    evidence: differs(EVIDENCE),
    makeIn: lacking && (isolates || differs(GROUPS)) ? vpc : null,
    intoMade: isolates && !(groups[FLUSH] && groups[QUARANTINE]),
    interfaces: moves.map((move) => move.interface),
    groups: [...named].flatMap((name) => (isOurs(name) ? (groups[name] ?? []) : name)),
  });
}

/** What it takes to make groups of ours in a VPC, or in any. */
export const groupPermissions = (target: Target, vpc: string): Permission[] =>
  statements(target, { evidence: false, makeIn: vpc, intoMade: false, interfaces: [], groups: [] });

/** Those for the same resources together, since a session policy is short of room. */
function statements(target: Target, { evidence, makeIn, intoMade, interfaces, groups }: Task): Permission[] {
  const { partition, region, account } = target;
  const arn = (kind: string, id = '*', owner = account) => `arn:${partition}:ec2:${region}:${owner}:${kind}/${id}`;
  const snapshots = arn('snapshot', '*', '');
  const anyGroup = arn('security-group');
  const roles = Object.values(ROLES);
  const list: Permission[] = [];
  if (evidence) {
    list.push(
      // EC2 takes the volumes from the instance, which is named: no others can be meant, though one that is attached
      // meanwhile is. And there can be more of them than a session policy could name.
      { actions: ['ec2:CreateSnapshots'], resources: [target.arn, arn('volume')] },
      {
        actions: ['ec2:CreateSnapshots'],
        resources: [snapshots],
        condition: { StringLike: { [`aws:RequestTag/${INSTANCE_TAG}`]: target.id } },
      },
    );
  }
  if (makeIn !== null) {
    list.push(
      // A VPC that is shared belongs to another account.
      { actions: ['ec2:CreateSecurityGroup'], resources: [arn('vpc', makeIn, '*')] },
      {
        actions: ['ec2:CreateSecurityGroup'],
        resources: [anyGroup],
        condition: { StringEquals: { [`aws:RequestTag/${ROLE_TAG}`]: roles } },
      },
    );
  }
  if (makeIn !== null || evidence) {
    const creates = [...(evidence ? ['CreateSnapshots'] : []), ...(makeIn === null ? [] : ['CreateSecurityGroup'])];
    list.push({
      actions: ['ec2:CreateTags'],
      resources: [...(evidence ? [snapshots] : []), ...(makeIn === null ? [] : [anyGroup])],
      condition: { StringEquals: { 'ec2:CreateAction': creates } },
    });
  }
  if (makeIn !== null || intoMade) {
    list.push({
      actions: [...(makeIn === null ? [] : SHAPE), ...(intoMade ? MOVE : [])],
      resources: [anyGroup],
      condition: { StringEquals: { [`aws:ResourceTag/${ROLE_TAG}`]: roles } },
    });
  }
  if (interfaces.length > 0) {
    const moved = interfaces.map((id) => arn('network-interface', id));
    // AWS may ask about the instance too, since the interface is attached to one.
    list.push({ actions: MOVE, resources: [target.arn, ...moved, ...groups.map((id) => arn('security-group', id))] });
  }
  return list;
}

const SHAPE = [
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:RevokeSecurityGroupEgress',
];
const MOVE = ['ec2:ModifyNetworkInterfaceAttribute'];
