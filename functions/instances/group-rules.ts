import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2';
import { FLUSH, type OwnGroup, QUARANTINE } from '../../engine/own-groups.ts';

const EVERYTHING: readonly IpPermission[] = [
  { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
  { IpProtocol: '-1', Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
];
/** What each has to let through, the same in both directions. */
export const RULES: Readonly<Record<OwnGroup, readonly IpPermission[]>> = { [QUARANTINE]: [], [FLUSH]: EVERYTHING };

/** What EC2 gives every group that is made, until it is taken out. */
const MADE_WITH: readonly IpPermission[] = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];

/** True when a group has the rules of one of ours and no others. */
export const hasItsRules = (
  { IpPermissions = [], IpPermissionsEgress = [] }: SecurityGroup,
  which: OwnGroup,
): boolean =>
  [IpPermissions, IpPermissionsEgress].every(
    (rules) => without(rules, RULES[which]).length === 0 && without(RULES[which], rules).length === 0,
  );

/** True when nobody gave a group other rules than one of ours has on the way to its own, or at the end of it. */
export const hasNoOthers = (
  { IpPermissions = [], IpPermissionsEgress = [] }: SecurityGroup,
  which: OwnGroup,
): boolean =>
  without(IpPermissions, RULES[which]).length === 0 &&
  without(IpPermissionsEgress, [...RULES[which], ...MADE_WITH]).length === 0;

/** The rules of `these` that `those` have not, one peer to a rule as `RULES` has them. */
export function without(these: readonly IpPermission[], those: readonly IpPermission[]): IpPermission[] {
  const known = new Set(those.flatMap(single).map(text));
  return these.flatMap(single).filter((rule) => !known.has(text(rule)));
}

/**
 * EC2 tells rules of one protocol and port range together: apart they can be compared. A rule with a peer of a kind that is
 * not known here stays as it is, and so is none of ours.
 */
function single(permission: IpPermission): IpPermission[] {
  const { IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs, ...rule } = permission;
  const apart = [
    ...(IpRanges ?? []).map((range) => ({ ...rule, IpRanges: [range] })),
    ...(Ipv6Ranges ?? []).map((range) => ({ ...rule, Ipv6Ranges: [range] })),
    ...(PrefixListIds ?? []).map((list) => ({ ...rule, PrefixListIds: [list] })),
    ...(UserIdGroupPairs ?? []).map((pair) => ({ ...rule, UserIdGroupPairs: [pair] })),
  ];
  return apart.length > 0 ? apart : [permission];
}

const text = ({ IpProtocol, FromPort, ToPort, IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs }: IpPermission) =>
  JSON.stringify([
    IpProtocol,
    IpProtocol === '-1' ? [] : [FromPort, ToPort],
    IpRanges?.map(({ CidrIp }) => CidrIp),
    Ipv6Ranges?.map(({ CidrIpv6 }) => CidrIpv6),
    PrefixListIds?.map(({ PrefixListId }) => PrefixListId),
    UserIdGroupPairs?.map(({ GroupId, UserId, VpcId }) => [GroupId, UserId, VpcId]),
  ]);
