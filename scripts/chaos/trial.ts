import { randomUUID } from 'node:crypto';
import { sessionConfig } from '../../engine/aws/session.ts';
import { DynamoDbHolds } from '../../engine/ledger/holds.ts';
import { DynamoDbLeases } from '../../engine/ledger/leases.ts';
import { leaseKey } from '../../engine/ledger/ledger.ts';
import { toMessage } from '../../engine/messages.ts';
import type { Action, Context } from '../../engine/remediation.ts';
import type { Request } from '../../engine/respond.ts';
import { equal, type Json, type State } from '../../engine/state.ts';
import { responseId, targetKey } from '../../engine/targets.ts';
import { type UndoHouse, undo } from '../../engine/undo.ts';
import { HOME_REGION, LEDGER_TABLE, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import type { Call, Fault } from '../../local/doors.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Exposed, Specimen } from '../../local/specimen.ts';
import { inMember, isChange } from './disturbance.ts';
import type { Laboratory } from './laboratory.ts';
import { wording } from './sameness.ts';

/** What came of one delivery. */
export interface Trial {
  /** All that must be as without a kill, in parts. */
  readonly state: State;
  /** The worker's calls, oldest first. */
  readonly calls: readonly Call[];
  /** How many of them were disturbed. */
  readonly disturbed: number;
  /** What people are told of what came of it: the record's reason and timeline, and the reasons of dead letters. */
  readonly told: readonly string[];
}

/** The part of a state that counts the changing calls which took place. */
export const CHANGES = 'changes';

/** What a state must say of itself when nothing stayed in its way. */
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

/** What is wrong with a trial in which a call was refused, or only pretended: it may fail, but must say so and go back. */
export function liesOf({ state, calls, told }: Trial, action: Action): string[] {
  const { outcome, closed, changed, undo, back } = state;
  const lies: string[] = [];
  if (outcome === 'verified' && !closed) lies.push('it is called verified, and is open');
  if (outcome === null && told.length === 0) lies.push('nobody is told of it');
  const refused = calls.find(({ decision }) => decision === 'denied');
  if (refused && !told.some((reason) => reason.includes(refused.actions[0] ?? refused.operation))) {
    lies.push(`nobody is told that ${refused.actions[0]} is missing: ${told.join('; ')}`);
  }
  if (refused && inMember(action, refused) && outcome !== 'failed')
    lies.push(`it is called ${outcome}, and not failed`);
  if (state['before-image'] === false) lies.push('the recorded way back is not what was');
  if (state['before-image'] === null && changed) lies.push('it was changed, and no way back was recorded');
  if (state['before-image'] !== null && undo !== 'undone') lies.push(`undo is ${undo}`);
  if (!back) lies.push('it is not as it was before');
  return lies;
}

/** Milliseconds after which no lease is held any more. */
const LEASES_OVER_MS = 300_000;

/**
 * Makes a resource wrong, delivers a finding about it to the deployed worker, disturbs that as it is said, and looks at
 * everything that came of it. Then it takes the response back, at a time when no dead worker can hold the resource.
 */
export async function trial(
  laboratory: Laboratory,
  action: Action,
  specimen: Specimen,
  faults: readonly Fault[],
): Promise<Trial> {
  const { connection } = laboratory.cloud;
  const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION);
  const house: UndoHouse = {
    ...(await deployedHouse(connection, action, specimen.parameters)),
    holds: new DynamoDbHolds(session, LEDGER_TABLE, () => Date.now() + LEASES_OVER_MS),
  };
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

  const { calls, disturbed } = await laboratory.deliver(action.id, toMessage(request), faults);
  const deadLetters = await laboratory.deadLetters(action.id);
  const record = await house.ledger.get(request.id);
  const after = await exposed.observe();
  const closed = await exposed.closed();
  const lease = await leaseOf(request);
  const plan = record?.plan;
  const undone =
    plan &&
    (await undo({ ...requestFor(action, exposed), recorded: plan, undoes: request.id, by: 'npm run chaos' }, house));
  const state: State = {
    outcome: record?.response.outcome ?? null,
    closed,
    resource: wording(before, [name, exposed.target.id, exposed.target.arn])(after),
    changed: !equal(after, before),
    'before-image': plan === undefined ? null : equal(plan.before, truth),
    [CHANGES]: changing(action, calls),
    lease,
    'dead letters': deadLetters.length,
    undo: undone?.outcome ?? null,
    back: equal(await exposed.observe(), before),
  };
  const told = [
    ...(record ? [record.response.reason ?? '', ...record.timeline.map(({ detail }) => JSON.stringify(detail))] : []),
    ...deadLetters,
  ];
  return { state, calls, disturbed, told };
}

function requestFor(action: Action, { target, finding }: Exposed): Request {
  const message = randomUUID();
  return { id: responseId(action.id, target, message), action, target, finding, correlation: message };
}

/** How often each changing call took place in a member account. */
function changing(action: Action, calls: readonly Call[]): Json {
  const made: Record<string, number> = {};
  for (const call of calls) {
    const { operation, status } = call;
    if (status === 0 || status >= 400 || !isChange(action, call)) continue;
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
