import { describeError, isTransient, TransientError } from './errors.ts';
import { tookBack } from './facts.ts';
import { askedFor, runId } from './findings/operator.ts';
import { inForce } from './guards/hold.ts';
import { type Hold, type Leases, leaseKey, type SharedHolds } from './ledger/ledger.ts';
import { type Drift, driftOf, recordDrift } from './look-again.ts';
import { actionOf, type Instruction, type Replay } from './messages.ts';
import { approvalEnds } from './policy.ts';
import type { Action } from './remediation.ts';
import { conclude, type House, hasWritten, type Request, takenBack } from './respond.ts';
import { decisionOf, type End, type Order, type Response, type ResponseRecord } from './response.ts';
import { successorOf, targetFromArn, targetKey } from './targets.ts';
import { inTurn } from './turns.ts';
import { opensAgain, type UndoHouse, undo, usualReason } from './undo.ts';

/** What it takes to follow an instruction. */
export interface InstructedHouse extends UndoHouse {
  readonly holds: SharedHolds;
  readonly leases: Leases;
  readonly actions: readonly Action[];
}

/**
 * Does what approve, undo or sweep asks a worker for. Who wants it, and why, is in the ledger, and so is all that is acted on:
 * an instruction only names it. One that is told twice, or too late, changes nothing.
 *
 * @param message id of the message that brought it
 * @throws what is transient, so that the message comes back
 */
export async function follow(
  instruction: Exclude<Instruction, Replay>,
  message: string,
  house: InstructedHouse,
): Promise<void> {
  if (instruction.do === 'run') return run(instruction, message, house);
  const record = await recordOf(instruction.response, house);
  const { response } = record;
  if (!house.actions.some(({ id }) => id === response.remediation)) {
    const reason = `needs a person: this version of Firebreak has no ${response.remediation}`;
    if (!response.outcome || response.outcome === 'awaiting-approval')
      await end(response, { outcome: 'refused', reason }, house);
    return;
  }
  switch (instruction.do) {
    case 'approve':
    case 'deny':
    case 'expire':
      return decided(instruction.do, record, message, house);
    case 'resume':
      return response.outcome ? undefined : goOn(record, message, house);
    case 'again':
      // What was taken back: the sweep asks when the hold has ended.
      if (response.outcome !== 'deferred' && response.outcome !== 'excepted' && !tookBack(response)) return;
      await inTurn({ ...requestOf(record, house), id: successorOf(response) }, message, house.leases, house);
      return;
    case 'look':
      return look(record, house);
    case 'undo':
      return takeBack(record, instruction.undo, message, house, instruction.preview);
  }
}

/**
 * Does what was decided on a plan. The first decision that the ledger keeps is the one that counts, and that nobody decided in time
 * is a decision too; so that whatever is told, by whom and in which order, all do the same.
 */
async function decided(
  told: 'approve' | 'deny' | 'expire',
  record: ResponseRecord,
  message: string,
  house: InstructedHouse,
): Promise<void> {
  const { response } = record;
  const waits = response.outcome === 'awaiting-approval';
  let decision: Order | undefined = decisionOf(record);
  if (!decision && told === 'expire' && waits && approvalEnds(response, house.policy) <= new Date()) {
    const at = new Date().toISOString();
    decision = await house.ledger.order(response.id, { verb: 'expire', by: 'firebreak', at });
  }
  if (!decision) {
    if (told === 'expire') return;
    throw new Error(`nobody has decided on ${response.id}`);
  }
  // A message may come long after it was sent: from a dead-letter queue, weeks later.
  const isOld = waits && approvalEnds({ finishedAt: decision.at }, house.policy) <= new Date();
  if (decision.verb === 'approve' && !isOld) {
    await house.ledger.reopen(response);
    return goOn(record, message, house);
  }
  if (waits) await end(response, endOf(decision, house), house);
}

function endOf({ verb, by, at, reason }: Order, { policy }: House): End {
  if (verb === 'deny')
    return { outcome: 'denied', reason: `denied by ${by}${reason === undefined ? '' : `: ${reason}`}` };
  const time = `within ${policy.approvals.expireAfterHours} hours`;
  const late = `${by} approved it at ${at}, and it did not begin ${time}`;
  return { outcome: 'expired', reason: verb === 'approve' ? late : `nobody decided ${time}` };
}

async function end(response: Response, how: End, house: InstructedHouse): Promise<void> {
  const closed = await house.ledger.close(response, how);
  house.ended?.(closed);
}

async function recordOf(id: string, { ledger }: InstructedHouse): Promise<ResponseRecord> {
  const record = await ledger.get(id);
  if (!record) throw new Error(`the ledger has no response ${id}`);
  return record;
}

const requestOf = ({ response, finding }: ResponseRecord, { actions }: InstructedHouse): Request => ({
  id: response.id,
  action: actionOf(response.remediation, actions),
  target: response.target,
  finding,
  correlation: response.correlation,
  ...(response.siblings !== undefined && { siblings: response.siblings }),
});

/** Goes on with a response that is open: a fix in its turn, or an undo as it was ordered. */
async function goOn(record: ResponseRecord, message: string, house: InstructedHouse): Promise<void> {
  const { id, undoes } = record.response;
  if (undoes !== undefined) return takeBack(await recordOf(undoes, house), id, message, house);
  await inTurn(requestOf(record, house), message, house.leases, house);
}

/**
 * Takes a response back as a person ordered. What opens an exposure again is planned, and waits until somebody approves that.
 * @param preview who wants to see the plan, and nothing else
 */
async function takeBack(
  record: ResponseRecord,
  id: string,
  message: string,
  house: InstructedHouse,
  preview?: Pick<Order, 'by'>,
): Promise<void> {
  const { response, plan } = record;
  const order: Pick<Order, 'by' | 'reason' | 'until'> | undefined =
    preview ?? record.orders.find(({ undo }) => undo === id);
  if (!order) {
    // Begun with the command, and ended before it wrote anything: only who began it could go on.
    const reason = 'whoever began it did not end it, and nothing was written';
    return end((await recordOf(id, house)).response, { outcome: 'failed', reason }, house);
  }
  const { by, reason = usualReason(response.id), until } = order;
  const request = { ...requestOf(record, house), id, by };
  const planning: InstructedHouse = preview ? { ...house, planOnly: true } : house;
  const refuse = async (why: string): Promise<void> => {
    await conclude(request, { outcome: 'refused', reason: why }, planning, { undoes: response.id });
  };
  if (!response.outcome) {
    if (!house.lastTry) throw new TransientError(`${response.id} has not ended`);
    return refuse(`${response.id} has not ended: ask for it again when it has`);
  }
  if (!plan || !hasWritten(record)) {
    return refuse(`${response.id} ended ${response.outcome} without a change: there is nothing to take back`);
  }
  const opens = await opensAgain(response, house.ledger);
  await undo(
    {
      ...request,
      recorded: plan,
      undoes: response.id,
      message,
      fixes: !opens,
      ...(opens && until !== undefined && { hold: { by, reason, until } }),
    },
    {
      ...planning,
      confirm: async () =>
        opens
          ? {
              outcome: 'awaiting-approval',
              reason: `it opens again what ${response.id} closed: somebody has to approve that`,
            }
          : undefined,
    },
  );
}

/**
 * Reads a fix again. Most hold, which is nothing to record; what seems to be wrong is said only when it still is while nothing
 * else works on the resource.
 */
async function look(record: ResponseRecord, house: InstructedHouse): Promise<void> {
  const { response } = record;
  const action = actionOf(response.remediation, house.actions);
  const key = leaseKey(action.id, targetKey(response.target));
  const drift = async (known: ResponseRecord, hold: Hold | undefined): Promise<Drift | undefined> => {
    // What a person took back is no drift.
    if (hold !== undefined && inForce(hold, new Date())) return undefined;
    if ((await takenBack(known, house.ledger)) !== undefined) return undefined;
    return driftOf(known, action, house);
  };
  try {
    const { hold, busy } = await house.holds.glance(key);
    if (busy !== undefined) throw new TransientError(`${busy} works on it`);
    if (!(await drift(record, hold))) return;
    const taken = await house.holds.take(key, response.id);
    if (taken !== undefined) throw new TransientError(`${taken} works on it`);
    try {
      const known = await recordOf(response.id, house);
      const found = await drift(known, await house.holds.get(key));
      if (found) await recordDrift(known.response, found, house);
    } finally {
      await house.holds.release(key, response.id);
    }
  } catch (error) {
    if (isTransient(error) && !house.lastTry) throw error;
    // Nothing is said of what could not be read, but that it could not.
    await house.ledger.append(response.id, 'could not be looked at again', describeError(error));
  }
}

async function run(
  { remediation, arn, account, region, reason, asked }: Extract<Instruction, { do: 'run' }>,
  message: string,
  house: InstructedHouse,
): Promise<void> {
  const action = actionOf(remediation, house.actions);
  const target = targetFromArn(action.resource, arn, { account, region });
  if (!target) throw new Error(`${remediation} acts on no resource like the one that was named`);
  const id = runId(action.id, target, asked?.execution ?? `${new Date().toISOString().slice(0, 10)} ${reason}`);
  const finding = askedFor(target, { id, title: reason, from: house.home, asked });
  const correlation = asked?.execution ?? message;
  await inTurn({ id, action, target, finding, correlation }, message, house.leases, house);
}
