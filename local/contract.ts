import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Action, Plan } from '../engine/remediation.ts';
import { type Request, respond } from '../engine/respond.ts';
import type { Response } from '../engine/response.ts';
import { changes } from '../engine/state.ts';
import { anyTarget, responseId, targetKey, targetsOf } from '../engine/targets.ts';
import { type UndoHouse, undo } from '../engine/undo.ts';
import { CLOUD_ENDPOINT, Connection, HOME_REGION, MEMBER_ACCOUNTS, REGIONS } from './connection.ts';
import { deployedHouse } from './house.ts';
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
        tryOn(action, specimen, used),
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
  });
}

function tryOn(action: Action, specimen: Specimen, used: Set<string>): void {
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
    const parameters = action.parameters.parse({ ...specimen.parameters });
    const meant = await targetsOf(action, exposed.finding, house.sessions, parameters);
    expect(meant?.map(targetKey)).toContain(targetKey(exposed.target));
    expect(await changing()).toEqual([]);

    const reader = action.clients(await house.sessions.read(exposed.target));
    const context = {
      finding: exposed.finding,
      parameters,
      response: response.id,
      now: new Date(),
      record: async () => undefined,
    };
    await expect(action.apply(reader, exposed.target, plan, context)).rejects.toThrow(/not authorized|Access Denied/i);
    await calls();
    expect(await exposed.observe()).toEqual(before);
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
    const response = await respond(request(exposed), house);
    expect(response).toMatchObject({ outcome: 'verified' });
    expect(await changing()).not.toEqual([]);
    expect(await exposed.closed()).toBe(true);
  });
}
