import { randomUUID } from 'node:crypto';
import { DeleteAccessKeyCommand, IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sessionConfig } from '../../engine/aws/session.ts';
import { driftOf, recordDrift } from '../../engine/look-again.ts';
import type { Action } from '../../engine/remediation.ts';
import { respond } from '../../engine/respond.ts';
import { changes } from '../../engine/state.ts';
import { ownTargets, responseId } from '../../engine/targets.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { contract, sharedCloud } from '../../local/contract.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { findingAbout } from '../../local/findings.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account, Exposed, Specimen } from '../../local/specimen.ts';
import deactivateOldAccessKeys from './deactivate-old-access-keys.ts';
import { DAY_MS, deactivate, inUse, type KnownKeys, limits, ruleOf } from './due.ts';

const NOW = new Date('2026-11-03T14:00:00Z');
const daysBefore = (days: number) => new Date(NOW.getTime() - days * DAY_MS).toISOString();
const usedBefore = (days: number) => ({ at: daysBefore(days), service: 's3', region: 'eu-west-1' });
const DEFAULTS = limits.parse({});

/** A user whose keys a control finds fault with, and another with an old key whom no finding names. */
async function exposed(account: Account, name: string, arn: string, control: string, due: string[]): Promise<Exposed> {
  const iam = new IAMClient(account.client);
  const neighbour = `${name.slice(0, 50)}-neighbour`;
  await createUser(account, neighbour);
  await createAccessKey(account, neighbour, { created: 400, used: null });
  const keys = async (UserName: string) =>
    ((await iam.send(new ListAccessKeysCommand({ UserName }))).AccessKeyMetadata ?? []).map(
      ({ AccessKeyId: id = '', Status: status = '' }) => ({ id, status }),
    );
  const { target, finding } = caseOf(account, name, arn, control);
  return {
    target,
    finding,
    observe: async () => ({ [name]: await keys(name), [neighbour]: await keys(neighbour) }),
    untouched: (observed) => {
      const users = observed as Record<string, { id: string; status: string }[]>;
      return Object.values(users)
        .flat()
        .filter(({ id }) => !due.includes(id));
    },
    closed: async () => (await keys(name)).every(({ id, status }) => !due.includes(id) || status === 'Inactive'),
    alter: async () => {
      await iam.send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId: due[0] }));
    },
  };
}

const TAGS = { team: 'shop', 'cost-centre': '' };
const oldKey: Specimen = {
  async expose(account, name, size) {
    const largest = size === 'largest';
    const user = largest ? name.padEnd(64, 'x') : name;
    const arn = await createUser(account, user, { path: largest ? `/${'p'.repeat(510)}/` : '/service/', tags: TAGS });
    const due = [await createAccessKey(account, user, { created: 91, used: 2 })];
    if (largest) due.push(await createAccessKey(account, user, { created: 800, used: null }));
    else await createAccessKey(account, user, { created: 89, used: null });
    return { ...(await exposed(account, user, arn, 'IAM.3', due)), tags: TAGS };
  },
};

const unusedKey: Specimen = {
  async expose(account, name) {
    const arn = await createUser(account, name, { password: 'Correct-Horse-1-Battery' });
    const due = [await createAccessKey(account, name, { created: 400, used: 46 })];
    await createAccessKey(account, name, { created: 400, used: 44 });
    return exposed(account, name, arn, 'IAM.22', due);
  },
};

contract(deactivateOldAccessKeys, oldKey, unusedKey);

/** A member account with its administrator's clients. */
async function member() {
  const account = await sharedCloud().account(MEMBER_ACCOUNTS[0], HOME_REGION);
  const session = { ...sessionConfig(account.id, account.region, account.client.credentials), ...account.client };
  return { account, clients: deactivateOldAccessKeys.clients(session) };
}

/** A user as the target of a control's finding, with the context of a response to it. */
function caseOf(account: Account, name: string, arn: string, control: string) {
  const target = {
    type: 'AWS::IAM::User',
    id: name,
    arn,
    account: account.id,
    region: account.region,
    partition: 'aws',
  };
  const finding = findingAbout(account, { source: 'securityhub', type: control, resources: [target] });
  const record = async () => undefined;
  const context = { finding, parameters: DEFAULTS, response: 'identity-test', now: new Date(), record };
  return { account, target, finding, context };
}

describe('what is due', () => {
  const day = fc.integer({ min: 0, max: 2_000 }).map((half) => half / 10);
  const key = fc.record({
    status: fc.constantFrom('Active' as const, 'Inactive' as const),
    created: day,
    used: fc.option(day),
  });
  const keysOfUser = fc.array(key, { maxLength: 2 });
  const control = fc.constantFrom('IAM.3', 'IAM.8', 'IAM.22', 'run');

  const stateAndFacts = (keys: readonly { status: 'Active' | 'Inactive'; created: number; used: number | null }[]) => {
    const named = keys.map((each, index) => [`AKIA00000000000000${index}${index}`, each] as const);
    const known: KnownKeys = Object.fromEntries(
      named.map(([id, { created, used }]) => [
        id,
        {
          createdAt: daysBefore(created),
          ageDays: Math.floor(created),
          lastUse: used === null ? null : usedBefore(used),
        },
      ]),
    );
    return { named, known, state: Object.fromEntries(named.map(([id, { status }]) => [id, status])) };
  };

  test('is each active key that is too old, or unused, and no other', () => {
    fc.assert(
      fc.property(keysOfUser, control, (keys, type) => {
        const { named, known, state } = stateAndFacts(keys);
        const next = deactivate(state, known, ruleOf({ type }, DEFAULTS, NOW));
        for (const [id, { status, created, used }] of named) {
          const idle = Math.min(created, used ?? created);
          const due = { 'IAM.3': created > 90, run: created > 90, 'IAM.8': idle > 90, 'IAM.22': idle > 45 }[type];
          expect(next[id]).toBe(due ? 'Inactive' : status);
        }
        expect(Object.keys(next)).toEqual(Object.keys(state));
      }),
    );
  });

  test('is not due once more, and nothing is ever activated', () => {
    fc.assert(
      fc.property(keysOfUser, control, (keys, type) => {
        const { known, state } = stateAndFacts(keys);
        const rule = ruleOf({ type }, DEFAULTS, NOW);
        const next = deactivate(state, known, rule);
        expect(deactivate(next, known, rule)).toEqual(next);
        expect(changes(state, next).every(({ to }) => to === 'Inactive')).toBe(true);
      }),
    );
  });

  test('is no key whose last use was not read', () => {
    const known = { AKIA0000000000000000: { createdAt: daysBefore(400), ageDays: 400 } };
    const state = { AKIA0000000000000000: 'Active' as const };
    expect(deactivate(state, known, ruleOf({ type: 'IAM.8' }, DEFAULTS, NOW))).toEqual(state);
  });

  test('cannot be put off by a policy, only brought forward', () => {
    expect(limits.safeParse({ maximumAgeDays: 91 }).success).toBe(false);
    expect(limits.safeParse({ maximumUnusedDaysCis: 46 }).success).toBe(false);
    expect(limits.safeParse({ maximumUnusedDays: 0 }).success).toBe(false);
    expect(limits.parse({ maximumAgeDays: 30 })).toEqual({ ...DEFAULTS, maximumAgeDays: 30 });
  });
});

describe('a key in use', () => {
  const known = (days: number): KnownKeys => ({
    AKIA0000000000000000: { createdAt: daysBefore(120), ageDays: 120, lastUse: usedBefore(days) },
    AKIA1111111111111111: { createdAt: daysBefore(120), ageDays: 120, lastUse: null },
  });

  test('is named with service and Region, so that a person looks first', () => {
    expect(inUse(Object.keys(known(0.5)), known(0.5), NOW)).toEqual([
      'AKIA0000000000000000 was used at 2026-11-03T02:00:00.000Z for s3 in eu-west-1',
    ]);
    expect(inUse(Object.keys(known(1)), known(1), NOW)).toEqual([]);
  });

  test('is only looked at when it would be deactivated', async () => {
    const { account, clients } = await member();
    const name = `t${randomUUID().slice(0, 8)}`;
    const arn = await createUser(account, name);
    const key = await createAccessKey(account, name, { created: 120, used: 0.1 });
    const about = caseOf(account, name, arn, 'IAM.3');
    const plan = await deactivateOldAccessKeys.plan(clients, about.target, about.context);
    expect(deactivateOldAccessKeys.caution?.(plan, about.context)).toContain(`${key} was used at `);
    const young = caseOf(account, name, arn, 'IAM.22');
    const none = await deactivateOldAccessKeys.plan(clients, young.target, young.context);
    expect(deactivateOldAccessKeys.caution?.(none, young.context)).toBeUndefined();
  });
});

describe('a console password', () => {
  const due = new Date(Date.now() + 60 * DAY_MS);
  async function userWithPassword(control: string, used: number) {
    const { account, clients } = await member();
    const name = `t${randomUUID().slice(0, 8)}`;
    const arn = await createUser(account, name, { password: 'Correct-Horse-1-Battery' });
    await createAccessKey(account, name, { created: 400, used });
    return { clients, ...caseOf(account, name, arn, control) };
  }

  test('that is all that is unused is left to a person, and said so', async () => {
    const { clients, target, context } = await userWithPassword('IAM.22', -59);
    const plan = await deactivateOldAccessKeys.plan(clients, target, { ...context, now: due });
    expect(plan.after).toEqual(plan.before);
    expect(deactivateOldAccessKeys.decline?.(plan, context)).toEqual({
      outcome: 'refused',
      reason: expect.stringMatching(/^only the console password is unused, since \d{4}-/),
    });
  });

  test('that is young, or no concern of the control, is no reason to refuse', async () => {
    const young = await userWithPassword('IAM.22', 1);
    const plan = await deactivateOldAccessKeys.plan(young.clients, young.target, young.context);
    expect(deactivateOldAccessKeys.decline?.(plan, young.context)).toBeUndefined();
    const rotated = await deactivateOldAccessKeys.plan(young.clients, young.target, {
      ...caseOf(young.account, young.target.id, young.target.arn, 'IAM.3').context,
      now: due,
    });
    expect(deactivateOldAccessKeys.decline?.(rotated, young.context)).toBeUndefined();
  });

  test('does not keep an unused key from being deactivated', async () => {
    const { clients, target, context } = await userWithPassword('IAM.8', 100);
    const plan = await deactivateOldAccessKeys.plan(clients, target, { ...context, now: due });
    expect(changes(plan.before, plan.after)).toMatchObject([{ from: 'Active', to: 'Inactive' }]);
    expect(deactivateOldAccessKeys.decline?.(plan, context)).toBeUndefined();
  });
});

describe('a key that somebody deletes meanwhile', () => {
  test('between the list and the question when it was used is no key, and the user is not gone', async () => {
    const { account, clients } = await member();
    const name = `t${randomUUID().slice(0, 8)}`;
    const arn = await createUser(account, name);
    const first = await createAccessKey(account, name, { created: 120, used: null });
    const left = await createAccessKey(account, name, { created: 120, used: null });
    const iam = new IAMClient(account.client);
    clients.iam.middlewareStack.add(
      (next, { commandName }) =>
        async (call) => {
          const { AccessKeyId } = call.input as { AccessKeyId?: string };
          if (commandName === 'GetAccessKeyLastUsedCommand' && AccessKeyId === first)
            await iam.send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId }));
          return next(call);
        },
      { step: 'initialize' },
    );
    const { target, context } = caseOf(account, name, arn, 'IAM.3');
    const plan = await deactivateOldAccessKeys.plan(clients, target, context);
    expect(plan).toMatchObject({ before: { [left]: 'Active' }, after: { [left]: 'Inactive' } });
    expect(Object.keys(plan.before)).toEqual([left]);
  });

  test('does not keep the other old key from being deactivated', async () => {
    const { account, clients } = await member();
    const name = `t${randomUUID().slice(0, 8)}`;
    const arn = await createUser(account, name);
    const [gone = '', left = ''] = [
      await createAccessKey(account, name, { created: 120, used: null }),
      await createAccessKey(account, name, { created: 120, used: null }),
    ];
    const { target, context } = caseOf(account, name, arn, 'IAM.3');
    const plan = await deactivateOldAccessKeys.plan(clients, target, context);
    await new IAMClient(account.client).send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId: gone }));
    await deactivateOldAccessKeys.apply(clients, target, plan, context);
    expect(await deactivateOldAccessKeys.plan(clients, target, context)).toMatchObject({
      before: { [left]: 'Inactive' },
    });
  });
});

describe('the second look', () => {
  test('finds a key that was made since, and records it: that may be a rotation, or not', async () => {
    const environment = { ...process.env };
    try {
      const { account } = await member();
      const action = deactivateOldAccessKeys as Action;
      const house = await deployedHouse(sharedCloud(), action);
      const looks: [string, number][] = [];
      const lookLater = async (response: string, seconds: number) => void looks.push([response, seconds]);
      const name = `t${randomUUID().slice(0, 8)}`;
      const arn = await createUser(account, name);
      const old = await createAccessKey(account, name, { created: 120, used: null });
      const { target, finding } = caseOf(account, name, arn, 'IAM.3');
      const id = responseId(action.id, target, randomUUID());
      const request = { id, action, target, finding, correlation: id };
      expect(await respond(request, { ...house, lookLater })).toMatchObject({ outcome: 'verified' });
      expect(looks).toEqual([[id, 60]]);
      const record = await house.ledger.get(id);
      if (!record) throw new Error('nothing was recorded');
      expect(await driftOf(record, action, house)).toBeUndefined();

      const made = await createAccessKey(account, name, { created: 0, used: null });
      const drift = await driftOf(record, action, house);
      if (!drift) throw new Error('the new key was not seen');
      await recordDrift(record.response, drift, house);
      const looked = await house.ledger.get(id);
      expect(looked?.response.outcome).toBe('verified');
      expect(looked?.timeline.filter(({ event }) => event === 'looked again').map(({ detail }) => detail)).toEqual([
        { left: [], came: [{ part: made, from: null, to: 'Active' }] },
      ]);
      // The sweep looks each day.
      expect(looked && (await driftOf(looked, action, house))).toBeUndefined();
      const { AccessKeyMetadata = [] } = await new IAMClient(account.client).send(
        new ListAccessKeysCommand({ UserName: name }),
      );
      expect(Object.fromEntries(AccessKeyMetadata.map((key) => [key.AccessKeyId, key.Status]))).toEqual({
        [old]: 'Inactive',
        [made]: 'Active',
      });
    } finally {
      process.env = environment;
    }
  });
});

describe('one fix', () => {
  test('costs three calls and one more for the old key, and none for the young one', async () => {
    const { account, clients } = await member();
    const name = `t${randomUUID().slice(0, 8)}`;
    const arn = await createUser(account, name);
    await createAccessKey(account, name, { created: 120, used: 10 });
    await createAccessKey(account, name, { created: 10, used: 10 });
    const called: (string | undefined)[] = [];
    clients.iam.middlewareStack.add(
      (next, { commandName }) =>
        (call) => {
          called.push(commandName);
          return next(call);
        },
      { step: 'initialize' },
    );
    const { target, context } = caseOf(account, name, arn, 'IAM.3');
    const plan = await deactivateOldAccessKeys.plan(clients, target, context);
    await deactivateOldAccessKeys.apply(clients, target, plan, context);
    expect(await deactivateOldAccessKeys.verify(clients, target, plan, context)).toEqual([]);
    expect(called).toEqual([
      'ListAccessKeysCommand',
      'GetAccessKeyLastUsedCommand',
      'UpdateAccessKeyCommand',
      'ListAccessKeysCommand',
    ]);
  });
});

describe('the targets', () => {
  const named = (id: string) => ({
    ...findingAbout(
      { id: '444455556666', region: 'eu-west-1' },
      { source: 'securityhub', type: 'IAM.3', resources: [] },
    ),
    resources: [{ type: 'AWS::IAM::User', id, arn: id }],
  });

  test.each([
    ['the root user', 'arn:aws:iam::444455556666:root'],
    ['a name with a wildcard', 'arn:aws:iam::444455556666:user/*'],
    ['a name that IAM would not give', 'arn:aws:iam::444455556666:user/a b'],
    ['a role', 'arn:aws:iam::444455556666:role/deployer'],
  ])('are none for %s', (_, arn) => {
    expect(ownTargets(deactivateOldAccessKeys.resource, named(arn))).toEqual([]);
  });
});
