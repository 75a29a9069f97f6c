import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOME_REGION, INCIDENTS_TABLE, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { sessionConfig } from '../aws/session.ts';
import type { Severity } from '../findings/finding.ts';
import type { Target } from '../remediation.ts';
import { OUTCOMES, type Outcome } from '../response.ts';
import { lettersOf, responseId, targetOf } from '../targets.ts';
import { isLive, type Telling } from './course.ts';
import type { Entry, Incident } from './incident.ts';
import { RECORDED } from './outcomes.ts';
import { Conflict, Incidents } from './record.ts';

const [account] = MEMBER_ACCOUNTS;
const cloud = sharedCloud();
const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
/** Two shards of the stream. */
const shards = [1, 2].map(() => new Incidents({ ...session }, INCIDENTS_TABLE));
const [record = shards[0] as Incidents, other = shards[1] as Incidents] = shards;
const joining = { joinHours: 24 };
const remediation = 'snapshots.privatize-rds-snapshot';
const ana = `arn:aws:sts::${SECURITY_ACCOUNT}:assumed-role/responders/ana`;

const snapshot = (id = `s-${randomUUID().slice(0, 8)}`): Target => {
  const target = targetOf('AWS::RDS::DBSnapshot', { account, region: HOME_REGION, partition: 'aws' }, id);
  if (!target) throw new Error(`no snapshot is called ${id}`);
  return target;
};

/** Days ago, so that all that is told is in the past. */
const START = Math.floor(Date.now() / 60_000) * 60_000 - 6 * 86_400_000;
const minute = (number: number): string => new Date(START + number * 60_000).toISOString();

interface Told {
  readonly target?: Target;
  readonly outcome?: Outcome;
  /** Minutes after the start: when it began, and when it ended. */
  readonly from?: number;
  readonly at?: number;
  readonly severity?: Severity;
  readonly id?: string;
  readonly undoes?: string;
  readonly principal?: string;
  readonly simulation?: string;
  readonly playbooks?: readonly string[];
}

function telling({
  target = snapshot(),
  outcome = 'failed',
  at = 1,
  from = at,
  principal,
  ...more
}: Told = {}): Telling {
  const { severity = 'HIGH', id = responseId(remediation, target, randomUUID()), undoes, simulation } = more;
  return {
    response: {
      id,
      remediation,
      target,
      correlation: randomUUID(),
      finding: { source: 'securityhub', type: 'RDS.1', id: 'f', severity, title: 'a snapshot is public' },
      startedAt: minute(from),
      finishedAt: minute(at),
      outcome,
      ...(undoes !== undefined && { undoes }),
    },
    title: 'Make a snapshot private',
    subjects: [target.arn, ...(principal === undefined ? [] : [principal])],
    playbooks: more.playbooks ?? [],
    ...(simulation !== undefined && { simulation }),
  };
}

const opens = ({ response: { outcome } }: Telling): boolean => RECORDED[outcome].does.startsWith('opens');
const tell = (each: Telling, to = record): Promise<Incident | undefined> => to.tell(each, opens(each), joining);
/** Tells it, and answers the incident that it must be in. */
async function recorded(each: Told): Promise<Incident> {
  const incident = await tell(telling(each));
  if (!incident) throw new Error('it is in no incident');
  return incident;
}
const timelineOf = async (id: string): Promise<readonly Entry[]> => (await record.get(id))?.timeline ?? [];
const whatIn = async (id: string) => (await timelineOf(id)).map(({ what, outcome }) => outcome ?? what);

describe('under races and duplicates', () => {
  const GOOD = new Set<Outcome>(['verified', 'compliant', 'gone']);
  const facts = fc.constantFrom<Outcome>('verified', 'compliant', 'gone', 'failed', 'unverified');
  /** What became of up to three resources, each told by one response after the other. */
  const story = fc.array(fc.record({ resource: fc.nat(2), outcome: facts }), { minLength: 1, maxLength: 6 });

  test('what belongs together ends in one incident, in which everything is told once and nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.integer(), async (told, seed) => {
        const run = randomUUID().slice(0, 8);
        const principal = `arn:aws:iam::${account}:user/${run}`;
        const tellings = told.map(({ resource, outcome }, index) =>
          telling({ target: snapshot(`r-${run}-${resource}`), outcome, at: 2 * index + 1, from: 2 * index, principal }),
        );
        // Each shard tells its part in order, beside the other; some of it is told twice, by either.
        const isTwice = (index: number): boolean => ((seed >> (index % 16)) & 1) === 1;
        await Promise.all(
          shards.map(async (shard, number) => {
            const part = tellings.filter((_, index) => index % 2 === number || isTwice(index));
            for (const each of part) await shard.tell(each, true, joining);
          }),
        );
        const ids = new Set<string | undefined>();
        for (const each of tellings) ids.add((await tell(each))?.id);
        expect(ids.size).toBe(1);

        const [id = ''] = ids;
        const { incident, timeline } = (await record.get(id)) ?? {};
        const responses = timeline?.filter(({ what }) => what === 'response') ?? [];
        expect(responses.map(({ response }) => response).sort()).toEqual(
          tellings.map(({ response }) => response.id).sort(),
        );
        expect(timeline?.filter(({ what }) => what === 'opened')).toHaveLength(1);
        expect(timeline?.[0]?.what).toBe('opened');

        const last = new Map(told.map(({ resource, outcome }) => [resource, outcome]));
        const isGood = [...last.values()].every((outcome) => GOOD.has(outcome));
        expect(incident?.state).toBe(isGood ? 'contained' : 'open');
        expect(incident?.changedAt).toBe(minute(2 * (told.length - 1) + 1));
      }),
      { numRuns: 8 },
    );
  });

  test('a timeline only grows: what was read once is the beginning of what is read later', async () => {
    const target = snapshot();
    const read: (readonly Entry[])[] = [];
    const { id } = await recorded({ target });
    const writing = Promise.all(
      shards.map(async (shard, number) => {
        for (let index = 0; index < 6; index += 1) {
          if (index % 3 === 0) await shard.say(id, ana, { what: 'note', detail: `note ${number} ${index}` });
          else await tell(telling({ target, outcome: 'failed', at: index }), shard);
        }
      }),
    );
    for (let look = 0; look < 8; look += 1) read.push(await timelineOf(id));
    await writing;
    read.push(await timelineOf(id));
    expect(read.at(-1)).toHaveLength(2 + 12);
    for (const [index, before] of read.entries()) {
      for (const later of read.slice(index)) expect(later.slice(0, before.length)).toEqual(before);
    }
  });
});

describe('what is told', () => {
  test.each(OUTCOMES.map((outcome) => [outcome, RECORDED[outcome].does] as const))('%s %s', async (outcome, does) => {
    const alone = await tell(telling({ outcome }));
    expect(alone === undefined).toBe(!does.startsWith('opens'));
    const target = snapshot();
    const { id } = await recorded({ target });
    const joined = does === 'nothing' ? undefined : await tell(telling({ target, outcome, at: 2 }));
    expect(joined?.id).toBe(does === 'nothing' ? undefined : id);
  });

  test('a good end is contained, and something amiss opens it again, also what was undone', async () => {
    const target = snapshot();
    const first = telling({ target, outcome: 'verified' });
    const incident = await tell(first);
    expect(incident?.state).toBe('contained');
    const undo = telling({ target, outcome: 'undone', at: 5, undoes: first.response.id });
    expect(await tell(undo)).toMatchObject({ id: incident?.id, state: 'open' });
    const redo = telling({ target, outcome: 'undone', at: 9, undoes: undo.response.id });
    expect(await tell(redo)).toMatchObject({ id: incident?.id, state: 'contained' });
    expect(await whatIn(incident?.id ?? '')).toEqual([
      ...['opened', 'verified', 'state', 'undone', 'state', 'undone', 'state'],
    ]);
  });

  test('a plan that expires says nothing about what was fixed meanwhile; one that began later does', async () => {
    const target = snapshot();
    const waiting = telling({ target, outcome: 'awaiting-approval', at: 1 });
    await tell(waiting);
    expect(await recorded({ target, outcome: 'verified', at: 10, from: 9 })).toMatchObject({ state: 'contained' });
    const { response } = waiting;
    const expired = { ...waiting, response: { ...response, outcome: 'expired' as const, finishedAt: minute(1_000) } };
    expect(await tell(expired)).toMatchObject({ state: 'contained' });
    expect(await recorded({ target, outcome: 'refused', from: 1_001, at: 1_002 })).toMatchObject({ state: 'open' });
  });

  test('an undo that came to nothing leaves things as they are', async () => {
    const target = snapshot();
    const first = telling({ target, outcome: 'verified' });
    await tell(first);
    const undo = { target, outcome: 'changed-since', at: 5, undoes: first.response.id } as const;
    expect(await recorded(undo)).toMatchObject({ state: 'contained' });
  });

  test('an undo that waits for somebody opens one that is not contained', async () => {
    const undo = { outcome: 'awaiting-approval', undoes: 'snapshots-aaaaaaaaaa' } as const;
    expect(await recorded(undo)).toMatchObject({ state: 'open' });
  });

  test('what a hold or an exception stops opens nothing again', async () => {
    const target = snapshot();
    const { id } = await recorded({ target, outcome: 'verified' });
    expect(await recorded({ target, outcome: 'excepted', at: 5 })).toMatchObject({ id, state: 'contained' });
    expect(await recorded({ target, outcome: 'failed', at: 10 })).toMatchObject({ id, state: 'open' });
  });

  test('what a principal did is one incident, whatever its session or path', async () => {
    const role = `r-${randomUUID().slice(0, 8)}`;
    const { id } = await recorded({ principal: `arn:aws:iam::${account}:role/a/path/${role}` });
    const session = `arn:aws:sts::${account}:assumed-role/${role}/i-0123456789abcdef0`;
    const next = await recorded({ principal: session, at: 60, severity: 'CRITICAL', playbooks: ['exposed-bucket'] });
    expect(next).toMatchObject({ id, severity: 'CRITICAL', playbooks: ['exposed-bucket'] });
    expect(next.subjects).toHaveLength(4);
    expect((await recorded({ severity: 'LOW' })).id).not.toBe(id);
  });

  test('is joined within so many hours of the last telling, and no longer', async () => {
    const fixed = { target: snapshot(), outcome: 'verified' } as const;
    const { id } = await recorded({ ...fixed, at: 0 });
    expect((await recorded({ ...fixed, at: 24 * 60 })).id).toBe(id);
    expect((await recorded({ ...fixed, at: 48 * 60 })).id).toBe(id);
    expect((await recorded({ ...fixed, at: 72 * 60 + 1 })).id).not.toBe(id);
  });

  test('of a resource that is amiss is told where it is amiss, however late, and a late fix contains that', async () => {
    const target = snapshot();
    const { id } = await recorded({ target, outcome: 'expired', at: 0 });
    expect(await recorded({ target, at: 60 * 60 })).toMatchObject({ id, state: 'open' });
    const fix = telling({ target, outcome: 'verified', severity: 'INFORMATIONAL', at: 120 * 60 });
    expect(await record.tell(fix, false, joining)).toMatchObject({ id, state: 'contained' });
  });

  test('a response goes on in its incident, however late', async () => {
    const waiting = telling({ outcome: 'awaiting-approval' });
    const { id } = (await tell(waiting)) ?? {};
    const { response } = waiting;
    const late = { ...response, outcome: 'expired' as const, finishedAt: minute(100 * 60) };
    expect((await tell({ ...waiting, response: late }))?.id).toBe(id);
    // And what is told again, a second time, adds nothing.
    expect((await tell(waiting))?.id).toBe(id);
    expect(await whatIn(id ?? '')).toEqual(['opened', 'awaiting-approval', 'expired']);
  });

  test('a rehearsal is never joined with what is none', async () => {
    const principal = `arn:aws:iam::${account}:user/u-${randomUUID().slice(0, 8)}`;
    const simulation = lettersOf([randomUUID()]);
    const rehearsed = await recorded({ principal, simulation });
    expect(rehearsed.simulation).toBe(simulation);
    const real = await recorded({ principal });
    expect(real.simulation).toBeUndefined();
    expect((await recorded({ principal, simulation, at: 2 })).id).toBe(rehearsed.id);
    expect((await recorded({ principal, at: 3 })).id).toBe(real.id);
  });
});

describe('people', () => {
  const opening = {
    title: 'root signed in',
    severity: 'HIGH',
    account,
    region: HOME_REGION,
    subjects: [],
    playbooks: ['root-activity'],
  } as const;

  test('open one by hand, which Firebreak does not call contained', async () => {
    const { arn, ...target } = snapshot();
    const incident = await record.open(ana, { ...opening, subjects: [arn] }, joining);
    expect(incident).toMatchObject({ state: 'open', title: 'root signed in' });
    const now = (Date.now() - START) / 60_000;
    const joined = await recorded({ target: { ...target, arn }, outcome: 'verified', at: now });
    expect(joined).toMatchObject({ id: incident.id, state: 'open' });
    await expect(record.open(ana, { ...opening, subjects: [arn] }, joining)).rejects.toThrow(Conflict);
  });

  test('at the same moment about the same thing, open one', async () => {
    const { arn } = snapshot();
    const asked = [record, other, record].map((each) => each.open(ana, { ...opening, subjects: [arn] }, joining));
    const answers = await Promise.allSettled(asked);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('say what they know, once; and what they say of its severity stays', async () => {
    const target = snapshot();
    const { id } = await recorded({ target });
    expect(await record.say(id, ana, { what: 'owner', owner: 'Ana' })).toMatchObject({ owner: 'Ana' });
    await record.say(id, ana, { what: 'owner', owner: 'Ana' });
    await record.say(id, ana, { what: 'severity', severity: 'LOW', reason: 'a test system' });
    await record.say(id, ana, { what: 'note', detail: 'asked the owner' });
    expect(await recorded({ target, severity: 'CRITICAL', at: 3 })).toMatchObject({ severity: 'LOW', owner: 'Ana' });
    const said = (await timelineOf(id)).filter(({ by }) => by === ana).map(({ what, detail }) => [what, detail]);
    expect(said).toEqual([
      ['owner', 'Ana'],
      ['severity', 'LOW: a test system'],
      ['note', 'asked the owner'],
    ]);
    expect(await record.say('inc-aaaaaaaaaa', ana, { what: 'note', detail: 'x' })).toBeUndefined();
  });

  test.each(['resolved', 'false-positive'] as const)('end it as %s, and that stays', async (state) => {
    const target = snapshot();
    const first = telling({ target, outcome: 'verified' });
    const { id = '' } = (await tell(first)) ?? {};
    expect(await record.say(id, ana, { what: 'state', state })).toMatchObject({ state });
    await record.say(id, ana, { what: 'note', detail: 'for the review' });
    const change = record.say(id, ana, { what: 'owner', owner: 'Ben' });
    await expect(change).rejects.toThrow(`${id} is ${state}`);

    // What came of its own responses is told there: of the rest, what needs a person is an incident of its own.
    const undo = telling({ target, outcome: 'undone', at: 5, undoes: first.response.id });
    expect(await tell(undo)).toMatchObject({ id, state });
    expect((await tell(first))?.id).toBe(id);
    expect(await whatIn(id)).toEqual(['opened', 'verified', 'state', 'state', 'note', 'undone']);
    const next = await recorded({ target, at: 6 });
    expect(next.id).not.toBe(id);
    expect(isLive(next)).toBe(true);
    expect((await recorded({ target, at: 7, outcome: 'compliant' })).id).toBe(next.id);
  });

  test('see them newest first', async () => {
    const days = [0, 1, 2].map((day) => day * 24 * 60);
    const opened = await Promise.all(days.map((at) => recorded({ at })));
    const listed: string[] = [];
    for await (const { id } of record.list(new Date(START))) listed.push(id);
    const found = listed.filter((id) => opened.some((each) => each.id === id));
    expect(found).toEqual(opened.map(({ id }) => id).reverse());
  });
});
