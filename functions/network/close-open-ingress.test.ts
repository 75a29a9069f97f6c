import { DescribeSecurityGroupRulesCommand, EC2Client, RevokeSecurityGroupEgressCommand } from '@aws-sdk/client-ec2';
import { describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../../engine/aws/session.ts';
import type { Finding } from '../../engine/findings/finding.ts';
import type { Json } from '../../engine/state.ts';
import { targetOf, targetsOf } from '../../engine/targets.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { contract, sharedCloud } from '../../local/contract.ts';
import {
  allow,
  createGroup,
  createNetwork,
  fromAnywhere,
  fromAnywhereV6,
  runInstance,
} from '../../local/exposures/network.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Account, Exposed, Specimen } from '../../local/specimen.ts';
import closeOpenIngress from './close-open-ingress.ts';
import { authorizedPorts, portsInQuestion } from './ports.ts';

const GROUP = 'AWS::EC2::SecurityGroup';
type Rule = { readonly [key: string]: Json };

/** All rules of groups by what they allow and say: one that was taken out and came back has another id. */
async function rulesOf({ client }: Account, groups: string[]): Promise<Rule[]> {
  const Filters = [{ Name: 'group-id', Values: groups }];
  const found = await new EC2Client(client).send(new DescribeSecurityGroupRulesCommand({ Filters }));
  return (found.SecurityGroupRules ?? [])
    .map((rule) => ({
      group: rule.GroupId ?? '',
      egress: rule.IsEgress ?? null,
      allows: `${rule.IpProtocol} ${rule.FromPort}-${rule.ToPort}`,
      source: rule.CidrIpv4 ?? rule.CidrIpv6 ?? rule.ReferencedGroupInfo?.GroupId ?? '',
      description: rule.Description ?? '',
      tags: Object.fromEntries((rule.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** A group in which some rules are to be closed, seen together with a neighbour that is open too. */
async function exposed(
  account: Account,
  group: string,
  neighbour: string,
  wrong: readonly string[],
  about: Pick<Finding, 'source' | 'type' | 'ports'> & Partial<Pick<Finding, 'resources'>>,
): Promise<Exposed> {
  await allow(account, neighbour, [fromAnywhere('tcp', 22, 22)]);
  const target = targetOf(GROUP, { account: account.id, region: account.region, partition: 'aws' }, group);
  if (!target) throw new Error(`${group} is no security group`);
  const isWrong = (rule: Rule) =>
    rule.group === group && ['0.0.0.0/0', '::/0'].includes(String(rule.source)) && wrong.includes(String(rule.allows));
  return {
    target,
    finding: findingAbout(account, { resources: [{ type: GROUP, id: group }], ...about }),
    observe: () => rulesOf(account, [group, neighbour]),
    untouched: (observed) => (observed as readonly Rule[]).filter((rule) => rule.egress === true || !isWrong(rule)),
    closed: async () => !(await rulesOf(account, [group])).some((rule) => rule.egress === false && isWrong(rule)),
    async alter() {
      const [, protocol = '', from, to] = /^(\S+) (-?\d+)-(-?\d+)$/.exec(wrong[0] ?? '') ?? [];
      await allow(account, group, [
        fromAnywhere(protocol, Number(from), Number(to), 'by somebody else'),
        fromAnywhereV6(protocol, Number(from), Number(to), 'by somebody else'),
      ]);
    },
  };
}

const TAGS = { team: 'shop' };

/** Ports open to IPv4 and IPv6 by rules with different tags, among rules that must stay. */
const openPorts: Specimen = {
  async expose(account, name, size) {
    const control = size === 'largest' ? 'EC2.19' : 'EC2.13';
    const network = await createNetwork(account);
    const [group, neighbour] = [
      await createGroup(account, network, name, TAGS),
      await createGroup(account, network, `${name}-neighbour`),
    ];
    const ports = portsInQuestion({ source: 'securityhub', type: control }, authorizedPorts.parse({}));
    const v4 = ports.map(({ protocol, from, to }) => fromAnywhere(protocol, from, to, 'temporary; "$(id)" {}'));
    const v6 = ports.map(({ protocol, from, to }) => fromAnywhereV6(protocol, from, to));
    await allow(account, group, v4, { owner: 'shop', ticket: '1' });
    await allow(account, group, v6);
    await allow(account, group, [
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '10.0.0.0/8', Description: 'inside' }] },
      { IpProtocol: 'tcp', FromPort: 3389, ToPort: 3389, UserIdGroupPairs: [{ GroupId: group }] },
      fromAnywhere('tcp', 443, 443, 'web'),
      fromAnywhere('tcp', 26, 100),
      fromAnywhere('udp', 22, 22),
      fromAnywhere('icmp', 8, -1, 'ping'),
    ]);
    const wrong = ports.map(({ protocol, from, to }) => `${protocol} ${from}-${to}`);
    const open = await exposed(account, group, neighbour, wrong, { source: 'securityhub', type: control });
    return { ...open, tags: TAGS, reach: 0 };
  },
};

/** An instance that the internet reaches through one of its groups, whose only rule is the open one. */
const reachableInstance: Specimen = {
  async expose(account, name) {
    const network = await createNetwork(account);
    const [group, neighbour] = [
      await createGroup(account, network, name),
      await createGroup(account, network, `${name}-neighbour`),
    ];
    await new EC2Client(account.client).send(
      new RevokeSecurityGroupEgressCommand({
        GroupId: group,
        IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
      }),
    );
    await allow(account, group, [fromAnywhere('tcp', 8000, 8999)]);
    const instance = await runInstance(account, network, [neighbour, group]);
    const open = await exposed(account, group, neighbour, ['tcp 8000-8999'], {
      source: 'inspector',
      type: 'NETWORK_REACHABILITY',
      resources: [{ type: 'AWS::EC2::Instance', id: instance }],
      ports: [{ protocol: 'tcp', from: 8000, to: 8999 }],
    });
    return { ...open, reach: 1 };
  },
};

/** A group that a call opened to everything from everywhere. */
const openedByCall: Specimen = {
  async expose(account, name) {
    const network = await createNetwork(account);
    const [group, neighbour] = [
      await createGroup(account, network, name),
      await createGroup(account, network, `${name}-neighbour`),
    ];
    await allow(account, group, [fromAnywhereV6('-1', -1, -1), fromAnywhere('tcp', 80, 80)], { owner: 'nobody' });
    return exposed(account, group, neighbour, ['-1 -1--1'], {
      source: 'cloudtrail',
      type: 'ec2:AuthorizeSecurityGroupIngress',
      ports: [{ protocol: '-1', from: 0, to: 65_535 }],
    });
  },
};

contract(closeOpenIngress, openPorts, reachableInstance, openedByCall);

/** A member account with its administrator's clients, and the context of a response about ports of a group. */
async function member() {
  const account = await sharedCloud().account(MEMBER_ACCOUNTS[0], HOME_REGION);
  const session = { ...sessionConfig(account.id, account.region, account.client.credentials), ...account.client };
  const parameters = authorizedPorts.parse({});
  const clients = closeOpenIngress.clients(session);
  const planFor = (group: string, about: Pick<Finding, 'source' | 'type' | 'ports'>) => {
    const target = targetOf(GROUP, { account: account.id, region: account.region, partition: 'aws' }, group);
    if (!target) throw new Error(`${group} is no security group`);
    const finding = findingAbout(account, { resources: [target], ...about });
    const record = async () => undefined;
    const context = { finding, parameters, response: 'network-test', now: new Date(), record };
    return { target, context, plan: closeOpenIngress.plan(clients, target, context) };
  };
  return { account, session, clients, parameters, planFor };
}

describe('a rule that opens more than the finding is about', () => {
  test('is taken out after a person has read what else it opens', async () => {
    const { account, planFor } = await member();
    const group = await createGroup(account, await createNetwork(account), 'wide');
    await allow(account, group, [fromAnywhere('tcp', 20, 23), fromAnywhereV6('-1', -1, -1)]);
    const { context, plan } = planFor(group, { source: 'securityhub', type: 'EC2.13' });
    expect((await plan).after).toEqual({});
    expect(closeOpenIngress.caution?.(await plan, context)).toBe(
      'a rule goes as a whole: tcp 20-23 from 0.0.0.0/0 also opens tcp 20-21, tcp 23; ' +
        'all from ::/0 also opens tcp 0-21, tcp 23-65535, udp 0-65535, every other protocol',
    );
  });

  test('is what a call opened: no second look', async () => {
    const { account, planFor } = await member();
    const group = await createGroup(account, await createNetwork(account), 'called');
    await allow(account, group, [fromAnywhere('tcp', 0, 1_000), fromAnywhere('tcp', 443, 443)]);
    const ports = [{ protocol: 'tcp', from: 0, to: 1_000 }];
    const { context, plan } = planFor(group, {
      source: 'cloudtrail',
      type: 'ec2:AuthorizeSecurityGroupIngress',
      ports,
    });
    expect(Object.keys((await plan).after)).toEqual(['tcp 443 from 0.0.0.0/0']);
    expect(closeOpenIngress.caution?.(await plan, context)).toBeUndefined();
  });
});

describe('a group that does not exist', () => {
  test('is gone, not compliant', async () => {
    const { planFor } = await member();
    const { plan } = planFor('sg-0123456789abcdef0', { source: 'operator', type: 'run', ports: [] });
    await expect(plan).rejects.toMatchObject({ name: closeOpenIngress.gone[0] });
  });
});

describe('the groups that an Inspector finding means', () => {
  test('are those of the instance that open one of its ports to everybody', async () => {
    const { account, session, parameters } = await member();
    const network = await createNetwork(account);
    const groups = [
      await createGroup(account, network, 'open'),
      await createGroup(account, network, 'wide-open'),
      await createGroup(account, network, 'web'),
      await createGroup(account, network, 'shut'),
    ];
    const [open = '', wide = '', web = ''] = groups;
    await allow(account, open, [fromAnywhere('tcp', 22, 22)]);
    await allow(account, wide, [fromAnywhereV6('-1', -1, -1)]);
    await allow(account, web, [fromAnywhere('tcp', 443, 443)]);
    const instance = await runInstance(account, network, groups);
    const meant = async (port: number, resources = [{ type: 'AWS::EC2::Instance', id: instance }]) => {
      const ports = [{ protocol: 'tcp', from: port, to: port }];
      const finding = findingAbout(account, { source: 'inspector', type: 'NETWORK_REACHABILITY', resources, ports });
      const found = await targetsOf(closeOpenIngress, finding, { read: async () => session }, parameters);
      return found?.map(({ id }) => id).sort();
    };
    expect(await meant(22)).toEqual([open, wide].sort());
    expect(await meant(3389)).toEqual([wide]);
    expect(await meant(443)).toEqual([]);
    expect(await meant(22, [{ type: 'AWS::EC2::Instance', id: 'i-0123456789abcdef0' }])).toEqual([]);
    expect(await meant(22, [])).toBeUndefined();
  });
});

describe('one fix', () => {
  test('costs three calls, and says what EC2 revoked', async () => {
    const { account, clients, planFor } = await member();
    const group = await createGroup(account, await createNetwork(account), 'counted');
    await allow(account, group, [
      fromAnywhere('tcp', 22, 22),
      fromAnywhereV6('tcp', 22, 22),
      fromAnywhere('tcp', 80, 80),
    ]);
    const called: (string | undefined)[] = [];
    clients.ec2.middlewareStack.add(
      (next, { commandName }) =>
        (call) => {
          called.push(commandName);
          return next(call);
        },
      { step: 'initialize' },
    );
    const { target, context, plan } = planFor(group, { source: 'securityhub', type: 'EC2.13' });
    const recorded: Json[] = [];
    const record = async (event: string, detail: Json) => void recorded.push({ event, detail });
    await closeOpenIngress.apply(clients, target, await plan, { ...context, record });
    expect(await closeOpenIngress.verify(clients, target, await plan, context)).toEqual([]);
    expect(called).toEqual([
      'DescribeSecurityGroupRulesCommand',
      'RevokeSecurityGroupIngressCommand',
      'DescribeSecurityGroupRulesCommand',
    ]);
    const { ids } = (await plan).facts as { ids: Record<string, string> };
    const revoked = [ids['tcp 22 from 0.0.0.0/0'], ids['tcp 22 from ::/0']];
    expect(recorded).toEqual([{ event: 'revoked', detail: revoked }]);
  });
});
