import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../cli/caller.ts';
import { callDoor } from '../../cli/door.ts';
import type { Incident } from '../../engine/incidents/incident.ts';
import type { Json } from '../../engine/state.ts';
import { signIn } from '../../local/analyst.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { deployedIncidents } from '../../local/incidents.ts';

const [account] = MEMBER_ACCOUNTS;
const environment = { ...process.env };
const cloud = sharedCloud();
const incidents = deployedIncidents(cloud);
let ana: Caller;
let ben: Caller;

beforeAll(async () => {
  process.env.AWS_ENDPOINT_URL = cloud.endpoint;
  ana = await signIn(cloud, 'ana', 'firebreak-responder');
  ben = await signIn(cloud, 'ben', 'firebreak-responder');
});
afterAll(() => {
  process.env = environment;
});

type Body = { readonly [name: string]: Json };
const ask = (who: Caller, path: string, body: Body) => callDoor(who, { method: 'POST', path, body });
const aBucket = () => `arn:aws:s3:::b-${randomUUID()}`;
const opening = (more: Body = {}): Body => ({
  title: 'a laptop was stolen',
  severity: 'MEDIUM',
  account,
  region: HOME_REGION,
  subjects: [],
  playbooks: ['compromised-access-key'],
  ...more,
});
/** Opens an incident by the door. */
async function open(who: Caller, more: Body = {}): Promise<Incident> {
  const { status, body } = await ask(who, '/incidents', opening(more));
  expect(status).toBe(202);
  return (body as unknown as { incident: Incident }).incident;
}

describe('people', () => {
  test('open an incident, and say what they know and do; the record knows from IAM who they are', async () => {
    const incident = await open(ana, { subjects: [aBucket()] });
    const { id } = incident;
    expect(incident).toMatchObject({ state: 'open', severity: 'MEDIUM', playbooks: ['compromised-access-key'] });
    const said: [string, Body][] = [
      ['owner', { owner: 'Ben, night shift' }],
      ['severity', { severity: 'CRITICAL', reason: 'its disk was not encrypted' }],
      ['notes', { note: ' the key was in a public repository ' }],
      ['state', { state: 'contained', reason: 'the key is gone' }],
      ['state', { state: 'resolved' }],
    ];
    for (const [route, body] of said) {
      expect(await ask(ben, `/incidents/${id}/${route}`, body)).toMatchObject({
        status: 202,
        body: { incident: { id } },
      });
    }
    const record = await incidents.get(id);
    expect(record?.incident).toMatchObject({ state: 'resolved', owner: 'Ben, night shift', severity: 'CRITICAL' });
    expect(record?.timeline.map(({ by, what, detail }) => [by, what, detail])).toEqual([
      [ana.arn, 'opened', 'a laptop was stolen'],
      [ben.arn, 'owner', 'Ben, night shift'],
      [ben.arn, 'severity', 'CRITICAL: its disk was not encrypted'],
      [ben.arn, 'note', 'the key was in a public repository'],
      [ben.arn, 'state', 'contained: the key is gone'],
      [ben.arn, 'state', 'resolved'],
    ]);
    expect(await ask(ana, `/incidents/${id}/state`, { state: 'false-positive', reason: 'it was found' })).toMatchObject(
      {
        status: 409,
        body: { error: `${id} is resolved`, do: `say what is left to be said: firebreak incident note ${id}` },
      },
    );
    expect(await ask(ana, `/incidents/${id}/notes`, { note: 'for the review' })).toMatchObject({ status: 202 });
  });

  test('are told of the incident that is there, when they open another', async () => {
    const subjects = [aBucket()];
    const { id } = await open(ana, { subjects });
    expect(await ask(ben, '/incidents', opening({ subjects }))).toMatchObject({
      status: 409,
      body: { error: `${id} is about that already`, do: `see firebreak incident show ${id}` },
    });
  });

  test('at once about one incident are all heard, in some order', async () => {
    const { id } = await open(ana);
    const notes = Array.from({ length: 4 }, (_, index) => `note ${index}`);
    const answers = await Promise.all(
      notes.map((note, index) => ask(index % 2 ? ana : ben, `/incidents/${id}/notes`, { note })),
    );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    const told = (await incidents.get(id))?.timeline.slice(1).map(({ detail }) => detail);
    expect([...(told ?? [])].sort()).toEqual(notes);
  });

  test('look for one that is there', async () => {
    for (const id of ['inc-aaaaaaaaaa', 'network-aaaaaaaaaa']) {
      expect(await ask(ana, `/incidents/${id}/notes`, { note: 'x' })).toMatchObject({ status: 404 });
    }
  });
});

test.each<[string, string, Body, string]>([
  ['somebody else to speak for', 'notes', { note: 'x', by: 'arn:aws:iam::111122223333:user/boss' }, 'body'],
  ['nothing to say', 'notes', { note: '  ' }, 'body.note: is empty'],
  ['more than anybody reads', 'notes', { note: 'a'.repeat(2_001) }, 'body.note: is longer than 2000'],
  ['a state that only Firebreak sets', 'state', { state: 'open' }, 'body.state: is none of contained, resolved'],
  ['a false positive without a reason', 'state', { state: 'false-positive' }, 'body.reason: is missing'],
  ['a severity of another scale', 'severity', { severity: 'SEV1' }, 'body.severity: is none of INFORMATIONAL'],
  ['an owner of another kind', 'owner', { owner: 7 }, 'body.owner: is not of type string'],
])('the door takes not %s', async (_, route, body, said) => {
  const { id } = await open(ana);
  const answer = await ask(ana, `/incidents/${id}/${route}`, body);
  expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(said) } });
  expect((await incidents.get(id))?.timeline).toHaveLength(1);
});

test.each<[string, Body, string]>([
  ['without a title', { title: ' ' }, 'body.title: is empty'],
  ['of no account', { account: '4444' }, 'body.account: is not a twelve-digit account id'],
  ['of no Region', { region: 'Ireland' }, 'body.region: is not a Region'],
  ['about what has no ARN', { subjects: ['i-0123'] }, 'body.subjects[0]: is not an ARN'],
  ['with a path for a playbook', { playbooks: ['../../etc'] }, 'body.playbooks[0]: is not the id of a playbook'],
  ['about everything', { subjects: Array.from({ length: 21 }, aBucket) }, 'body.subjects: has more than 20'],
])('nobody opens an incident %s', async (_, more, said) => {
  const answer = await ask(ana, '/incidents', opening(more));
  expect(answer).toMatchObject({ status: 400, body: { error: expect.stringContaining(said) } });
});

describe('whom the incident is about', () => {
  test.each<[string, (role: string) => string]>([
    ['its role, with a path', (role) => `arn:aws:iam::${SECURITY_ACCOUNT}:role/a/path/${role}`],
    ['another of its sessions', (role) => `arn:aws:sts::${SECURITY_ACCOUNT}:assumed-role/${role}/other`],
  ])('has no say in it: %s', async (_, subject) => {
    const role = ben.arn.split('/').at(1) ?? '';
    const { id } = await open(ana, { subjects: [subject(role)] });
    const said: [string, Body][] = [
      ['state', { state: 'false-positive', reason: 'nothing happened' }],
      ['severity', { severity: 'LOW' }],
      ['owner', { owner: 'me' }],
      ['notes', { note: 'nothing happened' }],
    ];
    for (const [route, body] of said) {
      const answer = await ask(ben, `/incidents/${id}/${route}`, body);
      expect(answer).toMatchObject({ status: 403, body: { error: `${id} is about ${ben.arn}` } });
    }
    expect(await ask(ana, `/incidents/${id}/state`, { state: 'resolved' })).toMatchObject({ status: 202 });
    expect(await ask(ben, '/incidents', opening({ subjects: [subject(role)] }))).toMatchObject({
      status: 403,
      body: { error: `the incident is about ${ben.arn}`, do: 'ask somebody else to look at it' },
    });
  });
});

test('whoever has no part in it is told what they need', async () => {
  const approver = await signIn(cloud, 'app', 'firebreak-approver');
  await expect(ask(approver, '/incidents', opening())).rejects.toThrow(
    /needs execute-api:Invoke on .*POST\/incidents$/,
  );
});
