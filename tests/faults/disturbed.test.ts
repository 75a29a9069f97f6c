import { EC2Client, RevokeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Response } from '../../engine/response.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { Deployed, inLongForm, tried } from '../../local/deployed.ts';
import type { Fault } from '../../local/doors.ts';
import type { Account } from '../../local/specimen.ts';
import {
  compromisedInstance,
  messageOf,
  oldKey,
  openBucket,
  openGroup,
  publicSnapshot,
  type Wrong,
} from './exposures.ts';

let deployed: Deployed;
let account: Account;
beforeAll(async () => {
  deployed = new Deployed();
  account = await deployed.cloud.account(MEMBER_ACCOUNTS[0], HOME_REGION);
});
beforeEach(async () => {
  await deployed.allCalls();
});
afterEach(async () => {
  await deployed.cloud.doors.setFaults([]);
});

/** One of each kind; all of them are told and dealt with at once. */
const oneOfEach = (): Promise<readonly Wrong[]> =>
  Promise.all([publicSnapshot, openGroup, oldKey, openBucket, compromisedInstance].map((make) => make(account)));
/** Calls of a worker in the member accounts. */
const inMembers = (worker: string) => `*:assumed-role/firebreak-${worker}/*`;
/** Calls of a worker in its own name: the ledger, STS, its queue. */
const ofWorker = (worker: string) => `*:assumed-role/firebreak-worker-${worker}/firebreak-${worker}`;
const ANY_BUT_SNAPSHOTS = ['[!C]*', 'CreateSecurityGroup', 'CreateTags'];
const CHANGING = ['Modify*', 'Revoke*', 'Authorize*', 'Update*', 'Put*', 'Delete*', 'Create*'];

/** Tells of each and waits for the end; answers the responses in their order. */
async function respondTo(wrongs: readonly Wrong[]): Promise<readonly Response[]> {
  const events = await Promise.all(wrongs.map((wrong) => deployed.tell(wrong.told())));
  await Promise.all(wrongs.map(({ worker }) => deployed.settled(worker)));
  const responses = await deployed.responses(events);
  return wrongs.map(({ target }, index) => {
    const own = responses.filter(({ correlation }) => correlation === events[index]);
    if (own.length !== 1 || !own[0]) throw new Error(`${own.length} responses about ${target.arn}`);
    return own[0];
  });
}
const shortly = (wrong: Wrong, { outcome, reason }: Response) => `${wrong.worker}: ${outcome}, ${reason}`;

const THROTTLED = 6;
const SLOWEST = 3;
test(`#10 a throttle on one account holds up no other one: its slowest of ${THROTTLED} takes less than ${SLOWEST} times as long`, async () => {
  const other = await deployed.cloud.account(MEMBER_ACCOUNTS[1], HOME_REGION);
  const milliseconds = async () => {
    const theirs = await Promise.all(Array.from({ length: THROTTLED }, () => publicSnapshot(account)));
    const ours = await Promise.all(Array.from({ length: THROTTLED }, () => publicSnapshot(other)));
    await deployed.allCalls();
    const responses = await respondTo([...theirs, ...ours]);
    expect(responses.filter(({ outcome }) => outcome !== 'verified')).toEqual([]);
    const calls = (await deployed.allCalls()).filter((call) => call.operation === 'ModifySnapshotAttribute');
    const throttled = (id: string) => calls.filter((call) => call.account === id && call.status >= 400).length;
    const taken = responses
      .filter(({ target }) => target.account === other.id)
      .map(({ startedAt, finishedAt = '' }) => Date.parse(finishedAt) - Date.parse(startedAt));
    return {
      throttled: [throttled(account.id), throttled(other.id)],
      ours: Math.max(...taken),
    };
  };
  const before = await milliseconds();
  await deployed.cloud.doors.setFaults([
    {
      service: 'ec2',
      operation: 'ModifySnapshotAttribute',
      principal: inMembers('snapshots'),
      account: account.id,
      throttle: { bucket: 1, refillPerSecond: 1 },
    },
  ]);
  const during = await milliseconds();
  expect(during.throttled[0]).toBeGreaterThan(0);
  expect([before.throttled, during.throttled[1]]).toEqual([[0, 0], 0]);
  // The slowest of the other account's: what two runs on a busy machine differ by, and far from what the throttle takes.
  expect(during.ours).toBeLessThan(SLOWEST * before.ours);
  tried(10, 2 * THROTTLED);
});

test('#11 a fault of the service at every second call: all is done, with at most twice the changes', async () => {
  const attempts = async () =>
    (await deployed.allCalls()).filter(
      ({ principal, operation }) =>
        principal.includes(':assumed-role/firebreak-') &&
        !principal.includes(':assumed-role/firebreak-worker-') &&
        !/^(Describe|Get|List)/.test(operation),
    );
  await respondTo(await oneOfEach());
  const least = await attempts();
  const wrongs = await oneOfEach();
  await deployed.allCalls();
  await deployed.cloud.doors.setFaults(
    wrongs.map(({ worker }) => ({
      principal: [inMembers(worker), ofWorker(worker)],
      // AWS takes no client token with it, so that it is not sent again at once, and would meet the same fault each time.
      operation: worker === 'instances' ? ANY_BUT_SNAPSHOTS : '*',
      every: 2,
      error: { status: 500, code: 'InternalError', message: 'An internal error has occurred' },
    })),
  );
  const responses = await respondTo(wrongs);
  expect(responses.map(({ outcome }) => outcome)).toEqual(wrongs.map(() => 'verified'));
  for (const wrong of wrongs) expect(await wrong.closed()).toBe(true);
  expect((await attempts()).length).toBeLessThanOrEqual(2 * least.length);
  tried(11, wrongs.length);
});

test('#11 evidence that cannot be kept today, as the last try finds, does not leave the instance open', async () => {
  const wrong = await compromisedInstance(account);
  await deployed.cloud.doors.setFaults([
    {
      principal: inMembers('instances'),
      operation: 'CreateSnapshots',
      error: { status: 500, code: 'InternalError', message: 'An internal error has occurred' },
    },
  ]);
  const message = messageOf(wrong.told());
  await deployed.redeliver('instances', message, 5);
  expect(await deployed.responses([(JSON.parse(message) as { id: string }).id])).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('InternalError') },
  ]);
  expect(await wrong.closed()).toBe(true);
  tried(11, 1);
});

test('#12 a reset before or after the change, or an answer cut short: what is said is what is so', async () => {
  const breaks: readonly Fault[] = [
    { reset: true },
    { reset: true, phase: 'after' },
    { truncate: true, phase: 'after' },
  ];
  const wrongs = (await Promise.all(breaks.map(oneOfEach))).flat();
  await deployed.cloud.doors.setFaults(
    [...new Set(wrongs.map(({ worker }) => worker))].flatMap((worker) =>
      breaks.map((fault, skip) => ({ ...fault, principal: inMembers(worker), operation: CHANGING, skip, times: 1 })),
    ),
  );
  const responses = await respondTo(wrongs);
  const told: string[] = [];
  for (const [index, wrong] of wrongs.entries()) {
    const response = responses[index] as Response;
    const closed = await wrong.closed();
    if (response.outcome !== 'verified' || !closed)
      told.push(`${shortly(wrong, response)}; ${closed ? 'closed' : 'open'}`);
  }
  expect(told).toEqual([]);
  for (const { applied } of await deployed.cloud.doors.faults()) expect(applied).toBe(1);
  tried(12, wrongs.length);
});

test('#13 a call that is not answered ends by our own time-out, and is made again', async () => {
  const wrong = await publicSnapshot(account);
  const operation = 'ModifySnapshotAttribute';
  const always = inLongForm(true, false);
  await deployed.cloud.doors.setFaults([{ operation, resource: wrong.target.arn, hang: 60, times: always ? 9 : 1 }]);
  const [response] = await respondTo([wrong]);
  expect(response?.outcome).toBe('verified');
  expect(await wrong.closed()).toBe(true);
  const hung = (await deployed.calls('snapshots')).filter((call) => call.operation === operation && call.status === 0);
  expect(hung).toHaveLength(always ? 9 : 1);
  for (const { duration } of hung) {
    expect(duration).toBeGreaterThan(3_500);
    expect(duration).toBeLessThan(5_000);
  }
  tried(13, hung.length);
});

test('#14 a refused call ends its response as failed, with the action that is missing; the others go on', async () => {
  const wrongs = await oneOfEach();
  const missing: Readonly<Record<string, readonly [operation: string, action: string]>> = {
    snapshots: ['ModifySnapshotAttribute', 'ec2:ModifySnapshotAttribute'],
    network: ['RevokeSecurityGroupIngress', 'ec2:RevokeSecurityGroupIngress'],
    identity: ['UpdateAccessKey', 'iam:UpdateAccessKey'],
    storage: ['PutPublicAccessBlock', 's3:PutBucketPublicAccessBlock'],
    instances: ['ModifyNetworkInterfaceAttribute', 'ec2:ModifyNetworkInterfaceAttribute'],
  };
  const bystanders = await Promise.all([publicSnapshot(account), openGroup(account)]);
  const denied = (wrong: Wrong): Fault => ({
    principal: inMembers(wrong.worker),
    operation: missing[wrong.worker]?.[0] ?? '',
    deny: true,
    // By its own resource alone, where a bystander has the same worker.
    ...(['snapshots', 'network'].includes(wrong.worker) && { resource: wrong.target.arn }),
  });
  await deployed.cloud.doors.setFaults(wrongs.map(denied));
  const responses = await respondTo([...wrongs, ...bystanders]);
  for (const [index, wrong] of wrongs.entries()) {
    expect(responses[index]).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining(missing[wrong.worker]?.[1] ?? '?'),
    });
    expect(await wrong.closed()).toBe(false);
  }
  for (const [index, bystander] of bystanders.entries()) {
    expect(responses[wrongs.length + index]?.outcome).toBe('verified');
    expect(await bystander.closed()).toBe(true);
  }
  tried(14, wrongs.length);
});

test('#15 a change that is answered with success and does nothing is not called a fix', async () => {
  const wrongs = await oneOfEach();
  await deployed.cloud.doors.setFaults(
    wrongs.map(({ worker }) => ({ principal: inMembers(worker), operation: CHANGING, pretend: true })),
  );
  const responses = await respondTo(wrongs);
  for (const [index, wrong] of wrongs.entries()) {
    expect(['unverified', 'failed']).toContain(responses[index]?.outcome);
    expect(await wrong.closed()).toBe(false);
  }
  // Only where it makes something that it needs the name of is there a failure to see before it reads back.
  expect(wrongs.flatMap(({ worker }, index) => (responses[index]?.outcome === 'failed' ? [worker] : []))).toEqual([
    'instances',
  ]);
  tried(15, wrongs.length);
});

test('#16 a group of whose two open rules one is revoked is not called closed, and the other one is named', async () => {
  const wrong = await openGroup(account);
  const ec2 = new EC2Client(account.client);
  await deployed.cloud.doors.setFaults([
    {
      operation: 'RevokeSecurityGroupIngress',
      resource: wrong.target.arn,
      principal: inMembers('network'),
      pretend: true,
    },
  ]);
  const event = await deployed.tell(wrong.told());
  // What EC2 did of what it said it did.
  await ec2.send(
    new RevokeSecurityGroupIngressCommand({
      GroupId: wrong.target.id,
      IpProtocol: 'tcp',
      FromPort: 22,
      ToPort: 22,
      CidrIp: '0.0.0.0/0',
    }),
  );
  await deployed.settled('network');
  const [response] = await deployed.responses([event]);
  expect(response).toMatchObject({ outcome: 'unverified', reason: expect.stringContaining('tcp 22 from ::/0') });
  expect(response?.reason).not.toContain('tcp 22 from 0.0.0.0/0');
  expect(await wrong.rules()).toContain('22 ::/0');
  tried(16, 1);
});
