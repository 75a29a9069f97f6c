import * as z from 'zod/mini';
import type { PortRange } from './finding.ts';
import { maybe } from './reader.ts';

/** A port number, or -1 where EC2 means every type or code of ICMP. */
export const port = z.int().check(z.gte(-1, 'is not a port'), z.lte(65_535, 'is not a port'));

const list = <T>(item: z.ZodMiniType<T>) => maybe(z.object({ items: maybe(z.array(item)) }));

const traffic = () => ({ ipProtocol: maybe(z.string()), fromPort: maybe(port), toPort: maybe(port) });

/**
 * What a call of AuthorizeSecurityGroupIngress opens, as CloudTrail writes it. A call may also give one IPv4 rule without
 * the list.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
 */
export const ingress = () => ({
  ...traffic(),
  cidrIp: maybe(z.string()),
  ipPermissions: list(
    z.object({
      ...traffic(),
      ipRanges: list(z.object({ cidrIp: maybe(z.string()) })),
      ipv6Ranges: list(z.object({ cidrIpv6: maybe(z.string()) })),
    }),
  ),
});
type Ingress = z.output<z.ZodMiniObject<ReturnType<typeof ingress>>>;

/** The ports that a call opens to every IPv4 or every IPv6 address. */
export function openPorts(call: Ingress): readonly PortRange[] {
  const single = isAnywhere(call.cidrIp) ? [portRange(call.ipProtocol, call.fromPort, call.toPort)] : [];
  const listed = (call.ipPermissions?.items ?? [])
    .filter(
      ({ ipRanges, ipv6Ranges }) =>
        ipRanges?.items?.some(({ cidrIp }) => isAnywhere(cidrIp)) ||
        ipv6Ranges?.items?.some(({ cidrIpv6 }) => isAnywhere(cidrIpv6)),
    )
    .map(({ ipProtocol, fromPort, toPort }) => portRange(ipProtocol, fromPort, toPort));
  return [...single, ...listed];
}

/** CloudTrail has the block as the caller wrote it, and EC2 takes `10.0.0.0/0` for `0.0.0.0/0`. */
const isAnywhere = (cidr: string | null | undefined): boolean => cidr?.endsWith('/0') ?? false;

const PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ['1', 'icmp'],
  ['6', 'tcp'],
  ['17', 'udp'],
  ['58', 'icmpv6'],
]);
const WITH_PORTS = new Set(PROTOCOLS.values());

/**
 * Ports of a protocol given by name in any case or by number. EC2 ignores the ports of a protocol that has none, so there
 * the range is everything; so it is when no port is given.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
 */
export function portRange(given: string | null | undefined, from?: number | null, to?: number | null): PortRange {
  const lower = given?.toLowerCase() ?? '-1';
  const protocol = PROTOCOLS.get(lower) ?? lower;
  return WITH_PORTS.has(protocol) ? { protocol, from: from ?? 0, to: to ?? 65_535 } : { protocol, from: 0, to: 65_535 };
}
