import type { Outcome } from '../engine/response.ts';
import { count, outcomeSpan } from './desk.ts';
import { type LedgerOptions, openBook, reading } from './ledgers.ts';
import type { Io, Span } from './terminal.ts';

export interface ListOptions extends LedgerOptions {
  readonly since: Date;
  readonly limit: number;
  readonly outcome?: Outcome;
  readonly json?: boolean;
}

/** `firebreak list` */
export async function list(options: ListOptions, { out, err }: Io): Promise<number> {
  const { since, limit, outcome } = options;
  const book = await openBook(options);
  const responses = await reading(book, book.ledger.list({ since, limit, ...(outcome && { outcome }) }));
  if (options.json) {
    out.json({ ledger: book.kind, responses });
    return 0;
  }
  const rows = responses.map((response): Span[] => [
    response.startedAt.replace('T', ' ').slice(0, 19),
    outcomeSpan(response.outcome),
    response.id,
    `${response.remediation}${response.undoes ? ` (undo of ${response.undoes})` : ''}`,
    response.target.arn,
  ]);
  if (rows.length > 0) {
    const heads = ['STARTED (UTC)', 'OUTCOME', 'RESPONSE', 'REMEDIATION', 'RESOURCE'];
    out.table([heads.map((head): Span => ['dim', head]), ...rows]);
  }
  const more = rows.length === limit ? ': the newest; --limit shows more' : '';
  err.line(`${count(rows.length, 'response')} since ${since.toISOString().slice(0, 16)}Z in ${book.where}${more}`);
  return 0;
}
