import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../cli/caller.ts';
import { callDoor } from '../../cli/door.ts';
import { sessionConfig } from '../../engine/aws/session.ts';
import { DynamoDbBudgets } from '../../engine/ledger/budgets.ts';
import type { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { successorOf } from '../../engine/targets.ts';
import { signIn } from '../../local/analyst.ts';
import { deployedLedger, OpenDesktop, paperCase } from '../../local/cases.ts';
import { HOME_REGION, LEDGER_TABLE, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';

const environment = { ...process.env };
const cloud = sharedCloud();
let ledger: DynamoDbLedger;
let ana: Caller;
let ben: Caller;

beforeAll(async () => {
  process.env.AWS_ENDPOINT_URL = cloud.endpoint;
  ledger = deployedLedger(cloud);
  ana = await signIn(cloud, 'ana', 'firebreak-approver');
  ben = await signIn(cloud, 'ben', 'firebreak-approver');
});
afterAll(() => {
  process.env = environment;
});

const ask = (who: Caller, path: string, body?: { readonly [name: string]: string | number }) =>
  callDoor(who, { method: 'POST', path, ...(body && { body }) });
const approve = (who: Caller, id: string, reason?: string) =>
  ask(who, `/responses/${id}/approve`, reason === undefined ? undefined : { reason });
const deny = (who: Caller, id: string) => ask(who, `/responses/${id}/deny`, { reason: 'it is meant to be so' });
const outcomeOf = async (id: string) => (await ledger.get(id))?.response.outcome;

describe('a plan that waits', () => {
  test('runs as it is stored once somebody approves it, and the ledger knows who did', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const waiting = await desktop.tell();
    expect(waiting).toMatchObject({ outcome: 'awaiting-approval', guard: 'mode' });
    const before = await ledger.get(waiting.id);
    expect(await desktop.rules()).toHaveLength(3);

    const answer = await approve(ana, waiting.id, ' the move is over ');
    expect(answer).toMatchObject({
      status: 202,
      body: { response: waiting.id, decision: 'approve', by: ana.arn },
    });
    const after = await desktop.ended(waiting.id);
    expect(after.response.outcome).toBe('verified');
    expect(after.plan).toEqual(before?.plan);
    expect(after.orders).toEqual([
      { verb: 'approve', by: ana.arn, at: expect.any(String), reason: 'the move is over' },
    ]);
    expect(await desktop.rules()).toEqual(['443 0.0.0.0/0 ']);
  });

  test('ends denied, and changes nothing', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const waiting = await desktop.tell();
    expect(await deny(ana, waiting.id)).toMatchObject({ status: 202, body: { decision: 'deny' } });
    const { response } = await desktop.ended(waiting.id, 'denied');
    expect(response.reason).toBe(`denied by ${ana.arn}: it is meant to be so`);
    expect(await desktop.rules()).toHaveLength(3);
    expect(await approve(ben, waiting.id)).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining(ana.arn) },
    });
  });

  test('is void when the resource moved: nothing is written, and a new plan waits for a new approval', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const waiting = await desktop.tell();
    await desktop.open(3380, 3400);
    expect(await approve(ana, waiting.id)).toMatchObject({ status: 202 });
    const { response } = await desktop.ended(waiting.id, 'changed-since');
    expect(response.reason).toMatch(/^it moved since the plan was made, so nothing was changed/);
    expect(await desktop.rules()).toHaveLength(4);

    const anew = await desktop.ended(successorOf(response), 'awaiting-approval');
    expect(anew.orders).toEqual([]);
    expect(anew.plan?.before).not.toEqual((await ledger.get(waiting.id))?.plan?.before);
    expect(await approve(ben, anew.response.id)).toMatchObject({ status: 202 });
    expect((await desktop.ended(anew.response.id)).response.outcome).toBe('verified');
    expect(await desktop.rules()).toEqual(['443 0.0.0.0/0 ']);
  });

  test('is decided once: of two at the same time one wins, and the other is told who', async () => {
    const waiting = await paperCase(cloud);
    const answers = await Promise.all([approve(ana, waiting.id), deny(ben, waiting.id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    const [kept, ...others] = (await ledger.get(waiting.id))?.orders ?? [];
    expect(others).toEqual([]);
    const loser = answers.find(({ status }) => status === 409);
    expect(loser?.body).toMatchObject({ error: expect.stringContaining(`${kept?.by} `) });
  });
});

describe('an approval', () => {
  test('that is repeated is told again to the worker, and is still one', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const { id } = await desktop.tell();
    const answers = await Promise.all([approve(ana, id), approve(ana, id), approve(ana, id)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    const { response, orders } = await desktop.ended(id);
    expect([response.outcome, orders.length]).toEqual(['verified', 1]);
    expect(await approve(ana, id)).toMatchObject({ status: 202 });
    expect(await approve(ben, id)).toMatchObject({
      status: 409,
      body: { error: `${ana.arn} approved ${id} at ${orders[0]?.at}`, do: `see firebreak show ${id}` },
    });
    expect((await ledger.get(successorOf(response)))?.response).toBeUndefined();
  });

  test('is too late for a plan that waited longer than the policy says', async () => {
    const old = await paperCase(cloud, {}, new Date(Date.now() - 24 * 3_600_000 - 1_000));
    expect(await approve(ana, old.id)).toMatchObject({
      status: 410,
      body: { error: expect.stringContaining('within 24 hours') },
    });
    expect((await ledger.get(old.id))?.orders).toEqual([]);
    const young = await paperCase(cloud, {}, new Date(Date.now() - 23 * 3_600_000));
    expect(await deny(ana, young.id)).toMatchObject({ status: 202 });
  });

  test('needs a response that awaits one', async () => {
    expect(await approve(ana, 'network-aaaaaaaaaa')).toMatchObject({ status: 404 });
    expect(await approve(ana, 'no-response')).toMatchObject({ status: 404 });
    const waiting = await paperCase(cloud);
    await ledger.close(waiting, { outcome: 'refused', reason: 'for the test' });
    expect(await approve(ana, waiting.id)).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('it is refused') },
    });
  });

  test.each<[string, { readonly [name: string]: string | number }, string]>([
    ['somebody else to approve for', { by: 'arn:aws:iam::111122223333:user/boss' }, 'body'],
    ['no reason', { reason: '  ' }, 'body.reason: is empty'],
    ['a reason without end', { reason: 'a'.repeat(501) }, 'body.reason: is longer than 500'],
    ['a reason of another kind', { reason: 7 }, 'body.reason: is not of type string'],
    ['more than anybody has to say', { reason: 'a'.repeat(40_000) }, 'body: is longer than 32768'],
  ])('takes from the body not %s', async (_, body, said) => {
    const waiting = await paperCase(cloud);
    const answer = await ask(ana, `/responses/${waiting.id}/approve`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(said) } });
    expect(await outcomeOf(waiting.id)).toBe('awaiting-approval');
    expect((await ledger.get(waiting.id))?.orders).toEqual([]);
  });
});

describe('whom the finding is about', () => {
  const roleAt = (path: string) => {
    const arn = `arn:aws:iam::${SECURITY_ACCOUNT}:role/${path}`;
    return { type: 'AWS::IAM::Role', id: arn, arn };
  };

  test.each<[string, (who: string) => object]>([
    [
      'a session of the same role',
      (role) => ({ principal: `arn:aws:sts::${SECURITY_ACCOUNT}:assumed-role/${role}/another` }),
    ],
    ['the role, with a path', (role) => ({ sessionIssuer: `arn:aws:iam::${SECURITY_ACCOUNT}:role/a/path!/${role}` })],
    [
      'the role in other letters',
      (role) => ({ principal: `arn:aws:iam::${SECURITY_ACCOUNT}:role/${role.toUpperCase()}` }),
    ],
    ['the role as a resource', (role) => ({ resources: [roleAt(`x/${role}`)] })],
  ])('neither approves nor denies, named as %s', async (_, about) => {
    const role = ana.arn.split('/').at(1) ?? '';
    const waiting = await paperCase(cloud, about(role));
    for (const answer of [await approve(ana, waiting.id), await deny(ana, waiting.id)]) {
      expect(answer).toMatchObject({
        status: 403,
        body: { error: `the finding of ${waiting.id} is about ${ana.arn}` },
      });
    }
    expect((await ledger.get(waiting.id))?.orders).toEqual([]);
    expect(await deny(ben, waiting.id)).toMatchObject({ status: 202 });
  });

  test('is not mixed up with whoever has that name elsewhere', async () => {
    const role = ana.arn.split('/').at(1) ?? '';
    const waiting = await paperCase(cloud, {
      principal: `arn:aws:iam::${MEMBER_ACCOUNTS[0]}:role/${role}`,
      sessionIssuer: `arn:aws:iam::${SECURITY_ACCOUNT}:user/${role}`,
    });
    expect(await deny(ana, waiting.id)).toMatchObject({ status: 202 });
  });
});

describe('whoever has no part in it', () => {
  test('is told what they need', async () => {
    const waiting = await paperCase(cloud);
    const undoer = await signIn(cloud, 'una', 'firebreak-undoer');
    await expect(approve(undoer, waiting.id)).rejects.toThrow(
      /IAM does not let .*needs execute-api:Invoke on .*approve$/,
    );
    const nobody = await signIn(cloud, 'nobody');
    await expect(approve(nobody, waiting.id)).rejects.toThrow(/not authorized to perform: ssm:GetParameter/);
    expect((await ledger.get(waiting.id))?.orders).toEqual([]);
  });
});

describe('a circuit breaker', () => {
  const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
  const path = (account: string) => `/breakers/network/close-open-ingress/${account}/close`;

  test('is closed by a person, once', async () => {
    const account = String(100_000_000_000 + Math.floor(Math.random() * 1_000_000_000));
    const kind = { remediation: 'network.close-open-ingress', account };
    const budgets = new DynamoDbBudgets(session, LEDGER_TABLE);
    await budgets.open(kind, { at: new Date().toISOString(), count: 50, limit: 50, why: 'too many' });
    const change = { ...kind, region: HOME_REGION, response: 'network-aaaaaaaaaa' };
    expect((await budgets.spend(change, 50, new Date())).breaker).toBeDefined();
    expect(await ask(ana, path(account))).toMatchObject({ status: 202, body: { ...kind, by: ana.arn } });
    expect(await budgets.spend(change, 50, new Date())).toEqual({ count: { all: 1, inRegion: 1 } });
    expect(await ask(ana, path(account))).toMatchObject({
      status: 404,
      body: { error: 'no such circuit breaker is open' },
    });
    expect(await ask(ana, path('none'))).toMatchObject({ status: 404 });
  });
});
