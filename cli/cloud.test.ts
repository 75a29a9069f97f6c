import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeDBSnapshotAttributesCommand, ModifyDBSnapshotAttributeCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../engine/aws/session.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import { BY_DAY } from '../engine/ledger/item.ts';
import { DynamoDbLeases } from '../engine/ledger/leases.ts';
import { leaseKey } from '../engine/ledger/ledger.ts';
import type { Target } from '../engine/remediation.ts';
import { responseId, targetKey } from '../engine/targets.ts';
import {
  ADMINISTRATOR_ROLE,
  HOME_REGION,
  MEMBER_ACCOUNTS,
  OUTSIDE_ACCOUNT,
  ROOT,
  SECURITY_ACCOUNT,
} from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { shareDbSnapshot } from '../local/exposures/rds-snapshots.ts';
import { findingAbout, findingOn } from '../local/findings.ts';
import type { Account } from '../local/specimen.ts';
import { loadWorkers } from '../scripts/workers.ts';

const RDS = 'snapshots.privatize-rds-snapshot';
const EXPOSED = [OUTSIDE_ACCOUNT, 'all'];
const [MEMBER] = MEMBER_ACCOUNTS;
const COMMAND = fileURLToPath(new URL('./firebreak.mjs', import.meta.url));

const cloud = sharedCloud();
let home = '';
let account: Account;
let rds: RDSClient;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'firebreak-home-'));
  account = await cloud.account(SECURITY_ACCOUNT, HOME_REGION);
  rds = new RDSClient(account.client);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as a person does, from another folder than the project's. */
function firebreak(words: readonly string[], input?: string, started: (child: ChildProcess) => void = () => undefined) {
  return new Promise<Ended>((resolve) => {
    const child = spawn(process.execPath, [COMMAND, ...words], {
      cwd: tmpdir(),
      env: {
        PATH: process.env.PATH,
        AWS_ENDPOINT_URL: cloud.endpoint,
        AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
        AWS_REGION: HOME_REGION,
        FIREBREAK_HOME: home,
      },
    });
    const text = { out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      text.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text.err += chunk;
    });
    child.stdin.end(input ?? '');
    started(child);
    child.on('close', (code) => resolve({ code, ...text }));
  });
}

const exposed = (): Promise<Target> => shareDbSnapshot(account, `cli-${randomUUID().slice(0, 8)}`, EXPOSED);

async function sharedWith({ id }: Target, client = rds): Promise<string[]> {
  const { DBSnapshotAttributesResult: result } = await client.send(
    new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: id }),
  );
  return (result?.DBSnapshotAttributes ?? []).flatMap(({ AttributeValues = [] }) => AttributeValues).sort();
}

const share = ({ id }: Target, ValuesToAdd: string[]) =>
  rds.send(new ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, AttributeName: 'restore', ValuesToAdd }));

/** Runs on one target, and answers the id of its response. */
async function fixed(target: Target): Promise<string> {
  const { code, out, err } = await firebreak(['run', RDS, '--target', target.arn, '--json']);
  expect({ code, err }).toMatchObject({ code: 0 });
  return (JSON.parse(out) as { targets: [{ response: string }] }).targets[0].response;
}

describe('a run', () => {
  test('with --plan shows what it would do, and does nothing', async () => {
    const target = await exposed();
    const { code, out } = await firebreak(['run', RDS, '--plan', '--target', target.arn]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^observed  ${target.arn}  1 part `));
    expect(out).toContain('- sharedWith  "all"');
    expect(await sharedWith(target)).toEqual(EXPOSED);
  });

  test('fixes once, proves it, and goes back from what it recorded', async () => {
    const target = await exposed();
    const first = await firebreak(['run', RDS, '--target', target.arn, '--target', target.arn]);
    expect([first.code, first.err]).toEqual([0, '']);
    const [, id = ''] = /undo: firebreak undo (snapshots-\w{10})/.exec(first.out) ?? [];
    expect(first.out).toMatch(/1 target in .*: 1 verified/);
    expect(await sharedWith(target)).toEqual([]);

    const second = await firebreak(['run', RDS, '--target', target.arn, '--json']);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.out)).toMatchObject({ outcomes: { compliant: 1 }, targets: [{ outcome: 'compliant' }] });

    const shown = await firebreak(['show', id]);
    expect(shown.code).toBe(0);
    for (const text of [
      target.arn,
      '- sharedWith  "all"',
      'applying',
      `firebreak undo ${id}`,
      `arn:aws:iam::${SECURITY_ACCOUNT}:root`,
    ]) {
      expect(shown.out).toContain(text);
    }
    expect(JSON.parse((await firebreak(['show', id, '--json'])).out)).toMatchObject({
      ledger: 'local',
      response: { id, outcome: 'verified', by: `arn:aws:iam::${SECURITY_ACCOUNT}:root` },
      plan: { after: { sharedWith: [] } },
    });

    const asked = await firebreak(['undo', id]);
    expect(asked.code).toBe(1);
    expect(asked.out).toMatch(/\+ sharedWith {2}"all"[\s\S]*opens again[\s\S]*awaiting-approval/);
    const planned = await firebreak(['undo', id, '--plan']);
    expect([planned.code, await sharedWith(target)]).toEqual([0, []]);

    const undone = await firebreak(['undo', id, '--yes', '--json']);
    expect(undone.code).toBe(0);
    expect(JSON.parse(undone.out)).toMatchObject({
      response: { outcome: 'undone', undoes: id },
      hold: { by: `arn:aws:iam::${SECURITY_ACCOUNT}:root`, reason: `${id} was taken back` },
    });
    expect(await sharedWith(target)).toEqual(EXPOSED);
    const listed = JSON.parse((await firebreak(['list', '--local', '--outcome', 'undone', '--json'])).out);
    expect(listed).toMatchObject({ responses: [{ undoes: id }] });
  });

  test('warns of a hold on what was taken back, which an undo of the undo lifts', async () => {
    const target = await exposed();
    const id = await fixed(target);
    const reason = 'the auditors read it \u001b[2J';
    const undone = await firebreak(['undo', id, '--yes', '--hold', '12h', '--reason', reason]);
    expect(undone.code).toBe(0);
    expect(undone.out).toMatch(/opens again[\s\S]*excepted until [\s\S]*A deployed Firebreak does not know of that/);
    const [, undo = ''] = /firebreak undo (\S+) brings the fix back/.exec(undone.out) ?? [];
    const { hold } = JSON.parse((await firebreak(['show', id, '--json'])).out);
    expect(hold).toMatchObject({ by: `arn:aws:iam::${SECURITY_ACCOUNT}:root`, reason });
    expect(Math.abs(Date.parse(hold.until) - Date.now() - 12 * 3_600_000)).toBeLessThan(60_000);
    const shown = (await firebreak(['show', undo])).out;
    expect(shown).toContain(`until ${hold.until} by ${hold.by}: the auditors read it \\u{1b}[2J`);

    const again = await firebreak(['run', RDS, '--target', target.arn]);
    expect(again.code).toBe(0);
    expect(again.out).toContain(`warned: hold until ${hold.until} by ${hold.by}`);
    expect(await sharedWith(target)).toEqual([]);
    expect((await firebreak(['undo', id, '--yes'])).code).toBe(0);

    const held = await firebreak(['undo', undo, '--yes', '--hold', '1d']);
    expect([held.code, held.err]).toEqual([2, expect.stringContaining('nothing to hold')]);
    const redone = await firebreak(['undo', undo, '--yes', '--json']);
    expect(JSON.parse(redone.out)).toMatchObject({ response: { outcome: 'undone', undoes: undo }, hold: null });
    expect(await sharedWith(target)).toEqual([]);
    expect(JSON.parse((await firebreak(['show', id, '--json'])).out).hold).toBeNull();

    // The undo of that opens it again, and holds it again.
    const { response } = JSON.parse(redone.out);
    const third = JSON.parse((await firebreak(['undo', response.id, '--yes', '--json'])).out);
    expect(third).toMatchObject({ response: { outcome: 'undone' }, hold: { reason: `${response.id} was taken back` } });
    expect(await sharedWith(target)).toEqual(EXPOSED);
    const none = JSON.parse((await firebreak(['undo', id, '--yes', '--hold', '0', '--json'])).out);
    expect(none).toMatchObject({ response: { outcome: 'undone' }, hold: null });
  }, 60_000);

  test('is not taken back over what somebody changed since', async () => {
    const target = await exposed();
    const id = await fixed(target);
    await share(target, [MEMBER]);
    const { code, out } = await firebreak(['undo', id, '--yes']);
    expect(code).toBe(1);
    expect(out).toContain('changed-since');
    expect(await sharedWith(target)).toEqual([MEMBER]);
  });

  test('that changed nothing has nothing to undo', async () => {
    const target = await exposed();
    await fixed(target);
    const { code, err } = await firebreak(['undo', await fixed(target), '--yes']);
    expect([code, err]).toEqual([1, expect.stringContaining('nothing to undo')]);
  });

  test('goes on with the response of a process that was killed, and keeps its way back', async () => {
    const target = await exposed();
    const id = await fixed(target);
    // The state in which a process leaves its response that is killed right before its change.
    await share(target, EXPOSED);
    const header = join(home, 'responses', id, 'header.json');
    const { outcome, reason, finishedAt, ...open } = JSON.parse(readFileSync(header, 'utf8'));
    expect([outcome, reason, finishedAt]).toEqual(['verified', expect.anything(), expect.anything()]);
    writeFileSync(header, JSON.stringify(open));
    const claimed = readdirSync(join(home, 'claims')).map((name) => join(home, 'claims', name));
    const file = claimed.find((name) => readFileSync(name, 'utf8').includes(id)) ?? '';
    writeFileSync(
      file,
      `${readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => !line.includes('released'))
        .join('\n')}\n`.replaceAll(/"pid":\d+/g, '"pid":999999'),
    );

    expect(await fixed(target)).toBe(id);
    expect(await sharedWith(target)).toEqual([]);
    expect((await firebreak(['undo', id, '--yes'])).code).toBe(0);
    expect(await sharedWith(target)).toEqual(EXPOSED);
  });

  test('acts in another account by the role that is named, and else refuses before it starts', async () => {
    const member = await cloud.account(MEMBER, HOME_REGION);
    const target = await shareDbSnapshot(member, `cli-${randomUUID().slice(0, 8)}`, EXPOSED);
    const refused = await firebreak(['run', RDS, '--target', target.arn]);
    expect([refused.code, refused.out]).toEqual([2, '']);
    expect(refused.err).toContain(`${target.arn}: is in account ${MEMBER}`);

    const by = ['--role', ADMINISTRATOR_ROLE];
    const { code, out } = await firebreak(['run', RDS, '--target', target.arn, '--json', ...by]);
    expect([code, await sharedWith(target, new RDSClient(member.client))]).toEqual([0, []]);
    const id: string = JSON.parse(out).targets[0].response;
    const without = await firebreak(['undo', id, '--yes']);
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('--role')]);
    expect((await firebreak(['undo', id, '--yes', ...by])).code).toBe(0);
    expect(await sharedWith(target, new RDSClient(member.client))).toEqual(EXPOSED);
  });

  test('leaves alone what the policy excepts, and is then not all well', async () => {
    const target = await exposed();
    const policy = join(home, 'policy.yml');
    writeFileSync(
      policy,
      `version: 1\nexceptions:\n  - { remediation: ${RDS}, resource: '${target.arn}', owner: audit, reason: yearly, expires: '2999-12-31' }\n`,
    );
    const { code, out } = await firebreak(['run', RDS, '--target', target.arn, '--policy', policy]);
    expect([code, out]).toEqual([1, expect.stringMatching(/^excepted /)]);
    expect(await sharedWith(target)).toEqual(EXPOSED);
  });

  test('ends those in work on Ctrl-C, and starts no more', async () => {
    const targets = await Promise.all(Array.from({ length: 12 }, exposed));
    const { code, out } = await firebreak(
      ['run', RDS, '--targets-file', '-', '--concurrency', '1'],
      `# snapshots\n${targets.map(({ arn }) => arn).join('\n')}\n`,
      (child) => child.stdout?.once('data', () => child.kill('SIGINT')),
    );
    expect(code).toBe(130);
    const [, verified = '', left = ''] = /: (\d+) verified, (\d+) not started/.exec(out) ?? [];
    expect(Number(verified) + Number(left)).toBe(targets.length);
    expect(Number(verified)).toBeGreaterThan(0);
    const open = (await Promise.all(targets.map((target) => sharedWith(target)))).filter((who) => who.length > 0);
    expect(open).toHaveLength(Number(left));
  });
});

describe('an event', () => {
  const sample = fileURLToPath(new URL('../events/samples/securityhub/rds-snapshot-public.json', import.meta.url));

  test('is replayed without a change, and shows what it would bring about', async () => {
    const target = await exposed();
    const event = readFileSync(sample, 'utf8');
    const named: string = JSON.parse(event).detail.findings[0].Resources[0].Id;
    const [, , , , theirs = ''] = named.split(':');
    const { code, out, err } = await firebreak(
      ['replay', '-', '--plan'],
      event.replaceAll(named, target.arn).replaceAll(theirs, SECURITY_ACCOUNT),
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`${RDS}  by rule firebreak-snapshots-securityhub of events/rules.json; automatic`);
    expect(out).toContain('- sharedWith  "all"');
    expect(await sharedWith(target)).toEqual(EXPOSED);
  });

  test('of an account that the credentials do not reach is not planned on', async () => {
    const { code, err } = await firebreak(['replay', sample]);
    expect([code, err]).toEqual([1, expect.stringContaining('--role')]);
  });

  test('that would be rejected says why', async () => {
    const { code, err } = await firebreak(['replay', '-'], '{"version":"0"}');
    expect([code, err]).toEqual([1, expect.stringContaining('would be rejected')]);
  });
});

describe('the deployed ledger', () => {
  const table = `firebreak-ledger-${randomUUID()}`;
  let db: DynamoDBClient;

  beforeAll(async () => {
    db = new DynamoDBClient(account.client);
    const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
    await db.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['pk', 'sk', 'day', 'at'].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
        KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
        GlobalSecondaryIndexes: [
          {
            IndexName: BY_DAY,
            KeySchema: [key('day', 'HASH'), key('at', 'RANGE')],
            Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['response'] },
          },
        ],
      }),
    );
  });
  afterAll(() => db.send(new DeleteTableCommand({ TableName: table })));

  test('is listed, shown and undone from as the local one is', async () => {
    const target = await exposed();
    const local = await fixed(target);
    const record = JSON.parse((await firebreak(['show', local, '--json'])).out);
    const before = { ...process.env };
    Object.assign(process.env, { AWS_ENDPOINT_URL: cloud.endpoint });
    const deployed = new DynamoDbLedger(sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), table);
    const id = responseId(RDS, target, 'a message');
    const { outcome, reason, finishedAt, ...response } = { ...record.response, id };
    await deployed.open(
      response,
      findingAbout(
        { id: target.account, region: target.region },
        { source: 'securityhub', type: 'RDS.1', resources: [target] },
      ),
    );
    await deployed.plan(id, record.plan);
    await deployed.append(id, 'applying', []);
    await deployed.close(response, { outcome: outcome, reason: reason });
    expect(finishedAt).toBeDefined();

    const listed = await firebreak(['list', '--table', table, '--json']);
    expect(JSON.parse(listed.out)).toMatchObject({ ledger: 'deployed', responses: [{ id, outcome: 'verified' }] });
    const none = await firebreak(['list', '--table', table, '--outcome', 'failed', '--json']);
    expect(JSON.parse(none.out).responses).toEqual([]);
    expect((await firebreak(['show', id, '--table', table])).out).toContain(
      `the deployed ledger, table ${table} in ${HOME_REGION}`,
    );
    const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
    const leases = new DynamoDbLeases(session, table, 120);
    const key = leaseKey(RDS, targetKey(target));
    const finding = findingOn(target, 'securityhub', 'RDS.1');
    await leases.acquire(key, 'a message', { response: 'snapshots-aaaaaaaaaa', target, finding });
    const busy = await firebreak(['undo', id, '--direct', '--yes', '--table', table]);
    expect(busy.code).toBe(1);
    expect(busy.out).toMatch(/refused {2}response snapshots-aaaaaaaaaa works on it: try again/);
    expect(await sharedWith(target)).toEqual([]);
    await leases.release(key, 'a message', []);

    const { code, out } = await firebreak(['undo', id, '--direct', '--yes', '--table', table, '--reason', 'audit']);
    expect([code, await sharedWith(target)]).toEqual([0, EXPOSED]);
    expect(out).not.toContain('A deployed Firebreak');
    const after = await deployed.list({ since: new Date(0), limit: 1 });
    expect(after).toMatchObject([{ outcome: 'undone', undoes: id }]);
    const lease = await leases.acquire(key, 'the next message', { response: 'snapshots-bbbbbbbbbb', target, finding });
    process.env = before;
    expect(lease).toMatchObject({
      response: 'snapshots-bbbbbbbbbb',
      notes: [],
      hold: { by: `arn:aws:iam::${SECURITY_ACCOUNT}:root`, reason: 'audit' },
    });
    expect((await firebreak(['show', id, '--table', table])).out).toContain(
      `held         until ${lease?.hold?.until} by`,
    );
  });

  test('that is not there is said so', async () => {
    const { code, err } = await firebreak(['list', '--table', 'no-such-table']);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/no deployed ledger, table no-such-table .*deploy Firebreak first, or use --local/),
    ]);
  });
});

describe('the catalogue', () => {
  test('has every remediation, though it loads none of the AWS clients', async () => {
    const { code, out, err } = await firebreak(['catalogue', '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const all = (await loadWorkers()).flatMap(({ remediations }) => remediations);
    expect((JSON.parse(out) as { id: string }[]).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });
});

describe('the launcher', () => {
  test('says what to run when the dependencies are not installed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'firebreak-launcher-'));
    try {
      cpSync(COMMAND, join(folder, 'cli', 'firebreak.mjs'));
      const ended = await new Promise<Ended>((resolve) => {
        const child = spawn(process.execPath, [join(folder, 'cli', 'firebreak.mjs'), '--version']);
        let err = '';
        child.stderr.on('data', (chunk) => {
          err += chunk;
        });
        child.on('close', (code) => resolve({ code, out: '', err }));
      });
      expect(ended).toMatchObject({ code: 2, err: expect.stringContaining('npm ci') });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
