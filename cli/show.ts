import { inForce } from '../engine/guards/hold.ts';
import { type Hold, type Holds, leaseKey } from '../engine/ledger/ledger.ts';
import { playbookFile, playbookOf } from '../engine/playbook.ts';
import type { Plan } from '../engine/remediation.ts';
import { hasWritten } from '../engine/respond.ts';
import type { Order, Response, ResponseRecord, TimelineEntry } from '../engine/response.ts';
import { canonical, changes, type Json } from '../engine/state.ts';
import { targetKey } from '../engine/targets.ts';
import { outcomeSpan } from './desk.ts';
import { showPlan } from './difference.ts';
import { type Book, findResponse, type LedgerOptions } from './ledgers.ts';
import type { Io, Span, Terminal } from './terminal.ts';

export interface ShowOptions extends LedgerOptions {
  readonly json?: boolean;
}

/** `firebreak show <response>` */
export async function show(id: string, options: ShowOptions, { out }: Io): Promise<number> {
  const found = await findResponse(id, options);
  const { record, holds, kind } = found;
  if (options.json) {
    const hold = await holdInForce(holds, record.response);
    out.json({ ledger: kind, ...record, undo: undoCommand(record) ?? null, hold: hold ?? null });
  } else await present(found, out);
  return 0;
}

/** All about a response, for people. */
export async function present(
  { record, holds, where }: Pick<Book, 'holds' | 'where'> & { readonly record: ResponseRecord },
  out: Terminal,
): Promise<void> {
  const { response, finding, plan, orders, timeline } = record;
  const hold = await holdInForce(holds, response);
  out.line(['bold', response.id], '  ', outcomeSpan(response.outcome), '  ', response.reason ?? '');
  out.line();
  const held: Span[][] = hold
    ? [
        [
          ['dim', 'held'],
          ['yellow', holdInWords(hold)],
        ],
      ]
    : [];
  out.table([...header(response), [['dim', 'found in'], where], ...held, ...orders.map(ordered)]);
  out.line();
  out.table([
    [['dim', 'finding'], `${finding.source} ${finding.type}, ${finding.severity}`],
    [['dim', ''], finding.title],
    [['dim', ''], finding.id],
    [['dim', 'told by'], `account ${finding.envelope.account}, ${finding.envelope.region}, ${finding.updatedAt}`],
  ]);
  if (plan) planned(plan, out);
  if (timeline.length > 0) {
    out.line();
    out.line(['dim', 'timeline']);
    out.table(timeline.map(step), '    ');
  }
  const undo = undoCommand(record);
  if (undo) {
    out.line();
    out.line(['dim', 'go back with  '], undo);
  }
}

const ORDERED: Readonly<Record<Order['verb'], string>> = {
  approve: 'approved',
  deny: 'denied',
  expire: 'nobody decided in time,',
  undo: 'taken back',
};

const ordered = ({ verb, by, at, reason, undo }: Order): Span[] => [
  ['dim', ORDERED[verb]],
  `by ${by}, ${at}${undo === undefined ? '' : `, as ${undo}`}${reason === undefined ? '' : `: ${reason}`}`,
];

const header = ({ remediation, target, startedAt, finishedAt, by, undoes, correlation }: Response): Span[][] => [
  playbookRow(remediation) ?? [['dim', 'remediation'], remediation],
  [['dim', 'resource'], target.arn],
  [['dim', 'where'], `account ${target.account}, ${target.region}`],
  [['dim', 'started'], startedAt],
  ...(finishedAt ? [[['dim', 'finished'], finishedAt] satisfies Span[]] : []),
  ...(by ? [[['dim', 'by'], by] satisfies Span[]] : []),
  ...(undoes ? [[['dim', 'takes back'], undoes] satisfies Span[]] : []),
  [['dim', 'correlation'], correlation],
];

function playbookRow(remediation: string): Span[] | undefined {
  const playbook = playbookOf(remediation);
  return playbook === undefined ? undefined : [['dim', 'playbook'], playbookFile(playbook)];
}

function planned(plan: Plan, out: Terminal): void {
  out.line();
  if (changes(plan.before, plan.after).length > 0) {
    out.line(['dim', 'before -> after']);
    showPlan(plan, out);
  } else {
    out.line(['dim', 'nothing to change']);
  }
  const facts = Object.entries(plan.facts as Record<string, Json>);
  if (facts.length > 0) {
    out.line(['dim', 'facts']);
    out.table(
      facts.map(([name, value]) => [name, canonical(value)]),
      '    ',
    );
  }
}

const step = ({ at, event, detail }: TimelineEntry): Span[] => [
  ['dim', at.slice(11, 23)],
  event,
  ['dim', canonical(detail)],
];

/** The command that takes a response back, when there is something to take back. */
export const undoCommand = (record: ResponseRecord): string | undefined =>
  record.plan && hasWritten(record) ? `firebreak undo ${record.response.id}` : undefined;

/** The hold that is in force on a response's resource, whichever response left it there. */
export async function holdInForce(
  holds: Holds,
  { remediation, target }: Pick<Response, 'remediation' | 'target'>,
): Promise<Hold | undefined> {
  const hold = await holds.get(leaseKey(remediation, targetKey(target)));
  return hold && inForce(hold, new Date()) ? hold : undefined;
}

export const holdInWords = ({ until, by, reason }: Hold): string => `until ${until} by ${by}: ${reason}`;
