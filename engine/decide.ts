import { type Answer, assertOutsider, type Person, Refusal } from './door.ts';
import { instruct, type Office, recorded } from './office.ts';
import { approvalEnds } from './policy.ts';
import { type Decision, decisionOf, type ResponseRecord } from './response.ts';

/** What a person says of a plan. */
export interface Word {
  readonly by: Person;
  /** Of the response. */
  readonly id: string | undefined;
  readonly reason?: string | undefined;
}

/**
 * A person approves or denies the stored plan of a response. The first decision stays; who made it may ask again, and the worker
 * is told again.
 * @throws {Refusal} when it is not theirs to decide, or there is nothing to decide on
 */
export async function decide(verb: 'approve' | 'deny', { by, id, reason }: Word, office: Office): Promise<Answer> {
  const record = await recorded(id, office);
  assertOutsider(by, record);
  const { response } = record;
  const known = decisionOf(record);
  const at = new Date();
  if (!known) await assertOpen(record, at, office);
  const wanted: Decision = { verb, by: by.arn, at: at.toISOString(), ...(reason !== undefined && { reason }) };
  const kept = known ?? ((await office.ledger.order(response.id, wanted)) as Decision);
  if (kept.verb !== verb || kept.by !== by.arn) {
    throw new Refusal(
      409,
      `${kept.by} ${DECIDED[kept.verb]} ${response.id} at ${kept.at}`,
      `see firebreak show ${response.id}`,
    );
  }
  await instruct({ do: verb, response: response.id }, office);
  return { response: response.id, decision: verb, by: kept.by, at: kept.at };
}

const DECIDED = {
  approve: 'approved',
  deny: 'denied',
  expire: 'ended the time to decide on',
} as const;

/** @throws {Refusal} when there is no plan that waits for a decision, or not any more */
async function assertOpen({ response }: ResponseRecord, at: Date, { ledger, policy }: Office): Promise<void> {
  const { id, outcome, undoes } = response;
  const hours = policy.approvals.expireAfterHours;
  if (outcome === 'expired' || (outcome === 'awaiting-approval' && approvalEnds(response, policy) <= at)) {
    const anew = undoes === undefined ? 'the next telling of the finding makes a new plan' : `firebreak undo ${undoes}`;
    throw new Refusal(410, `nobody decided on ${id} within ${hours} hours, and its plan is too old now`, anew);
  }
  if (outcome !== 'awaiting-approval') {
    throw new Refusal(409, `${id} awaits no approval: it is ${outcome ?? 'open'}`, `see firebreak show ${id}`);
  }
  const ordered = undoes === undefined || (await ledger.get(undoes))?.orders.some(({ undo }) => undo === id);
  if (!ordered) {
    throw new Refusal(
      409,
      `${id} was begun with somebody's own credentials`,
      `firebreak undo ${undoes} begins another`,
    );
  }
}
