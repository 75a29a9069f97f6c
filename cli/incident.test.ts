import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Analyst, analyst } from '../local/analyst.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { deployedIncidents } from '../local/incidents.ts';
import { main } from './main.ts';
import { Terminal } from './terminal.ts';

const [account] = MEMBER_ACCOUNTS;
const environment = { ...process.env };
const cloud = sharedCloud();
const incidents = deployedIncidents(cloud);
let ana: Analyst;

beforeAll(async () => {
  ana = await analyst(cloud, `ana-${randomUUID().slice(0, 8)}`, [], ['firebreak-responder']);
});
afterAll(() => {
  process.env = environment;
});

/** Runs `firebreak incident` with Ana's credentials. */
async function incident(...words: readonly string[]) {
  const { credentials } = ana;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: HOME_REGION,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  });
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await main(['incident', ...words], {
    out: new Terminal(out),
    err: new Terminal(err),
    input: process.stdin,
  });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const ABOUT = ['--severity', 'HIGH', '--account', account];
const open = async (title: string, ...more: readonly string[]): Promise<string> => {
  const { code, out, err } = await incident('open', title, ...ABOUT, ...more, '--json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out).incident.id;
};

describe('an incident', () => {
  test('is opened, worked on, shown and resolved', async () => {
    const bucket = `arn:aws:s3:::b-${randomUUID()}`;
    const id = await open('root signed in from abroad', '--subject', bucket, '--playbook', 'root-activity');
    const name = ana.arn.slice(ana.arn.lastIndexOf('/') + 1);
    expect(await incident('own', id)).toMatchObject({ code: 0, out: `${id}  open  HIGH  owned by ${name}\n` });
    await incident('note', id, 'asked the owner of the account');
    expect((await incident('severity', id, 'CRITICAL', '--reason', 'nobody did it')).out).toContain('open  CRITICAL');
    expect((await incident('contain', id)).out).toContain(`${id}  contained`);
    expect((await incident('resolve', id, '--reason', 'the password was changed')).out).toContain(`${id}  resolved`);

    const { code, out } = await incident('show', id);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^${id} {2}resolved {2}CRITICAL {2}owned by ${name}\n`));
    expect(out).toMatch(/what +root signed in from abroad\n/);
    expect(out).toMatch(new RegExp(`about +${bucket}\n`));
    expect(out).toMatch(/playbooks\n +playbooks\/root-activity\.md/);
    expect(out).toMatch(new RegExp(`note +${name} +asked the owner of the account\n`));
    expect(out).toMatch(new RegExp(`state +${name} +resolved: the password was changed\n`));

    const listed = await incident('list', '--state', 'resolved', '--json');
    expect(JSON.parse(listed.out).incidents).toContainEqual(expect.objectContaining({ id, state: 'resolved' }));
    const again = await incident('own', id, 'Ben');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining(`${id} is resolved: say what is left`)]);
  });

  test('that was none is dismissed, with a reason', async () => {
    const id = await open('an export that nobody knew');
    const unsaid = await incident('dismiss', id);
    expect([unsaid.code, unsaid.err]).toEqual([2, expect.stringContaining("required option '--reason <text>'")]);
    const { out } = await incident('dismiss', id, '--reason', 'the auditors do that');
    expect(out).toContain(`${id}  false-positive`);
  });

  test('shows its responses with the commands for them, and that it is a rehearsal', async () => {
    const arn = `arn:aws:rds:${HOME_REGION}:${account}:snapshot:s-${randomUUID().slice(0, 8)}`;
    const target = { type: 'AWS::RDS::DBSnapshot', id: 's', arn, account, region: HOME_REGION, partition: 'aws' };
    const tell = (
      id: string,
      outcome: 'awaiting-approval' | 'verified' | 'undone',
      second: number,
      undoes?: string,
    ) => {
      const at = `2026-11-25T10:00:0${second}.000Z`;
      const finding = { source: 'macie', type: 'X', id: 'f', severity: 'HIGH', title: 'a \u001b[2J title' } as const;
      const response = {
        id,
        remediation: 'snapshots.x',
        target,
        correlation: id,
        finding,
        startedAt: at,
        finishedAt: at,
      };
      const done = { ...response, outcome, ...(undoes !== undefined && { undoes }) };
      const told = { response: done, title: 'Make it private', subjects: [arn], playbooks: ['shared-rds-snapshot'] };
      return incidents.tell({ ...told, simulation: 'abcdefghij' }, true, { joinHours: 24 });
    };
    const unique = () =>
      `snapshots-${randomUUID()
        .slice(0, 10)
        .replaceAll(/[-01il]/g, 'a')}`;
    const [waiting, fixed, taken, undo] = [unique(), unique(), unique(), unique()];
    await tell(waiting, 'awaiting-approval', 1);
    await tell(fixed, 'verified', 2);
    await tell(taken, 'verified', 3);
    const { id = '' } = (await tell(undo, 'undone', 4, taken)) ?? {};

    const { out } = await incident('show', id);
    expect(out).toContain('SIMULATION: run abcdefghij made it  firebreak simulation status abcdefghij\n');
    expect(out).toMatch(/what +a \\u\{1b\}\[2J title\n/);
    const commands = out.split('\n').filter((line) => /^ {8}firebreak /.test(line));
    expect(commands.map((line) => line.trim())).toEqual([
      ...['show', 'approve', 'deny'].map((verb) => `firebreak ${verb} ${waiting}`),
      ...['show', 'undo'].map((verb) => `firebreak ${verb} ${fixed}`),
      `firebreak show ${taken}`,
      ...['show', 'undo'].map((verb) => `firebreak ${verb} ${undo}`),
    ]);
    const shown = JSON.parse((await incident('show', id, '--json')).out);
    expect(shown).toMatchObject({
      incident: { id, simulation: 'abcdefghij' },
      playbooks: [{ id: 'shared-rds-snapshot', path: 'playbooks/shared-rds-snapshot.md' }],
    });
    expect(shown.responses).toHaveLength(4);
    expect((await incident('list')).out).toMatch(new RegExp(`${id} .*\\[SIMULATION\\] a`));
  });
});

describe('what cannot be meant so', () => {
  test.each<[string, string[], number, RegExp]>([
    ['an id of a response', ['show', 'network-aaaaaaaaaa'], 2, /not the id of an incident: firebreak incident list/],
    [
      'an id of nothing',
      ['show', 'inc-aaaaaaaaaa'],
      1,
      /there is no incident inc-aaaaaaaaaa in table firebreak-incidents/,
    ],
    [
      'a table that is not there',
      ['list', '--table', 'none'],
      1,
      /there is no table none in .*: deploy Firebreak first/,
    ],
    ['an incident of no account', ['open', 'x', '--severity', 'LOW', '--account', '4'], 2, /not a twelve-digit/],
    ['a severity of another scale', ['severity', 'inc-aaaaaaaaaa', 'SEV1'], 2, /SEV1 is no severity: choose from/],
    ['an incident about no ARN', ['open', 'x', ...ABOUT, '--subject', 'i-0123'], 2, /i-0123: is not an ARN/],
    ['a note of nothing', ['note', 'inc-aaaaaaaaaa', ' '], 2, /the note is a text of 1 to 2000 characters/],
    ['a note to nothing', ['note', 'inc-aaaaaaaaaa', 'x'], 1, /there is no such incident: look for it: firebreak/],
  ])('is refused: %s', async (_, words, code, said) => {
    const answer = await incident(...words);
    expect([answer.code, answer.out]).toEqual([code, '']);
    expect(answer.err).toMatch(said);
  });

  test.each(['list', 'show', 'open', 'note', 'own', 'severity', 'contain', 'resolve', 'dismiss'])(
    '%s says how it is used',
    async (verb) => {
      const { code, out } = await incident(verb, '--help');
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`Examples:\n {2}\\$ firebreak incident ${verb}`));
      expect(out).toContain('--json');
    },
  );
});
