import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AssumedSessions } from '../engine/aws/sessions.ts';
import { readActions } from '../engine/pipeline.ts';
import type { Action, Context, Plan } from '../engine/remediation.ts';
import { type Request, respond } from '../engine/respond.ts';
import type { Response } from '../engine/response.ts';
import { changes } from '../engine/state.ts';
import { anyTarget, responseId, targetKey, targetsOf } from '../engine/targets.ts';
import { type UndoHouse, undo } from '../engine/undo.ts';
import { loadWorkers } from '../scripts/workers.ts';
import { CLOUD_ENDPOINT, Connection, HOME_REGION, MEMBER_ACCOUNTS, REGIONS } from './connection.ts';
import { deployedHouse } from './house.ts';
import { runbookContract } from './runbook-contract.ts';
import { questionsOf, recordedCells, reversed, sizeCells, sizeOf } from './session-proofs.ts';
import type { Exposed, Specimen } from './specimen.ts';

/** The embedded cloud that this test run shares. */
export function sharedCloud(): Connection {
  const endpoint = process.env[CLOUD_ENDPOINT];
  if (!endpoint) throw new Error('there is no embedded cloud: run these tests by npm test -- <path>');
  return new Connection(endpoint);
}

/** A remediation and the resources that it is tried on. */
export interface Contract {
  readonly action: Action;
  readonly specimens: readonly Specimen[];
}

/** How services say that IAM does not allow a call. */
const DENIED = /not authorized|Access Denied/i;

/** The contracts of the tests that were loaded into this process. */
export const contracts: Contract[] = [];

/**
 * What every remediation promises, tried on the embedded cloud with the deployed roles: the worker's execution role assumes
 * the member's role with the session policies that Lambda would send, and IAM is enforced.
 *
 * @param specimens exposed resources, one for each type or way of being exposed
 */
export function contract(action: Action, ...specimens: readonly Specimen[]): void {
  contracts.push({ action, specimens });
  describe(`the contract of ${action.id}`, () => {
    const used = new Set<string>();
    specimens.forEach((specimen, index) => {
      describe(specimens.length > 1 ? `with specimen ${index + 1}` : 'with its specimen', () =>
        tryOn(action, specimen, used, index + 1),
      );
    });

    test('declares every IAM action that it uses, and no other', () => {
      const declared = [
        ...action.permissions.read,
        ...action.resource.flatMap((type) =>
          action.permissions.write(anyTarget(type)).flatMap((permission) => permission.actions),
        ),
      ];
      expect([...used].sort()).toEqual([...new Set(declared)].sort());
    });

    const [first] = specimens;
    if (first && action.undo !== 'irreversible') runbookContract(action, first, sharedCloud);
  });
}

/** @param number of the specimen, from 1 */
function tryOn(action: Action, specimen: Specimen, used: Set<string>, number: number): void {
  const cloud = sharedCloud();
  const worker = action.id.slice(0, action.id.indexOf('.'));
  const [member] = MEMBER_ACCOUNTS;
  const environment = { ...process.env };
  let house: UndoHouse;

  /** Calls made in sessions of this worker's member role since the last look. */
  let looked = 0;
  async function calls() {
    const made = await cloud.doors.calls(looked);
    looked = made.at(-1)?.sequence ?? looked;
    const own = made.filter(({ principal }) => principal.includes(`:assumed-role/firebreak-${worker}/`));
    for (const call of own) for (const name of call.actions) used.add(name);
    return own;
  }
  const changing = async () =>
    (await calls()).filter(({ actions }) => actions.some((name) => !action.permissions.read.includes(name)));

  const expose = async (size: 'usual' | 'largest' = 'usual', region: string = HOME_REGION): Promise<Exposed> => {
    const exposed = await specimen.expose(await cloud.account(member, region), `t${randomUUID().slice(0, 8)}`, size);
    looked = (await cloud.doors.calls()).at(-1)?.sequence ?? looked;
    return exposed;
  };
  const request = ({ target, finding }: Exposed): Request => {
    const message = randomUUID();
    return { id: responseId(action.id, target, message), action, target, finding, correlation: message };
  };
  const parameters = action.parameters.parse({ ...specimen.parameters });
  const contextFor = ({ finding }: Exposed): Context => ({
    finding,
    parameters,
    response: `${worker}-contract`,
    now: new Date(),
    record: async () => undefined,
  });
  const readerOf = async ({ target }: Exposed) => action.clients(await house.sessions.read(target));
  const planFor = async (exposed: Exposed): Promise<Plan> =>
    action.plan(await readerOf(exposed), exposed.target, contextFor(exposed));
  /** Whether the writes of a plan are denied, all together, in the session for another. */
  async function expectKeptOut(of: Exposed, plan: Plan, other: Exposed, theirs: Plan): Promise<void> {
    const session = await house.sessions.write(of.target, action.permissions.write(of.target, plan), randomUUID());
    if (!session) throw new Error('the policy for a usual plan is too long for one session');
    const writer = action.clients({ ...session, region: other.target.region });
    const before = await other.observe();
    await expect(action.apply(writer, other.target, theirs, contextFor(other))).rejects.toThrow(DENIED);
    expect(await other.observe()).toEqual(before);
  }

  const planOf = async (response: Response): Promise<Plan> => {
    const record = await house.ledger.get(response.id);
    if (!record?.plan)
      throw new Error(`no plan was recorded for ${response.id}: ${response.outcome} ${response.reason}`);
    return record.plan;
  };
  const undoOf = async (fixed: Response, of: Exposed) =>
    undo({ ...request(of), recorded: await planOf(fixed), undoes: fixed.id, by: 'the contract suite' }, house);

  beforeAll(async () => {
    house = await deployedHouse(cloud, action, specimen.parameters);
  });
  afterAll(() => {
    process.env = environment;
  });

  test('plans without writing, in a session that could not', async () => {
    const exposed = await expose();
    const before = await exposed.observe();
    const response = await respond(request(exposed), { ...house, planOnly: true });
    expect(response).toMatchObject({ outcome: 'observed' });
    const plan = await planOf(response);
    expect(changes(plan.before, plan.after)).not.toEqual([]);
    const meant = await targetsOf(action, exposed.finding, house.sessions, parameters);
    expect(meant?.map(targetKey)).toContain(targetKey(exposed.target));
    expect(await changing()).toEqual([]);

    const reader = await readerOf(exposed);
    await expect(action.apply(reader, exposed.target, plan, contextFor(exposed))).rejects.toThrow(DENIED);
    await calls();
    expect(await exposed.observe()).toEqual(before);
  });

  test('plans in a session that allows none of its writes, and fixes in one that allows those of its plan', async () => {
    const exposed = await expose();
    const plan = await planFor(exposed);
    const { target } = exposed;
    const [ofReads] = (await cloud.doors.sessions(`firebreak-${worker}-read`)).slice(-1);
    const all = questionsOf(action.permissions.write(target));
    expect(all).not.toEqual([]);
    const refused = await cloud.doors.decisions(ofReads?.accessKeyId ?? '', all);
    for (const [index, { allowed, reason }] of refused.entries()) {
      // The role itself allows it: it is the policy of the session that does not.
      const bySession = { allowed: false, reason: expect.stringContaining('no session policy allows') };
      expect({ ...all[index], allowed, reason }).toEqual({ ...all[index], ...bySession });
    }
    for (const each of [plan, reversed(plan)]) {
      const name = `${worker}-${randomUUID().slice(0, 10)}`;
      const permissions = action.permissions.write(target, each);
      await house.sessions.write(target, permissions, name);
      const [ofWrites] = await cloud.doors.sessions(name);
      const questions = questionsOf(permissions);
      const answers = await cloud.doors.decisions(ofWrites?.accessKeyId ?? '', questions);
      expect(questions.filter((_, index) => !answers[index]?.allowed)).toEqual([]);
    }
  });

  test('writes in a session that reaches no other resource, as exposed as it may be, here or in another Region', async () => {
    const [one, other, elsewhere] = [await expose(), await expose(), await expose('usual', REGIONS[1])];
    for (const [here, there] of [
      [one, other],
      [other, one],
      [one, elsewhere],
      [elsewhere, one],
    ] as const) {
      const [plan, theirs] = [await planFor(here), await planFor(there)];
      await expectKeptOut(here, plan, there, theirs);
      await expectKeptOut(here, reversed(plan), there, reversed(theirs));
    }
  });

  test('tells tags, reach and population as they are', async () => {
    const [exposed] = [await expose(), await expose()];
    const { target } = exposed;
    const reader = await readerOf(exposed);
    if (action.tags) expect(await action.tags(reader, target)).toEqual(exposed.tags ?? {});
    if (action.reach) {
      expect(await action.reach(reader, target, 10)).toBe(exposed.reach ?? 0);
      await expect(action.reach(reader, target, 1)).resolves.toBeGreaterThanOrEqual(Math.min(exposed.reach ?? 0, 1));
    }
    if (action.population) {
      expect(await action.population(reader, target, 2)).toBeGreaterThanOrEqual(2);
      const all = await action.population(reader, target, 100_000);
      await expose();
      expect(await action.population(reader, target, 100_000)).toBeGreaterThan(all);
    }
    expect(await changing()).toEqual([]);
  });

  test('fixes once, proves it, leaves the rest alone, and goes back', async () => {
    const exposed = await expose();
    const before = await exposed.observe();
    expect(await exposed.closed()).toBe(false);

    const fixed = await respond(request(exposed), house);
    expect(fixed).toMatchObject({ outcome: 'verified' });
    expect(await changing()).not.toEqual([]);
    expect(await exposed.closed()).toBe(true);
    const after = await exposed.observe();
    expect(exposed.untouched(after)).toEqual(exposed.untouched(before));

    const again = await respond(request(exposed), house);
    expect(again).toMatchObject({ outcome: 'compliant' });
    expect(await changing()).toEqual([]);
    expect(await exposed.observe()).toEqual(after);

    const undone = await undoOf(fixed, exposed);
    expect(undone).toMatchObject({ outcome: 'undone' });
    await calls();
    expect(await exposed.observe()).toEqual(before);
    expect(await exposed.closed()).toBe(false);
  });

  test('does not go back over what somebody changed since', async () => {
    const exposed = await expose();
    const fixed = await respond(request(exposed), house);
    expect(fixed).toMatchObject({ outcome: 'verified' });
    await calls();
    await exposed.alter();
    const altered = await exposed.observe();
    looked = (await cloud.doors.calls()).at(-1)?.sequence ?? looked;
    expect(await undoOf(fixed, exposed)).toMatchObject({ outcome: 'changed-since' });
    expect(await changing()).toEqual([]);
    expect(await exposed.observe()).toEqual(altered);
  });

  test('acts in the second Region, and within what STS takes for the largest plan', async () => {
    const exposed = await expose('largest', REGIONS[1]);
    // As deployed: a session may read what any remediation of the worker reads.
    const reads = readActions((await loadWorkers([worker])).flatMap(({ remediations }) => remediations));
    const deployed = { ...house, sessions: new AssumedSessions(house.home, worker, reads) };
    const response = await respond(request(exposed), deployed);
    expect(response).toMatchObject({ outcome: 'verified' });
    expect(await changing()).not.toEqual([]);
    expect(await exposed.closed()).toBe(true);
    if (exposed.tags === undefined && action.tags) {
      expect(await action.tags(await readerOf(exposed), exposed.target)).toEqual({});
    }
    const size = sizeOf(await cloud.doors.sessions(response.id));
    // Where this fails: npm run bench -- --only sessions.
    expect(recordedCells(action.id, number)).toEqual(sizeCells(action.id, number, size));
  });
}
