import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { findingOn } from '../../local/findings.ts';
import { sessionConfig } from '../aws/session.ts';
import { isTransient } from '../errors.ts';
import { DynamoDbLeases, MOST_NOTES } from './leases.ts';
import type { Note } from './ledger.ts';

const SECONDS = 120;
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

beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
  leases = new DynamoDbLeases(
    sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT),
    'firebreak-ledger',
    SECONDS,
    () => clock,
  );
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
}

type Step =
  | { readonly do: 'acquire'; readonly who: string }
  | { readonly do: 'follow'; readonly who: string }
  | { readonly do: 'release'; readonly who: string; readonly stale: boolean }
  | { readonly do: 'wait'; readonly seconds: number };

const who = fc.constantFrom('m1', 'm2', 'm3');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('acquire' as const), who }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('follow' as const), who }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), who, stale: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, SECONDS + 1) }) },
  ),
  { maxLength: 14 },
);

describe('leases', () => {
  test('do as the model does: one holder at a time, and no note is lost', async () => {
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
          const holds = model.holder === step.who;
          if (step.do === 'acquire') {
            count += 1;
            const response = `r${count}`;
            const lease = await leases.acquire(key, step.who, note(response));
            const free = model.holder === undefined || holds || model.until < now;
            expect(lease !== undefined).toBe(free);
            if (lease) {
              model.holder = step.who;
              model.until = now + SECONDS;
              model.response ??= response;
              expect(lease.response).toBe(model.response);
              expect(responses(lease.notes)).toEqual([...model.notes].sort());
            } else model.notes.add(response);
          } else if (step.do === 'follow') {
            count += 1;
            expect(await leases.follow(key, step.who, `r${count}`)).toBe(holds);
            if (holds) {
              model.response = `r${count}`;
              model.until = now + SECONDS;
            }
          } else {
            const seen = step.stale ? [] : [...model.notes].map(note);
            const unseen = await leases.release(key, step.who, seen);
            const waiting = step.stale ? [...model.notes].sort() : [];
            expect(responses(unseen)).toEqual(holds ? waiting : []);
            if (holds && waiting.length === 0) {
              delete model.holder;
              delete model.response;
              model.notes.clear();
            }
          }
        }
      }),
      { numRuns: 25 },
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
