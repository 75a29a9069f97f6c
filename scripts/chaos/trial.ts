import { randomUUID } from 'node:crypto';
import { sessionConfig } from '../../engine/aws/session.ts';
import { DynamoDbLeases } from '../../engine/ledger/leases.ts';
import { leaseKey } from '../../engine/ledger/ledger.ts';
import { toMessage } from '../../engine/messages.ts';
import type { Action, Context } from '../../engine/remediation.ts';
import type { Request } from '../../engine/respond.ts';
import { equal, type Json, type State } from '../../engine/state.ts';
import { responseId, targetKey, workerOf } from '../../engine/targets.ts';
import { undo } from '../../engine/undo.ts';
import { HOME_REGION, LEDGER_TABLE, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import type { Call } from '../../local/doors.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Exposed, Specimen } from '../../local/specimen.ts';
import type { Kill, Laboratory } from './laboratory.ts';
import { wording } from './sameness.ts';

/** What came of one delivery. */
export interface Trial {
  /** All that must be as without a kill, in parts. */
  readonly state: State;
  /** The worker's calls, oldest first. */
  readonly calls: readonly Call[];
  /** Where it was killed: `after PutItem`. */
  readonly killed: readonly string[];
}

/** What a state must say of itself, with or without kills. */
const RIGHT = {
  outcome: 'verified',
  closed: true,
  'before-image': true,
  lease: 'free',
  'dead letters': 0,
  undo: 'undone',
  back: true,
};

/** The parts of a state that are wrong whatever it is compared with. */
export const wrongIn = (state: State): string[] =>
  Object.entries(RIGHT).flatMap(([part, right]) => (state[part] === right ? [] : [`${part}: ${String(state[part])}`]));

/**
 * Makes a resource wrong, delivers a finding about it to the deployed worker, kills that where it is said, and looks at
 * everything that came of it. Then it takes the response back.
 */
export async function trial(
  laboratory: Laboratory,
  action: Action,
  specimen: Specimen,
  kills: readonly Kill[],
): Promise<Trial> {
  const { connection } = laboratory.cloud;
  const house = await deployedHouse(connection, action, specimen.parameters);
  const name = `c${randomUUID().slice(0, 8)}`;
  const exposed = await specimen.expose(await connection.account(MEMBER_ACCOUNTS[0], HOME_REGION), name, 'usual');
  const request = requestFor(action, exposed);
  const context: Context = {
    finding: exposed.finding,
    parameters: action.parameters.parse({ ...specimen.parameters }),
    response: request.id,
    now: new Date(),
    record: async () => undefined,
  };
  const reader = action.clients(await house.sessions.read(exposed.target));
  const { before: truth } = await action.plan(reader, exposed.target, context);
  const before = await exposed.observe();
  const deadLetters = await laboratory.deadLetters(action.id);

  const { calls, killed } = await laboratory.deliver(action.id, toMessage(request), kills);
  const record = await house.ledger.get(request.id);
  const after = await exposed.observe();
  const closed = await exposed.closed();
  const plan = record?.plan;
  const undone =
    plan &&
    (await undo({ ...requestFor(action, exposed), recorded: plan, undoes: request.id, by: 'npm run chaos' }, house));
  const state: State = {
    outcome: record?.response.outcome ?? null,
    closed,
    resource: wording(before, [name, exposed.target.id, exposed.target.arn])(after),
    'before-image': plan !== undefined && equal(plan.before, truth),
    changes: changing(action, calls),
    lease: await leaseOf(request),
    'dead letters': (await laboratory.deadLetters(action.id)) - deadLetters,
    undo: undone?.outcome ?? null,
    back: equal(await exposed.observe(), before),
  };
  return { state, calls, killed };
}

function requestFor(action: Action, { target, finding }: Exposed): Request {
  const message = randomUUID();
  return { id: responseId(action.id, target, message), action, target, finding, correlation: message };
}

/** How often each changing call took place in a member account. */
function changing(action: Action, calls: readonly Call[]): Json {
  const role = `:assumed-role/firebreak-${workerOf(action.id)}/`;
  const made: Record<string, number> = {};
  for (const { principal, actions, operation, status } of calls) {
    const tookPlace = status > 0 && status < 400;
    if (!tookPlace || !principal.includes(role) || actions.every((each) => action.permissions.read.includes(each)))
      continue;
    made[operation] = (made[operation] ?? 0) + 1;
  }
  return made;
}

/** Whether the next finding about the resource would find its lease free, with nothing left on it. */
async function leaseOf({ id, action, target, finding }: Request): Promise<string> {
  const leases = new DynamoDbLeases(sessionConfig(SECURITY_ACCOUNT, HOME_REGION), LEDGER_TABLE, 1);
  const key = leaseKey(action.id, targetKey(target));
  const next = `${id}-next`;
  const lease = await leases.acquire(key, next, { response: next, target, finding });
  if (!lease) return 'held';
  await leases.release(key, next, lease.notes);
  return lease.response === next && lease.notes.length === 0 ? 'free' : `free, with ${lease.response} left open`;
}
