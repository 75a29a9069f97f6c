import type { Outcome, ResponseRecord } from '../engine/response.ts';
import { agreed } from './ask.ts';
import { identify } from './caller.ts';
import { outcomeSpan } from './desk.ts';
import { Failure } from './failure.ts';
import { type Book, findResponse, type LedgerOptions } from './ledgers.ts';
import { askDoor, untilEnded } from './orders.ts';
import { present } from './show.ts';
import type { Io } from './terminal.ts';

export interface DecideOptions extends LedgerOptions {
  readonly reason?: string;
  readonly yes?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
}

const GOOD: Readonly<Record<'approve' | 'deny', readonly Outcome[]>> = {
  approve: ['verified', 'compliant', 'undone'],
  deny: ['denied'],
};

/** `firebreak approve <response>`, `firebreak deny <response>`: exit 0 when it came to what was decided. */
export async function decide(verb: 'approve' | 'deny', id: string, options: DecideOptions, io: Io): Promise<number> {
  const found = await findResponse(id, options);
  const { outcome, reason } = found.record.response;
  if (found.kind === 'local') throw new Failure(`${id} is in ${found.where}, where nothing waits for an approval`);
  if (outcome !== 'awaiting-approval') {
    throw new Failure(
      `${id} awaits no approval: it is ${outcome ?? 'open'}${reason === undefined ? '' : `, ${reason}`}`,
    );
  }
  // With --json, standard output is the document, and what a person reads goes beside it.
  const screen = options.json ? io.err : io.out;
  if (verb === 'approve') {
    await present(found, screen);
    screen.line();
    const yes = options.yes || (await agreed('Approve this plan?', io));
    if (yes === undefined) throw new Failure('nothing was decided: say --yes to approve it');
    if (!yes) throw new Failure(`nothing was decided: firebreak deny ${id} says no for good`);
  }
  const caller = await identify(options.region);
  const said = options.reason === undefined ? {} : { reason: options.reason };
  const decision = await askDoor(caller, `/responses/${id}/${verb}`, said);
  io.err.line(['dim', `${verb === 'approve' ? 'approved' : 'denied'} by ${decision.by}`]);
  if (!options.wait) {
    if (options.json) io.out.json({ decision });
    return 0;
  }
  const record = await untilEnded(id, found.ledger, ['awaiting-approval'], io.err);
  const { response } = record;
  const next = await newPlan(record, found, io);
  if (options.json) io.out.json({ decision, ...record, next: next ?? null });
  screen.line(outcomeSpan(response.outcome), '  ', response.reason ?? '');
  if (next) {
    screen.line();
    await present({ ...found, record: next }, screen);
    screen.line();
    screen.line('this is the plan now: ', ['bold', `firebreak approve ${next.response.id}`]);
  }
  return response.outcome && GOOD[verb].includes(response.outcome) ? 0 : 1;
}

/** The response that plans anew where the approval was void; an undo is asked for anew by a person. */
async function newPlan(
  { response }: ResponseRecord,
  { ledger }: Book,
  { err }: Io,
): Promise<ResponseRecord | undefined> {
  return response.followedBy === undefined ? undefined : untilEnded(response.followedBy, ledger, [], err);
}
