import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as z from 'zod/mini';
import { FileHolds } from '../cli/holds.ts';
import { findingOn } from '../local/findings.ts';
import { sessionConfig } from './aws/session.ts';
import type { Sessions } from './aws/sessions.ts';
import { defineRemediation } from './define.ts';
import { TransientError } from './errors.ts';
import type { Budgets } from './ledger/budgets.ts';
import { FileLedger } from './ledger/files.ts';
import { type Hold, type Holds, type Ledger, leaseKey } from './ledger/ledger.ts';
import { policySchema } from './policy-schema.ts';
import type { Target } from './remediation.ts';
import { conclude, type House, type Request, respond } from './respond.ts';
import { changes, type State, withPart } from './state.ts';
import { responseId, successorOf, targetKey } from './targets.ts';
import { securityHub } from './triggers.ts';
import { type UndoHouse, undo } from './undo.ts';

const target: Target = {
  type: 'AWS::S3::Bucket',
  id: 'doors',
  arn: 'arn:aws:s3:::doors',
  account: '444455556666',
  region: 'eu-west-1',
  partition: 'aws',
};
const finding = findingOn(target, 'securityhub', 'S3.2');
const session = sessionConfig(target.account, target.region);

/** A resource of doors that should be shut, its API, and a place where a run can be killed: before or after any call. */
class Doors {
  state: State = { back: 'open', front: 'open', side: 'shut' };
  /** Reads still show this many times what was before the last write. */
  lag = 0;
  calls = 0;
  killAt = Number.POSITIVE_INFINITY;
  writes = 0;
  #stale: State = this.state;

  /** A call, which may be the last: before it takes place or after it has and nobody is told. */
  async call<T>(take: () => T | Promise<T>): Promise<T> {
    this.#live();
    const answer = await take();
    this.#live();
    return answer;
  }

  #live(): void {
    this.calls += 1;
    if (this.calls === this.killAt) throw new TransientError('killed');
  }

  read(): State {
    if (this.lag === 0) return this.state;
    this.lag -= 1;
    return this.#stale;
  }

  write(name: string, value: string | null): void {
    this.writes += 1;
    this.#stale = this.state;
    this.state = withPart(this.state, name, value);
  }
}

let doors: Doors;
let root: string;
beforeEach(() => {
  doors = new Doors();
  root = mkdtempSync(join(tmpdir(), 'firebreak-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const shutDoors = (
  more: {
    readonly stuck?: boolean;
    readonly declineWhenShut?: boolean;
    readonly fail?: Error;
    /** Whether somebody stands in a door, which the state does not tell. */
    readonly busy?: () => boolean;
  } = {},
) =>
  defineRemediation({
    id: 'storage.shut-doors',
    title: 'Shut doors',
    risk: 'safe',
    handles: [securityHub('S3.2')],
    resource: ['AWS::S3::Bucket'],
    parameters: z.strictObject({}),
    state: z.record(z.string(), z.enum(['open', 'shut'])),
    permissions: { read: ['s3:Look'], write: () => [{ actions: ['s3:Shut'], resources: [target.arn] }] },
    gone: ['NoSuchBucket'],
    clients: () => ({}),
    read: () =>
      doors.call(() => {
        if (more.fail) throw more.fail;
        const state = doors.read() as Record<string, 'open' | 'shut'>;
        const open = Object.values(state).filter((door) => door === 'open').length;
        return { state, facts: { open, busy: more.busy?.() === true } };
      }),
    desired: (state) =>
      Object.fromEntries(Object.keys(state).map((name) => [name, 'shut'])) as Record<string, 'open' | 'shut'>,
    decline: ({ facts }) =>
      more.declineWhenShut && facts.open === 0 ? { outcome: 'refused', reason: 'nothing but the roof' } : undefined,
    caution: ({ facts: { busy } }) => (busy ? 'somebody stands in the door' : undefined),
    async write(_clients, _target, next, current) {
      if (more.stuck) return;
      for (const { part, to } of changes(current, next)) await doors.call(() => doors.write(part, to as string | null));
    },
  });

/** The ledger, whose every call can be the last of a run too. */
const mortal = (ledger: Ledger): Ledger => ({
  open: (...given) => doors.call(() => ledger.open(...given)),
  append: (...given) => doors.call(() => ledger.append(...given)),
  plan: (...given) => doors.call(() => ledger.plan(...given)),
  close: (...given) => doors.call(() => ledger.close(...given)),
  order: (...given) => doors.call(() => ledger.order(...given)),
  reopen: (...given) => doors.call(() => ledger.reopen(...given)),
  get: (...given) => doors.call(() => ledger.get(...given)),
  list: (...given) => ledger.list(...given),
});

const sessions: Sessions = {
  read: () => doors.call(() => session),
  write: () => doors.call(() => session),
};

/** What keeps others off, too. */
const mortalHolds = (holds: Holds): Holds => ({
  get: (...given) => holds.get(...given),
  take: (...given) => doors.call(() => holds.take(...given)),
  put: (...given) => doors.call(() => holds.put(...given)),
  release: (...given) => doors.call(() => holds.release(...given)),
});
const fileHolds = () => new FileHolds(join(root, 'holds'), join(root, 'claims'));
const key = leaseKey('storage.shut-doors', targetKey(target));

const house = (more: Partial<UndoHouse> = {}): UndoHouse => ({
  ledger: mortal(new FileLedger(root)),
  holds: mortalHolds(fileHolds()),
  sessions,
  policy: policySchema.parse({ version: 1 }),
  home: { account: '111122223333', region: 'eu-west-1' },
  ...more,
});

const request = (action = shutDoors(), message = 'm1'): Request => ({
  id: responseId(action.id, target, message),
  action,
  target,
  finding,
  correlation: 'event-1',
});

/** Runs until it is not killed any more, as SQS would have it. */
async function untilDone(one: Request, on = house()) {
  for (let run = 0; run < 3; run += 1) {
    try {
      return await respond(one, on);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
  }
  throw new Error('it never ended');
}

const OPEN: State = { back: 'open', front: 'open', side: 'shut' };
const SHUT: State = { back: 'shut', front: 'shut', side: 'shut' };

describe('a response', () => {
  test('killed before or after any call ends as an undisturbed one, and what was before stays the way back', async () => {
    const undisturbed = await untilDone(request());
    expect(undisturbed).toMatchObject({ outcome: 'verified' });
    const calls = doors.calls;
    expect(calls).toBeGreaterThan(15);

    for (let killAt = 1; killAt <= calls; killAt += 1) {
      doors = new Doors();
      doors.killAt = killAt;
      const one = request(shutDoors({ declineWhenShut: true }), `killed at ${killAt}`);
      const ended = await untilDone(one);
      expect({ killAt, outcome: ended.outcome }).toEqual({ killAt, outcome: 'verified' });
      expect(doors.state).toEqual(SHUT);
      expect(doors.writes).toBeLessThanOrEqual(3);
      const record = await new FileLedger(root).get(one.id);
      expect(record?.plan).toMatchObject({ before: OPEN, after: SHUT });

      const back = await undo(
        { ...request(shutDoors(), `undo ${killAt}`), recorded: record?.plan ?? never(), undoes: one.id, by: 'me' },
        house(),
      );
      expect(back.outcome).toBe('undone');
      expect(doors.state).toEqual(OPEN);
    }
  });

  test('told again answers what it came to, and touches nothing', async () => {
    const first = await respond(request(), house());
    doors.state = OPEN;
    const { writes } = doors;
    expect(await respond(request(), house())).toEqual(first);
    expect(doors.writes).toBe(writes);
  });

  test('resumed does not claim what came after its plan', async () => {
    const calls = await recorded('applying');
    doors.killAt = calls;
    const one = request(shutDoors(), 'interrupted');
    await expect(respond(one, house())).rejects.toThrow('killed');
    doors.state = { ...SHUT, roof: 'open' };
    const ended = await respond(one, house());
    expect(ended).toMatchObject({ outcome: 'unverified', reason: expect.stringContaining('roof') });
    expect(doors.state).toEqual({ ...SHUT, roof: 'open' });
    const record = await new FileLedger(root).get(one.id);
    expect(record?.plan).toMatchObject({ before: OPEN, after: SHUT });
    expect(record?.timeline.some(({ event }) => event === 'continued')).toBe(false);
  });

  test('resumed before it wrote makes its plan anew when more is open by then', async () => {
    const calls = await recorded('plan');
    doors.killAt = calls;
    const one = request(shutDoors(), 'interrupted');
    await expect(respond(one, house())).rejects.toThrow('killed');
    doors.state = { ...doors.state, roof: 'open' };
    const ended = await respond(one, house());
    expect(ended).toMatchObject({ outcome: 'verified', id: successorOf({ ...ended, id: one.id }) });
    expect(doors.state).toEqual({ ...SHUT, roof: 'shut' });
    const ledger = new FileLedger(root);
    expect((await ledger.get(one.id))?.response).toMatchObject({ outcome: 'changed-since', followedBy: ended.id });
    expect((await ledger.get(ended.id))?.plan?.before).toEqual({ ...OPEN, roof: 'open' });
  });

  test('resumed before its first write asks once more who may stop it', async () => {
    const calls = await recorded('applying');
    doors.killAt = calls + 1;
    const one = request(shutDoors(), 'interrupted');
    await expect(respond(one, house())).rejects.toThrow('killed');
    expect(doors.writes).toBe(0);
    const excepted = { remediation: '*', resource: target.arn, owner: 'o', reason: 'r', expires: '2999-01-01' };
    // What it was to change is as it was, whatever somebody does beside it.
    doors.state = { ...OPEN, roof: 'open' };
    const ended = await respond(one, house({ policy: policySchema.parse({ version: 1, exceptions: [excepted] }) }));
    expect(ended).toMatchObject({ outcome: 'excepted', guard: 'exception' });
    expect(doors.writes).toBe(0);
  });

  test('is counted once, however often it comes to its first write', async () => {
    let spent = 0;
    let isOpen = false;
    const breaker = { at: '2026-11-27', count: 9, limit: 9, why: 'a flood' };
    const budgets: Budgets = {
      async spend() {
        spent += 1;
        return { count: { all: spent, inRegion: spent } };
      },
      breaker: async () => (isOpen ? breaker : undefined),
      open: async () => breaker,
      close: async () => true,
    };
    const watch = { stopped: async () => undefined, budgets };
    const action = shutDoors();
    const throttled = {
      ...action,
      apply: () => Promise.reject(new TransientError('slow down')),
    };
    for (let receives = 1; receives <= 3; receives += 1) {
      await expect(respond(request(throttled), house({ watch }))).rejects.toThrow('slow down');
    }
    expect(spent).toBe(1);
    isOpen = true;
    expect(await respond(request(), house({ watch }))).toMatchObject({ outcome: 'deferred', guard: 'budget' });
    expect(doors.writes).toBe(0);
  });

  test('whose last answers are lost is what the resource shows', async () => {
    const action = shutDoors();
    const write = action.apply;
    const unheard = (done: boolean) => ({
      ...action,
      apply: async (...given: Parameters<typeof write>) => {
        if (done) await write(...given);
        doors.lag = done ? 1 : 0;
        throw new TransientError('the answer was lost');
      },
    });
    const last = house({ lastTry: true });
    expect(await respond(request(unheard(true)), last)).toMatchObject({ outcome: 'verified' });
    expect(doors.state).toEqual(SHUT);
    doors.state = OPEN;
    expect(await respond(request(unheard(false), 'm2'), last)).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('the answer was lost'),
    });
  });

  test('that waits for a person tells all that a person should weigh, and is void when there is more', async () => {
    const approval = {
      policy: policySchema.parse({ version: 1, remediations: { 'storage.shut-doors': { mode: 'approval' } } }),
    };
    let isBusy = false;
    const action = shutDoors({ busy: () => isBusy });
    const ledger = new FileLedger(root);
    const approved = async (message: string) => {
      const one = request(action, message);
      const waiting = await respond(one, house(approval));
      expect(waiting.outcome).toBe('awaiting-approval');
      await ledger.order(one.id, { verb: 'approve', by: 'me', at: new Date().toISOString() });
      await ledger.reopen(waiting);
      return { waiting, one };
    };
    const { one } = await approved('m1');
    isBusy = true;
    const anew = await respond(one, house(approval));
    expect((await ledger.get(one.id))?.response).toMatchObject({
      outcome: 'changed-since',
      reason: expect.stringContaining('somebody stands in the door'),
    });
    expect(anew).toMatchObject({
      outcome: 'awaiting-approval',
      reason:
        'needs approval, because response-policy.yml sets storage.shut-doors to approval; somebody stands in the door',
      guard: 'mode',
    });
    expect(doors.writes).toBe(0);
    const { one: known } = await approved('m2');
    expect(await respond(known, house(approval))).toMatchObject({ outcome: 'verified' });
  });

  test('waits for a change to be seen, and says unverified when it never is', async () => {
    doors.lag = 0;
    const action = shutDoors();
    const write = action.apply;
    const slow = {
      ...action,
      apply: async (...given: Parameters<typeof write>) => {
        await write(...given);
        doors.lag = 2;
      },
    };
    expect(await respond(request(slow), house())).toMatchObject({ outcome: 'verified' });

    doors.state = OPEN;
    const stuck = await respond(request(shutDoors({ stuck: true }), 'm2'), house());
    expect(stuck).toMatchObject({ outcome: 'unverified', reason: expect.stringContaining('front') });
  }, 30_000);

  test('never acts on a failed read', async () => {
    const denied = Object.assign(new Error('no'), { name: 'AccessDenied' });
    const failed = await respond(request(shutDoors({ fail: denied })), house());
    expect(failed).toMatchObject({ outcome: 'failed', reason: 'AccessDenied: no' });
    const gone = Object.assign(new Error('no'), { name: 'NoSuchBucket' });
    expect(await respond(request(shutDoors({ fail: gone }), 'm2'), house())).toMatchObject({ outcome: 'gone' });
    const throttled = new TransientError('slow down');
    const waits = request(shutDoors({ fail: throttled }), 'm3');
    await expect(respond(waits, house())).rejects.toThrow('slow down');
    expect((await new FileLedger(root).get(waits.id))?.response.outcome).toBeUndefined();
    expect(await respond(waits, house({ lastTry: true }))).toMatchObject({ outcome: 'failed' });
    expect(doors.writes).toBe(0);
  });

  test('writes nothing before approval, on a dry run, in observe mode, for an exception or a sample', async () => {
    const policy = (more: object) => ({ policy: policySchema.parse({ version: 1, ...more }) });
    const mode = (name: string) => policy({ remediations: { 'storage.shut-doors': { mode: name } } });
    const excepted = { remediation: '*', resource: target.arn, owner: 'o', reason: 'r', expires: '2999-01-01' };
    const end = async (message: string, more: Partial<House>, about = finding) =>
      (await respond({ ...request(shutDoors(), message), finding: about }, house(more))).outcome;
    expect(await end('a', mode('approval'))).toBe('awaiting-approval');
    expect(await end('b', mode('observe'))).toBe('observed');
    expect(await end('c', { planOnly: true })).toBe('observed');
    expect(await end('d', policy({ exceptions: [excepted] }))).toBe('excepted');
    expect(await end('e', {}, { ...finding, sample: true })).toBe('simulated');
    expect(doors.writes).toBe(0);
    expect(await end('f', { ...mode('approval'), requested: true })).toBe('verified');
  });

  test('takes a session for each part when one policy would be too long', async () => {
    const asked: number[] = [];
    const narrow: Sessions = {
      ...sessions,
      write: async () => {
        asked.push(doors.writes);
        return asked.length === 1 ? null : session;
      },
    };
    expect(await respond(request(), house({ sessions: narrow }))).toMatchObject({ outcome: 'verified' });
    expect(asked).toEqual([0, 0, 1]);
  });

  test('is told of once when it ends, also when there was nothing to act on', async () => {
    const told: (string | undefined)[] = [];
    const on = house({ ended: ({ outcome }) => told.push(outcome) });
    await respond(request(), on);
    await respond(request(), on);
    await conclude(request(shutDoors(), 'm2'), { outcome: 'refused', reason: 'nothing named' }, on);
    expect(told).toEqual(['verified', 'refused']);
  });
});

describe('an undo', () => {
  const fixed = async () => {
    const one = request();
    await respond(one, house());
    const plan = (await new FileLedger(root).get(one.id))?.plan ?? never();
    return { ...request(shutDoors(), 'undo'), recorded: plan, undoes: one.id, by: 'me' };
  };

  test('asks before it writes, and looks again after the answer', async () => {
    const back = await fixed();
    const { writes } = doors;
    const no = house({ confirm: async () => ({ outcome: 'denied', reason: 'no' }) });
    expect(await undo(back, no)).toMatchObject({ outcome: 'denied', undoes: back.undoes });
    const moved = house({
      confirm: async () => {
        doors.state = { ...doors.state, front: 'open' };
        return undefined;
      },
    });
    expect(await undo({ ...back, id: responseId(back.action.id, target, 'second') }, moved)).toMatchObject({
      outcome: 'changed-since',
    });
    expect(doors.writes).toBe(writes);
  });

  const tomorrow: Hold = { by: 'me', reason: 'audit', until: new Date(Date.now() + 86_400_000).toISOString() };
  const past: Hold = { ...tomorrow, until: new Date(Date.now() - 1).toISOString() };
  const next = async (message: string, more: Partial<UndoHouse> = {}) => {
    const held = await fileHolds().get(key);
    return respond({ ...request(shutDoors(), message), ...(held && { held }) }, house(more));
  };

  test('is not fixed again while its hold lasts, and is when that is over', async () => {
    const back = { ...(await fixed()), hold: tomorrow };
    expect(await undo(back, house())).toMatchObject({ outcome: 'undone' });
    expect(doors.state).toEqual(OPEN);
    const excepted = { outcome: 'excepted', reason: `hold until ${tomorrow.until} by me: audit` };
    expect(await next('held')).toMatchObject(excepted);
    expect(doors.state).toEqual(OPEN);

    expect(await next('asked for', { requested: true })).toMatchObject({ outcome: 'verified' });
    const asked = await new FileLedger(root).get(request(shutDoors(), 'asked for').id);
    expect(asked?.timeline).toContainEqual(
      expect.objectContaining({ event: 'warned', detail: { guard: 'hold', reason: excepted.reason } }),
    );

    const again = { ...back, id: responseId(back.action.id, target, 'again'), hold: past };
    expect(await undo(again, house())).toMatchObject({ outcome: 'undone' });
    expect(await next('over')).toMatchObject({ outcome: 'verified' });
  });

  test('of an undo brings the fix back, and lifts the hold', async () => {
    const back = { ...(await fixed()), hold: tomorrow };
    await undo(back, house());
    const taken = (await new FileLedger(root).get(back.id))?.plan ?? never();
    const { hold: _, ...redo } = back;
    const id = responseId(back.action.id, target, 'redo');
    expect(await undo({ ...redo, id, recorded: taken, undoes: back.id }, house())).toMatchObject({ outcome: 'undone' });
    expect(doors.state).toEqual(SHUT);
    expect(await fileHolds().get(key)).toBeUndefined();
    doors.state = OPEN;
    expect(await next('opened')).toMatchObject({ outcome: 'verified' });
  });

  test('killed before or after any call never leaves what it opened without its hold, nor a hold before it would write', async () => {
    const first = await fixed();
    const { calls } = doors;
    expect(await undo({ ...first, hold: tomorrow }, house())).toMatchObject({ outcome: 'undone' });
    const steps = doors.calls - calls;
    expect(steps).toBeGreaterThan(15);
    let opened = 0;
    for (let step = 1; step <= steps; step += 1) {
      // A process that is gone claims nothing.
      for (const name of ['holds', 'claims']) rmSync(join(root, name), { recursive: true, force: true });
      doors.state = SHUT;
      doors.killAt = doors.calls + step;
      const id = responseId(first.action.id, target, `undo killed at ${step}`);
      await undo({ ...first, id, hold: tomorrow }, house()).catch((error: unknown) => {
        if (!(error instanceof TransientError)) throw error;
      });
      doors.killAt = Number.POSITIVE_INFINITY;
      const held = await fileHolds().get(key);
      if (changes(SHUT, doors.state).length > 0) {
        opened += 1;
        expect(held).toEqual(tomorrow);
      }
      const events = (await new FileLedger(root).get(id))?.timeline.map(({ event }) => event) ?? [];
      if (held) expect(events).toContain('held');
    }
    expect(opened).toBeGreaterThan(3);
  });

  test('leaves alone what another works on, and says who that is', async () => {
    const back = { ...(await fixed()), hold: tomorrow };
    const { writes } = doors;
    const other = fileHolds();
    expect(await other.take(key, 'storage-another')).toBeUndefined();
    await expect(undo(back, house())).rejects.toThrow(/storage-another.*works on it/);
    const refused = await undo(back, house({ lastTry: true }));
    expect(refused).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(/storage-another.*try again/) });
    await other.release(key, 'storage-another');
    expect([doors.writes, await fileHolds().get(key)]).toEqual([writes, undefined]);
    const second = { ...back, id: responseId(back.action.id, target, 'second') };
    expect(await undo(second, house())).toMatchObject({ outcome: 'undone' });
  });

  test('of what already is as it was holds it too, and a dry run or a no holds nothing', async () => {
    const back = { ...(await fixed()), hold: tomorrow };
    const id = (message: string) => responseId(back.action.id, target, message);
    await undo({ ...back, id: id('plan') }, house({ planOnly: true }));
    await undo({ ...back, id: id('no') }, house({ confirm: async () => ({ outcome: 'denied', reason: 'no' }) }));
    expect(await fileHolds().get(key)).toBeUndefined();
    doors.state = OPEN;
    const { writes } = doors;
    expect(await undo(back, house())).toMatchObject({ outcome: 'undone' });
    expect([doors.writes, await fileHolds().get(key)]).toEqual([writes, tomorrow]);
  });

  test('writes no state that the remediation would not know', async () => {
    const back = await fixed();
    const { writes } = doors;
    const forged = { ...back, recorded: { ...back.recorded, before: { front: 'removed' } } };
    expect(await undo(forged, house())).toMatchObject({ outcome: 'failed' });
    expect(doors.writes).toBe(writes);
  });
});

const never = (): never => {
  throw new Error('nothing was recorded');
};

/** How many calls an undisturbed run has made when it has recorded this. */
async function recorded(what: 'plan' | 'applying'): Promise<number> {
  const ledger = mortal(new FileLedger(root));
  let calls = 0;
  const noted = async <T>(entry: boolean, answer: Promise<T>): Promise<T> => {
    const value = await answer;
    if (entry) calls = doors.calls;
    return value;
  };
  await respond(
    request(),
    house({
      ledger: {
        ...ledger,
        plan: (...given) => noted(what === 'plan', ledger.plan(...given)),
        append: (...given) => noted(what === given[1], ledger.append(...given)),
      },
    }),
  );
  doors = new Doors();
  return calls;
}
