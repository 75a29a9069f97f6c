import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { findingOn } from '../local/findings.ts';
import { defineRemediation } from './define.ts';
import type { Context, Plan, Target } from './remediation.ts';
import { changes, equal, type Json, part, type State, withPart } from './state.ts';
import { securityHub } from './triggers.ts';

const target: Target = {
  type: 'AWS::S3::Bucket',
  id: 'numbers',
  arn: 'arn:aws:s3:::numbers',
  account: '444455556666',
  region: 'eu-west-1',
  partition: 'aws',
};
const context: Context<Record<string, never>> = {
  finding: findingOn(target, 'securityhub', 'S3.2'),
  parameters: {},
  response: 'storage-aaaaaaaaaa',
  now: new Date(),
  record: async () => undefined,
};

/** A resource whose parts are numbers: those above 5 are open, `evidence` lasts, and 99 is passed through on the way. */
const closeNumbers = defineRemediation({
  id: 'storage.close-numbers',
  title: 'Close numbers',
  risk: 'safe',
  handles: [securityHub('S3.2')],
  resource: ['AWS::S3::Bucket'],
  parameters: z.strictObject({}),
  state: z.record(z.string(), z.number()),
  permissions: { read: [], write: () => [] },
  gone: [],
  clients: () => ({ resource: { state: {} as State } }),
  read: async ({ resource }) => ({ state: resource.state, facts: {} }),
  desired: (state: State) =>
    Object.fromEntries(
      Object.entries({ ...state, evidence: 1 }).map(([key, value]) => [key, Number(value) > 5 ? 0 : value]),
    ),
  async write({ resource }, _target, next: State, current) {
    for (const { part: name, to } of changes(current, next)) resource.state = withPart(resource.state, name, to);
  },
  transitional: (_part, value) => value === 99,
  lasting: ['evidence'],
});
type Clients = Parameters<typeof closeNumbers.apply>[0];
const undoOf = closeNumbers.undo as Exclude<typeof closeNumbers.undo, 'irreversible'>;
const on = (state: State): Clients => ({ resource: { state } });

const value = fc.integer({ min: 0, max: 10 });
const names = ['a', 'b', 'c'] as const;
const numbers: fc.Arbitrary<State> = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] });

describe('a remediation by its states', () => {
  test('plans without writing, applies what it planned, and verifies it; a second time there is nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (state) => {
        const clients = on(state);
        const plan = await closeNumbers.plan(clients, target, context);
        expect(clients.resource.state).toBe(state);
        await closeNumbers.apply(clients, target, plan, context);
        expect(await closeNumbers.verify(clients, target, plan, context)).toEqual([]);
        const again = await closeNumbers.plan(clients, target, context);
        expect(changes(again.before, again.after)).toEqual([]);
      }),
    );
  });

  test('goes back to what was, but for what lasts', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, async (state) => {
        const clients = on(state);
        const recorded = await closeNumbers.plan(clients, target, context);
        await closeNumbers.apply(clients, target, recorded, context);
        const { changedSince, ...back } = await undoOf(clients, target, recorded, context);
        expect(changedSince).toEqual([]);
        await closeNumbers.apply(clients, target, back, context);
        expect(changes(withPart(state, 'evidence', 1), clients.resource.state)).toEqual([]);
      }),
    );
  });

  test('refuses to go back exactly when a changed part is neither as it was left, nor as it was, nor on its way', async () => {
    const found: fc.Arbitrary<Json> = fc.oneof(value, fc.constantFrom(99, null));
    await fc.assert(
      fc.asyncProperty(numbers, fc.record({ a: found, b: found, c: found }), async (state, now) => {
        const recorded: Plan = await closeNumbers.plan(on(state), target, context);
        const changed = changes(recorded.before, recorded.after).map(({ part: name }) => name);
        const foreign = names.filter(
          (name) =>
            changed.includes(name) &&
            ![part(recorded.before, name), part(recorded.after, name), 99].some((known) => equal(known, now[name])),
        );
        const undo = await undoOf(on(now), target, recorded, context);
        expect(undo.changedSince.map(({ part: name }) => name)).toEqual(foreign);
        const written = changes(undo.before, undo.after).map(({ part: name }) => name);
        if (foreign.length > 0) expect(written).toEqual([]);
        else {
          for (const name of changed.filter((one) => one !== 'evidence'))
            expect(equal(part(undo.after, name), part(recorded.before, name))).toBe(true);
        }
        // Whatever the fix did not touch is not the undo's to touch.
        expect(written.filter((name) => !changed.includes(name))).toEqual([]);
      }),
    );
  });

  test('makes its clients once for a session', () => {
    const session = {} as Parameters<typeof closeNumbers.clients>[0];
    expect(closeNumbers.clients(session)).toBe(closeNumbers.clients(session));
    expect(closeNumbers.clients({ ...session })).not.toBe(closeNumbers.clients(session));
  });
});
