import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../engine/aws/session.ts';
import type { Finding } from '../engine/findings/finding.ts';
import { DynamoDbBudgets } from '../engine/ledger/budgets.ts';
import { responseId } from '../engine/targets.ts';
import { analyst } from '../local/analyst.ts';
import { deployedLedger, OpenDesktop, paperCase } from '../local/cases.ts';
import { HOME_REGION, LEDGER_TABLE, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import type { Credentials } from '../local/lambda-environment.ts';
import { main } from './main.ts';
import { Terminal } from './terminal.ts';

const environment = { ...process.env };
const cloud = sharedCloud();
const ledger = deployedLedger(cloud);
const home = mkdtempSync(join(tmpdir(), 'firebreak-home-'));

interface Person {
  readonly arn: string;
  readonly credentials: Credentials;
}
/** Approves; has taken back; may do both. */
let ana: Person;
let una: Person;
let zoe: Person;

beforeAll(async () => {
  const signIn = (name: string, ...policies: string[]) =>
    analyst(cloud, `${name}-${randomUUID().slice(0, 8)}`, [], policies);
  ana = await signIn('ana', 'firebreak-approver');
  una = await signIn('una', 'firebreak-undoer');
  zoe = await signIn('zoe', 'firebreak-approver', 'firebreak-undoer');
});
afterAll(() => {
  process.env = environment;
  rmSync(home, { recursive: true, force: true });
});

/** Runs the command with somebody's credentials; at the terminal they type `typed`, where they have one. */
async function firebreak({ credentials }: Person, words: readonly string[], typed?: string) {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: HOME_REGION,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    FIREBREAK_HOME: home,
  });
  const [out, err, input] = [new PassThrough(), new PassThrough(), new PassThrough()];
  if (typed !== undefined) input.write(`${typed}\n`);
  const isTTY = typed !== undefined;
  const io = { out: new Terminal(out), err: new Terminal(err), input: Object.assign(input, { isTTY }) };
  const code = await main(words, io);
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('approve', () => {
  test('shows the stored plan, asks, and shows what came of it', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const { id } = await desktop.tell();
    const unasked = await firebreak(ana, ['approve', id]);
    expect([unasked.code, unasked.err]).toEqual([1, 'firebreak: nothing was decided: say --yes to approve it\n']);
    expect(unasked.out).toMatch(/before -> after\n[\s\S]*0\.0\.0\.0\/0/);
    const no = await firebreak(ana, ['approve', id], 'n');
    expect([no.code, no.err]).toEqual([1, expect.stringContaining(`firebreak deny ${id} says no for good`)]);
    expect(await desktop.rules()).toHaveLength(3);

    const yes = await firebreak(ana, ['approve', id, '--reason', 'agreed'], 'y');
    expect(yes).toMatchObject({ code: 0, err: expect.stringMatching(`approved by ${ana.arn}\n[\\s\\S]*applying`) });
    expect(yes.out).toMatch(/verified {2}changed, and it reads back as planned\n$/);
    expect(await desktop.rules()).toHaveLength(1);
    expect((await firebreak(una, ['show', id])).out).toMatch(`approved     by ${ana.arn}, `);
    const again = await firebreak(ana, ['approve', id, '--yes']);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('awaits no approval: it is verified')]);
  });

  test('of a plan that the resource moved away from shows the new one', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const { id } = await desktop.tell();
    await desktop.open(3380, 3400);
    const { code, out } = await firebreak(ana, ['approve', id, '--yes']);
    expect(code).toBe(1);
    const [, next = ''] = /this is the plan now: firebreak approve (\S+)/.exec(out) ?? [];
    expect(out).toMatch(/changed-since {2}it moved since the plan was made/);
    const approved = await firebreak(ana, ['approve', next, '--yes', '--json']);
    expect(approved.code).toBe(0);
    expect(JSON.parse(approved.out)).toMatchObject({
      decision: { response: next, decision: 'approve', by: ana.arn },
      response: { id: next, outcome: 'verified' },
      orders: [{ verb: 'approve', by: ana.arn }],
      next: null,
    });
  });

  test('does not wait when it is told so', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const { id } = await desktop.tell();
    const { code, out } = await firebreak(ana, ['approve', id, '--yes', '--no-wait', '--json']);
    expect([code, JSON.parse(out)]).toEqual([0, { decision: expect.objectContaining({ response: id }) }]);
    expect((await desktop.ended(id)).response.outcome).toBe('verified');
  });

  test('says what is missing, and who was first', async () => {
    const { id } = await paperCase(cloud);
    const without = await firebreak(una, ['approve', id, '--yes']);
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('it needs execute-api:Invoke on')]);
    await ledger.order(id, { verb: 'deny', by: una.arn, at: '2026-11-26T09:00:00.000Z' });
    const late = await firebreak(ana, ['approve', id, '--yes']);
    expect([late.code, late.err]).toEqual([
      1,
      `firebreak: ${una.arn} denied ${id} at 2026-11-26T09:00:00.000Z: see firebreak show ${id}\n`,
    ]);
  });
});

test('a plan that nobody decided on in time is approved by nobody', async () => {
  const { id } = await paperCase(cloud, {}, new Date(Date.now() - 25 * 3_600_000));
  const { code, err } = await firebreak(ana, ['approve', id, '--yes']);
  expect([code, err]).toEqual([
    1,
    `firebreak: nobody decided on ${id} within 24 hours, and its plan is too old now: the next telling of the finding makes a new plan\n`,
  ]);
});

test('breaker list shows an open circuit breaker, and breaker close closes it, in the name of who does', async () => {
  const account = String(200_000_000_000 + Math.floor(Math.random() * 1_000_000_000));
  const kind = { remediation: 'network.close-open-ingress', account };
  const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
  const breaker = { at: '2026-11-26T09:00:00.000Z', count: 9, limit: 9, why: 'a flood \u001b[2J' };
  await new DynamoDbBudgets(session, LEDGER_TABLE).open(kind, breaker);
  const { id, target, ...paper } = await paperCase(cloud);
  const finding = (await ledger.get(id))?.finding as Finding;
  const stopped = { ...paper, id: responseId(kind.remediation, target, randomUUID()), target: { ...target, account } };
  await ledger.open(stopped, finding);
  const deferred = await ledger.close(stopped, { outcome: 'deferred', reason: 'the breaker is open' });
  const list = async () => JSON.parse((await firebreak(ana, ['breaker', 'list', '--json'])).out).breakers;
  expect(await list()).toContainEqual({ ...kind, ...breaker });
  const shown = await firebreak(ana, ['breaker', 'list', '--since', '1h']);
  expect([shown.code, shown.err]).toEqual([0, expect.stringMatching(/open breakers? of what was deferred since /)]);
  expect(shown.out).toContain('2026-11-26 09:00:00');
  expect(shown.out).toMatch(new RegExp(`${kind.remediation} +${account} +a flood \\\\u\\{1b\\}\\[2J`));

  const words = ['breaker', 'close', kind.remediation, '--account', account];
  expect((await firebreak(ana, words)).out).toBe(`closed  ${kind.remediation} in account ${account}  by ${ana.arn}\n`);
  const { code, err } = await firebreak(ana, words);
  expect([code, err]).toEqual([1, expect.stringContaining('no such circuit breaker is open')]);
  expect(await list()).not.toContainEqual(expect.objectContaining({ account }));
  // There is no such account that the sweep could try it again in.
  await ledger.close(deferred, { outcome: 'denied' });
});

test('deny ends it, with the reason', async () => {
  const desktop = await OpenDesktop.make(cloud);
  const { id } = await desktop.tell();
  const { code, out } = await firebreak(ana, ['deny', id, '--reason', 'behind a firewall \u001b[2J']);
  expect([code, out]).toEqual([0, `denied  denied by ${ana.arn}: behind a firewall \\u{1b}[2J\n`]);
  expect(await desktop.rules()).toHaveLength(3);
});

describe('undo of what was deployed', () => {
  async function closed() {
    const desktop = await OpenDesktop.make(cloud);
    const before = await desktop.rules();
    const { id } = await desktop.tell();
    expect((await firebreak(ana, ['approve', id, '--yes'])).code).toBe(0);
    return { desktop, before, id };
  }

  test('goes through the door: it is planned, approved, written and held, and its own undo brings the fix back', async () => {
    const { desktop, before, id } = await closed();
    const undone = await firebreak(zoe, ['undo', id, '--hold', '12h', '--reason', 'they still move'], 'yes');
    expect(undone).toMatchObject({ code: 0 });
    expect(undone.out).toMatch(/This opens again what the response closed\.\n[\s\S]*undone {2}it is as it was before/);
    expect(undone.out).toMatch(new RegExp(`held until \\S+ by ${zoe.arn}: they still move`));
    expect(await desktop.rules()).toEqual(before);

    const [, undo = ''] = /firebreak undo (\S+) brings the fix back/.exec(undone.out) ?? [];
    const planned = await firebreak(zoe, ['undo', undo, '--plan']);
    expect([planned.code, planned.err]).toEqual([2, expect.stringContaining('say --direct to plan it only')]);
    const unasked = await firebreak(zoe, ['undo', undo]);
    expect([unasked.code, unasked.err]).toEqual([1, expect.stringContaining('say --yes to bring the fix back')]);
    const again = await firebreak(zoe, ['undo', undo, '--yes', '--json']);
    expect(JSON.parse(again.out)).toMatchObject({ response: { outcome: 'undone', undoes: undo }, hold: null });
    expect(await desktop.rules()).toHaveLength(1);
  });

  test('waits for somebody else where one may only ask for it, or says no', async () => {
    const { desktop, before, id } = await closed();
    const planned = await firebreak(una, ['undo', id, '--plan']);
    expect(planned.code).toBe(0);
    const [, undo = ''] = /it waits for an approval: firebreak approve (\S+)/.exec(planned.out) ?? [];
    const alone = await firebreak(una, ['undo', id, '--yes']);
    expect([alone.code, alone.err]).toEqual([
      1,
      expect.stringMatching(`asked for as ${undo}\n[\\s\\S]*IAM does not let`),
    ]);
    expect(await desktop.rules()).toHaveLength(1);
    expect((await firebreak(ana, ['approve', undo, '--yes'])).code).toBe(0);
    expect(await desktop.rules()).toEqual(before);
  });

  test('is denied by who asked for it and then says no', async () => {
    const { desktop, id } = await closed();
    const { code, out } = await firebreak(zoe, ['undo', id], 'no');
    expect([code, out]).toEqual([1, expect.stringMatching(`denied {2}denied by ${zoe.arn}: not wanted after all`)]);
    expect(await desktop.rules()).toHaveLength(1);
  });

  test('with own credentials is for who has some in the account of the resource', async () => {
    const { id } = await closed();
    const role = await firebreak(zoe, ['undo', id, '--role', 'Admin']);
    expect([role.code, role.err]).toEqual([2, expect.stringContaining('say --direct')]);
    const direct = await firebreak(zoe, ['undo', id, '--direct', '--yes']);
    expect([direct.code, direct.err]).toEqual([1, expect.stringContaining('name a role to assume there with --role')]);
  });
});
