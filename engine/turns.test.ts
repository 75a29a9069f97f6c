import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { findingOn } from '../local/findings.ts';
import { sessionConfig } from './aws/session.ts';
import { defineRemediation } from './define.ts';
import { TransientError } from './errors.ts';
import { FileLedger } from './ledger/files.ts';
import { DynamoDbHolds } from './ledger/holds.ts';
import { DynamoDbLeases } from './ledger/leases.ts';
import { type Hold, type Leases, leaseKey } from './ledger/ledger.ts';
import { policySchema } from './policy-schema.ts';
import type { Target } from './remediation.ts';
import type { Request } from './respond.ts';
import { responseId, targetKey } from './targets.ts';
import { securityHub } from './triggers.ts';
import { inTurn } from './turns.ts';
import { type UndoHouse, undo } from './undo.ts';

const LEASE_SECONDS = 120;
const environment = { ...process.env };
const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
let root: string;
let ledger: FileLedger;

beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
  root = mkdtempSync(join(tmpdir(), 'firebreak-'));
  ledger = new FileLedger(root);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  process.env = environment;
});

/** A resource that is opened again and again, and whoever closes it: never two at once. */
class World {
  readonly target: Target = {
    type: 'AWS::S3::Bucket',
    id: randomUUID(),
    arn: `arn:aws:s3:::${randomUUID()}`,
    account: '444455556666',
    region: HOME_REGION,
    partition: 'aws',
  };
  /** Findings that still describe what is so: a response closes what its own finding names. */
  readonly open = new Set<string>();
  clock = Date.now();
  inside = 0;
  together = 0;
  steps = 0;
  killAt = Number.POSITIVE_INFINITY;

  /** A run can be killed at any call. */
  readonly step = (): void => {
    this.steps += 1;
    if (this.steps === this.killAt) throw new TransientError('killed');
  };

  readonly action = defineRemediation({
    id: 'storage.close-what-it-names',
    title: 'Close what the finding names',
    risk: 'safe',
    handles: [securityHub('S3.2')],
    resource: ['AWS::S3::Bucket'],
    parameters: z.strictObject({}),
    state: z.strictObject({ open: z.boolean() }),
    permissions: { read: [], write: () => [] },
    gone: [],
    clients: () => ({}),
    read: async (_clients, _target, { finding }) => {
      this.step();
      return { state: { open: this.open.has(finding.type) }, facts: {} };
    },
    desired: () => ({ open: false }),
    write: async (_clients, _target, { open }, _current, { finding }) => {
      this.inside += 1;
      this.together = Math.max(this.together, this.inside);
      await sleep(5);
      this.inside -= 1;
      this.step();
      if (open) this.open.add(finding.type);
      else this.open.delete(finding.type);
      this.step();
    },
  });

  readonly house: UndoHouse = {
    ledger,
    holds: new DynamoDbHolds(session, 'firebreak-ledger', () => this.clock),
    sessions: { read: async () => session, write: async () => session },
    policy: policySchema.parse({ version: 1, coolDown: { fixes: 100 } }),
    home: { account: SECURITY_ACCOUNT, region: HOME_REGION },
  };

  readonly #leases = new DynamoDbLeases(session, 'firebreak-ledger', LEASE_SECONDS, () => this.clock);
  readonly leases: Leases = {
    acquire: async (...given) => {
      this.step();
      const lease = await this.#leases.acquire(...given);
      this.step();
      return lease;
    },
    follow: async (...given) => {
      this.step();
      return this.#leases.follow(...given);
    },
    release: async (...given) => {
      this.step();
      const waiting = await this.#leases.release(...given);
      this.step();
      return waiting;
    },
  };

  /** A finding of a kind, as message `message` brings it. */
  request(message: string, kind: string): Request {
    const finding = findingOn(this.target, 'securityhub', kind, { id: `finding ${kind}` });
    const id = responseId(this.action.id, this.target, message);
    return { id, action: this.action, target: this.target, finding, correlation: message };
  }

  /** One delivery. @returns false when it was killed, and so is delivered again */
  async deliver(message: string, kind: string): Promise<boolean> {
    try {
      await inTurn(this.request(message, kind), message, this.leases, this.house);
      return true;
    } catch (error) {
      if (error instanceof TransientError) return false;
      throw error;
    }
  }

  /** A person takes back what a response did, and holds it as said. */
  async takeBack(request: Request, hold: Hold | undefined) {
    const id = responseId(this.action.id, this.target, randomUUID());
    const recorded = (await ledger.get(request.id))?.plan ?? {
      before: { open: true },
      after: { open: false },
      facts: {},
    };
    return undo(
      { ...request, id, recorded, undoes: request.id, by: 'ann', ...(hold && { hold }) },
      { ...this.house, lastTry: true },
    );
  }

  /** True when nobody holds the lease, and nobody left a note on it. */
  async free(): Promise<boolean> {
    const finding = findingOn(this.target, 'securityhub', 'look');
    const key = leaseKey(this.action.id, targetKey(this.target));
    const lease = await this.#leases.acquire(key, 'somebody', {
      response: 'storage-look',
      target: this.target,
      finding,
    });
    return lease?.response === 'storage-look' && lease.notes.length === 0;
  }
}

describe('responses about one resource', () => {
  test('take turns, whatever is killed, delivered late or twice: each finding is looked at, and nothing is held for ever', async () => {
    const delivery = fc.record({
      kind: fc.constantFrom('S3.2', 'S3.3', 'S3.8'),
      /** At which call it is killed, if at all. */
      killAfter: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      /** Seconds until the next one comes. */
      pause: fc.constantFrom(0, LEASE_SECONDS + 1),
      twice: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(delivery, { minLength: 1, maxLength: 5 }), async (deliveries) => {
        const world = new World();
        const again: [message: string, kind: string][] = [];
        for (const [index, { kind, killAfter, pause, twice }] of deliveries.entries()) {
          world.open.add(kind);
          if (killAfter !== undefined) world.killAt = world.steps + killAfter;
          const message = `m${index}-${world.target.id}`;
          if (!(await world.deliver(message, kind)) || twice) again.push([message, kind]);
          world.killAt = Number.POSITIVE_INFINITY;
          world.clock += pause * 1_000;
        }
        for (const [message, kind] of again) expect(await world.deliver(message, kind)).toBe(true);
        expect([...world.open]).toEqual([]);
        expect(await world.free()).toBe(true);
      }),
      { numRuns: 40 },
    );
  }, 180_000);

  test('look again at what was opened again, though an older message of that finding comes once more', async () => {
    const world = new World();
    const [first, second] = [`first-${world.target.id}`, `second-${world.target.id}`];
    world.open.add('S3.2');
    expect(await world.deliver(first, 'S3.2')).toBe(true);
    // Killed right after it took the lease.
    world.killAt = world.steps + 2;
    expect(await world.deliver(second, 'S3.8')).toBe(false);
    world.killAt = Number.POSITIVE_INFINITY;
    world.open.add('S3.2');
    expect(await world.deliver(`third-${world.target.id}`, 'S3.2')).toBe(true);
    await sleep(2);
    expect(await world.deliver(first, 'S3.2')).toBe(true);
    expect(await world.deliver(second, 'S3.8')).toBe(true);
    expect([...world.open]).toEqual([]);
  }, 60_000);

  test('never run two at once, and leave none out, when they come together', async () => {
    const world = new World();
    const kinds = Array.from({ length: 8 }, (_, index) => `S3.${index + 1}`);
    for (const kind of kinds) world.open.add(kind);
    await Promise.all(kinds.map((kind) => world.deliver(`m-${kind}-${world.target.id}`, kind)));
    expect(world.together).toBe(1);
    expect([...world.open]).toEqual([]);
    expect(await world.free()).toBe(true);
  }, 60_000);

  test('act on the resource as their own finding names it, though another held it', async () => {
    const world = new World();
    world.open.add('S3.2').add('S3.3');
    const named = (one: Request, arn: string): Request => ({ ...one, target: { ...one.target, arn } });
    const path = `${world.target.arn}?ops`;
    const holder = world.request(`first-${world.target.id}`, 'S3.2');
    const other = named(world.request(`second-${world.target.id}`, 'S3.3'), path);
    const key = leaseKey(world.action.id, targetKey(world.target));
    const { id: response, target, finding } = other;
    const leaves: Leases = {
      ...world.leases,
      release: async (...given) => {
        await world.leases.acquire(key, 'second', { response, target, finding });
        return world.leases.release(...given);
      },
    };
    expect(await inTurn(holder, 'first', leaves, world.house)).toBe(true);
    expect((await ledger.get(response))?.response).toMatchObject({ outcome: 'verified', target: { arn: path } });
  }, 60_000);

  test('end under their own correlation when somebody else goes on with them', async () => {
    const world = new World();
    world.open.add('S3.2');
    const first = `first-${world.target.id}`;
    // Killed in the first read: the response is open, the lease is held.
    world.killAt = 3;
    expect(await world.deliver(first, 'S3.2')).toBe(false);
    world.killAt = Number.POSITIVE_INFINITY;
    world.clock += (LEASE_SECONDS + 1) * 1_000;
    expect(await world.deliver(`second-${world.target.id}`, 'S3.3')).toBe(true);
    const record = await ledger.get(world.request(first, 'S3.2').id);
    expect(record?.response).toMatchObject({ outcome: 'verified', correlation: first });
  }, 60_000);
});

describe('what a person took back', () => {
  const until = (milliseconds: number): Hold => ({
    by: 'ann',
    reason: 'the auditors need it',
    until: new Date(Date.now() + milliseconds).toISOString(),
  });
  const outcomeOf = async ({ id }: Request) => (await ledger.get(id))?.response;

  test('is left alone by the next finding, until the hold is over or lifted', async () => {
    const world = new World();
    const tell = async (message: string) => {
      const request = world.request(`${message}-${world.target.id}`, 'S3.2');
      await inTurn(request, request.correlation, world.leases, world.house);
      return outcomeOf(request);
    };
    world.open.add('S3.2');
    expect(await tell('first')).toMatchObject({ outcome: 'verified' });
    const first = world.request(`first-${world.target.id}`, 'S3.2');
    const hold = until(60_000);
    expect(await world.takeBack(first, hold)).toMatchObject({ outcome: 'undone' });
    expect([...world.open]).toEqual(['S3.2']);
    const excepted = { outcome: 'excepted', reason: `hold until ${hold.until} by ann: the auditors need it` };
    expect(await tell('second')).toMatchObject(excepted);
    expect(await tell('third')).toMatchObject(excepted);
    expect([...world.open]).toEqual(['S3.2']);

    expect(await world.takeBack(first, until(-1))).toMatchObject({ outcome: 'undone' });
    expect(await tell('fourth')).toMatchObject({ outcome: 'verified' });
    expect(await world.takeBack(first, hold)).toMatchObject({ outcome: 'undone' });
    expect(await tell('fifth')).toMatchObject(excepted);
    expect(await world.takeBack(first, undefined)).toMatchObject({ outcome: 'undone' });
    expect(await tell('sixth')).toMatchObject({ outcome: 'verified' });
    expect([...world.open]).toEqual([]);
  }, 60_000);

  test('is not gone on with by an interrupted response, which ends with what waited for it', async () => {
    const world = new World();
    world.open.add('S3.2');
    const first = world.request(`first-${world.target.id}`, 'S3.2');
    // Killed after the write, before anybody is told.
    world.killAt = 5;
    expect(await world.deliver(first.correlation, 'S3.2')).toBe(false);
    world.killAt = Number.POSITIVE_INFINITY;
    expect([...world.open]).toEqual([]);

    const early = await world.takeBack(first, until(60_000));
    expect(early).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining(`response ${first.id} works on it`),
    });
    expect(await world.deliver(`second-${world.target.id}`, 'S3.3')).toBe(true);
    world.clock += (LEASE_SECONDS + 1) * 1_000;
    expect(await world.takeBack(first, until(60_000))).toMatchObject({ outcome: 'undone' });
    expect([...world.open]).toEqual(['S3.2']);
    expect(await world.deliver(first.correlation, 'S3.2')).toBe(true);
    expect(await outcomeOf(first)).toMatchObject({ outcome: 'excepted' });
    expect(await outcomeOf(world.request(`second-${world.target.id}`, 'S3.3'))).toMatchObject({ outcome: 'excepted' });
    expect([...world.open]).toEqual(['S3.2']);
    expect(await world.free()).toBe(true);
  }, 60_000);

  test('and a finding that comes in the same moment never meet on the resource, and it stays as the person left it', async () => {
    for (let round = 0; round < 8; round += 1) {
      const world = new World();
      world.open.add('S3.2');
      const first = world.request(`first-${world.target.id}`, 'S3.2');
      expect(await world.deliver(first.correlation, 'S3.2')).toBe(true);
      const deliveries = [0, 1, 2].map((index) => `m${index}-${world.target.id}`);
      const [undone] = await Promise.all([
        world.takeBack(first, until(60_000)),
        ...deliveries.map((message) => world.deliver(message, 'S3.2')),
      ]);
      expect(world.together).toBe(1);
      const open = undone.outcome === 'undone';
      expect(open || undone.outcome === 'refused').toBe(true);
      for (const message of deliveries) expect(await world.deliver(message, 'S3.2')).toBe(true);
      expect([...world.open]).toEqual(open ? ['S3.2'] : []);
      expect(await world.free()).toBe(true);
    }
  }, 60_000);
});
