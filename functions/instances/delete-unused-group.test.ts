import { randomUUID } from 'node:crypto';
import {
  CreateNetworkInterfaceCommand,
  CreateTagsCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FLUSH, type OwnGroup, QUARANTINE } from '../../engine/own-groups.ts';
import type { Action, Target } from '../../engine/remediation.ts';
import { type Request, respond } from '../../engine/respond.ts';
import type { Json } from '../../engine/state.ts';
import { responseId, targetOf } from '../../engine/targets.ts';
import { type UndoHouse, undo } from '../../engine/undo.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { contract, sharedCloud } from '../../local/contract.ts';
import { disturbed, mortal } from '../../local/disturbed.ts';
import {
  allow,
  createGroup,
  createNetwork,
  createOwnGroup,
  fromAnywhere,
  type Network,
} from '../../local/exposures/network.ts';
import { findingOn } from '../../local/findings.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account, Specimen } from '../../local/specimen.ts';
import deleteUnusedGroup from './delete-unused-group.ts';

const action = deleteUnusedGroup as Action;
const GROUP = 'AWS::EC2::SecurityGroup';

function targetFor(account: Account, id: string): Target {
  const target = targetOf(GROUP, { account: account.id, region: account.region, partition: 'aws' }, id);
  if (!target) throw new Error(`${id} is no security group`);
  return target;
}

/** The groups of a VPC by name, with all their rules and what we tag them with: their ids are not the same after an undo. */
async function groupsIn(
  { client }: Account,
  { vpc }: Network,
): Promise<{ name: string; rules: string; role: string }[]> {
  const Filters = [{ Name: 'vpc-id', Values: [vpc] }];
  const { SecurityGroups = [] } = await new EC2Client(client).send(new DescribeSecurityGroupsCommand({ Filters }));
  const peers = (rules: SecurityGroup['IpPermissions']) =>
    (rules ?? []).flatMap(({ IpProtocol, IpRanges = [], Ipv6Ranges = [] }) =>
      [...IpRanges.map(({ CidrIp }) => CidrIp), ...Ipv6Ranges.map(({ CidrIpv6 }) => CidrIpv6)].map(
        (peer) => `${IpProtocol} ${peer}`,
      ),
    );
  return SecurityGroups.map(({ GroupName: name = '', IpPermissions, IpPermissionsEgress, Tags = [] }) => ({
    name,
    rules: JSON.stringify([peers(IpPermissions).sort(), peers(IpPermissionsEgress).sort()]),
    role: Tags.find(({ Key }) => Key === 'firebreak:role')?.Value ?? '',
  })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const unused = (which: OwnGroup, other: OwnGroup): Specimen => ({
  async expose(account, _name, size) {
    const network = await createNetwork(account);
    const name = size === 'usual' ? which : `${which}-0a1b2c3d`;
    const target = targetFor(account, await createOwnGroup(account, network, which, { name }));
    await createOwnGroup(account, network, other);
    return {
      target,
      finding: findingOn(target, 'operator', 'run'),
      observe: async () => (await groupsIn(account, network)) as object as Json,
      untouched: (observed) => (observed as unknown as { name: string }[]).filter((each) => each.name !== name) as Json,
      closed: async () => !(await groupsIn(account, network)).some((each) => each.name === name),
      async alter() {
        const id = await createOwnGroup(account, network, which, { name: `${which}-99999999` });
        const Tags = [{ Key: 'firebreak:replaces', Value: target.id }];
        await new EC2Client(account.client).send(new CreateTagsCommand({ Resources: [id], Tags }));
      },
    };
  },
});

contract(deleteUnusedGroup, unused(FLUSH, QUARANTINE), unused(QUARANTINE, FLUSH));

describe('when it is asked for', () => {
  const environment = { ...process.env };
  let account: Account;
  let ec2: EC2Client;
  let house: UndoHouse;
  beforeAll(async () => {
    account = await sharedCloud().account(MEMBER_ACCOUNTS[1], HOME_REGION);
    ec2 = new EC2Client(account.client);
    house = await deployedHouse(sharedCloud(), action);
  });
  afterAll(() => {
    process.env = environment;
  });

  function requestFor(id: string, tried = action): Request {
    const target = targetFor(account, id);
    const message = randomUUID();
    const finding = findingOn(target, 'operator', 'run');
    return { id: responseId(action.id, target, message), action: tried, target, finding, correlation: message };
  }

  async function isThere(id: string): Promise<boolean> {
    const Filters = [{ Name: 'group-id', Values: [id] }];
    return (await ec2.send(new DescribeSecurityGroupsCommand({ Filters }))).SecurityGroups?.length === 1;
  }

  describe('a group stays, with the reason said,', () => {
    const cases: readonly [string, RegExp, (network: Network) => Promise<string>][] = [
      ['that is not called as ours', /not called and tagged/, (network) => createGroup(account, network, 'web')],
      [
        'that is called as ours without our tag',
        /not called and tagged/,
        (network) => createGroup(account, network, QUARANTINE),
      ],
      [
        'that has our tag under another name',
        /not called and tagged/,
        (network) => createOwnGroup(account, network, QUARANTINE, { name: 'web' }),
      ],
      [
        'to which somebody added a rule',
        /rules that Firebreak gives no firebreak-quarantine/,
        async (network) => {
          const id = await createOwnGroup(account, network, QUARANTINE);
          await allow(account, id, [fromAnywhere('tcp', 22, 22)]);
          return id;
        },
      ],
      [
        'that an interface is in',
        /the interface eni-[0-9a-f]+ is in it/,
        async (network) => {
          const id = await createOwnGroup(account, network, QUARANTINE);
          await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: network.subnet, Groups: [id] }));
          return id;
        },
      ],
      [
        'that a rule of another group refers to',
        /a rule of sg-[0-9a-f]+ refers to it/,
        async (network) => {
          const id = await createOwnGroup(account, network, FLUSH);
          const other = await createGroup(account, network, 'web');
          await allow(account, other, [
            { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, UserIdGroupPairs: [{ GroupId: id }] },
          ]);
          return id;
        },
      ],
    ];

    test.each(cases)('%s', async (_, reason, make) => {
      const id = await make(await createNetwork(account));
      expect(await respond(requestFor(id), house)).toMatchObject({
        outcome: 'refused',
        reason: expect.stringMatching(reason),
      });
      expect(await isThere(id)).toBe(true);
    });

    test.each(['DeleteSecurityGroup', 'DescribeNetworkInterfaces'])(
      'that comes into use right before %s',
      async (before) => {
        const network = await createNetwork(account);
        const id = await createOwnGroup(account, network, QUARANTINE);
        let seen = 0;
        const used = disturbed(action, 'call', async ({ name }, send) => {
          // The first look is the plan's.
          if (name === before && ++seen === (before === 'DeleteSecurityGroup' ? 1 : 2)) {
            await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: network.subnet, Groups: [id] }));
          }
          return send();
        });
        expect(await respond(requestFor(id, used), house)).toMatchObject({
          outcome: 'failed',
          reason: expect.stringMatching(
            /nothing was deleted: (EC2 says that something else depends on it|the interface eni-)/,
          ),
        });
        expect(await isThere(id)).toBe(true);
      },
    );
  });

  test.each([FLUSH, QUARANTINE] as const)(
    '%s that was left half made is deleted, and made whole by an undo',
    async (which) => {
      const network = await createNetwork(account);
      const first = requestFor(await createOwnGroup(account, network, which, { halfMade: true }));
      expect(await respond(first, house)).toMatchObject({ outcome: 'verified' });
      const recorded = (await house.ledger.get(first.id))?.plan;
      if (!recorded) throw new Error('no plan was recorded');
      const back = { ...requestFor(first.target.id), recorded, undoes: first.id, by: 'a test' };
      expect(await undo(back, house)).toMatchObject({ outcome: 'undone' });
      const whole = await createNetwork(account);
      await createOwnGroup(account, whole, which);
      expect(await groupsIn(account, network)).toEqual(await groupsIn(account, whole));
      expect(await respond(requestFor(first.target.id), house)).toMatchObject({
        outcome: 'refused',
        reason: expect.stringMatching(/^it was deleted, and sg-[0-9a-f]+ is in its place/),
      });
    },
  );

  test('whichever call it dies after, the next run ends it', async () => {
    for (let last = 1; last <= 7; last += 1) {
      const request = requestFor(await createOwnGroup(account, await createNetwork(account), FLUSH));
      const died = respond({ ...request, action: mortal(action, last) }, house);
      await expect(died).rejects.toThrow('no answer');
      expect([last, await respond(request, house)]).toMatchObject([last, { outcome: 'verified' }]);
      expect([last, await isThere(request.target.id)]).toEqual([last, false]);
    }
  });

  test('an undo that was killed when it had made the group finishes that one', async () => {
    const network = await createNetwork(account);
    const first = requestFor(await createOwnGroup(account, network, FLUSH));
    expect(await respond(first, house)).toMatchObject({ outcome: 'verified' });
    const recorded = (await house.ledger.get(first.id))?.plan;
    if (!recorded) throw new Error('no plan was recorded');
    const back = { ...requestFor(first.target.id), recorded, undoes: first.id, by: 'a test' };
    const killed = disturbed(action, 'call', async ({ name }, send) => {
      if (name.startsWith('Authorize')) throw Object.assign(new Error('killed'), { name: 'TimeoutError' });
      return send();
    });
    await expect(undo({ ...back, action: killed }, house)).rejects.toThrow('killed');
    expect(await undo(back, house)).toMatchObject({ outcome: 'undone' });
    const ours = (await groupsIn(account, network)).filter(({ role }) => role === 'flush');
    expect(ours.map(({ name }) => name)).toEqual([FLUSH]);
  });

  test('a group that is gone already is compliant', async () => {
    const id = await createOwnGroup(account, await createNetwork(account), FLUSH);
    await ec2.send(new DeleteSecurityGroupCommand({ GroupId: id }));
    expect(await respond(requestFor(id), house)).toMatchObject({ outcome: 'compliant' });
  });
});
