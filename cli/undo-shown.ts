import type { Hold } from '../engine/ledger/ledger.ts';
import type { Plan } from '../engine/remediation.ts';
import type { Response } from '../engine/response.ts';
import { outcomeSpan } from './desk.ts';
import { showPlan } from './difference.ts';
import type { Book } from './ledgers.ts';
import { holdInForce, holdInWords } from './show.ts';
import type { Io, Terminal } from './terminal.ts';
import type { Undone } from './undo.ts';

/** Says what is taken back. */
export function announce({ record, where }: Pick<Undone, 'record' | 'where'>, screen: Terminal): void {
  const { id, remediation, outcome = 'open', startedAt, target } = record.response;
  screen.line('undo of ', ['bold', id], `: ${remediation}, ${outcome} ${startedAt}`);
  screen.line(target.arn);
  screen.line(['dim', `found in ${where}`]);
}

/** What an undo says of itself before it writes. */
export interface Said extends Pick<Book, 'kind'> {
  readonly opens: boolean;
  readonly hold: Hold | undefined;
}

export function showUndo(plan: Plan, { opens, kind, hold }: Said, screen: Terminal): void {
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

/** How an undo ended. @param shown whether its plan was shown before @returns the exit code */
export async function tellUndo(
  undone: Response,
  plan: Plan | undefined,
  shown: boolean,
  said: Said,
  { holds, kind }: Pick<Book, 'holds' | 'kind'>,
  options: { readonly json?: boolean; readonly plan?: boolean },
  { out }: Io,
): Promise<number> {
  const { id, outcome, reason = '' } = undone;
  const now = await holdInForce(holds, undone);
  if (options.json) out.json({ ledger: kind, response: undone, ...(plan && { plan }), hold: now ?? null });
  else {
    if (plan && !shown) showUndo(plan, said, out);
    out.line(outcomeSpan(outcome), '  ', reason, '  ', ['dim', `recorded as ${id}`]);
    if (now) out.line('held ', holdInWords(now));
    if (said.opens && said.hold && now?.until === said.hold.until) {
      out.line(['dim', `firebreak undo ${id} brings the fix back, and lifts the hold`]);
    }
  }
  const planned = options.plan && (outcome === 'observed' || outcome === 'awaiting-approval');
  return outcome === 'undone' || planned ? 0 : 1;
}
