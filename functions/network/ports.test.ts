import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PortRange } from '../../engine/findings/finding.ts';
import { authorizedPorts, opens, opensBeside, portsInQuestion } from './ports.ts';
import { keepClosed, openToAll, permission, portsOf } from './rules.ts';

const NONE = { authorizedTcpPorts: [], authorizedUdpPorts: [] };
const DEFAULTS = authorizedPorts.parse({});

const port = fc.oneof(fc.integer({ min: 0, max: 65_535 }), fc.constantFrom(0, 22, 80, 443, 3389, 65_535));
const range = fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const transport = fc.constantFrom('tcp', 'udp');

/** A rule as EC2 describes it. */
const described = fc
  .tuple(
    fc.oneof(
      fc.tuple(transport, range).map(([IpProtocol, { from, to }]) => ({ IpProtocol, FromPort: from, ToPort: to })),
      fc.constantFrom(
        { IpProtocol: '-1', FromPort: -1, ToPort: -1 },
        { IpProtocol: 'icmp', FromPort: 8, ToPort: -1 },
        { IpProtocol: 'icmpv6', FromPort: -1, ToPort: -1 },
        { IpProtocol: '50', FromPort: -1, ToPort: -1 },
      ),
    ),
    fc.constantFrom({ CidrIpv4: '0.0.0.0/0' }, { CidrIpv6: '::/0' }),
  )
  .map(([traffic, source]) => ({
    SecurityGroupRuleId: 'sgr-0123456789abcdef0',
    GroupId: 'sg-0123456789abcdef0',
    IsEgress: false,
    ...traffic,
    ...source,
  }));
type Described = typeof described extends fc.Arbitrary<infer T> ? T : never;
const nameOf = (rule: Described): string => openToAll([rule])[0]?.name ?? '';
const rules = fc
  .array(described, { maxLength: 8 })
  .map((list) => Object.fromEntries(list.map((rule) => [nameOf(rule), { description: null, tags: {} }])));
const authorized = fc.record({
  authorizedTcpPorts: fc.array(
    port.filter((number) => number > 0),
    { maxLength: 4 },
  ),
  authorizedUdpPorts: fc.array(
    port.filter((number) => number > 0),
    { maxLength: 4 },
  ),
});
const finding = fc.oneof(
  fc.constantFrom('EC2.13', 'EC2.14', 'EC2.18', 'EC2.19').map((type) => ({ source: 'securityhub' as const, type })),
  fc.constant({ source: 'operator' as const, type: 'run' }),
  fc.array(fc.tuple(fc.constantFrom('tcp', 'udp', '-1', 'icmp'), range), { maxLength: 3 }).map((ranges) => ({
    source: 'cloudtrail' as const,
    type: 'ec2:AuthorizeSecurityGroupIngress',
    ports: ranges.map(
      ([protocol, { from, to }]): PortRange =>
        protocol === '-1' ? { protocol, from: 0, to: 65_535 } : { protocol, from, to },
    ),
  })),
);

type Admits = (protocol: string, port: number) => boolean;

/** What a range lets in, packet by packet. */
const admits =
  (of: string, first: number, last: number): Admits =>
  (protocol, port) =>
    of === '-1' || (of === protocol && first <= port && port <= last);

/** What a rule lets in, as EC2 decides. */
const lets = ({ IpProtocol, FromPort, ToPort }: Described): Admits => admits(IpProtocol, FromPort, ToPort);

/** What a finding is about, by its own words. */
function concerns({ type, ports = [] }: { type: string; ports?: readonly PortRange[] }): Admits {
  const highRisk = new Set([20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432]);
  for (const port of [5500, 5601, 8080, 8088, 8888, 9200, 9300]) highRisk.add(port);
  if (type === 'EC2.13') return (protocol, port) => protocol === 'tcp' && port === 22;
  if (type === 'EC2.14') return (protocol, port) => protocol === 'tcp' && port === 3389;
  if (type === 'EC2.18') return () => true;
  if (type === 'EC2.19' || type === 'run') return (protocol, port) => protocol === 'tcp' && highRisk.has(port);
  const named = ports.map(({ protocol, from, to }) => admits(protocol, from, to));
  return (protocol, port) => named.some((each) => each(protocol, port));
}

const EVERY_PORT = Array.from({ length: 65_536 }, (_, number) => number);

describe('the rules that are taken out', () => {
  test('are exactly those that open a port in question', () => {
    fc.assert(
      fc.property(finding, authorized, described, (about, allowed, rule) => {
        const [isLetIn, isAbout] = [lets(rule), concerns(about)];
        const may = { tcp: new Set(allowed.authorizedTcpPorts), udp: new Set(allowed.authorizedUdpPorts) };
        const wrong = (['tcp', 'udp'] as const).some((protocol) =>
          EVERY_PORT.some((port) => isLetIn(protocol, port) && isAbout(protocol, port) && !may[protocol].has(port)),
        );
        expect(opens(portsOf(nameOf(rule)), portsInQuestion(about, allowed))).toBe(wrong);
      }),
    );
  });

  test('leave none to take out, and let nothing in that was not let in before', () => {
    fc.assert(
      fc.property(finding, authorized, rules, (about, allowed, before) => {
        const ports = portsInQuestion(about, allowed);
        const after = keepClosed(before, ports);
        expect(keepClosed(after, ports)).toEqual(after);
        for (const [name, label] of Object.entries(after)) expect(before[name]).toEqual(label);
      }),
    );
  });

  test('open beside the ports what they let in and the ports do not name', () => {
    fc.assert(
      fc.property(finding, described, transport, port, (about, rule, protocol, number) => {
        const beside = opensBeside(portsOf(nameOf(rule)), portsInQuestion(about, NONE));
        const named = beside.some((text) => {
          const [, of, from, to = from] = /^(\S+) (\d+)(?:-(\d+))?$/.exec(text) ?? [];
          return of === protocol && Number(from) <= number && number <= Number(to);
        });
        expect(named).toBe(lets(rule)(protocol, number) && !concerns(about)(protocol, number));
        expect(beside.includes('every other protocol')).toBe(rule.IpProtocol === '-1');
      }),
    );
  });
});

describe('the ports in question', () => {
  test('leave out the authorised ones, whoever finds them open', () => {
    const ports = [{ protocol: 'tcp', from: 443, to: 443 }];
    expect(portsInQuestion({ source: 'inspector', type: 'NETWORK_REACHABILITY', ports }, DEFAULTS)).toEqual([]);
    expect(portsInQuestion({ source: 'securityhub', type: 'EC2.18' }, DEFAULTS)).toEqual([
      { protocol: 'tcp', from: 0, to: 79 },
      { protocol: 'tcp', from: 81, to: 442 },
      { protocol: 'tcp', from: 444, to: 65_535 },
      { protocol: 'udp', from: 0, to: 65_535 },
    ]);
  });

  test('are none where a call opened none', () => {
    for (const ports of [undefined, [], [{ protocol: 'icmp', from: 8, to: -1 }]]) {
      const about = {
        source: 'cloudtrail',
        type: 'ec2:AuthorizeSecurityGroupIngress',
        ...(ports && { ports }),
      } as const;
      expect(portsInQuestion(about, DEFAULTS)).toEqual([]);
    }
  });
});

describe('a rule', () => {
  test('goes back as it was', () => {
    fc.assert(
      fc.property(described, fc.option(fc.string({ minLength: 1 })), (rule, description) => {
        const { IpRanges, Ipv6Ranges, ...traffic } = permission(nameOf(rule), { description, tags: {} });
        const Description = description ?? undefined;
        const { CidrIpv4, CidrIpv6 } = { CidrIpv4: undefined, CidrIpv6: undefined, ...rule };
        expect({ ...rule, ...traffic }).toEqual(rule);
        expect(IpRanges).toEqual(CidrIpv4 && [{ CidrIp: CidrIpv4, Description }]);
        expect(Ipv6Ranges).toEqual(CidrIpv6 && [{ CidrIpv6, Description }]);
      }),
    );
  });

  test('is named as people read it', () => {
    const name = (IpProtocol: string, FromPort: number, ToPort: number) =>
      openToAll([
        { SecurityGroupRuleId: 'r', GroupId: 'g', IsEgress: false, IpProtocol, FromPort, ToPort, CidrIpv6: '::/0' },
      ])[0]?.name;
    expect(name('tcp', 22, 22)).toBe('tcp 22 from ::/0');
    expect(name('udp', 8000, 8999)).toBe('udp 8000-8999 from ::/0');
    expect(name('icmp', 8, -1)).toBe('icmp 8--1 from ::/0');
    expect(name('-1', -1, -1)).toBe('all from ::/0');
  });

  test('that is not open to every address, or leads out, is none to close', () => {
    const rule = { SecurityGroupRuleId: 'r', GroupId: 'g', IpProtocol: 'tcp', FromPort: 22, ToPort: 22 };
    expect(openToAll([{ ...rule, IsEgress: false, CidrIpv4: '0.0.0.0/1' }])).toEqual([]);
    expect(openToAll([{ ...rule, IsEgress: false, PrefixListId: 'pl-0123456789abcdef0' }])).toEqual([]);
    expect(openToAll([{ ...rule, IsEgress: true, CidrIpv4: '0.0.0.0/0' }])).toEqual([]);
  });

  test('that EC2 describes only in part is not taken for one that opens nothing', () => {
    const part = { SecurityGroupRuleId: 'r', GroupId: 'g', IsEgress: false, IpProtocol: 'tcp', CidrIpv4: '0.0.0.0/0' };
    expect(() => openToAll([{ ...part, IsEgress: undefined, FromPort: 22, ToPort: 22 }])).toThrow('direction');
    expect(() => openToAll([part])).toThrow('without its group, direction, protocol or ports');
  });

  test('keeps its tags, less those that only AWS can write', () => {
    const Tags = [
      { Key: 'owner', Value: 'shop' },
      { Key: 'aws:cloudformation:stack-name', Value: 's' },
    ];
    const rule = {
      SecurityGroupRuleId: 'r',
      GroupId: 'g',
      IsEgress: false,
      IpProtocol: 'tcp',
      FromPort: 1,
      ToPort: 1,
      CidrIpv4: '0.0.0.0/0',
    };
    expect(openToAll([{ ...rule, Tags }])[0]?.label).toEqual({ description: null, tags: { owner: 'shop' } });
  });
});
