import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { callDoor } from '../../cli/door.ts';
import { sessionConfig } from '../../engine/aws/session.ts';
import { chunks } from '../../engine/chunks.ts';
import type { Response } from '../../engine/response.ts';
import { signIn } from '../../local/analyst.ts';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { inLongForm, tried } from '../../local/deployed.ts';
import { runInstance } from '../../local/exposures/network.ts';
import { Listening } from '../../local/listening.ts';
import type { Account } from '../../local/specimen.ts';
import { oldKey, openGroup, publicSnapshot, type Wrong } from './exposures.ts';

const [MEMBER, MANAGEMENT] = MEMBER_ACCOUNTS;
const LIMIT = inLongForm(50, 4);
const FLOOD = inLongForm(1_000, 24);

/** What the policy does not allow, on a cloud of its own: the others lift what limits changes. */
const POLICY = {
  version: 1,
  organization: { management: MANAGEMENT },
  modes: [{ mode: 'automatic' }],
  protected: {
    resources: [
      {
        resource: `arn:aws:iam::${MEMBER}:user/f*`,
        ...{ owner: 'security@example.com', reason: 'break-glass' },
      },
    ],
    sharedBy: 2,
  },
  // The finding of a snapshot has no severity of its own.
  severities: [{ source: 'access-analyzer', types: ['AWS::EC2::Snapshot'], severity: 'CRITICAL', reason: 'a test' }],
  budget: { perHour: LIMIT, shareFrom: 10_000 },
};

const folder = mkdtempSync(path.join(tmpdir(), 'firebreak-limits-'));
const environment = { ...process.env };
let cloud: Cloud;
let listening: Listening;
let member: Account;
let management: Account;
const config = () => ({ ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint });

beforeAll(async () => {
  const policy = path.join(folder, 'response-policy.yml');
  // JSON is YAML too.
  writeFileSync(policy, JSON.stringify(POLICY));
  cloud = await startCloud({ policy });
  process.env.AWS_ENDPOINT_URL = cloud.endpoint;
  listening = await Listening.start(config());
  member = await cloud.connection.account(MEMBER, HOME_REGION);
  management = await cloud.connection.account(MANAGEMENT, HOME_REGION);
}, 120_000);
afterAll(async () => {
  process.env = environment;
  rmSync(folder, { recursive: true, force: true });
  await cloud.stop();
});

/** Tells of what is wrong, as AWS would; answers what came of each. */
async function outcomesOf(wrong: readonly Wrong[]): Promise<readonly Response[]> {
  const events: string[] = [];
  for (const { account, region, entry } of wrong.map((each) => each.told())) {
    events.push(...(await cloud.emit(account, region, [entry])).map(({ id }) => id));
  }
  await cloud.runner.idle(120_000);
  const all = await cloud.ledger.list({ since: new Date(Date.now() - 3_600_000), limit: 10_000 });
  return events.flatMap((event) => all.filter(({ correlation }) => correlation === event));
}

const changesIn = async (since: number): Promise<number> =>
  (await cloud.connection.doors.calls(since)).filter(({ operation, principal, status }) => {
    const ours = /:assumed-role\/firebreak-(snapshots|network|identity)\//.test(principal);
    return ours && status > 0 && status < 400 && /^(Modify|Revoke|Update|Put)/.test(operation);
  }).length;
const now = async (): Promise<number> => (await cloud.connection.doors.calls()).at(-1)?.sequence ?? 0;

test('#21 a break-glass user and the management account are refused and escalated though CRITICAL, and nothing is changed', async () => {
  const since = await now();
  const [key, group] = [await oldKey(member), await openGroup(management)];
  const wrong = [
    { ...key, told: () => key.told({ '"MEDIUM"': '"CRITICAL"' }) },
    await publicSnapshot(management),
    { ...group, told: () => group.told({ [MEMBER]: MANAGEMENT, '"HIGH"': '"CRITICAL"' }) },
  ];
  const responses = await outcomesOf(wrong);
  expect(responses.map(({ finding, outcome, guard }) => [finding.severity, outcome, guard])).toEqual(
    Array(3).fill(['CRITICAL', 'refused', 'protected']),
  );
  expect(await changesIn(since)).toBe(0);
  for (const { id } of responses) expect(await listening.pages(id)).toHaveLength(1);
  tried(21, responses.length);
});

test('#22 a group that many interfaces share is refused, and told is how many a change would reach', async () => {
  const group = await openGroup(member);
  for (let shared = 0; shared < 3; shared += 1) await runInstance(member, group.network, [group.target.id]);
  const since = await now();
  const [response] = await outcomesOf([group]);
  expect(response).toMatchObject({
    outcome: 'refused',
    guard: 'protected',
    reason: expect.stringMatching(/a change reaches 3 things, and 2 are the most/),
  });
  expect(await changesIn(since)).toBe(0);
  tried(22, 1);
});

test(`#23 of ${FLOOD} findings at once for one account (in the long form 1,000) ${LIMIT} are fixed; one page; a person lets it go on`, async () => {
  const since = await now();
  const wrong: Wrong[] = [];
  for (let each = 0; each < FLOOD; each += 1) wrong.push(await publicSnapshot(member));
  const responses = await outcomesOf(wrong);
  const ends = Map.groupBy(responses, ({ outcome }) => outcome);
  expect([ends.get('verified')?.length, ends.get('deferred')?.length]).toEqual([LIMIT, FLOOD - LIMIT]);
  expect(ends.get('deferred')?.every(({ guard }) => guard === 'budget')).toBe(true);
  expect(await changesIn(since)).toBe(LIMIT);
  const closed: boolean[] = [];
  for (const some of chunks(wrong, 20)) closed.push(...(await Promise.all(some.map((each) => each.closed()))));
  expect(closed.filter(Boolean)).toHaveLength(LIMIT);
  const page = `firebreak breaker close snapshots.privatize-ebs-snapshot --account ${MEMBER}`;
  expect(await listening.pages(page)).toHaveLength(1);

  // While it is open, a sweep lets nothing through.
  const sweep = () =>
    // It answers when it has gone through all that waits.
    new LambdaClient({ ...config(), requestHandler: { requestTimeout: 120_000 } }).send(
      new InvokeCommand({ FunctionName: 'firebreak-sweep', Payload: JSON.stringify({ sweep: 'hourly' }) }),
    );
  await sweep();
  await cloud.runner.idle();
  expect(await changesIn(since)).toBe(LIMIT);

  const ana = await signIn(cloud.connection, 'ana', 'firebreak-approver');
  const close = `/breakers/snapshots/privatize-ebs-snapshot/${MEMBER}/close`;
  expect(await callDoor(ana, { method: 'POST', path: close })).toMatchObject({ status: 202 });
  await sweep();
  await cloud.runner.idle();
  // Half a budget at once, so that what waited does not open it again.
  expect(await changesIn(since)).toBe(LIMIT + Math.ceil(LIMIT / 2));
  tried(23, FLOOD);
}, 600_000);
