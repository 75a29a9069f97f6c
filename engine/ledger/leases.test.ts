import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { findingOn } from '../../local/findings.ts';
import { sessionConfig } from '../aws/session.ts';
import { isTransient } from '../errors.ts';
import { DynamoDbHolds } from './holds.ts';
import { DynamoDbLeases, MOST_NOTES } from './leases.ts';
import type { Hold, Note } from './ledger.ts';

const SECONDS = 120;
/** As engine/ledger/holds.ts has it. */
const UNDO_SECONDS = 240;
const target = {
  type: 'AWS::RDS::DBSnapshot',
  id: 'orders',
  arn: 'arn:aws:rds:eu-west-1:444455556666:snapshot:orders',
  account: '444455556666',
  region: 'eu-west-1',
  partition: 'aws',
};
const note = (response: string): Note => ({
  response,
  target,
  finding: findingOn(target, 'cloudtrail', response),
});
const responses = (notes: readonly Note[]) => notes.map(({ response }) => response).sort();

const environment = { ...process.env };
let clock = Date.now();
let leases: DynamoDbLeases;
let holds: DynamoDbHolds;

beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
  const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
  leases = new DynamoDbLeases(session, 'firebreak-ledger', SECONDS, () => clock);
  holds = new DynamoDbHolds(session, 'firebreak-ledger', () => clock);
});
afterAll(() => {
  process.env = environment;
});

const newKey = () => `snapshots.privatize-rds-snapshot#${randomUUID()}`;

/** What a lease is, in a few words of memory. */
interface Model {
  holder?: string;
  until: number;
  response?: string;
  notes: Set<string>;
  hold?: Hold;
}

type Step =
  | { readonly do: 'acquire'; readonly who: string }
  | { readonly do: 'follow'; readonly who: string }
  | { readonly do: 'release'; readonly who: string; readonly stale: boolean }
  | { readonly do: 'take'; readonly who: string }
  | { readonly do: 'let go'; readonly who: string }
  | { readonly do: 'put'; readonly who: string; readonly lift: boolean }
  | { readonly do: 'wait'; readonly seconds: number };

const who = fc.constantFrom('m1', 'm2', 'm3');
const person = fc.constantFrom('u1', 'u2');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('acquire' as const), who }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('follow' as const), who }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), who, stale: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), who: person }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('let go' as const), who: person }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('put' as const), who: person, lift: fc.boolean() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        seconds: fc.constantFrom(1, SECONDS + 1, UNDO_SECONDS + 1),
      }),
    },
  ),
  { maxLength: 20 },
);

describe('leases', () => {
  test('do as the model does: one holder at a time, message or undo, and neither a note nor a hold is lost', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const key = newKey();
        const model: Model = { until: 0, notes: new Set() };
        let count = 0;
        for (const step of list) {
          if (step.do === 'wait') {
            clock += step.seconds * 1_000;
            continue;
          }
          const now = Math.floor(clock / 1_000);
          const held = model.holder === step.who;
          if (step.do === 'take') {
            const busy = await holds.take(key, step.who);
            const free = model.holder === undefined || model.holder === `response ${step.who}` || model.until < now;
            const byUndo = model.holder?.startsWith('response ');
            expect(busy).toBe(free ? undefined : byUndo ? model.holder : `response ${model.response}`);
            if (free) {
              model.holder = `response ${step.who}`;
              model.until = now + UNDO_SECONDS;
            }
          } else if (step.do === 'put') {
            count += 1;
            const hold = step.lift ? undefined : { by: step.who, reason: `reason ${count}`, until: `${count}` };
            const ours = model.holder === `response ${step.who}`;
            const failure = await holds.put(key, step.who, hold).catch((error: Error) => error.name);
            expect(failure).toBe(ours ? undefined : 'TransientError');
            if (ours && hold) model.hold = hold;
            else if (ours) delete model.hold;
            expect(await holds.get(key)).toEqual(model.hold);
          } else if (step.do === 'let go') {
            await holds.release(key, step.who);
            if (model.holder === `response ${step.who}`) delete model.holder;
          } else if (step.do === 'acquire' && model.holder?.startsWith('response ') && model.until >= now) {
            const failure = await leases.acquire(key, step.who, note('too early')).catch((error: unknown) => error);
            expect(isTransient(failure)).toBe(true);
            expect(String(failure)).toContain(`${model.holder} works on the resource`);
          } else if (step.do === 'acquire') {
            count += 1;
            const response = `r${count}`;
            const lease = await leases.acquire(key, step.who, note(response));
            const free = model.holder === undefined || held || model.until < now;
            expect(lease !== undefined).toBe(free);
            if (lease) {
              model.holder = step.who;
              model.until = now + SECONDS;
              model.response ??= response;
              expect(lease.response).toBe(model.response);
              expect(responses(lease.notes)).toEqual([...model.notes].sort());
              expect(lease.hold).toEqual(model.hold);
            } else model.notes.add(response);
          } else if (step.do === 'follow') {
            count += 1;
            expect(await leases.follow(key, step.who, `r${count}`)).toBe(held);
            if (held) {
              model.response = `r${count}`;
              model.until = now + SECONDS;
            }
          } else {
            const seen = step.stale ? [] : [...model.notes].map(note);
            const unseen = await leases.release(key, step.who, seen);
            const waiting = step.stale ? [...model.notes].sort() : [];
            expect(responses(unseen)).toEqual(held ? waiting : []);
            if (held && waiting.length === 0) {
              delete model.holder;
              delete model.response;
              model.notes.clear();
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  test('give a note to the one who lets go, or the lease to the one who left it: never neither', async () => {
    for (let round = 0; round < 10; round += 1) {
      const key = newKey();
      await leases.acquire(key, 'm1', note('r1'));
      const [unseen, lease] = await Promise.all([leases.release(key, 'm1', []), leases.acquire(key, 'm2', note('r2'))]);
      expect([responses(unseen).includes('r2'), lease !== undefined].filter(Boolean)).toHaveLength(1);
    }
  }, 60_000);

  test('have one holder among many who ask at once, and a note of each of the others', async () => {
    const key = newKey();
    const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
    const taken = await Promise.all(names.map((name) => leases.acquire(key, name, note(`r-${name}`))));
    const holders = names.filter((_, index) => taken[index] !== undefined);
    expect(holders).toHaveLength(1);
    const unseen = await leases.release(key, holders[0] ?? '', []);
    expect(responses(unseen)).toEqual(
      names
        .filter((name) => name !== holders[0])
        .map((name) => `r-${name}`)
        .sort(),
    );
  }, 60_000);

  test('send back what comes when as many wait as one lease can hold, and lose none of those', async () => {
    const key = newKey();
    await leases.acquire(key, 'm0', note('r0'));
    const names = Array.from({ length: MOST_NOTES }, (_, index) => `r${index + 1}`);
    for (const name of names) expect(await leases.acquire(key, `m-${name}`, note(name))).toBeUndefined();
    const failure = await leases.acquire(key, 'one-more', note('one-more')).catch((error: unknown) => error);
    expect(isTransient(failure)).toBe(true);
    expect(responses(await leases.release(key, 'm0', []))).toEqual([...names].sort());
  }, 60_000);
});
