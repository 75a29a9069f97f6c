import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  type NetworkInterface,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Action } from '../../engine/remediation.ts';
import type { Response } from '../../engine/response.ts';
import { responseId } from '../../engine/targets.ts';
import { undo } from '../../engine/undo.ts';
import isolateInstance from '../../functions/instances/isolate-instance.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { changing, Deployed, inLongForm, killerOf, tried } from '../../local/deployed.ts';
import { createGroup } from '../../local/exposures/network.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account } from '../../local/specimen.ts';
import { compromisedInstance, type Wrong } from './exposures.ts';

const action = isolateInstance as Action;
const SESSIONS = '*:assumed-role/firebreak-instances/*';
const MOVE = 'ModifyNetworkInterfaceAttribute';
let deployed: Deployed;
let account: Account;
let ec2: EC2Client;
beforeAll(async () => {
  deployed = new Deployed();
  account = await deployed.cloud.account(MEMBER_ACCOUNTS[0], HOME_REGION);
  ec2 = new EC2Client(account.client);
});
beforeEach(async () => {
  await deployed.allCalls();
});
afterEach(async () => {
  await deployed.cloud.doors.setFaults([]);
});

async function respondTo(wrong: Wrong): Promise<Response> {
  const event = await deployed.tell(wrong.told());
  await deployed.settled(wrong.worker);
  const [response, ...others] = await deployed.responses([event]);
  if (!response || others.length > 0) throw new Error(`${others.length + 1} responses about ${wrong.target.arn}`);
  return response;
}

/** Ids of the snapshots that say they are evidence about an instance: two for each set. */
async function evidence({ target }: Wrong): Promise<readonly string[]> {
  const Filters = [{ Name: 'tag:firebreak:instance', Values: [target.id] }];
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ Filters }));
  return Snapshots.map(({ SnapshotId = '' }) => SnapshotId);
}

async function interfaceOf({ target }: Wrong): Promise<NetworkInterface> {
  const Filters = [{ Name: 'attachment.instance-id', Values: [target.id] }];
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }));
  if (!NetworkInterfaces[0]) throw new Error(`${target.id} has no interface`);
  return NetworkInterfaces[0];
}

/** Takes a response back, as an analyst does. */
async function release({ target }: Wrong, fixed: Response): Promise<Response> {
  const house = await deployedHouse(deployed.cloud, action);
  const { finding, plan } = await deployed.record(fixed.id);
  if (!plan) throw new Error('no plan was recorded');
  const message = randomUUID();
  const id = responseId(action.id, target, message);
  return undo(
    { id, action, target, finding, correlation: message, recorded: plan, undoes: fixed.id, by: 'a test' },
    house,
  );
}

test('#17 isolation stopped after each step ends isolated, with one set of evidence, and what was is recorded first', async () => {
  const undisturbed = await compromisedInstance(account);
  await deployed.allCalls();
  await respondTo(undisturbed);
  const steps = (await deployed.calls('instances')).filter(changing).map(({ operation }) => operation);
  expect(steps).toContain('CreateSnapshots');
  expect(steps.filter((step) => step === MOVE)).toHaveLength(2);
  // Between the others, which make our groups, a kill is no different from one in another VPC: the long form has them too.
  const stops = [...steps.keys()].filter((step) =>
    inLongForm(true, ['CreateSnapshots', MOVE].includes(steps[step] ?? '')),
  );
  for (const step of stops) {
    const wrong = await compromisedInstance(account);
    await deployed.allCalls();
    await deployed.cloud.doors.setFaults([
      {
        principal: SESSIONS,
        operation: [...new Set(steps)],
        phase: 'after',
        skip: step,
        times: 1,
        tell: killerOf('instances'),
      },
    ]);
    const response = await respondTo(wrong);
    expect((await deployed.cloud.doors.faults())[0]?.applied).toBe(1);
    expect(response.outcome).toBe('verified');
    expect(await wrong.closed()).toBe(true);
    expect(await evidence(wrong)).toHaveLength(2);
    const { plan } = await deployed.record(response.id);
    expect(Object.values(plan?.before ?? {})).toContainEqual(wrong.groups);
    tried(17, 1);
  }
});

test('#18 released, an instance has the groups it had; what somebody changed meanwhile is told and left alone', async () => {
  const wrong = await compromisedInstance(account);
  const fixed = await respondTo(wrong);
  expect(await wrong.closed()).toBe(true);
  expect((await release(wrong, fixed)).outcome).toBe('undone');
  expect(await wrong.groupIds()).toEqual(wrong.groups);

  const changed = await compromisedInstance(account);
  const again = await respondTo(changed);
  const { NetworkInterfaceId, VpcId: vpc = '' } = await interfaceOf(changed);
  const theirs = await createGroup(account, { vpc, subnet: '' }, 'forensics');
  await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, Groups: [theirs] }));
  const conflict = await release(changed, again);
  expect(conflict).toMatchObject({ outcome: 'changed-since', reason: expect.stringContaining(theirs) });
  expect(await changed.groupIds()).toEqual([theirs]);
  tried(18, 2);
});

test('#19 open connections end: each interface is first in a group that is open to all, and directly after in quarantine; sessions of its profile are not denied yet', async () => {
  const wrong = await compromisedInstance(account);
  const seen: { groups: readonly string[]; open: readonly boolean[] }[] = [];
  // Looks at the instance right before each move, while the worker waits; the call is then sent again.
  const server = http.createServer(async (_request, response) => {
    const groups = await wrong.groupIds();
    const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [...groups] }));
    const open = SecurityGroups.map(({ IpPermissions = [], IpPermissionsEgress = [] }) =>
      [IpPermissions, IpPermissionsEgress].every((rules) =>
        ['0.0.0.0/0', '::/0'].every((everybody) =>
          rules.some(
            ({ IpProtocol, IpRanges = [], Ipv6Ranges = [] }) =>
              IpProtocol === '-1' &&
              (IpRanges.some(({ CidrIp }) => CidrIp === everybody) ||
                Ipv6Ranges.some(({ CidrIpv6 }) => CidrIpv6 === everybody)),
          ),
        ),
      ),
    );
    seen.push({ groups, open });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const tell = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    // Every second one, since each comes again.
    const fault = { principal: SESSIONS, operation: MOVE, tell, times: 1 };
    await deployed.cloud.doors.setFaults([fault, { ...fault, skip: 2 }]);
    const response = await respondTo(wrong);
    expect(response.outcome).toBe('verified');
  } finally {
    server.close();
  }
  expect(seen.map(({ open }) => open)).toEqual([[false, false], [true]]);
  expect(seen[0]?.groups).toEqual(wrong.groups);
  expect(await wrong.closed()).toBe(true);
  tried(19, 1);
});
