import { type Leases, leaseKey, type Note } from './ledger/ledger.ts';
import { type House, type Request, respond } from './respond.ts';
import type { Response } from './response.ts';
import { successorOf, targetKey } from './targets.ts';

/** Fixes of one resource that a lease remembers: more than any cool-down counts. */
const MOST_FIXED = 20;

/**
 * Runs a response under the lease of its resource, and then whatever was told about the resource meanwhile, each in its turn:
 * an interrupted response first, then this one, then those that came since.
 *
 * @param message id of the message, which holds the lease
 * @returns false when another response holds the resource: it will look at this finding before it lets go
 * @throws what is transient; the lease stays with the message, whose redelivery goes on
 */
export async function inTurn(request: Request, message: string, leases: Leases, house: House): Promise<boolean> {
  const key = leaseKey(request.action.id, targetKey(request.target));
  const own: Note = { response: request.id, target: request.target, finding: request.finding };
  const lease = await leases.acquire(key, message, own);
  if (!lease) return false;
  // No hold changes while we have the lease: an undo needs it.
  const fixed = new Set(lease.fixed);
  const answer = async (each: Request): Promise<void> => {
    const asked: Request = { ...each, fixed: [...fixed], ...(lease.hold && { held: lease.hold }) };
    let response = await respond(asked, house);
    if (isVoid(response)) response = await respond({ ...asked, id: successorOf(response) }, house);
    if (response.outcome === 'verified' && response.finishedAt) fixed.add(response.finishedAt);
  };
  let waiting: readonly Note[] = lease.notes;
  if (lease.response === request.id) {
    await answer(request);
  } else {
    const interrupted = await house.ledger.get(lease.response);
    if (interrupted && !interrupted.response.outcome && !interrupted.response.undoes) {
      const { finding, response } = interrupted;
      const { id, target, correlation } = response;
      await answer({ ...request, id, target, finding, correlation });
    }
    waiting = [...waiting, own];
  }
  const seen = [...lease.notes];
  for (;;) {
    for (const { response, target, finding } of latest(await unanswered(waiting, house.ledger))) {
      if (!(await leases.follow(key, message, response))) return true;
      await answer({ ...request, id: response, target, finding, correlation: finding.envelope.id });
    }
    const news = fixed.size > lease.fixed.length ? [...fixed].slice(-MOST_FIXED) : undefined;
    waiting = await leases.release(key, message, seen, news);
    if (waiting.length === 0) return true;
    seen.push(...waiting);
  }
}

/** Whether an approval came to nothing, because the resource had moved: then the plan is made anew. */
const isVoid = ({ outcome, undoes }: Response): boolean => outcome === 'changed-since' && undoes === undefined;

/**
 * The notes whose responses have not ended. A late redelivery of one that has can be the newest telling of its finding, and
 * would answer for a look that nobody took.
 */
async function unanswered(notes: readonly Note[], ledger: House['ledger']): Promise<readonly Note[]> {
  const records = await Promise.all(notes.map(({ response }) => ledger.get(response)));
  return notes.filter((_, index) => !records[index]?.response.outcome);
}

/** Of several tellings of one finding, the newest: the resource's state decides, so one look answers them all. */
function latest(notes: readonly Note[]): Note[] {
  const byFinding = new Map<string, Note>();
  for (const note of notes) {
    const id = `${note.finding.source}/${note.finding.id}`;
    const known = byFinding.get(id);
    if (!known || known.finding.updatedAt <= note.finding.updatedAt) byFinding.set(id, note);
  }
  return [...byFinding.values()];
}
