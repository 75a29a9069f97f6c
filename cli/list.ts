import type { Outcome, Response } from '../engine/response.ts';
import { count, outcomeSpan } from './desk.ts';
import { type LedgerOptions, openBook, reading } from './ledgers.ts';
import type { Io, Span } from './terminal.ts';

export interface ListOptions extends LedgerOptions {
  readonly since: Date;
  readonly limit: number;
  readonly outcome?: Outcome;
  readonly finding?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** The columns of a CSV file: all of a header. */
const COLUMNS: Readonly<Record<string, (response: Response) => string>> = {
  started: ({ startedAt }) => startedAt,
  finished: ({ finishedAt = '' }) => finishedAt,
  outcome: ({ outcome = 'open' }) => outcome,
  reason: ({ reason = '' }) => reason,
  response: ({ id }) => id,
  remediation: ({ remediation }) => remediation,
  resource: ({ target }) => target.arn,
  type: ({ target }) => target.type,
  account: ({ target }) => target.account,
  region: ({ target }) => target.region,
  source: ({ finding }) => finding.source,
  'finding type': ({ finding }) => finding.type,
  severity: ({ finding }) => finding.severity,
  'finding title': ({ finding }) => finding.title,
  'finding id': ({ finding }) => finding.id,
  by: ({ by = '' }) => by,
  undoes: ({ undoes = '' }) => undoes,
  correlation: ({ correlation }) => correlation,
};

/** `firebreak list` */
export async function list(options: ListOptions, { out, err }: Io): Promise<number> {
  const { since, limit, outcome, finding } = options;
  const book = await openBook(options);
  const wanted = { since, limit, ...(outcome && { outcome }), ...(finding !== undefined && { finding }) };
  const responses = await reading(book, book.ledger.list(wanted));
  if (options.json) {
    out.json({ ledger: book.kind, responses });
    return 0;
  }
  if (options.csv) {
    out.csv([
      Object.keys(COLUMNS),
      ...responses.map((response) => Object.values(COLUMNS).map((cell) => cell(response))),
    ]);
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
