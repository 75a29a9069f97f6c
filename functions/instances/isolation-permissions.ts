import type { Permission, Plan, Target } from '../../engine/remediation.ts';
import { equal, part } from '../../engine/state.ts';
import { INSTANCE_TAG } from './evidence.ts';
import { FLUSH, type IsolationGroup, isOurs, QUARANTINE, ROLE_TAG, ROLES } from './isolation-groups.ts';
import { BOTH_GROUPS, EVIDENCE, GROUPS, inQuarantine, swaps } from './isolation-state.ts';

/** What the permissions need of a plan's facts. */
export interface Known {
  readonly vpc: string;
  /** Our groups that are there already. */
  readonly groups: Readonly<Partial<Record<IsolationGroup, string>>>;
}

/**
 * The write permissions of the isolation: for one plan, or without one for any instance.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export function isolationPermissions(target: Target, plan?: Plan): Permission[] {
  const arn = arns(target);
  if (!plan) {
    const anything = [target.arn, arn('network-interface'), arn('security-group')];
    return [...evidence(target), ...making(target, '*'), { actions: MODIFY, resources: anything }];
  }
  const { vpc, groups } = plan.facts as Known;
  const differs = (name: string) => !equal(part(plan.before, name), part(plan.after, name));
  const lacking = !equal(part(plan.before, GROUPS), BOTH_GROUPS);
  const moved = swaps(plan.before, plan.after);
  const isolates = moved.some(({ to }) => inQuarantine(to));
  // Where the quarantine is refused, the groups before it are put back.
  const named = new Set(moved.flatMap(({ from, to }) => (inQuarantine(to) ? [FLUSH, QUARANTINE, ...from] : to)));
  const ids = [...named].flatMap((name) => (isOurs(name) ? (groups[name] ?? []) : name));
  return [
    ...(differs(EVIDENCE) ? evidence(target) : []),
    ...(lacking && (isolates || differs(GROUPS)) ? making(target, vpc) : []),
    ...(isolates && !(groups[FLUSH] && groups[QUARANTINE]) ? [movingToMade(target)] : []),
    ...(moved.length === 0
      ? []
      : [
          {
            actions: MODIFY,
            // AWS may ask about the instance too, since the interface is attached to one.
            resources: [
              target.arn,
              ...moved.map((swap) => arn('network-interface', swap.interface)),
              ...ids.map((id) => arn('security-group', id)),
            ],
          },
        ]),
  ];
}

const MODIFY = ['ec2:ModifyNetworkInterfaceAttribute'];

const arns =
  ({ partition, region, account }: Target) =>
  (kind: string, id = '*', owner = account) =>
    `arn:${partition}:ec2:${region}:${owner}:${kind}/${id}`;

/**
 * EC2 takes the volumes from the instance, and the instance is named: no other volumes can be meant, though one that is
 * attached meanwhile is. An instance may have more of them than a session policy could name.
 */
function evidence(target: Target): Permission[] {
  const arn = arns(target);
  const snapshots = [arn('snapshot', '*', '')];
  return [
    { actions: ['ec2:CreateSnapshots'], resources: [target.arn, arn('volume')] },
    {
      actions: ['ec2:CreateSnapshots'],
      resources: snapshots,
      condition: { StringLike: { [`aws:RequestTag/${INSTANCE_TAG}`]: target.id } },
    },
    {
      actions: ['ec2:CreateTags'],
      resources: snapshots,
      condition: { StringEquals: { 'ec2:CreateAction': 'CreateSnapshots' } },
    },
  ];
}

/** To make our groups and shape them. A VPC that is shared belongs to another account. */
function making(target: Target, vpc: string): Permission[] {
  const arn = arns(target);
  const groups = [arn('security-group')];
  return [
    { actions: ['ec2:CreateSecurityGroup'], resources: [arn('vpc', vpc, '*')] },
    {
      actions: ['ec2:CreateSecurityGroup'],
      resources: groups,
      condition: { StringEquals: { [`aws:RequestTag/${ROLE_TAG}`]: Object.values(ROLES) } },
    },
    {
      actions: ['ec2:CreateTags'],
      resources: groups,
      condition: { StringEquals: { 'ec2:CreateAction': 'CreateSecurityGroup' } },
    },
    {
      actions: [
        'ec2:AuthorizeSecurityGroupEgress',
        'ec2:AuthorizeSecurityGroupIngress',
        'ec2:RevokeSecurityGroupEgress',
      ],
      resources: groups,
      condition: ours,
    },
  ];
}

/** To put interfaces in our groups when these are yet to be made, so that nobody knows their ids. */
const movingToMade = (target: Target): Permission => ({
  actions: MODIFY,
  resources: [arns(target)('security-group')],
  condition: ours,
});

const ours = { StringEquals: { [`aws:ResourceTag/${ROLE_TAG}`]: Object.values(ROLES) } };
