import type { Permission, Plan, Target } from '../../engine/remediation.ts';
import { equal, part } from '../../engine/state.ts';
import { INSTANCE_TAG } from './evidence.ts';
import { FLUSH, type IsolationGroup, QUARANTINE, ROLE_TAG, ROLES } from './isolation-groups.ts';
import { EVIDENCE, inQuarantine, swaps } from './isolation-state.ts';

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
    return [...evidence(target), ...making(target, '*'), modify([target.arn, arn('network-interface'), arn('security-group')])];
  }
  const { vpc, groups } = plan.facts as Known;
  const permissions = equal(part(plan.before, EVIDENCE), part(plan.after, EVIDENCE)) ? [] : evidence(target);
  const swapped = swaps(plan.before, plan.after);
  if (swapped.length === 0) return permissions;
  const named = new Set(swapped.flatMap(({ from, to }) => [...from, ...to]));
  if (swapped.some(({ to }) => inQuarantine(to))) named.add(FLUSH);
  const ours = [QUARANTINE, FLUSH].filter((name) => named.has(name)) as IsolationGroup[];
  const ids = [...named].flatMap((name) => groups[name as IsolationGroup] ?? (name.startsWith('sg-') ? name : []));
  return [
    ...permissions,
    ...(ours.every((name) => groups[name]) ? [] : making(target, vpc)),
    modify([
      target.arn,
      ...swapped.map((swap) => arn('network-interface', swap.interface)),
      ...ids.map((id) => arn('security-group', id)),
    ]),
  ];
}

const arns =
  ({ partition, region, account }: Target) =>
  (kind: string, id = '*', owner = account) =>
    `arn:${partition}:ec2:${region}:${owner}:${kind}/${id}`;

/** AWS asks about an interface's instance too when it is attached to one. */
const modify = (resources: string[]): Permission => ({ actions: ['ec2:ModifyNetworkInterfaceAttribute'], resources });

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

/** To make our groups, shape them and put interfaces in them. A VPC that is shared belongs to another account. */
function making(target: Target, vpc: string): Permission[] {
  const arn = arns(target);
  const groups = [arn('security-group')];
  const roles = Object.values(ROLES);
  return [
    { actions: ['ec2:CreateSecurityGroup'], resources: [arn('vpc', vpc, '*')] },
    {
      actions: ['ec2:CreateSecurityGroup'],
      resources: groups,
      condition: { StringEquals: { [`aws:RequestTag/${ROLE_TAG}`]: roles } },
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
        'ec2:ModifyNetworkInterfaceAttribute',
        'ec2:RevokeSecurityGroupEgress',
      ],
      resources: groups,
      condition: { StringEquals: { [`aws:ResourceTag/${ROLE_TAG}`]: roles } },
    },
  ];
}
