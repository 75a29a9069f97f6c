import { randomUUID } from 'node:crypto';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FinalizeRequestMiddleware, InitializeMiddleware } from '@smithy/types';
import { sessionConfig } from '../../engine/aws/session.ts';
import { AssumedSessions } from '../../engine/aws/sessions.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { policySchema } from '../../engine/policy.ts';
import type { Action, Target } from '../../engine/remediation.ts';
import { type House, type Request, respond, undo } from '../../engine/respond.ts';
import { responseId } from '../../engine/targets.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork, type Network } from '../../local/exposures/network.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Account } from '../../local/specimen.ts';
import isolateInstance from './isolate-instance.ts';

const home = { account: SECURITY_ACCOUNT, region: HOME_REGION };
const environment = { ...process.env };
let account: Account;
let ec2: EC2Client;
let house: House;

beforeAll(async () => {
  const cloud = sharedCloud();
  account = await cloud.account(MEMBER_ACCOUNTS[1], HOME_REGION);
  ec2 = new EC2Client(account.client);
  const credentials = await cloud.doors.assumeAsService(
    'lambda.amazonaws.com',
    `arn:aws:iam::${SECURITY_ACCOUNT}:role/firebreak-worker-instances`,
    'firebreak-instances',
    `arn:aws:lambda:${HOME_REGION}:${SECURITY_ACCOUNT}:function:firebreak-instances`,
  );
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  });
  house = {
    ledger: new DynamoDbLedger(sessionConfig(home.account, home.region), 'firebreak-ledger'),
    sessions: new AssumedSessions(home, 'instances', isolateInstance.permissions.read),
    policy: policySchema.parse({ version: 1, remediations: { [isolateInstance.id]: { mode: 'automatic' } } }),
    home,
    log: { info: () => undefined, warn: () => undefined },
  };
});
afterAll(() => {
  process.env = environment;
});

/** A VPC with an instance in two groups, and a request to isolate it. */
async function compromised() {
  const network = await createNetwork(account);
  const groups = [await createGroup(account, network, 'web'), await createGroup(account, network, 'ssh')].sort();
  const target = await runInstanceWithData(account, network, groups);
  return { network, groups, target, request: requestFor(target) };
}

function requestFor(target: Target): Request {
  const message = randomUUID();
  const finding = findingAbout(account, {
    source: 'guardduty',
    type: 'Trojan:EC2/DNSDataExfiltration',
    resources: [{ type: target.type, id: target.id }],
  });
  return {
    id: responseId(isolateInstance.id, target, message),
    action: isolateInstance,
    target,
    finding,
    correlation: message,
  };
}

/** The groups of the instance's interface, by name. */
async function groupNames({ id }: Target): Promise<string[]> {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const [only] = Reservations?.[0]?.Instances?.[0]?.NetworkInterfaces ?? [];
  return (only?.Groups ?? []).map(({ GroupName = '' }) => GroupName).sort();
}

async function evidence({ id }: Target): Promise<number> {
  const Filters = [{ Name: 'tag:firebreak:instance', Values: [id] }];
  return (await ec2.send(new DescribeSnapshotsCommand({ Filters }))).Snapshots?.length ?? 0;
}

/** What happens to a call: its number from 1, its name, and how it is sent. */
type Handle = (call: number, name: string, send: () => Promise<unknown>) => Promise<unknown>;

/**
 * The remediation with something between it and AWS.
 * @param step `initialize`: before the SDK's retries; `finalizeRequest`: within them, so that it may send again
 */
function disturbed(step: 'initialize' | 'finalizeRequest', handle: Handle): Action {
  let calls = 0;
  return {
    ...(isolateInstance as Action),
    clients(session) {
      const clients = isolateInstance.clients(session);
      for (const { middlewareStack } of Object.values(clients)) {
        const between: InitializeMiddleware<object, object> =
          (next, { commandName = '' }) =>
          (args) =>
            handle(++calls, commandName.replace('Command', ''), () => next(args)) as ReturnType<typeof next>;
        middlewareStack.add(between as FinalizeRequestMiddleware<object, object> & typeof between, {
          step: step as 'initialize',
          priority: 'low',
        });
      }
      return clients;
    },
  };
}

/** As the SDK calls a request that was not answered in time. */
const unanswered = () => Object.assign(new Error('no answer'), { name: 'TimeoutError' });
const refused = () => Object.assign(new Error('not today'), { name: 'OperationNotPermitted' });

/** Dies when a call has taken place, and makes no other. */
function mortal(last: number): Action {
  let dead = false;
  return disturbed('initialize', async (call, _name, send) => {
    if (dead) throw unanswered();
    dead = call === last;
    const answer = await send();
    if (dead) throw unanswered();
    return answer;
  });
}

const undoOf = async (request: Request, response = request.id) => {
  const record = await house.ledger.get(response);
  if (!record?.plan) throw new Error('no plan was recorded');
  return undo({ ...requestFor(request.target), recorded: record.plan, undoes: response, by: 'a test' }, house);
};

test('takes eleven calls in a VPC that has our groups', async () => {
  const { network, groups, request } = await compromised();
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  const second = await runInstanceWithData(account, network, groups);
  const calls: string[] = [];
  const action = disturbed('initialize', (_call, name, send) => {
    calls.push(name);
    return send();
  });
  expect(await respond({ ...requestFor(second), action }, house)).toMatchObject({ outcome: 'verified' });
  expect(calls).toHaveLength(11);
});

test('whichever call it dies after, the next run ends it, with one set of evidence and the way back', async () => {
  for (let last = 1; ; last++) {
    const { target, request } = await compromised();
    const ended = await respond({ ...request, action: mortal(last) }, house).catch((error: Error) => error.name);
    if (ended !== 'TimeoutError') {
      // It lived: there is no further call to die after.
      expect(ended).toMatchObject({ outcome: 'verified' });
      expect(last).toBeGreaterThan(15);
      return;
    }
    expect([last, await respond(request, house)]).toMatchObject([last, { outcome: 'verified' }]);
    expect([last, await evidence(target)]).toEqual([last, 2]);
    expect([last, await groupNames(target)]).toEqual([last, [expect.stringMatching(/^firebreak-quarantine/)]]);
    expect(await undoOf(request)).toMatchObject({ outcome: 'undone' });
    expect(await groupNames(target)).toEqual(['ssh', 'web']);
  }
}, 300_000);

test('snapshots that were started though the answer was lost are not started again', async () => {
  const { target, request } = await compromised();
  const sent: string[] = [];
  const action = disturbed('finalizeRequest', async (_call, name, send) => {
    sent.push(name);
    const answer = await send();
    if (name === 'CreateSnapshots') throw unanswered();
    return answer;
  });
  await expect(respond({ ...request, action }, house)).rejects.toThrow('no answer');
  expect(sent.filter((name) => name === 'CreateSnapshots')).toHaveLength(1);
  expect(await groupNames(target)).toEqual(['ssh', 'web']);
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  expect(await evidence(target)).toBe(2);
});

test('an instance whose volumes cannot be kept is isolated all the same, and not called verified', async () => {
  const { target, request } = await compromised();
  const action = disturbed('initialize', async (_call, name, send) => {
    if (name === 'CreateSnapshots') throw refused();
    return send();
  });
  expect(await respond({ ...request, action }, house)).toMatchObject({
    outcome: 'failed',
    reason: 'OperationNotPermitted: not today',
  });
  expect(await groupNames(target)).toEqual(['firebreak-quarantine']);
  expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'verified' });
  expect(await evidence(target)).toBe(2);
});

describe('when the quarantine is refused after the flush', () => {
  /** Refuses changes of interfaces from the second on: the first opens it. */
  const refusing = (until: number) => {
    let moves = 0;
    return disturbed('initialize', async (_call, name, send) => {
      if (name === 'ModifyNetworkInterfaceAttribute' && ++moves > 1 && moves <= until) throw refused();
      return send();
    });
  };

  test('the groups before it come back', async () => {
    const { target, request } = await compromised();
    const failed = await respond({ ...request, action: refusing(2) }, house);
    expect(failed).toMatchObject({ outcome: 'failed', reason: 'OperationNotPermitted: not today' });
    expect(await groupNames(target)).toEqual(['ssh', 'web']);
  });

  test('and they are refused too, the next response closes it, and only the first goes back', async () => {
    const { target, request } = await compromised();
    expect(await respond({ ...request, action: refusing(3) }, house)).toMatchObject({ outcome: 'failed' });
    expect(await groupNames(target)).toEqual(['firebreak-flush']);

    const later = requestFor(target);
    expect(await respond({ ...later, finding: { ...later.finding, score: 1 } }, house)).toMatchObject({
      outcome: 'verified',
    });
    expect(await groupNames(target)).toEqual(['firebreak-quarantine']);
    expect(await undoOf(later)).toMatchObject({ outcome: 'failed', reason: expect.stringMatching('left open') });
    expect(await groupNames(target)).toEqual(['firebreak-quarantine']);
    expect(await undoOf(request)).toMatchObject({ outcome: 'undone' });
    expect(await groupNames(target)).toEqual(['ssh', 'web']);
  });
});

test('it is not taken back into a group that does not exist any more', async () => {
  const { target, groups, request } = await compromised();
  expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: groups[0] }));
  expect(await undoOf(request)).toMatchObject({
    outcome: 'failed',
    reason: `Error: nothing was changed: ${groups[0]} does not exist any more`,
  });
  expect(await groupNames(target)).toEqual(['firebreak-quarantine']);
});

test('an instance that was terminated is gone', async () => {
  const { target, request } = await compromised();
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [target.id] }));
  expect(await respond(request, house)).toMatchObject({ outcome: 'gone' });
});

describe('the groups of isolation', () => {
  /** A group with our name and tag that lets somebody in. */
  async function impostor({ vpc }: Network, GroupName: string): Promise<void> {
    const { GroupId } = await ec2.send(
      new CreateSecurityGroupCommand({
        GroupName,
        Description: 'made by somebody else',
        VpcId: vpc,
        TagSpecifications: [
          { ResourceType: 'security-group', Tags: [{ Key: 'firebreak:role', Value: GroupName.slice(10) }] },
        ],
      }),
    );
    await open(GroupId ?? '');
  }
  const open = (GroupId: string) =>
    ec2.send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId,
        IpPermissions: [{ IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '198.51.100.7/32' }] }],
      }),
    );

  test('are others than those that somebody made in our name', async () => {
    const { network, target, request } = await compromised();
    await impostor(network, 'firebreak-quarantine');
    await impostor(network, 'firebreak-flush');
    expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
    expect(await groupNames(target)).toEqual([expect.stringMatching(/^firebreak-quarantine-[0-9a-f]{8}$/)]);
  }, 60_000);

  test('are no longer ours once somebody adds a rule: the instance is isolated anew, and undo asks a person', async () => {
    const { target, request } = await compromised();
    expect(await respond(request, house)).toMatchObject({ outcome: 'verified' });
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [target.id] }));
    await open(Reservations?.[0]?.Instances?.[0]?.SecurityGroups?.[0]?.GroupId ?? '');
    expect(await respond(requestFor(target), house)).toMatchObject({ outcome: 'verified' });
    expect(await groupNames(target)).toEqual([expect.stringMatching(/^firebreak-quarantine-[0-9a-f]{8}$/)]);
  }, 60_000);

  test('are made once by responses that run at the same time', async () => {
    const { network, groups, target, request } = await compromised();
    const second = await runInstanceWithData(account, network, groups);
    const responses = await Promise.all([respond(request, house), respond(requestFor(second), house)]);
    expect(responses.map(({ outcome }) => outcome)).toEqual(['verified', 'verified']);
    expect([await groupNames(target), await groupNames(second)]).toEqual([
      ['firebreak-quarantine'],
      ['firebreak-quarantine'],
    ]);
  });
});
