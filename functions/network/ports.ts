import * as z from 'zod/mini';
import type { Finding, PortRange } from '../../engine/findings/finding.ts';

/** All traffic, whatever its protocol. */
export const ANY_PROTOCOL = '-1';

const portList = (ports: number[]) => z._default(z.array(z.int().check(z.gte(1), z.lte(65_535))), ports);

/** Ports that may be open to everybody: the parameters of EC2.18, which hold for every finding here. */
export const authorizedPorts = z.strictObject({
  authorizedTcpPorts: portList([80, 443]),
  authorizedUdpPorts: portList([]),
});
export type AuthorizedPorts = z.infer<typeof authorizedPorts>;

const single = (protocol: string, ports: readonly number[]): PortRange[] =>
  ports.map((port) => ({ protocol, from: port, to: port }));

const ALL_PORTS: readonly PortRange[] = ['tcp', 'udp'].map((protocol) => ({ protocol, from: 0, to: 65_535 }));

/** https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19 */
const HIGH_RISK = single(
  'tcp',
  [
    20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601, 8080, 8088,
    8888, 9200, 9300,
  ],
);

/**
 * The ports that a control is about. Those that name ports mean TCP, as the rules of AWS Config behind them do.
 * https://docs.aws.amazon.com/config/latest/developerguide/restricted-common-ports.html
 */
const CONTROLS: ReadonlyMap<string, readonly PortRange[]> = new Map([
  ['EC2.13', single('tcp', [22])],
  ['EC2.14', single('tcp', [3389])],
  ['EC2.18', ALL_PORTS],
  ['EC2.19', HIGH_RISK],
]);

/** The ports that must not be open to everybody because of a finding: those that it is about, less the authorised ones. */
export function portsInQuestion(
  finding: Pick<Finding, 'source' | 'type' | 'ports'>,
  { authorizedTcpPorts, authorizedUdpPorts }: AuthorizedPorts,
): PortRange[] {
  const authorized = [...single('tcp', authorizedTcpPorts), ...single('udp', authorizedUdpPorts)];
  return namedBy(finding).flatMap((range) => without(range, authorized));
}

/** An operator names no ports and gets the strictest list that is always wrong to open. */
function namedBy({ source, type, ports = [] }: Pick<Finding, 'source' | 'type' | 'ports'>): readonly PortRange[] {
  if (source !== 'cloudtrail' && source !== 'inspector') return CONTROLS.get(type) ?? HIGH_RISK;
  return ports
    .filter(({ protocol }) => !protocol.startsWith('icmp'))
    .flatMap((range) => (range.protocol === ANY_PROTOCOL ? ALL_PORTS : [range]));
}

/** Whether a rule opens one of the ports. ICMP has types and no ports: a rule for it opens none. */
export const opens = (rule: PortRange, ports: readonly PortRange[]): boolean =>
  ports.some((range) => overlap(rule, range) !== undefined);

/** What a rule opens beside the ports, in words. EC2 can only take it out as a whole. */
export function opensBeside(rule: PortRange, ports: readonly PortRange[]): string[] {
  const all = rule.protocol === ANY_PROTOCOL;
  const left = (all ? ALL_PORTS : [rule]).flatMap((range) => without(range, ports));
  const rest = all && ports.every(({ protocol }) => protocol !== ANY_PROTOCOL) ? ['every other protocol'] : [];
  return [...left.map(({ protocol, from, to }) => `${protocol} ${from === to ? from : `${from}-${to}`}`), ...rest];
}

/** The ports of `range` that `rule` covers too. */
function overlap(rule: PortRange, range: PortRange): PortRange | undefined {
  if (rule.protocol !== ANY_PROTOCOL && rule.protocol !== range.protocol) return undefined;
  const from = Math.max(rule.from, range.from);
  const to = Math.min(rule.to, range.to);
  return from <= to ? { protocol: range.protocol, from, to } : undefined;
}

/** What is left of a range when others are cut out of it. */
const without = (range: PortRange, cuts: readonly PortRange[]): PortRange[] =>
  cuts.reduce<PortRange[]>(
    (pieces, cut) =>
      pieces.flatMap((piece) => {
        const gap = overlap(cut, piece);
        if (!gap) return [piece];
        const below = { ...piece, to: gap.from - 1 };
        const above = { ...piece, from: gap.to + 1 };
        return [below, above].filter(({ from, to }) => from <= to);
      }),
    [range],
  );
