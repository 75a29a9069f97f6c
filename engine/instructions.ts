import { randomUUID } from 'node:crypto';
import { TransientError } from './errors.ts';
import { askedFor } from './findings/operator.ts';
import { inForce } from './guards/hold.ts';
import { type Leases, leaseKey, type Orders } from './ledger/ledger.ts';
import { lookAgain } from './look-again.ts';
import { actionOf, type Instruction } from './messages.ts';
import type { Action } from './remediation.ts';
import { conclude, type House, type Request } from './respond.ts';
import type { End, Response, ResponseRecord } from './response.ts';
import { responseId, successorOf, targetFromArn, targetKey } from './targets.ts';
import { inTurn } from './turns.ts';
import { hasWritten, opensAgain, type UndoHouse, undo } from './undo.ts';

/** What it takes to follow an instruction. */
export interface InstructedHouse extends UndoHouse {
  readonly ledger: House['ledger'] & Orders;
  readonly leases: Leases;
  readonly actions: readonly Action[];
}

/** When the time to approve a plan is over. */
export const approvalEnds = ({ finishedAt }: Pick<Response, 'finishedAt'>, { approvals }: House['policy']): Date =>
  new Date(Date.parse(finishedAt ?? '') + approvals.expireAfterHours * 3_600_000);

/**
 * Does what approve, undo or sweep asks a worker for. Who wants it, and why, is in the ledger, and so is all that is acted on:
 * an instruction only names it. One that is told twice, or too late, changes nothing.
 *
 * @param message id of the message that brought it
 * @throws what is transient, so that the message comes back
 */
export async function follow(instruction: Instruction, message: string, house: InstructedHouse): Promise<void> {
  if (instruction.do === 'run') return run(instruction, message, house);
  const record = await recordOf(instruction.response, house);
  const { response } = record;
  const waits = response.outcome === 'awaiting-approval';
  const decision = record.orders.find(({ verb }) => verb !== 'undo');
  switch (instruction.do) {
    case 'approve':
      if (decision?.verb !== 'approve') throw new Error(`nobody approved ${response.id}`);
      await house.ledger.reopen(response);
      return goOn(record, message, house);
    case 'deny': {
      if (decision?.verb !== 'deny') throw new Error(`nobody denied ${response.id}`);
      const reason = `denied by ${decision.by}${decision.reason === undefined ? '' : `: ${decision.reason}`}`;
      if (waits) await end(response, { outcome: 'denied', reason }, house);
      return;
    }
    case 'expire':
      if (waits && !decision && approvalEnds(response, house.policy) <= new Date()) {
        const reason = `nobody decided within ${house.policy.approvals.expireAfterHours} hours`;
        await end(response, { outcome: 'expired', reason }, house);
      }
      return;
    case 'resume':
      return response.outcome ? undefined : goOn(record, message, house);
    case 'again':
      if (response.outcome !== 'deferred' && response.outcome !== 'excepted') return;
      await inTurn({ ...requestOf(record, house), id: successorOf(response) }, message, house.leases, house);
      return;
    case 'look':
      return look(record, house);
    case 'undo':
      return takeBack(record, instruction.undo, message, house);
  }
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
  ...(response.siblings && { siblings: response.siblings }),
});

/** Goes on with a response that is open: a fix in its turn, or an undo as it was ordered. */
async function goOn(record: ResponseRecord, message: string, house: InstructedHouse): Promise<void> {
  const { id, undoes } = record.response;
  if (undoes !== undefined) return takeBack(await recordOf(undoes, house), id, message, house);
  await inTurn(requestOf(record, house), message, house.leases, house);
}

/** Takes a response back as a person ordered. What opens an exposure again is planned, and waits until somebody approves that. */
async function takeBack(record: ResponseRecord, id: string, message: string, house: InstructedHouse): Promise<void> {
  const { response, plan } = record;
  const order = record.orders.find(({ undo }) => undo === id);
  // One that a person began with the command and their own credentials is theirs to go on with.
  if (!order) return;
  const { by, reason = `${response.id} was taken back`, until } = order;
  const opens = await opensAgain(response, house.ledger);
  const request = { ...requestOf(record, house), id, by };
  if (!plan || !hasWritten(record)) {
    const nothing = `${response.id} ended ${response.outcome ?? 'open'} without a change: there is nothing to take back`;
    await conclude(request, { outcome: 'refused', reason: nothing }, house, { undoes: response.id });
    return;
  }
  await undo(
    {
      ...request,
      recorded: plan,
      undoes: response.id,
      message,
      ...(opens && until !== undefined && { hold: { by, reason, until } }),
    },
    {
      ...house,
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

/** Reads a fix again, while nothing else works on the resource. One that was taken back, and is held so, is not looked for. */
async function look(record: ResponseRecord, house: InstructedHouse): Promise<void> {
  const { response } = record;
  const action = actionOf(response.remediation, house.actions);
  const key = leaseKey(action.id, targetKey(response.target));
  const busy = await house.holds.take(key, response.id);
  if (busy !== undefined) throw new TransientError(`${busy} works on it`);
  try {
    const hold = await house.holds.get(key);
    if (!hold || !inForce(hold, new Date())) await lookAgain(record, action, house);
  } finally {
    await house.holds.release(key, response.id);
  }
}

async function run(
  { remediation, arn, account, region, reason }: Extract<Instruction, { do: 'run' }>,
  message: string,
  house: InstructedHouse,
): Promise<void> {
  const action = actionOf(remediation, house.actions);
  const target = targetFromArn(action.resource, arn, { account, region });
  if (!target) throw new Error(`${remediation} acts on no resource like the one that was named`);
  const finding = askedFor(target, { id: message || randomUUID(), title: reason, from: house.home });
  const request = { id: responseId(action.id, target, message), action, target, finding, correlation: message };
  await inTurn(request, message, house.leases, house);
}
