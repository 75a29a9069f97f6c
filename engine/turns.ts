import { type Leases, leaseKey, type Note } from './ledger/ledger.ts';
import { type House, type Request, respond } from './respond.ts';
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
  const key = leaseKey(request.action.id, targetKey(request.target));
  const own: Note = { response: request.id, target: request.target, finding: request.finding };
  const lease = await leases.acquire(key, message, own);
  if (!lease) return false;
  // No hold changes while we have the lease: an undo needs it.
  const asked: Request = { ...request, ...(lease.hold && { held: lease.hold }) };
  let waiting: readonly Note[] = lease.notes;
  if (lease.response === request.id) {
    await respond(asked, house);
  } else {
    const interrupted = await house.ledger.get(lease.response);
    if (interrupted && !interrupted.response.outcome) {
      const { finding, response } = interrupted;
      const { id, target, correlation } = response;
      await respond({ ...asked, id, target, finding, correlation }, house);
    }
    waiting = [...waiting, own];
  }
  const seen = [...lease.notes];
  for (;;) {
    for (const { response, target, finding } of latest(await unanswered(waiting, house.ledger))) {
      if (!(await leases.follow(key, message, response))) return true;
      await respond({ ...asked, id: response, target, finding, correlation: finding.envelope.id }, house);
    }
    waiting = await leases.release(key, message, seen);
    if (waiting.length === 0) return true;
    seen.push(...waiting);
  }
}

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
