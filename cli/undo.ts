import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { Stop } from '../engine/guards/guard.ts';
import { leaseKey } from '../engine/ledger/ledger.ts';
import type { Plan } from '../engine/remediation.ts';
import { undo } from '../engine/respond.ts';
import { responseId, targetKey } from '../engine/targets.ts';
import { CallerOrRole, identify } from './caller.ts';
import { Claims } from './claims.ts';
import { outcomeSpan, recordedAction } from './desk.ts';
import { showPlan } from './difference.ts';
import { Failure } from './failure.ts';
import { findResponse, type LedgerOptions } from './ledgers.ts';
import { claims } from './places.ts';
import { hasWritten } from './show.ts';
import type { Io, Terminal } from './terminal.ts';

export interface UndoOptions extends LedgerOptions {
  readonly yes?: boolean;
  readonly plan?: boolean;
  readonly role?: string;
  readonly policy?: string;
  readonly json?: boolean;
}

/** `firebreak undo <response>` */
export async function undoResponse(id: string, options: UndoOptions, io: Io): Promise<number> {
  const { ledger, record, kind, where } = await findResponse(id, options);
  const { response, finding, plan: recorded } = record;
  if (!recorded || !hasWritten(record)) {
    throw new Failure(`${id} ended ${response.outcome ?? 'open'} without a change, so there is nothing to undo`);
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

  const message = randomUUID();
  const undoId = responseId(action.id, target, message);
  const claim = new Claims(claims()).take(leaseKey(action.id, targetKey(target)), undoId);
  if ('busy' in claim) throw new Failure(`${claim.busy}: try again when it has ended`);
  const shown = options.plan || options.yes ? undefined : (plan: Plan) => confirm(plan, response.undoes, screen, io);
  try {
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
      },
      {
        ledger,
        sessions,
        policy: desk.policy,
        home: caller,
        lastTry: true,
        ...(options.plan && { planOnly: true }),
        ...(shown && { confirm: shown }),
      },
    );
    const written = (await ledger.get(undoId))?.plan;
    if (options.json) io.out.json({ ledger: kind, response: undone, ...(written && { plan: written }) });
    else {
      if (written && !shown) showUndo(written, response.undoes, screen);
      screen.line(outcomeSpan(undone.outcome), '  ', undone.reason ?? '', '  ', ['dim', `recorded as ${undoId}`]);
    }
    return undone.outcome === 'undone' || (options.plan && undone.outcome === 'observed') ? 0 : 1;
  } finally {
    claim.release();
  }
}

function showUndo(plan: Plan, undoes: string | undefined, screen: Terminal): void {
  showPlan(plan, screen);
  if (undoes) return;
  screen.line(['yellow', 'This opens again what the response closed.']);
  screen.line([
    'dim',
    'A deployed Firebreak answers the next finding about it, unless response-policy.yml has an exception.',
  ]);
}

/** Shows what would be written, and asks where somebody can answer. */
async function confirm(plan: Plan, undoes: string | undefined, screen: Terminal, io: Io): Promise<Stop | undefined> {
  showUndo(plan, undoes, screen);
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
