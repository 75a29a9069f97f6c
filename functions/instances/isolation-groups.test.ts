import { randomUUID } from 'node:crypto';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  type IpPermission,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Action, Target } from '../../engine/remediation.ts';
import { type Request, respond } from '../../engine/respond.ts';
import { responseId } from '../../engine/targets.ts';
import { type UndoHouse, undo } from '../../engine/undo.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { groupNames, runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork, type Network } from '../../local/exposures/network.ts';
import { findingAbout } from '../../local/findings.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account } from '../../local/specimen.ts';
import { without } from './group-rules.ts';
import isolateInstance from './isolate-instance.ts';

const action = isolateInstance as Action;
const ISOLATED = [['firebreak-quarantine']];
const ISOLATED_OTHERWISE = [[expect.stringMatching(/^firebreak-quarantine-[0-9a-f]{8}$/)]];
const environment = { ...process.env };
let account: Account;
let ec2: EC2Client;
let house: UndoHouse;

beforeAll(async () => {
  const cloud = sharedCloud();
  account = await cloud.account(MEMBER_ACCOUNTS[1], HOME_REGION);
  ec2 = new EC2Client(account.client);
  house = await deployedHouse(cloud, action);
});
afterAll(() => {
  process.env = environment;
});

function requestFor(target: Target): Request {
  const message = randomUUID();
  const resources = [{ type: target.type, id: target.id }];
  const finding = findingAbout(account, { source: 'guardduty', type: 'UnauthorizedAccess:EC2/TorRelay', resources });
  return { id: responseId(action.id, target, message), action, target, finding, correlation: message };
}

async function instances(network: Network, count: number): Promise<Target[]> {
  const groups = [await createGroup(account, network, 'web')];
  return Promise.all(Array.from({ length: count }, () => runInstanceWithData(account, network, groups)));
}

const letSomebodyIn = (GroupId: string) =>
  ec2.send(
    new AuthorizeSecurityGroupIngressCommand({
      GroupId,
      IpPermissions: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '198.51.100.7/32' }] }],
    }),
  );

/** The groups of this name, with all their rules. */
async function groupsCalled(network: Network, name: string) {
  const Filters = [
    { Name: 'vpc-id', Values: [network.vpc] },
    { Name: 'group-name', Values: [name] },
  ];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters }));
  return SecurityGroups.map(({ GroupId = '', IpPermissions, IpPermissionsEgress }) => ({
    id: GroupId,
    rules: [IpPermissions, IpPermissionsEgress],
  }));
}

describe('the groups of isolation', () => {
  test('are others than those that somebody made in our name, and these stay as they are', async () => {
    const network = await createNetwork(account);
    for (const role of ['quarantine', 'flush']) {
      const tags = [{ ResourceType: 'security-group' as const, Tags: [{ Key: 'firebreak:role', Value: role }] }];
      const { GroupId = '' } = await ec2.send(
        new CreateSecurityGroupCommand({
          GroupName: `firebreak-${role}`,
          Description: 'by somebody else',
          VpcId: network.vpc,
          TagSpecifications: tags,
        }),
      );
      await letSomebodyIn(GroupId);
    }
    const theirs = () =>
      Promise.all(['firebreak-quarantine', 'firebreak-flush'].map((name) => groupsCalled(network, name)));
    const before = await theirs();
    const [target] = await instances(network, 1);
    if (!target) throw new Error('no instance was started');
    expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'verified' });
    expect(await groupNames(account, target)).toEqual(ISOLATED_OTHERWISE);
    expect(await theirs()).toEqual(before);
  }, 60_000);

  test('are ours no longer once somebody adds a rule: a person decides on undo, and the next finding isolates anew', async () => {
    const network = await createNetwork(account);
    const [target] = await instances(network, 1);
    if (!target) throw new Error('no instance was started');
    const first = requestFor(target);
    expect(await respond(first, house)).toMatchObject({ outcome: 'verified' });
    const [quarantine] = await groupsCalled(network, 'firebreak-quarantine');
    await letSomebodyIn(quarantine?.id ?? '');

    const plan = (await house.ledger.get(first.id))?.plan;
    if (!plan) throw new Error('no plan was recorded');
    const back = { ...requestFor(target), recorded: plan, undoes: first.id, by: 'a test' };
    expect(await undo(back, house)).toMatchObject({ outcome: 'changed-since' });
    expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'verified' });
    expect(await groupNames(account, target)).toEqual(ISOLATED_OTHERWISE);
  }, 60_000);

  test('are made once by responses that run at the same time', async () => {
    const network = await createNetwork(account);
    const targets = await instances(network, 3);
    const responses = await Promise.all(targets.map((target) => respond(requestFor(target), house)));
    expect(responses.map(({ outcome }) => outcome)).toEqual(['verified', 'verified', 'verified']);
    for (const target of targets) expect(await groupNames(account, target)).toEqual(ISOLATED);
  });
});

test('rules are told apart by protocol, ports and peer', () => {
  const peer = fc.oneof(
    fc.record({ IpRanges: fc.constantFrom('0.0.0.0/0', '10.0.0.0/8').map((CidrIp) => [{ CidrIp }]) }),
    fc.record({ Ipv6Ranges: fc.constantFrom('::/0', 'fd00::/8').map((CidrIpv6) => [{ CidrIpv6 }]) }),
    fc.record({ PrefixListIds: fc.constant([{ PrefixListId: 'pl-00000001' }]) }),
    fc.record({ UserIdGroupPairs: fc.constant([{ GroupId: 'sg-00000001' }]) }),
    fc.constant({}),
  );
  const ports = fc.constantFrom<IpPermission>(
    { IpProtocol: '-1' },
    { IpProtocol: 'tcp', FromPort: 22, ToPort: 22 },
    { IpProtocol: 'tcp', FromPort: 0, ToPort: 65_535 },
  );
  const rules = fc.array(fc.tuple(ports, peer).map(([rule, to]) => ({ ...rule, ...to }) as IpPermission));
  fc.assert(
    fc.property(rules, rules, (these, those) => {
      const have = new Set(those.map((each) => JSON.stringify(each)));
      expect(without(these, those)).toEqual(these.filter((each) => !have.has(JSON.stringify(each))));
    }),
  );
  const both = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }], Ipv6Ranges: [{ CidrIpv6: '::/0' }] };
  expect(without([both], [{ IpProtocol: '-1', IpRanges: both.IpRanges }])).toEqual([
    { IpProtocol: '-1', Ipv6Ranges: both.Ipv6Ranges },
  ]);
});
