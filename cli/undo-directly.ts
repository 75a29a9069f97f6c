import { randomUUID } from 'node:crypto';
import type { Stop } from '../engine/guards/guard.ts';
import type { Plan } from '../engine/remediation.ts';
import { responseId } from '../engine/targets.ts';
import { USUAL_HOLD_MS, undo, usualReason } from '../engine/undo.ts';
import { agreed } from './ask.ts';
import { CallerOrRole, identify } from './caller.ts';
import { recordedAction } from './desk.ts';
import type { Io, Terminal } from './terminal.ts';
import type { Undone, UndoOptions } from './undo.ts';
import { announce, type Said, showUndo, tellUndo } from './undo-shown.ts';

/** Takes a response back with the caller's own credentials. */
export async function undoDirectly(undone: Undone, options: UndoOptions, io: Io): Promise<number> {
  const { ledger, holds, kind, recorded, opens, screen } = undone;
  const { response, finding } = undone.record;
  const { id, target } = response;
  const { action, desk } = await recordedAction(response, options.policy);
  const caller = await identify(options.region, target.region);
  const sessions = new CallerOrRole(caller, options.role, action.permissions.read);
  sessions.assertReaches(target);
  announce(undone, screen);

  const undoId = responseId(action.id, target, randomUUID());
  const hold = opens ? holdFor(id, caller.arn, options) : undefined;
  const said: Said = { opens, kind, hold };
  const shown = options.plan || options.yes ? undefined : (plan: Plan) => confirm(plan, said, screen, io);
  const ended = await undo(
    {
      id: undoId,
      action,
      target,
      finding,
      correlation: response.correlation,
      recorded,
      undoes: id,
      by: caller.arn,
      fixes: !opens,
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
  const plan = (await ledger.get(undoId))?.plan;
  return tellUndo(ended, plan, shown !== undefined, said, undone, options, io);
}

function holdFor(id: string, by: string, { reason = usualReason(id), hold = USUAL_HOLD_MS }: UndoOptions) {
  return hold === 0 ? undefined : { by, reason, until: new Date(Date.now() + hold).toISOString() };
}

/** Shows what would be written, and asks where somebody can answer. */
async function confirm(plan: Plan, said: Said, screen: Terminal, io: Io): Promise<Stop | undefined> {
  showUndo(plan, said, screen);
  const yes = await agreed('Write it back?', io);
  if (yes === undefined)
    return { outcome: 'awaiting-approval', reason: 'nothing was written: say --yes to write it back' };
  return yes ? undefined : { outcome: 'denied', reason: 'nothing was written: the answer was no' };
}
