import type { Response } from '../engine/response.ts';
import { usualReason } from '../engine/undo.ts';
import { agreed } from './ask.ts';
import { identify } from './caller.ts';
import { Failure, UsageError } from './failure.ts';
import { askDoor, untilEnded } from './orders.ts';
import type { Io } from './terminal.ts';
import type { Undone, UndoOptions } from './undo.ts';
import { announce, type Said, showUndo, tellUndo } from './undo-shown.ts';

/**
 * Has a deployed Firebreak take a response back. What opens an exposure again is planned first; this shows the plan, and approves it
 * for whoever may do that too.
 */
export async function undoByDoor(undone: Undone, options: UndoOptions, io: Io): Promise<number> {
  const { ledger, opens, screen } = undone;
  const { id } = undone.record.response;
  if (options.role !== undefined || options.policy !== undefined) {
    throw new UsageError('--role and --policy are for an undo with own credentials: say --direct');
  }
  if (!opens && options.plan) {
    throw new UsageError(`${id} took a fix back, and its undo needs no approval: say --direct to plan it only`);
  }
  announce(undone, screen);
  if (!opens && !options.yes) {
    const yes = await agreed('This brings the fix back, and lifts the hold on the resource. Go on?', io);
    if (!yes) throw new Failure('nothing was done: say --yes to bring the fix back');
  }
  const caller = await identify(options.region);
  const { reason, hold } = options;
  const taken = await askDoor(caller, `/responses/${id}/undo`, {
    ...(reason !== undefined && { reason }),
    ...(hold !== undefined && { hold: Math.round(hold / 1_000) }),
  });
  const undo = String(taken.undo);
  const by = String(taken.by);
  const until = taken.until;
  io.err.line(['dim', `asked for as ${undo}`]);
  const planned = await untilEnded(undo, ledger, [], io.err);
  const said: Said = {
    opens,
    kind: undone.kind,
    hold: typeof until === 'string' ? { by, reason: reason ?? usualReason(id), until } : undefined,
  };
  const { plan } = planned;
  const tell = (response: Response, shown: boolean) => tellUndo(response, plan, shown, said, undone, options, io);
  if (planned.response.outcome !== 'awaiting-approval') return tell(planned.response, false);

  if (plan) showUndo(plan, said, screen);
  const yes = options.plan ? undefined : options.yes || (await agreed('Write it back?', io));
  if (yes === undefined) {
    screen.line(`it waits for an approval: firebreak approve ${undo}`);
    return tell(planned.response, true);
  }
  if (yes) await askDoor(caller, `/responses/${undo}/approve`, {});
  else await askDoor(caller, `/responses/${undo}/deny`, { reason: 'not wanted after all' });
  const { response } = await untilEnded(undo, ledger, ['awaiting-approval'], io.err);
  return tell(response, true);
}
