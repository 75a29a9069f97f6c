import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { HOME_REGION, LEDGER_TABLE, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { findingOn } from '../local/findings.ts';
import { sessionConfig } from './aws/session.ts';
import { defineRemediation } from './define.ts';
import { TransientError } from './errors.ts';
import type { Asked } from './findings/finding.ts';
import { runId } from './findings/operator.ts';
import { follow, type InstructedHouse } from './instructions.ts';
import { DynamoDbBudgets } from './ledger/budgets.ts';
import { DynamoDbLedger } from './ledger/dynamodb.ts';
import { DynamoDbHolds } from './ledger/holds.ts';
import { DynamoDbLeases } from './ledger/leases.ts';
import { policySchema } from './policy-schema.ts';
import type { Target } from './remediation.ts';
import type { Request } from './respond.ts';
import type { Order, ResponseRecord } from './response.ts';
import { responseId, successorOf } from './targets.ts';
import { securityHub } from './triggers.ts';
import { inTurn } from './turns.ts';

const environment = { ...process.env };
beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
});
afterAll(() => {
  process.env = environment;
});

const ANN = 'arn:aws:iam::111122223333:user/ann';

/** A door that stands open to some, a remediation that closes it, and whoever gives it instructions. */
class World {
  /** To whom the door is open. */
  to: readonly string[] = ['all'];
  writes = 0;
  stopped: string | undefined;
  steps = 0;
  killAt = Number.POSITIVE_INFINITY;
  target: Target;
  house: InstructedHouse;
  readonly #session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
  #now: Date | undefined;

  /** A run can be killed at any look at the resource and at any change of it, before and after. */
  readonly #step = (): void => {
    this.steps += 1;
    if (this.steps === this.killAt) throw new TransientError('killed');
  };

  readonly action = defineRemediation({
    id: 'storage.close-door',
    title: 'Close the door',
    risk: 'disruptive',
    handles: [securityHub('S3.2')],
    resource: ['AWS::S3::Bucket'],
    parameters: z.strictObject({}),
    state: z.strictObject({ to: z.array(z.string()) }),
    permissions: { read: [], write: () => [] },
    gone: [],
    clients: () => ({}),
    read: async () => {
      this.#step();
      return { state: { to: [...this.to] }, facts: { at: this.steps } };
    },
    desired: () => ({ to: [] }),
    write: async (_clients, _target, { to }) => {
      this.#step();
      this.writes += 1;
      this.to = to;
      this.#step();
    },
    population: async () => 12,
  });

  constructor(policy: object = {}, account = String(100_000_000_000 + Math.floor(Math.random() * 8e11))) {
    const id = randomUUID();
    this.target = {
      ...{ type: 'AWS::S3::Bucket', id, arn: `arn:aws:s3:::${id}`, account, region: HOME_REGION, partition: 'aws' },
    };
    const session = this.#session;
    this.house = {
      actions: [this.action],
      ledger: new DynamoDbLedger(session, LEDGER_TABLE, () => this.#now ?? new Date()),
      leases: new DynamoDbLeases(session, LEDGER_TABLE, 120),
      holds: new DynamoDbHolds(session, LEDGER_TABLE),
      sessions: { read: async () => session, write: async () => session },
      policy: policySchema.parse({ version: 1, ...policy }),
      home: { account: SECURITY_ACCOUNT, region: HOME_REGION },
      watch: { stopped: async () => this.stopped, budgets: new DynamoDbBudgets(session, LEDGER_TABLE) },
    };
  }

  /** A finding about the door, as a message brings it. @returns what the ledger has of it */
  async tell(message: string = randomUUID()): Promise<ResponseRecord> {
    const finding = findingOn(this.target, 'securityhub', 'S3.2', { id: 'finding' });
    const id = responseId(this.action.id, this.target, message);
    const request: Request = { id, action: this.action, target: this.target, finding, correlation: message };
    await inTurn(request, message, this.house.leases, this.house);
    return this.record(id);
  }

  async record(id: string): Promise<ResponseRecord> {
    const record = await this.house.ledger.get(id);
    if (!record) throw new Error(`no response ${id}`);
    return record;
  }

  async outcome(id: string): Promise<string | undefined> {
    return (await this.house.ledger.get(id))?.response.outcome;
  }

  order(id: string, verb: Order['verb'], more: Partial<Order> = {}): Promise<Order> {
    return this.house.ledger.order(id, { verb, by: ANN, at: new Date().toISOString(), ...more });
  }

  /** An instruction, delivered again for as long as it is killed. @returns how often it was delivered */
  async follow(instruction: Parameters<typeof follow>[0]): Promise<number> {
    const message = randomUUID();
    for (let delivery = 1; delivery <= 5; delivery += 1) {
      try {
        await follow(instruction, message, this.house);
        return delivery;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
      }
    }
    throw new Error('it is never done');
  }

  async approve(id: string): Promise<number> {
    await this.order(id, 'approve');
    return this.follow({ do: 'approve', response: id });
  }

  /** Orders an undo. @returns the id of the response that does it */
  async takeBack(id: string, hours: number | undefined): Promise<string> {
    const undo = responseId(this.action.id, this.target, randomUUID());
    const until = hours === undefined ? {} : { until: new Date(Date.now() + hours * 3_600_000).toISOString() };
    await this.order(id, 'undo', { undo, reason: 'the auditors need it', ...until });
    await this.follow({ do: 'undo', response: id, undo });
    return undo;
  }

  /** The instruction of a person who started a runbook, and the id of the response to it. */
  asked(mode: Asked['mode'], execution: string = randomUUID()) {
    const { arn, account, region } = this.target;
    const remediation = this.action.id;
    const asked = { by: ANN, mode, execution };
    return {
      execution,
      id: runId(remediation, this.target, execution),
      instruction: { do: 'run', remediation, arn, account, region, reason: 'the audit', asked } as const,
    };
  }

  /** A person starts a runbook. */
  async ask(mode: Asked['mode']): Promise<ResponseRecord> {
    const { id, instruction } = this.asked(mode);
    await this.follow(instruction);
    return this.record(id);
  }

  /** From now on the ledger writes another time. */
  at(time: Date | undefined): void {
    this.#now = time;
  }
}

describe('an approval', () => {
  test('runs the plan that was stored, once, whoever tells it how often', async () => {
    const world = new World();
    const { response, plan } = await world.tell();
    expect(response).toMatchObject({ outcome: 'awaiting-approval', guard: 'mode' });
    expect(world.writes).toBe(0);
    await world.approve(response.id);
    await world.follow({ do: 'approve', response: response.id });
    const after = await world.record(response.id);
    expect(after.response).toMatchObject({ outcome: 'verified' });
    expect(after.response.guard).toBeUndefined();
    expect(after.plan).toEqual(plan);
    expect(after.orders).toMatchObject([{ verb: 'approve', by: ANN }]);
    expect([world.to, world.writes]).toEqual([[], 1]);
  });

  test('is void when the resource moved since: nothing is changed, and a new plan waits', async () => {
    const world = new World();
    const { response } = await world.tell();
    world.to = ['all', '444455556666'];
    await world.approve(response.id);
    await world.follow({ do: 'approve', response: response.id });
    expect(await world.record(response.id)).toMatchObject({
      response: { outcome: 'changed-since', reason: expect.stringContaining('it moved since the plan was made') },
      plan: { before: { to: ['all'] } },
    });
    const next = await world.record(successorOf(response));
    expect(next.response.outcome).toBe('awaiting-approval');
    expect(next.plan?.before).toEqual({ to: ['all', '444455556666'] });
    expect(world.writes).toBe(0);
    await world.approve(next.response.id);
    expect([await world.outcome(next.response.id), world.to]).toEqual(['verified', []]);
  });

  test('that nobody gave is none, and a denial is the end', async () => {
    const world = new World();
    const { response } = await world.tell();
    await expect(world.follow({ do: 'approve', response: response.id })).rejects.toThrow(/nobody has decided/);
    expect(await world.order(response.id, 'deny', { reason: 'it is ours' })).toMatchObject({ verb: 'deny' });
    // The first decision stays.
    expect(await world.order(response.id, 'approve')).toMatchObject({ verb: 'deny' });
    await world.follow({ do: 'deny', response: response.id });
    await world.follow({ do: 'approve', response: response.id });
    expect((await world.record(response.id)).response).toMatchObject({
      outcome: 'denied',
      reason: `denied by ${ANN}: it is ours`,
    });
    expect(world.writes).toBe(0);
  });

  test('comes too late when its time is over', async () => {
    const waited = async (milliseconds: number) => {
      const world = new World({ approvals: { expireAfterHours: 2 } });
      world.at(new Date(Date.now() - milliseconds));
      const { id } = (await world.tell()).response;
      world.at(undefined);
      await world.follow({ do: 'expire', response: id });
      return { world, id };
    };
    const young = await waited(2 * 3_600_000 - 60_000);
    expect(await young.world.outcome(young.id)).toBe('awaiting-approval');
    const { world, id } = await waited(2 * 3_600_000 + 1);
    expect(await world.outcome(id)).toBe('expired');
    expect(await world.order(id, 'approve')).toMatchObject({ verb: 'expire', by: 'firebreak' });
    await world.follow({ do: 'approve', response: id });
    expect([await world.outcome(id), world.writes]).toEqual(['expired', 0]);
    expect((await world.tell()).response.outcome).toBe('awaiting-approval');
  });

  test('that the worker was never told of is followed when its time is over', async () => {
    const world = new World();
    const { response } = await world.tell();
    await world.order(response.id, 'approve');
    await world.follow({ do: 'expire', response: response.id });
    expect([await world.outcome(response.id), world.to]).toEqual(['verified', []]);
  });

  test('is asked for once, however often the same is told', async () => {
    const world = new World();
    const first = (await world.tell()).response;
    const second = (await world.tell()).response;
    expect(second).toMatchObject({
      outcome: 'excepted',
      guard: 'waiting',
      reason: `${first.id} waits for the approval of the same plan`,
    });
    world.to = ['all', '444455556666'];
    expect((await world.tell()).response.outcome).toBe('awaiting-approval');
  });

  test('of a response that became a note is followed, whatever else was noted', async () => {
    const world = new World();
    const { response } = await world.tell();
    await world.order(response.id, 'approve');
    const key = `storage.close-door#${world.target.arn}`;
    const note = (id: string, updatedAt: string) => ({
      response: id,
      target: world.target,
      finding: { ...findingOn(world.target, 'securityhub', 'S3.2', { id: 'finding' }), updatedAt },
    });
    await world.house.leases.acquire(key, 'holder', note('storage-hhhhhhhhhh', '2026-01-01T00:00:00.000Z'));
    await world.follow({ do: 'approve', response: response.id });
    await world.house.leases.acquire(key, 'another', note('storage-nnnnnnnnnn', '2030-01-01T00:00:00.000Z'));
    expect(await world.outcome(response.id)).toBeUndefined();
    const { id, finding, target } = { ...note('storage-hhhhhhhhhh', ''), id: 'storage-hhhhhhhhhh' };
    const held = { id, finding, target, action: world.action, correlation: id };
    await inTurn(held, 'holder', world.house.leases, world.house);
    expect([await world.outcome(response.id), world.to]).toEqual(['verified', []]);
  });

  test('ends as it would have, wherever its run is killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), async (killAfter) => {
        const world = new World();
        const { response, plan } = await world.tell();
        world.killAt = world.steps + killAfter;
        await world.approve(response.id);
        const after = await world.record(response.id);
        expect([after.response.outcome, world.to, after.plan]).toEqual(['verified', [], plan]);
        expect(world.writes).toBeLessThanOrEqual(2);
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  test('yields to no kill switch: what was approved and stopped is asked for anew', async () => {
    const world = new World();
    const { response } = await world.tell();
    world.stopped = 'an outage';
    await world.approve(response.id);
    expect((await world.record(response.id)).response).toMatchObject({
      outcome: 'deferred',
      reason: 'the kill switch is on: an outage',
      guard: 'kill-switch',
    });
    world.stopped = undefined;
    await world.follow({ do: 'again', response: response.id });
    expect([await world.outcome(successorOf(response)), world.writes]).toEqual(['awaiting-approval', 0]);
  });
});

const AUTOMATIC = { remediations: { 'storage.close-door': { mode: 'automatic' } } };

describe('what a person asks for by a runbook', () => {
  test('is only planned where they only want to see it, whatever would keep a fix back', async () => {
    const world = new World(AUTOMATIC);
    const { id, execution, instruction } = world.asked('observe');
    await world.follow(instruction);
    const first = await world.record(id);
    expect(first.response).toMatchObject({ outcome: 'observed', by: ANN, correlation: execution });
    expect(first.plan).toMatchObject({ before: { to: ['all'] }, after: { to: [] } });
    const undo = await world.takeBack((await world.tell()).response.id, 1);
    await world.approve(undo);
    const held = await world.ask('observe');
    expect(held.response.outcome).toBe('observed');
    expect(held.timeline).toMatchObject([{ event: 'warned', detail: { guard: 'hold' } }]);
    expect([world.to, world.writes]).toEqual([['all'], 2]);
  });

  test('waits for an approval also where the policy lets it happen by itself', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.ask('approval');
    expect(response).toMatchObject({ outcome: 'awaiting-approval', guard: 'mode', by: ANN });
    expect(world.writes).toBe(0);
    await world.approve(response.id);
    expect([await world.outcome(response.id), world.to]).toEqual(['verified', []]);
    expect((await world.ask('approval')).response.outcome).toBe('compliant');
  });

  test('is bound by it also when whoever holds the resource answers for it', async () => {
    const world = new World(AUTOMATIC);
    const first = world.asked('observe');
    const finding = findingOn(world.target, 'operator', 'run');
    const key = `storage.close-door#${world.target.arn}`;
    await world.house.leases.acquire(key, 'holder', { response: first.id, target: world.target, finding });
    const { id, execution, instruction } = world.asked('approval');
    await world.follow(instruction);
    expect(await world.house.ledger.get(id)).toBeUndefined();
    await follow(first.instruction, 'holder', world.house);
    expect(await world.outcome(first.id)).toBe('observed');
    expect((await world.record(id)).response).toMatchObject({
      ...{ outcome: 'awaiting-approval', by: ANN, correlation: execution },
    });
    expect(world.writes).toBe(0);
  });

  test('is bound by the policy', async () => {
    const observed = new World({ remediations: { 'storage.close-door': { mode: 'observe' } } });
    expect((await observed.ask('approval')).response).toMatchObject({ outcome: 'observed', guard: 'mode' });
    const stopped = new World(AUTOMATIC);
    stopped.stopped = 'an outage';
    expect((await stopped.ask('approval')).response).toMatchObject({ outcome: 'deferred', guard: 'kill-switch' });
    const day = { owner: 'o', reason: 'r', expires: '2999-01-01' };
    const excepted = new World();
    const exceptions = [{ ...day, remediation: '*', resource: excepted.target.arn }];
    excepted.house = { ...excepted.house, policy: policySchema.parse({ version: 1, exceptions }) };
    expect((await excepted.ask('approval')).response).toMatchObject({ outcome: 'excepted', guard: 'exception' });
  });
});

describe('a change that was begun', () => {
  /** A response that was killed right after its write. */
  const begun = async () => {
    const world = new World(AUTOMATIC);
    world.killAt = 3;
    const message = randomUUID();
    await expect(world.tell(message)).rejects.toThrow('killed');
    return { world, message, id: responseId(world.action.id, world.target, message) };
  };

  test('is finished, whatever a guard says by then', async () => {
    const { world, message } = await begun();
    world.stopped = 'an outage';
    expect((await world.tell(message)).response.outcome).toBe('verified');
    world.to = ['all'];
    expect((await world.tell()).response.outcome).toBe('deferred');
  });

  test('does not write over what a person took back meanwhile', async () => {
    const { world, message, id } = await begun();
    await world.house.leases.release(`storage.close-door#${world.target.arn}`, message, []);
    const order = { verb: 'undo', by: ANN, at: new Date().toISOString(), undo: 'storage-uuuuuuuuuu' } as const;
    await world.house.ledger.order(id, order);
    const { response, finding } = await world.record(id);
    await world.house.ledger.open({ ...response, id: order.undo, undoes: id }, finding);
    await world.house.ledger.append(order.undo, 'applying', []);
    world.to = ['all'];
    expect((await world.tell(message)).response).toMatchObject({ outcome: 'excepted' });
    expect(world.to).toEqual(['all']);
  });

  test('does not go on over what is neither as it was nor as it should be: another response does', async () => {
    const { world, message, id } = await begun();
    world.to = ['partner'];
    await world.tell(message);
    const { response } = await world.record(id);
    expect(response).toMatchObject({ outcome: 'unverified', followedBy: successorOf(response) });
    expect((await world.record(successorOf(response))).plan?.before).toEqual({ to: ['partner'] });
    expect(world.to).toEqual([]);
  });
});

describe('a plan that was stored and not begun', () => {
  test('is made anew when the resource moved, so that an undo knows what was', async () => {
    const world = new World(AUTOMATIC);
    world.killAt = 1;
    const message = randomUUID();
    await expect(world.tell(message)).rejects.toThrow('killed');
    // Killed a little later, its plan is stored; then its owner narrows it.
    const id = responseId(world.action.id, world.target, message);
    const { response } = await world.record(id);
    await world.house.ledger.plan(id, { before: { to: ['all'] }, after: { to: [] }, facts: {} });
    world.to = ['partner'];
    await world.tell(message);
    expect((await world.record(id)).response).toMatchObject({ outcome: 'changed-since' });
    const next = await world.record(successorOf(response));
    expect([next.response.outcome, next.plan?.before]).toEqual(['verified', { to: ['partner'] }]);
  });
});

describe('what was deferred', () => {
  test('is tried again once, and ends by itself', async () => {
    const world = new World(AUTOMATIC);
    world.stopped = 'an outage';
    const { response } = await world.tell();
    expect([response.outcome, world.writes]).toEqual(['deferred', 0]);
    await world.follow({ do: 'again', response: response.id });
    expect(await world.outcome(successorOf(response))).toBe('deferred');
    world.stopped = undefined;
    const second = (await world.record(successorOf(response))).response;
    for (let time = 0; time < 2; time += 1) await world.follow({ do: 'again', response: second.id });
    expect([await world.outcome(successorOf(second)), world.writes]).toEqual(['verified', 1]);
    // What ended otherwise is not tried again.
    world.to = ['all'];
    await world.follow({ do: 'again', response: successorOf(second) });
    expect(world.writes).toBe(1);
  });
});

describe('the circuit breaker', () => {
  const limited = (budget: object) => ({
    remediations: { 'storage.close-door': { mode: 'automatic', budget } },
    coolDown: { fixes: 100 },
  });
  const storm = async (policy: object, many: number, told: (index: number) => Partial<Target> = () => ({})) => {
    const world = new World(policy);
    const outcomes: string[] = [];
    for (let index = 0; index < many; index += 1) {
      world.to = ['all'];
      world.target = { ...world.target, ...told(index) };
      outcomes.push((await world.tell()).response.outcome ?? 'open');
    }
    return { world, outcomes };
  };

  test('opens at the limit, lets nothing through, and is closed by a person', async () => {
    const { world, outcomes } = await storm(limited({ perHour: 3, shareFrom: 1_000 }), 5);
    expect(outcomes).toEqual(['verified', 'verified', 'verified', 'deferred', 'deferred']);
    expect(world.writes).toBe(3);
    const kind = { remediation: world.action.id, account: world.target.account };
    const budgets = world.house.watch?.budgets;
    expect(await budgets?.close(kind, ANN, new Date())).toBe(true);
    expect(await budgets?.close(kind, ANN, new Date())).toBe(false);
    expect((await world.tell()).response.outcome).toBe('verified');
  });

  test('opens when too large a part of all there is would be changed', async () => {
    const { world, outcomes } = await storm(limited({ perHour: 1_000, share: 0.5, shareFrom: 5 }), 8);
    // Half of the twelve that there are is six.
    expect(outcomes).toEqual([...Array<string>(6).fill('verified'), 'deferred', 'deferred']);
    expect(world.writes).toBe(6);
  });

  test('counts what has no Region of its own once, whichever Region tells of it', async () => {
    const { world, outcomes } = await storm(limited({ perHour: 1_000, share: 0.5, shareFrom: 5 }), 8, (index) => ({
      type: 'AWS::IAM::User',
      region: index % 2 === 0 ? HOME_REGION : 'us-east-1',
    }));
    expect(outcomes).toEqual([...Array<string>(6).fill('verified'), 'deferred', 'deferred']);
    const refused = await world.tell();
    expect(refused.response.reason).toMatch(/50 % of the 12 resources of this kind in the account$/);
  });

  test('counts exactly, however many ask at once, and opens once', async () => {
    const world = new World();
    const budgets = world.house.watch?.budgets;
    const kind = { remediation: world.action.id, account: world.target.account, region: HOME_REGION };
    const at = new Date();
    const asked = await Promise.all(
      Array.from({ length: 12 }, (_, index) => budgets?.spend({ ...kind, response: `r${index}` }, 7, at)),
    );
    expect(asked.filter((one) => one?.breaker === undefined)).toHaveLength(7);
    expect(new Set(asked.flatMap((one) => one?.breaker ?? []).map((breaker) => JSON.stringify(breaker))).size).toBe(1);
    const later = new Date(at.getTime() + 3_600_000);
    expect((await budgets?.spend({ ...kind, response: 'later' }, 7, later))?.breaker).toBeDefined();
    await budgets?.close(kind, ANN, later);
    for (let time = 0; time < 2; time += 1) {
      const again = await budgets?.spend({ ...kind, response: 'again' }, 7, later);
      expect(again).toEqual({ count: { all: 1, inRegion: 1 } });
    }
    const elsewhere = await budgets?.spend({ ...kind, region: 'us-east-1', response: 'other' }, 7, later);
    expect(elsewhere).toEqual({ count: { all: 2, inRegion: 1 } });
  });
});

describe('what is fixed again and again', () => {
  test('waits for a person, who may have it fixed once more', async () => {
    const world = new World({ ...AUTOMATIC, coolDown: { fixes: 2, hours: 1 } });
    const ends: (string | undefined)[] = [];
    let last = '';
    for (let time = 0; time < 3; time += 1) {
      world.to = ['all'];
      const { response } = await world.tell();
      ends.push(response.outcome);
      last = response.id;
    }
    expect(ends).toEqual(['verified', 'verified', 'awaiting-approval']);
    expect((await world.record(last)).response.reason).toMatch('fixed 2 times within 1 hours, and wrong again');
    await world.approve(last);
    expect([await world.outcome(last), world.to]).toEqual(['verified', []]);
  });
});

describe('a look at a fix', () => {
  test('leaves what holds, and says of what does not that it is unverified', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const before = await world.record(response.id);
    await world.follow({ do: 'look', response: response.id });
    expect(await world.record(response.id)).toEqual(before);
    world.to = ['444455556666'];
    await world.follow({ do: 'look', response: response.id });
    const { response: drifted, timeline } = await world.record(response.id);
    expect(drifted).toMatchObject({ outcome: 'unverified', reason: expect.stringContaining('wrong again since') });
    expect(timeline.filter(({ event }) => event === 'looked again')).toHaveLength(1);
    expect(world.writes).toBe(1);
  });

  test('says nothing of what was wrong only until somebody else was done with it', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const before = await world.record(response.id);
    world.to = ['444455556666'];
    const take = world.house.holds.take.bind(world.house.holds);
    let taken = 0;
    world.house.holds.take = (...given) => {
      taken += 1;
      world.to = [];
      return take(...given);
    };
    await world.follow({ do: 'look', response: response.id });
    expect(taken).toBe(1);
    expect(await world.record(response.id)).toEqual(before);
    expect(await world.house.holds.glance(`storage.close-door#${world.target.arn}`)).toEqual({});
  });

  test('does not call drift what a person took back, and waits for whoever works on the resource', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const undo = await world.takeBack(response.id, 1);
    await world.approve(undo);
    expect([await world.outcome(undo), world.to]).toEqual(['undone', ['all']]);
    await world.follow({ do: 'look', response: response.id });
    expect(await world.outcome(response.id)).toBe('verified');
    await world.house.holds.take(`storage.close-door#${world.target.arn}`, 'storage-another');
    const looked = follow({ do: 'look', response: response.id }, randomUUID(), world.house);
    await expect(looked).rejects.toThrow(/storage-another works on it/);
  });
});

describe('an undo that a person ordered', () => {
  test('shows what it opens again and waits, is approved, holds, and is undone as a response of its own', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const undo = await world.takeBack(response.id, 1);
    expect(await world.record(undo)).toMatchObject({
      response: { outcome: 'awaiting-approval', by: ANN, undoes: response.id },
      plan: { before: { to: [] }, after: { to: ['all'] } },
    });
    expect(world.to).toEqual([]);
    await world.approve(undo);
    expect([await world.outcome(undo), world.to]).toEqual(['undone', ['all']]);
    expect((await world.tell()).response).toMatchObject({
      outcome: 'excepted',
      reason: expect.stringContaining(`by ${ANN}: the auditors need it`),
    });
    // It brings the fix back, so that there is nothing to approve.
    const back = await world.takeBack(undo, undefined);
    expect([await world.outcome(back), world.to]).toEqual(['undone', []]);
    world.to = ['all'];
    expect((await world.tell()).response.outcome).toBe('verified');
  });

  test('is shown before anybody orders it, and writes nothing', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const undo = responseId(world.action.id, world.target, randomUUID());
    world.stopped = 'an outage';
    await world.follow({ do: 'undo', response: response.id, undo, preview: { by: ANN } });
    expect(await world.record(undo)).toMatchObject({
      response: { outcome: 'observed', by: ANN, undoes: response.id },
      plan: { before: { to: [] }, after: { to: ['all'] } },
    });
    expect((await world.record(response.id)).orders).toEqual([]);
    expect([world.to, world.writes]).toEqual([[], 1]);
  });

  test('writes nothing over what somebody changed, before or after its approval', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const waiting = await world.takeBack(response.id, 1);
    world.to = ['444455556666'];
    await world.approve(waiting);
    expect(await world.outcome(waiting)).toBe('changed-since');
    const undo = await world.takeBack(response.id, 1);
    expect([await world.outcome(undo), world.to]).toEqual(['changed-since', ['444455556666']]);
  });

  test('of an undo is stopped by the kill switch, unless it has begun', async () => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const undo = await world.takeBack(response.id, 1);
    world.stopped = 'an outage';
    await world.approve(undo);
    expect([await world.outcome(undo), world.to]).toEqual(['undone', ['all']]);
    const refused = await world.takeBack(undo, undefined);
    expect((await world.record(refused)).response).toMatchObject({
      outcome: 'refused',
      reason: 'the kill switch is on: an outage',
    });
    world.stopped = undefined;
    // Killed right after its write.
    world.killAt = world.steps + 4;
    const begun = responseId(world.action.id, world.target, randomUUID());
    await world.order(undo, 'undo', { undo: begun });
    const instruction = { do: 'undo', response: undo, undo: begun } as const;
    await expect(follow(instruction, 'message', world.house)).rejects.toThrow('killed');
    world.stopped = 'an outage';
    await follow(instruction, 'message', world.house);
    expect([await world.outcome(begun), world.to]).toEqual(['undone', []]);
  });

  test.each([
    ['an exception', (line: object) => ({ exceptions: [{ ...line, remediation: '*', expires: '2999-01-01' }] })],
    ['protection', (line: object) => ({ protected: { resources: [line] } })],
  ])('of an undo is refused where the policy leaves the resource alone by now, by %s', async (_, lines) => {
    const world = new World(AUTOMATIC);
    const { response } = await world.tell();
    const undo = await world.takeBack(response.id, 1);
    const line = { resource: world.target.arn, owner: 'data@example.com', reason: 'the auditors read it' };
    const policy = policySchema.parse({ version: 1, ...AUTOMATIC, ...lines(line) });
    world.house = { ...world.house, policy };
    // What opens it again is no fix: nothing keeps a person from it.
    await world.approve(undo);
    expect([await world.outcome(undo), world.to]).toEqual(['undone', ['all']]);
    const refused = await world.takeBack(undo, undefined);
    expect((await world.record(refused)).response).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('by data@example.com: the auditors read it'),
    });
    expect(world.to).toEqual(['all']);
  });

  test('of what changed nothing is refused', async () => {
    const world = new World();
    const { response } = await world.tell();
    const undo = await world.takeBack(response.id, 1);
    expect((await world.record(undo)).response).toMatchObject({ outcome: 'refused', undoes: response.id });
  });

  test('ends as it would have, wherever its run is killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), fc.boolean(), async (killAfter, whenApproved) => {
        const world = new World(AUTOMATIC);
        const { response } = await world.tell();
        if (!whenApproved) world.killAt = world.steps + killAfter;
        const undo = await world.takeBack(response.id, 1);
        if (whenApproved) world.killAt = world.steps + killAfter;
        await world.approve(undo);
        expect([await world.outcome(undo), world.to]).toEqual(['undone', ['all']]);
        expect((await world.tell()).response.outcome).toBe('excepted');
      }),
      { numRuns: 8 },
    );
  }, 60_000);
});

describe('a response that was left open', () => {
  test('is gone on with', async () => {
    const world = new World(AUTOMATIC);
    world.killAt = 3;
    const message = randomUUID();
    await expect(world.tell(message)).rejects.toThrow('killed');
    const id = responseId(world.action.id, world.target, message);
    expect(await world.outcome(id)).toBeUndefined();
    // The dead message's lease is over by then.
    await world.house.leases.release(`storage.close-door#${world.target.arn}`, message, []);
    await world.follow({ do: 'resume', response: id });
    expect([await world.outcome(id), world.to]).toEqual(['verified', []]);
  });
});
