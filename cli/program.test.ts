import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FileLedger } from '../engine/ledger/files.ts';
import type { Response } from '../engine/response.ts';
import { findingOn } from '../local/findings.ts';
import { main } from './main.ts';
import { holdTime, since } from './options.ts';
import { Terminal } from './terminal.ts';

const RDS = 'snapshots.privatize-rds-snapshot';
const GOOD = 'arn:aws:rds:eu-west-1:444455556666:snapshot:daily';
let folder = '';
let had: string | undefined;

beforeAll(() => {
  had = process.env.FIREBREAK_HOME;
  folder = mkdtempSync(join(tmpdir(), 'firebreak-cli-'));
  process.env.FIREBREAK_HOME = folder;
});
afterAll(() => {
  if (had === undefined) delete process.env.FIREBREAK_HOME;
  else process.env.FIREBREAK_HOME = had;
  rmSync(folder, { recursive: true, force: true });
});

/** The catalogue sets how its process loads modules, so it has one of its own. */
function inOwnProcess(words: readonly string[]) {
  const program = fileURLToPath(new URL('./main.ts', import.meta.url));
  const {
    status: code,
    stdout: out,
    stderr: err,
  } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' });
  return { code, out, err };
}

async function firebreak(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  if (words[0] === 'catalogue') return inOwnProcess(words);
  const out = new PassThrough();
  const err = new PassThrough();
  const code = await main(words, { out: new Terminal(out), err: new Terminal(err), input: process.stdin });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('the command line', () => {
  test.each<[string, string[], RegExp]>([
    ['nothing', [], /Usage: firebreak/],
    ['an unknown verb', ['lst'], /unknown command 'lst'/],
    ['an unknown option', ['list', '--all'], /unknown option '--all'/],
    ['no response', ['show'], /missing required argument 'response'/],
    ['what is no id', ['show', '../../etc/passwd'], /not the id of a response/],
    ['what is no id, to undo', ['undo', 'x', '--yes'], /not the id of a response/],
    [
      'a hold of no time',
      ['undo', 'snapshots-aaaaaaaaaa', '--hold', 'long'],
      /a time \(12h, 7d, 2w\) of at most 52w, or 0/,
    ],
    ['a denial for no reason', ['deny', 'snapshots-aaaaaaaaaa'], /required option '--reason <text>'/],
    ['what is no id, to approve', ['approve', 'x', '--yes'], /not the id of a response/],
    ['a stop for no reason', ['stop', ' '], /a text of 1 to 500 characters/],
    ['a stop that is none', ['stop', 'Off'], /"Off" is what the switch says when everything runs/],
    ['a breaker of nothing', ['breaker', 'close', 'ports', '--account', '444455556666'], /ports is no remediation/],
    [
      'a breaker of no account',
      ['breaker', 'close', RDS, '--account', '4444'],
      /4444 is not a twelve-digit account id/,
    ],
    ['a breaker anywhere', ['breaker', 'close', RDS], /required option '--account <id>'/],
    ['a hold for no reason', ['undo', 'snapshots-aaaaaaaaaa', '--reason', ' '], /a text of 1 to 500 characters/],
    ['a time that is none', ['list', '--since', 'yesterday'], /a time ago/],
    ['a limit of nothing', ['list', '--limit', '0'], /whole number from 1 to 10000/],
    ['an outcome that is none', ['list', '--outcome', 'success'], /Allowed choices are compliant/],
    ['a list of two forms', ['list', '--json', '--csv'], /'--csv' cannot be used with option '--json'/],
    ['a concurrency of 101', ['run', RDS, '--target', GOOD, '--concurrency', '101'], /whole number from 1 to 100/],
    ['an unknown remediation', ['run', 'snapshots.no-such', '--target', GOOD], /no remediation snapshots\.no-such/],
    ['an unknown worker', ['catalogue', '../engine'], /no remediation \.\.\/engine/],
    ['no targets', ['run', RDS], /--target or --targets-file/],
    ['a file of targets that is not there', ['run', RDS, '--targets-file', '/no/such/file'], /cannot be read/],
    ['a policy that is not there', ['catalogue', '--policy', '/no/such/file'], /the policy cannot be used/],
    ['an event that is not there', ['replay', '/no/such/file'], /cannot be read/],
  ])('refuses %s with exit code 2', async (_, words, said) => {
    const { code, out, err } = await firebreak(...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(said);
  });

  test('names every bad target before anything starts', async () => {
    const bad = [
      'snap-1',
      'arn:aws:s3:::bucket',
      'arn:aws:rds:eu-west-1:12:snapshot:x',
      'arn:aws:rds:eu-west-1:444455556666:snapshot:*',
    ];
    const { code, err } = await firebreak('run', RDS, '--target', GOOD, ...bad);
    expect(code).toBe(2);
    for (const arn of bad) expect(err).toContain(`${arn}: is n`);
    expect(err).not.toContain(`${GOOD}:`);
  });

  test('passes nothing to the terminal that acts on it', async () => {
    const { err } = await firebreak('run', RDS, '--target', 'arn:\u001b[2J\u202e');
    expect(err).toContain('arn:\\u{1b}[2J\\u{202e}: is not an ARN');
  });

  test.each([['--version'], ['--help'], ['list', '--help'], ['help', 'run']])('%s ends with 0', async (...words) => {
    const { code, out, err } = await firebreak(...words);
    expect([code, err]).toEqual([0, '']);
    expect(out.length).toBeGreaterThan(3);
  });

  test.each([
    'catalogue',
    'list',
    'show',
    'approve',
    'deny',
    'undo',
    'stop',
    'breaker list',
    'breaker close',
    'policy',
    'replay',
    'run',
    'simulate',
    'simulation list',
    'simulation report',
    'tabletop',
  ])('%s --help shows how to use it', async (verb) => {
    expect((await firebreak(...verb.split(' '), '--help')).out).toMatch(
      new RegExp(`Examples:\\n {2}\\$ firebreak ${verb}`),
    );
  });

  test('shows one remediation with what the policy says', async () => {
    const file = join(folder, 'policy.yml');
    writeFileSync(
      file,
      `version: 1\nremediations:\n  ${RDS}:\n    mode: observe\n    parameters: { allowedAccounts: ['777788889999'] }\n`,
    );
    const { code, out } = await firebreak('catalogue', RDS, '--policy', file, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      id: RDS,
      risk: 'safe',
      mode: 'observe',
      undo: true,
      parameters: { allowedAccounts: ['777788889999'] },
      defaults: { allowedAccounts: [] },
    });
    const text = (await firebreak('catalogue', RDS)).out;
    expect(text).toContain('automatic, because it is safe');
    expect(text).toContain('securityhub: RDS.1');
  });

  test('says where there is nothing yet', async () => {
    expect(await firebreak('list', '--local', '--json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('"responses": []'),
    });
    const { code, err } = await firebreak('show', 'snapshots-aaaaaaaaaa', '--local');
    expect([code, err]).toEqual([
      1,
      `firebreak: there is no response snapshots-aaaaaaaaaa in the local ledger, ${join(folder, 'responses')}\n`,
    ]);
  });
});

describe('a list', () => {
  const first: Response = {
    id: 'snapshots-aaaaaaaaaa',
    remediation: RDS,
    target: {
      type: 'AWS::RDS::DBSnapshot',
      id: 'daily',
      arn: GOOD,
      account: '444455556666',
      region: 'eu-west-1',
      partition: 'aws',
    },
    correlation: 'event',
    finding: { source: 'securityhub', type: 'RDS.1', id: 'finding/1', severity: 'HIGH', title: '=HYPERLINK("x")' },
    startedAt: '2026-11-23T09:00:00.000Z',
  };
  const second: Response = { ...first, id: 'snapshots-bbbbbbbbbb', startedAt: '2026-11-24T09:00:00.000Z' };
  const all = ['list', '--local', '--since', '2026-11-01'];

  beforeAll(async () => {
    const ledger = new FileLedger(join(folder, 'responses'));
    const finding = findingOn(first.target, 'securityhub', 'RDS.1');
    await ledger.open(first, finding);
    await ledger.open({ ...second, finding: { ...second.finding, id: 'finding/2', title: 'public' } }, finding);
    await ledger.close(first, { outcome: 'failed', reason: 'AccessDenied, "no"\u001b[2J' });
  });
  afterAll(() => rmSync(join(folder, 'responses'), { recursive: true }));

  test('is of one finding when that is asked for', async () => {
    const listed = await firebreak(...all, '--finding', 'finding/2', '--limit', '1', '--json');
    expect(JSON.parse(listed.out)).toMatchObject({ responses: [{ id: second.id }] });
    const none = await firebreak(...all, '--finding', 'finding/3', '--json');
    expect(JSON.parse(none.out).responses).toEqual([]);
  });

  test('is CSV that a spreadsheet can open', async () => {
    const { code, out, err } = await firebreak(...all, '--csv');
    expect([code, err]).toEqual([0, '']);
    const [heads, ...rows] = out.split('\r\n');
    expect(heads).toBe(
      '"started","finished","outcome","reason","response","remediation","resource","type","account","region","source",' +
        '"finding type","severity","finding title","finding id","by","undoes","correlation"',
    );
    expect(rows).toEqual([
      `"2026-11-24T09:00:00.000Z","","open","","${second.id}","${RDS}","${GOOD}","AWS::RDS::DBSnapshot","444455556666",` +
        '"eu-west-1","securityhub","RDS.1","HIGH","public","finding/2","","","event"',
      expect.stringContaining(`"failed","AccessDenied, ""no""\\u{1b}[2J","${first.id}"`),
      '',
    ]);
    expect(rows[1]).toContain(`"HIGH","'=HYPERLINK(""x"")","finding/1"`);
  });
});

describe('a time to list from', () => {
  test('is a time ago, or a date', () => {
    const near = (text: string, ago: number) =>
      expect(Math.abs(Date.now() - ago - since(text).getTime())).toBeLessThan(1_000);
    near('90m', 90 * 60_000);
    near('12h', 12 * 3_600_000);
    near('2w', 14 * 86_400_000);
    expect(since('2026-11-23')).toEqual(new Date('2026-11-23T00:00:00Z'));
    expect(since('2026-11-23T09:30:00Z')).toEqual(new Date('2026-11-23T09:30:00Z'));
    for (const bad of ['', '7', 'd', '7y', '-1d', '2026-13-01', '2026-11-23T25:00:00Z', 'now'])
      expect(() => since(bad)).toThrow();
  });
});

describe('a time to hold for', () => {
  test('is a time, none, and no more than a year', () => {
    expect(['0', '0d', '90m', '12h', '7d', '52w'].map(holdTime)).toEqual([
      0,
      0,
      90 * 60_000,
      12 * 3_600_000,
      7 * 86_400_000,
      364 * 86_400_000,
    ]);
    for (const bad of ['', '1', '53w', '365d', '-1d', '1y', '1.5d', 'd'])
      expect(() => holdTime(bad)).toThrow(/at most 52w/);
  });
});
