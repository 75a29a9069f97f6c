import { randomUUID } from 'node:crypto';
import {
  CreateNetworkInterfaceCommand,
  type DescribeNetworkInterfacesResult,
  DescribeSecurityGroupsCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding } from '../../engine/findings/finding.ts';
import { FLUSH, ROLE_TAG } from '../../engine/own-groups.ts';
import type { Action, Target } from '../../engine/remediation.ts';
import { respond } from '../../engine/respond.ts';
import { responseId, targetOf } from '../../engine/targets.ts';
import type { UndoHouse } from '../../engine/undo.ts';
import isolateInstance from '../../functions/instances/isolate-instance.ts';
import closeOpenIngress from '../../functions/network/close-open-ingress.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { disturbed } from '../../local/disturbed.ts';
import { attachInterface, groupNames, runInstanceWithData } from '../../local/exposures/instances.ts';
import { allow, createGroup, createNetwork, createOwnGroup, fromAnywhere } from '../../local/exposures/network.ts';
import { findingOn } from '../../local/findings.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account } from '../../local/specimen.ts';

const environment = { ...process.env };
const [, member] = MEMBER_ACCOUNTS;
const cloud = sharedCloud();
let account: Account;
let ec2: EC2Client;
beforeAll(async () => {
  account = await cloud.account(member, HOME_REGION);
  ec2 = new EC2Client(account.client);
});
afterAll(() => {
  process.env = environment;
});

/** A response with everything automatic, and whether it so much as asked for a session to write in. */
async function responseTo(finding: Finding, target: Target, action: Action, house: UndoHouse) {
  const id = responseId(action.id, target, randomUUID());
  const response = await respond({ id, action, target, finding, correlation: id }, house);
  const plan = (await house.ledger.get(id))?.plan;
  return { response, facts: plan?.facts, wrote: (await cloud.doors.sessions(id)).length > 0 };
}

describe('an instance that others depend on', () => {
  const action = isolateInstance as Action;
  let house: UndoHouse;
  beforeAll(async () => {
    house = await deployedHouse(cloud, action);
  });
  const critical = (target: Target) =>
    findingOn(target, 'guardduty', 'Backdoor:EC2/C&CActivity.B', { severity: 'CRITICAL', score: 9.5 });

  async function instance(tags: Record<string, string> = {}) {
    const network = await createNetwork(account);
    const groups = [await createGroup(account, network, 'web')];
    return { network, groups, target: await runInstanceWithData(account, network, groups, tags) };
  }

  test('that passes on the traffic of others, as a NAT instance does, waits for a person, who is told so', async () => {
    const { network, groups, target } = await instance();
    const NetworkInterfaceId = await attachInterface(account, network, target.id, 1, groups);
    await ec2.send(
      new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, SourceDestCheck: { Value: false } }),
    );
    const { response, facts, wrote } = await responseTo(critical(target), target, action, house);
    expect({ ...response, wrote }).toMatchObject({ outcome: 'awaiting-approval', guard: 'caution', wrote: false });
    expect(response.reason).toMatch('forwards the traffic of other machines');
    expect(facts).toMatchObject({ forwards: true, privateAddresses: [expect.any(String), expect.any(String)] });
    expect(await groupNames(account, target)).toEqual([['web'], ['web']]);
  });

  test.each([{ Name: 'prod-bastion-1' }, { role: 'Jump Host' }, { 'jump-server': '' }])(
    'that is tagged as a bastion (%j) waits for a person: the tag alone does not let it off',
    async (tags) => {
      const { target } = await instance(tags);
      const { response, wrote } = await responseTo(critical(target), target, action, house);
      expect({ ...response, wrote }).toMatchObject({ outcome: 'awaiting-approval', guard: 'caution', wrote: false });
      expect(response.reason).toMatch('bastion');
      expect(await groupNames(account, target)).toEqual([['web']]);
    },
  );

  test.each([
    ['a service manages', { RequesterManaged: true }, 'is managed by an AWS service'],
    ['a service operates', { Operator: { Managed: true } }, 'is managed by an AWS service'],
    ['another account owns', { OwnerId: OUTSIDE_ACCOUNT }, 'belongs to another account'],
  ])('with an interface that %s is refused as a whole', async (_, told, reason) => {
    const { network, groups, target } = await instance();
    const its = await attachInterface(account, network, target.id, 1, groups);
    // As EC2 tells it of the interface of a directory, a function or a task, which no account can make by itself.
    const managed = disturbed(action, 'call', async ({ name }, send) => {
      const answer = (await send()) as { output: DescribeNetworkInterfacesResult };
      const { NetworkInterfaces = [] } = name === 'DescribeNetworkInterfaces' ? answer.output : {};
      for (const each of NetworkInterfaces) if (each.NetworkInterfaceId === its) Object.assign(each, told);
      return answer;
    });
    const { response, wrote } = await responseTo(critical(target), target, managed, house);
    expect({ ...response, wrote }).toMatchObject({ outcome: 'refused', wrote: false });
    expect(response.reason).toMatch(`${its} ${reason}`);
    expect(await groupNames(account, target)).toEqual([['web'], ['web']]);
  });
});

describe('a security group', () => {
  const action = closeOpenIngress as Action;
  let house: UndoHouse;
  beforeAll(async () => {
    house = await deployedHouse(cloud, action);
  });
  const groupTarget = (id: string): Target => {
    const target = targetOf('AWS::EC2::SecurityGroup', { account: member, region: HOME_REGION, partition: 'aws' }, id);
    if (!target) throw new Error(`${id} is no security group`);
    return target;
  };
  const isOpen = async (id: string) => {
    const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
    return (SecurityGroups?.[0]?.IpPermissions ?? []).length > 0;
  };
  /** What CloudTrail tells of a call that opened a group to everything. */
  const opened = (target: Target, principal: string) =>
    findingOn(target, 'cloudtrail', 'ec2:AuthorizeSecurityGroupIngress', {
      principal,
      ports: [{ protocol: '-1', from: 0, to: 65_535 }],
    });

  test('that many interfaces share says how many, and asks for no more pages than it takes to say many', async () => {
    const network = await createNetwork(account);
    const group = await createGroup(account, network, 'shared');
    const sharers = 23;
    for (let index = 0; index < sharers; index += 1) {
      await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: network.subnet, Groups: [group] }));
    }
    const clients = action.clients(await house.sessions.read(groupTarget(group)));
    expect(await action.reach?.(clients, groupTarget(group), 500)).toBe(sharers);
    expect(await action.reach?.(clients, groupTarget(group), 10)).toBeGreaterThanOrEqual(10);
  });

  test('by which we let connections go waits for a person, since anybody may call theirs so', async () => {
    const id = await createOwnGroup(account, await createNetwork(account), FLUSH);
    const target = groupTarget(id);
    for (const finding of [
      findingOn(target, 'securityhub', 'EC2.19', { severity: 'CRITICAL' }),
      opened(target, `arn:aws:sts::${member}:assumed-role/administrator/mallory`),
      opened(target, `arn:aws:sts::${OUTSIDE_ACCOUNT}:assumed-role/firebreak-instances/instances-k7m2p9xqra`),
      opened(target, `arn:aws:iam::${member}:user/assumed-role/firebreak-instances/x`),
    ]) {
      const { response, wrote } = await responseTo(finding, target, action, house);
      expect({ ...response, wrote }).toMatchObject({ outcome: 'awaiting-approval', guard: 'caution', wrote: false });
      expect(response.reason).toMatch('open on purpose');
    }
    expect(await isOpen(id)).toBe(true);
  });

  test('that our own worker opened to let connections go is left alone', async () => {
    const id = await createOwnGroup(account, await createNetwork(account), FLUSH);
    const target = groupTarget(id);
    const ours = opened(target, `arn:aws:sts::${member}:assumed-role/firebreak-instances/instances-k7m2p9xqra`);
    const { response, wrote } = await responseTo(ours, target, action, house);
    expect({ ...response, wrote }).toMatchObject({ outcome: 'excepted', wrote: false });
    expect(await isOpen(id)).toBe(true);
  });

  test('that only has its name, or more rules than ours, is closed', async () => {
    const network = await createNetwork(account);
    const tagged = await createGroup(account, network, 'shop', { [ROLE_TAG]: 'flush' });
    await allow(account, tagged, [fromAnywhere('-1', -1, -1)]);
    const ours = await createOwnGroup(account, network, FLUSH);
    await allow(account, ours, [fromAnywhere('tcp', 22, 22)]);
    for (const id of [tagged, ours]) {
      const target = groupTarget(id);
      const by = `arn:aws:sts::${member}:assumed-role/administrator/mallory`;
      expect((await responseTo(opened(target, by), target, action, house)).response).toMatchObject({
        outcome: 'verified',
      });
      expect(await isOpen(id)).toBe(false);
    }
  });
});
