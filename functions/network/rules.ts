import {
  type EC2Client,
  type IpPermission,
  paginateDescribeSecurityGroupRules,
  type SecurityGroupRule,
} from '@aws-sdk/client-ec2';
import * as z from 'zod/mini';
import type { PortRange } from '../../engine/findings/finding.ts';
import { portRange } from '../../engine/findings/ports.ts';
import { ANY_PROTOCOL, opens } from './ports.ts';

const ANYWHERE = new Set(['0.0.0.0/0', '::/0']);

/**
 * A rule by what it allows, as people read it: `tcp 22 from 0.0.0.0/0`, `udp 8000-8999 from ::/0`, `icmp 8--1 from ::/0` (type
 * and code), and without numbers where it is for any of them: `all from ::/0`.
 */
const RULE = /^([a-z0-9]+)(?: (-1|\d+)(?:-(-1|\d+))?)? from (0\.0\.0\.0\/0|::\/0)$/;

function nameOf(protocol: string, from: number, to: number, cidr: string): string {
  const ports = from === to ? String(from) : `${from}-${to}`;
  return [protocol === ANY_PROTOCOL ? 'all' : protocol, ...(ports === '-1' ? [] : [ports]), 'from', cidr].join(' ');
}

function parsed(name: string) {
  const [, protocol, from = '-1', to = from, cidr] = RULE.exec(name) ?? [];
  if (!protocol || !cidr) throw new Error(`${name} is not a rule`);
  return { IpProtocol: protocol === 'all' ? ANY_PROTOCOL : protocol, FromPort: Number(from), ToPort: Number(to), cidr };
}

/** What is only written on a rule, and goes back with it. Tags are in no order. */
const label = z.strictObject({ description: z.nullable(z.string()), tags: z.record(z.string(), z.string()) });
type Label = z.infer<typeof label>;

/** The ingress rules of a group that are open to every address, by what they allow: EC2 has no two that allow the same. */
export const openRules = z.record(z.string().check(z.regex(RULE)), label);

/** Those of the rules that open none of the ports. */
export const keepClosed = (rules: z.infer<typeof openRules>, ports: readonly PortRange[]): z.infer<typeof openRules> =>
  Object.fromEntries(Object.entries(rules).filter(([name]) => !opens(portsOf(name), ports)));

/** A rule that is open to every address. */
export interface OpenRule {
  readonly id: string;
  readonly group: string;
  /** By what it allows: a key of `openRules`. */
  readonly name: string;
  readonly label: Label;
}

/** All rules of some groups, to and fro. A group that does not exist has none. */
export async function rulesOf(ec2: EC2Client, groups: readonly string[]): Promise<SecurityGroupRule[]> {
  const found: SecurityGroupRule[] = [];
  const Filters = [{ Name: 'group-id', Values: [...groups] }];
  for await (const page of paginateDescribeSecurityGroupRules({ client: ec2 }, { Filters, MaxResults: 1_000 })) {
    if (!page.SecurityGroupRules) throw new Error('EC2 answered without a list of rules');
    found.push(...page.SecurityGroupRules);
  }
  return found;
}

/** Those that let every IPv4 or every IPv6 address in. */
export const openToAll = (rules: readonly SecurityGroupRule[]): OpenRule[] =>
  rules.flatMap((rule) => {
    const cidr = rule.CidrIpv4 ?? rule.CidrIpv6 ?? '';
    if (rule.IsEgress || !ANYWHERE.has(cidr)) return [];
    const { SecurityGroupRuleId: id, GroupId: group, IpProtocol, FromPort, ToPort, Description, Tags = [] } = rule;
    if (!id || !group || !IpProtocol || FromPort === undefined || ToPort === undefined || rule.IsEgress === undefined) {
      throw new Error(`EC2 described the rule ${id} without its group, direction, protocol or ports`);
    }
    // Nobody but AWS can write the tags that it reserves for itself.
    const tags = Tags.flatMap(({ Key, Value }) => (Key && !/^aws:/i.test(Key) ? [[Key, Value ?? '']] : []));
    return [
      {
        id,
        group,
        name: nameOf(IpProtocol, FromPort, ToPort, cidr),
        label: { description: Description || null, tags: Object.fromEntries(tags) },
      },
    ];
  });

/** True when the ingress rules are for all traffic from everywhere, and no others: a group that is open on purpose looks so. */
export const opensAllAndNoMore = (rules: readonly SecurityGroupRule[]): boolean => {
  const ingress = rules.filter(({ IsEgress }) => !IsEgress);
  const open = openToAll(ingress).map(({ name }) => name);
  return ingress.length === ANYWHERE.size && [...ANYWHERE].every((from) => open.includes(`all from ${from}`));
};

/** The ports that a rule opens, by its name; -1 is any. */
export function portsOf(name: string): PortRange {
  const { IpProtocol, FromPort, ToPort } = parsed(name);
  return portRange(IpProtocol, FromPort < 0 ? undefined : FromPort, ToPort < 0 ? undefined : ToPort);
}

/** A rule as AuthorizeSecurityGroupIngress takes it. */
export function permission(name: string, { description }: Label): IpPermission {
  const { cidr, ...traffic } = parsed(name);
  const Description = description ?? undefined;
  return cidr === '::/0'
    ? { ...traffic, Ipv6Ranges: [{ CidrIpv6: cidr, Description }] }
    : { ...traffic, IpRanges: [{ CidrIp: cidr, Description }] };
}
