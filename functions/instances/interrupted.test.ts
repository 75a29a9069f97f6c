import { randomUUID } from 'node:crypto';
import {
  DeleteSecurityGroupCommand,
  type DescribeNetworkInterfacesResult,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Action, Target } from '../../engine/remediation.ts';
import { type Request, respond } from '../../engine/respond.ts';
import { responseId } from '../../engine/targets.ts';
import { type UndoHouse, undo } from '../../engine/undo.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { disturbed, mortal, type Passing, unanswered } from '../../local/disturbed.ts';
import { attachInterface, groupNames, runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork, type Network } from '../../local/exposures/network.ts';
import { findingAbout } from '../../local/findings.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account } from '../../local/specimen.ts';
import isolateInstance from './isolate-instance.ts';

const action = isolateInstance as Action;
const MOVE = 'ModifyNetworkInterfaceAttribute';
const WAS = [['ssh', 'web']];
const ISOLATED = [['firebreak-quarantine']];
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

/** A VPC with an instance in two groups, and a request to isolate it. */
async function compromised() {
  const network = await createNetwork(account);
  const groups = [await createGroup(account, network, 'ssh'), await createGroup(account, network, 'web')];
  const target = await runInstanceWithData(account, network, groups);
  return { network, groups, target, request: requestFor(target) };
}

function requestFor(target: Target): Request {
  const message = randomUUID();
  const resources = [{ type: target.type, id: target.id }];
  const finding = findingAbout(account, { source: 'guardduty', type: 'Trojan:EC2/DNSDataExfiltration', resources });
  return { id: responseId(action.id, target, message), action, target, finding, correlation: message };
}

async function undoOf({ id, target }: Request) {
  const record = await house.ledger.get(id);
  if (!record?.plan) throw new Error('no plan was recorded');
  return undo({ ...requestFor(target), recorded: record.plan, undoes: id, by: 'a test' }, house);
}

/** Snapshots that say they are evidence about an instance: two for each set. */
async function evidence({ id }: Target): Promise<number> {
  const Filters = [{ Name: 'tag:firebreak:instance', Values: [id] }];
  return (await ec2.send(new DescribeSnapshotsCommand({ Filters }))).Snapshots?.length ?? 0;
}

/** Names of the groups that isolation made in a VPC, whether or not they are used. */
async function groupsOfOurs({ vpc }: Network): Promise<string[]> {
  const Filters = [
    { Name: 'vpc-id', Values: [vpc] },
    { Name: 'group-name', Values: ['firebreak-*'] },
  ];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters }));
  return SecurityGroups.map(({ GroupName = '' }) => GroupName).sort();
}

/** The remediation, and the calls it made. */
function watched(): { action: Action; calls: Passing[] } {
  const calls: Passing[] = [];
  const watching = disturbed(action, 'call', (call, send) => {
    calls.push(call);
    return send();
  });
  return { action: watching, calls };
}

/** The remediation, with some of its calls refused for good. */
const refusing = (refuses: (call: Passing) => boolean): Action =>
  disturbed(action, 'call', async (call, send) => {
    if (refuses(call)) throw Object.assign(new Error('not today'), { name: 'OperationNotPermitted' });
    return send();
  });
const REFUSED = { outcome: 'failed', reason: 'OperationNotPermitted: not today' };

test('takes eleven calls in a VPC that has our groups', async () => {
  const { network, groups, request } = await compromised();
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  const second = requestFor(await runInstanceWithData(account, network, groups));
  const { calls, ...counted } = watched();
  expect(await respond({ ...second, ...counted }, house)).toMatchObject({ outcome: 'verified' });
  expect(calls.map(({ name }) => name)).toHaveLength(11);
});

test('keeps the volumes, then lets connections go and closes, one interface after the other', async () => {
  const { network, groups, target, request } = await compromised();
  await attachInterface(account, network, target.id, 1, groups);
  const { calls, ...counted } = watched();
  expect(await respond({ ...request, ...counted }, house)).toMatchObject({ outcome: 'verified' });

  const changing = calls.filter(({ name }) => name === 'CreateSnapshots' || name === MOVE);
  expect(changing.map(({ name }) => name)).toEqual(['CreateSnapshots', MOVE, MOVE, MOVE, MOVE]);
  const moves = calls.filter(({ name }) => name === MOVE);
  expect(moves.at(-1)?.number).toBe((moves[0]?.number ?? 0) + 3);
  const { SecurityGroups = [] } = await ec2.send(
    new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [network.vpc] }] }),
  );
  const everything = expect.arrayContaining(['0.0.0.0/0', '::/0']);
  const expected = { 'firebreak-flush': [everything, everything], 'firebreak-quarantine': [[], []] };
  const into = moves.map(({ input }) => {
    const group = SecurityGroups.find(({ GroupId }) => GroupId === (input.Groups as string[])[0]);
    const rules = [group?.IpPermissions ?? [], group?.IpPermissionsEgress ?? []].map((permissions) =>
      permissions.flatMap(({ IpProtocol, IpRanges = [], Ipv6Ranges = [] }) =>
        IpProtocol === '-1'
          ? [...IpRanges.map(({ CidrIp }) => CidrIp), ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6)]
          : [],
      ),
    );
    expect(rules).toEqual(expected[group?.GroupName as keyof typeof expected]);
    return group?.GroupName;
  });
  expect(into).toEqual(['firebreak-flush', 'firebreak-quarantine', 'firebreak-flush', 'firebreak-quarantine']);
  expect(new Set(moves.slice(0, 2).map(({ input }) => input.NetworkInterfaceId)).size).toBe(1);
});

test('whichever call it dies after, the next run ends it, with one set of evidence and the way back', async () => {
  const { calls, ...counted } = watched();
  expect(await respond({ ...(await compromised()).request, ...counted }, house)).toMatchObject({ outcome: 'verified' });
  expect(calls.length).toBeGreaterThan(15);
  await Promise.all(
    calls.map(async ({ number, name }) => {
      const { network, target, request } = await compromised();
      await expect(respond({ ...request, action: mortal(action, number) }, house)).rejects.toThrow('no answer');
      const died = `died after ${number} ${name}`;
      expect([died, await respond(request, house)]).toMatchObject([died, { outcome: 'verified' }]);
      expect([died, await evidence(target)]).toEqual([died, 2]);
      expect([died, await groupNames(account, target)]).toEqual([died, ISOLATED]);
      expect([died, await groupsOfOurs(network)]).toEqual([died, ['firebreak-flush', 'firebreak-quarantine']]);
      expect([died, await undoOf(request)]).toMatchObject([died, { outcome: 'undone' }]);
      expect([died, await groupNames(account, target)]).toEqual([died, WAS]);
    }),
  );
}, 240_000);

test('a response keeps the volumes itself, unless the instance was isolated with evidence before it', async () => {
  const { target, request } = await compromised();
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'compliant' });
  expect(await evidence(target)).toBe(2);
  expect(await undoOf(request)).toMatchObject({ outcome: 'undone' });
  expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'verified' });
  expect(await evidence(target)).toBe(4);
});

test('snapshots that were started though the answer was lost are not started again', async () => {
  const { target, request } = await compromised();
  const sent: string[] = [];
  const unheard = disturbed(action, 'attempt', async ({ name }, send) => {
    sent.push(name);
    const answer = await send();
    if (name === 'CreateSnapshots') throw unanswered();
    return answer;
  });
  await expect(respond({ ...request, action: unheard }, house)).rejects.toThrow('no answer');
  expect(sent.filter((name) => name === 'CreateSnapshots')).toHaveLength(1);
  expect(await groupNames(account, target)).toEqual(ISOLATED);
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  expect(await evidence(target)).toBe(2);
});

test.each([1, 9])(
  'with %d interfaces, what cannot be kept is isolated all the same, and not called verified',
  async (count) => {
    const { network, groups, target, request } = await compromised();
    for (let index = 1; index < count; index++) await attachInterface(account, network, target.id, index, groups);
    const unkept = refusing(({ name }) => name === 'CreateSnapshots');
    expect(await respond({ ...request, action: unkept }, house)).toMatchObject(REFUSED);
    expect((await groupNames(account, target)).flat()).toEqual(Array(count).fill('firebreak-quarantine'));
    expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'verified' });
    expect(await evidence(target)).toBe(2);
  },
);

describe('when the quarantine is refused after the flush', () => {
  /** Refuses to move interfaces from the second time to the n-th: the first opened one. */
  const refusingMoves = (until: number) => {
    let moves = 0;
    return refusing(({ name }) => name === MOVE && ++moves > 1 && moves <= until);
  };

  test('the groups before it come back', async () => {
    const { target, request } = await compromised();
    expect(await respond({ ...request, action: refusingMoves(2) }, house)).toMatchObject(REFUSED);
    expect(await groupNames(account, target)).toEqual(WAS);
  });

  test('and they are refused too, any next response closes it, and only the first one goes back', async () => {
    const { target, request } = await compromised();
    expect(await respond({ ...request, action: refusingMoves(3) }, house)).toMatchObject(REFUSED);
    expect(await groupNames(account, target)).toEqual([['firebreak-flush']]);

    const later = requestFor(target);
    const minor = { ...later, finding: { ...later.finding, score: 1 } };
    expect(await respond(minor, house)).toMatchObject({ outcome: 'verified' });
    expect(await groupNames(account, target)).toEqual(ISOLATED);
    expect(await undoOf(later)).toMatchObject({ outcome: 'failed', reason: expect.stringMatching('left open') });
    expect(await groupNames(account, target)).toEqual(ISOLATED);
    expect(await undoOf(request)).toMatchObject({ outcome: 'undone' });
    expect(await groupNames(account, target)).toEqual(WAS);
  });
});

test('a person can take an interrupted response back from the flush group', async () => {
  const { target, request } = await compromised();
  let moves = 0;
  const stuck = refusing(({ name }) => name === MOVE && ++moves > 1);
  expect(await respond({ ...request, action: stuck }, house)).toMatchObject(REFUSED);
  expect(await groupNames(account, target)).toEqual([['firebreak-flush']]);
  expect(await undoOf(request)).toMatchObject({ outcome: 'undone' });
  expect(await groupNames(account, target)).toEqual(WAS);
});

test.each([1, 15])(
  'with %d interfaces, nothing goes back when one of the groups does not exist any more',
  async (count) => {
    const { network, groups, target, request } = await compromised();
    for (let index = 1; index < count; index++) {
      groups.push(await createGroup(account, network, `own-${index}`));
      await attachInterface(account, network, target.id, index, groups.slice(-2));
    }
    expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
    const last = groups.at(-1);
    await ec2.send(new DeleteSecurityGroupCommand({ GroupId: last }));
    const reason = `Error: nothing was changed: ${last} does not exist any more`;
    expect(await undoOf(request)).toMatchObject({ outcome: 'failed', reason });
    expect((await groupNames(account, target)).flat()).toEqual(Array(count).fill('firebreak-quarantine'));
  },
);

test('is refused before anything is changed where a service manages one of the interfaces', async () => {
  const { network, groups, target, request } = await compromised();
  const managed = await attachInterface(account, network, target.id, 1, groups);
  // As EC2 tells it of the interface of an ECS task, which no account can make by itself.
  const task = disturbed(action, 'call', async ({ name }, send) => {
    const answer = (await send()) as { output: DescribeNetworkInterfacesResult };
    const { NetworkInterfaces = [] } = name === 'DescribeNetworkInterfaces' ? answer.output : {};
    for (const each of NetworkInterfaces) each.RequesterManaged = each.NetworkInterfaceId === managed;
    return answer;
  });
  const reason = `not all its interfaces can be changed from here: ${managed} is managed by an AWS service`;
  expect(await respond({ ...request, action: task }, house)).toMatchObject({ outcome: 'refused', reason });
  expect(await groupNames(account, target)).toEqual([...WAS, ...WAS]);
  expect(await evidence(target)).toBe(0);
});

test('a group of ours that the sweep had deleted meanwhile is made again', async () => {
  const { network, target, request } = await compromised();
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  expect(await undoOf(request)).toMatchObject({ outcome: 'undone' });
  const Filters = [
    { Name: 'vpc-id', Values: [network.vpc] },
    { Name: 'group-name', Values: ['firebreak-*'] },
  ];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters }));
  for (const { GroupId, GroupName } of SecurityGroups) {
    const second = requestFor(target);
    let swept = false;
    const deleted = disturbed(action, 'call', async ({ name }, send) => {
      if (name === MOVE && !swept) {
        swept = true;
        await ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
      }
      return send();
    });
    await expect(respond({ ...second, action: deleted }, house)).rejects.toThrow(GroupId);
    // Never left open to everybody, whichever of the two it was.
    expect([GroupName, await groupNames(account, target)]).toEqual([GroupName, WAS]);
    expect([GroupName, await respond(second, house)]).toMatchObject([GroupName, { outcome: 'verified' }]);
    expect(await groupNames(account, target)).toEqual(ISOLATED);
    expect(await undoOf(second)).toMatchObject({ outcome: 'undone' });
  }
}, 60_000);

test('an instance that was terminated is gone', async () => {
  const { target, request } = await compromised();
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [target.id] }));
  expect(await respond(request, house)).toMatchObject({ outcome: 'gone' });
});
