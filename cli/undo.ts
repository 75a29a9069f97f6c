import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { Stop } from '../engine/guards/guard.ts';
import type { Hold } from '../engine/ledger/ledger.ts';
import type { Plan } from '../engine/remediation.ts';
import { hasWritten } from '../engine/respond.ts';
import { responseId } from '../engine/targets.ts';
import { opensAgain, undo } from '../engine/undo.ts';
import { CallerOrRole, identify } from './caller.ts';
import { outcomeSpan, recordedAction } from './desk.ts';
import { showPlan } from './difference.ts';
import { Failure, UsageError } from './failure.ts';
import { type Book, findResponse, type LedgerOptions } from './ledgers.ts';
import { holdInForce, holdInWords } from './show.ts';
import type { Io, Terminal } from './terminal.ts';

/** How long an undo holds the resource, unless it says otherwise. */
const USUAL_HOLD_MS = 7 * 86_400_000;

export interface UndoOptions extends LedgerOptions {
  readonly reason?: string;
  /** Milliseconds; 0: none. */
  readonly hold?: number;
  readonly yes?: boolean;
  readonly plan?: boolean;
  readonly role?: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** `firebreak undo <response>` */
export async function undoResponse(id: string, options: UndoOptions, io: Io): Promise<number> {
  const { ledger, holds, record, kind, where } = await findResponse(id, options);
  const { response, finding, plan: recorded } = record;
  if (!recorded || !hasWritten(record)) {
    throw new Failure(`${id} ended ${response.outcome ?? 'open'} without a change, so there is nothing to undo`);
  }
  const opens = await opensAgain(response, ledger);
  if (!opens && options.hold) {
    throw new UsageError(`${id} took a fix back: its undo brings the fix again, so there is nothing to hold`);
  }
  const { action, desk } = await recordedAction(response, options.policy);
  const { target } = response;
  const caller = await identify(options.region, target.region);
  const sessions = new CallerOrRole(caller, options.role, action.permissions.read);
  sessions.assertReaches(target);

  // With --json, standard output is the document, and what a person reads goes beside it.
  const screen = options.json ? io.err : io.out;
  screen.line('undo of ', ['bold', id], `: ${action.title}, ${response.outcome ?? 'open'} ${response.startedAt}`);
  screen.line(target.arn);
  screen.line(['dim', `found in ${where}`]);

  const undoId = responseId(action.id, target, randomUUID());
  const hold = opens ? holdFor(id, caller.arn, options) : undefined;
  const said: Said = { opens, kind, hold };
  const shown = options.plan || options.yes ? undefined : (plan: Plan) => confirm(plan, said, screen, io);
  const undone = await undo(
    {
      id: undoId,
      action,
      target,
      finding,
      correlation: response.correlation,
      recorded,
      undoes: id,
      by: caller.arn,
      ...(hold && { hold }),
    },
    {
      ledger,
      holds,
      sessions,
      policy: desk.policy,
      home: caller,
      lastTry: true,
      ...(options.plan && { planOnly: true }),
      ...(shown && { confirm: shown }),
    },
  );
  const written = (await ledger.get(undoId))?.plan;
  const now = await holdInForce(holds, response);
  if (options.json)
    io.out.json({ ledger: kind, response: undone, ...(written && { plan: written }), hold: now ?? null });
  else {
    if (written && !shown) showUndo(written, said, screen);
    screen.line(outcomeSpan(undone.outcome), '  ', undone.reason ?? '', '  ', ['dim', `recorded as ${undoId}`]);
    if (now) screen.line('held ', holdInWords(now));
    if (opens && hold && now?.until === hold.until) {
      screen.line(['dim', `firebreak undo ${undoId} brings the fix back, and lifts the hold`]);
    }
  }
  return undone.outcome === 'undone' || (options.plan && undone.outcome === 'observed') ? 0 : 1;
}

function holdFor(id: string, by: string, { reason = `${id} was taken back`, hold = USUAL_HOLD_MS }: UndoOptions) {
  return hold === 0 ? undefined : { by, reason, until: new Date(Date.now() + hold).toISOString() };
}

/** What an undo says of itself before it writes. */
interface Said extends Pick<Book, 'kind'> {
  readonly opens: boolean;
  readonly hold: Hold | undefined;
}

function showUndo(plan: Plan, { opens, kind, hold }: Said, screen: Terminal): void {
  showPlan(plan, screen);
  if (!opens) {
    screen.line(['dim', 'This brings the fix back, and lifts the hold on the resource.']);
    return;
  }
  screen.line(['yellow', 'This opens again what the response closed.']);
  if (hold) screen.line(['dim', `Findings about it are excepted ${holdInWords(hold)}`]);
  if (kind === 'local' || !hold) {
    const unknowing = hold ? ' does not know of that, and' : '';
    screen.line([
      'dim',
      `A deployed Firebreak${unknowing} answers the next finding about it, unless response-policy.yml has an exception.`,
    ]);
  }
}

/** Shows what would be written, and asks where somebody can answer. */
async function confirm(plan: Plan, said: Said, screen: Terminal, io: Io): Promise<Stop | undefined> {
  showUndo(plan, said, screen);
  if (!io.input.isTTY)
    return { outcome: 'awaiting-approval', reason: 'nothing was written: say --yes to write it back' };
  const reader = createInterface({ input: io.input, output: process.stderr });
  const closed = new Promise<string>((resolve) => reader.once('close', () => resolve('')));
  const answer = await Promise.race([reader.question('Write it back? [y/N] '), closed]);
  reader.close();
  return /^y(es)?$/i.test(answer.trim())
    ? undefined
    : { outcome: 'denied', reason: 'nothing was written: the answer was no' };
}
