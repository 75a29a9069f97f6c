import { type Leases, leaseKey, type Memory, type Note } from './ledger/ledger.ts';
import { approvalEnds } from './policy.ts';
import { type House, type Request, respond } from './respond.ts';
import type { Outcome, ResponseRecord } from './response.ts';
import { canonical } from './state.ts';
import { targetKey } from './targets.ts';

/**
 * Runs a response under the lease of its resource, and then whatever was told about the resource meanwhile, each in its turn:
 * an interrupted response first, then this one, then those that came since.
 *
 * @param message id of the message, which holds the lease
 * @returns false when another response holds the resource: it will look at this finding before it lets go
 * @throws what is transient; the lease stays with the message, whose redelivery goes on
 */
export async function inTurn(request: Request, message: string, leases: Leases, house: House): Promise<boolean> {
  const { action, target, id, finding, siblings } = request;
  const key = leaseKey(action.id, targetKey(target));
  const own: Note = { response: id, target, finding, ...(siblings !== undefined && { siblings }) };
  const lease = await leases.acquire(key, message, own);
  if (!lease) return false;
  // No hold changes while we have the lease: an undo needs it.
  const resource = { action, ...(lease.hold && { held: lease.hold }) };
  const fixed = new Set(lease.memory.fixed);
  let waiting = await waitingOf(lease.memory, house);
  const answer = async (asked: Omit<Request, 'action'>): Promise<void> => {
    const response = await respond({ ...resource, ...asked, fixed: [...fixed], ...(waiting && { waiting }) }, house);
    if (COUNTED.has(response.outcome) && response.finishedAt) fixed.add(response.finishedAt);
    if (response.outcome === 'awaiting-approval') waiting = await house.ledger.get(response.id);
  };
  let left: readonly Note[] = lease.notes;
  if (lease.response === id) {
    await answer(request);
  } else {
    const interrupted = await house.ledger.get(lease.response);
    if (interrupted && !interrupted.response.outcome && !interrupted.response.undoes) {
      await answer({ ...interrupted.response, finding: interrupted.finding });
    }
    left = [...left, own];
  }
  const seen = [...lease.notes];
  for (;;) {
    for (const note of await toAnswer(left, house.ledger)) {
      if (!(await leases.follow(key, message, note.response))) return true;
      const { response, ...asked } = note;
      await answer({ ...asked, id: response, correlation: note.finding.envelope.id });
    }
    const memory: Memory = {
      fixed: [...fixed].slice(-house.policy.coolDown.fixes),
      ...(waiting && { waiting: waiting.response.id }),
    };
    const news = canonical({ ...memory }) !== canonical({ ...lease.memory });
    left = await leases.release(key, message, seen, news ? memory : undefined);
    if (left.length === 0) return true;
    seen.push(...left);
  }
}

/** How a response ends that changed the resource, or meant to. */
const COUNTED: ReadonlySet<Outcome | undefined> = new Set(['verified', 'unverified']);

/** The response that the lease remembers, if it still waits for an approval, and may be given one. */
async function waitingOf({ waiting }: Memory, { ledger, policy }: House): Promise<ResponseRecord | undefined> {
  const record = waiting === undefined ? undefined : await ledger.get(waiting);
  if (record?.response.outcome !== 'awaiting-approval') return undefined;
  return approvalEnds(record.response, policy) > new Date() ? record : undefined;
}

/**
 * The notes that ask for a look. Responses that were begun (approved, or left open) are each gone on with. Of several tellings
 * of one finding, the newest is enough: the resource's state decides. A late redelivery of one that has ended can be the newest of
 * all, and would answer for a look that nobody took.
 */
async function toAnswer(notes: readonly Note[], ledger: House['ledger']): Promise<readonly Note[]> {
  const known = await Promise.all(notes.map(({ response }) => ledger.get(response)));
  const begun = notes.filter((_, index) => {
    const response = known[index]?.response;
    return response && (response.outcome === undefined || response.followedBy !== undefined);
  });
  const newest = new Map<string, Note>();
  for (const note of notes.filter((_, index) => !known[index])) {
    const id = `${note.finding.source}/${note.finding.id}`;
    const other = newest.get(id);
    if (!other || other.finding.updatedAt <= note.finding.updatedAt) newest.set(id, note);
  }
  return [...begun, ...newest.values()];
}
