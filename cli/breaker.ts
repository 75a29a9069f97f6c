import { ACCOUNT_ID } from '../engine/arn.ts';
import { type Breaker, type Budgets, DynamoDbBudgets, type Kind } from '../engine/ledger/budgets.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import type { Response } from '../engine/response.ts';
import { identify } from './caller.ts';
import { count } from './desk.ts';
import { UsageError } from './failure.ts';
import { deployedIn, deployedSession, type LedgerOptions, reading } from './ledgers.ts';
import { askDoor } from './orders.ts';
import type { Io, Span } from './terminal.ts';

export interface BreakersOptions extends Omit<LedgerOptions, 'local'> {
  readonly since: Date;
  readonly json?: boolean;
}

/** `firebreak breaker list`: the open ones. What opens one is deferred by it, so that the headers tell where to look. */
export async function listBreakers({ since, table, region, json }: BreakersOptions, { out, err }: Io): Promise<number> {
  const session = await deployedSession(region);
  const where = deployedIn(table, session);
  const open = await reading(
    { where },
    openBreakers(new DynamoDbLedger(session, table).headers(since), new DynamoDbBudgets(session, table)),
  );
  if (json) {
    out.json({ breakers: open });
    return 0;
  }
  const rows = open.map(({ remediation, account, at, why }): Span[] => [
    at.replace('T', ' ').slice(0, 19),
    remediation,
    account,
    why,
  ]);
  if (rows.length > 0) {
    out.table([['OPEN SINCE (UTC)', 'REMEDIATION', 'ACCOUNT', 'WHY'].map((head): Span => ['dim', head]), ...rows]);
    err.line('firebreak breaker close <remediation> --account <id> has what it deferred tried again');
  }
  err.line(
    `${count(rows.length, 'open breaker')} of what was deferred since ${since.toISOString().slice(0, 16)}Z in ${where}`,
  );
  return 0;
}

/** Those that are open of what the responses were deferred by, oldest first. */
async function openBreakers(
  responses: AsyncIterable<Response>,
  budgets: Pick<Budgets, 'breaker'>,
): Promise<readonly (Kind & Breaker)[]> {
  const kinds = new Map<string, Kind>();
  for await (const { outcome, remediation, target } of responses) {
    const { account } = target;
    if (outcome === 'deferred') kinds.set(`${remediation} ${account}`, { remediation, account });
  }
  const found = await Promise.all(
    [...kinds.values()].map(async (kind) => {
      const breaker = await budgets.breaker(kind);
      return breaker ? [{ ...kind, ...breaker }] : [];
    }),
  );
  return found.flat().sort((one, other) => (one.at < other.at ? -1 : 1));
}

export interface BreakerOptions {
  readonly account: string;
  readonly region?: string;
  readonly json?: boolean;
}

/** `firebreak breaker close <remediation> --account <id>`: what the breaker deferred is tried again. */
export async function closeBreaker(remediation: string, { account, region, json }: BreakerOptions, { out }: Io) {
  const [, worker, name] = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)$/.exec(remediation) ?? [];
  if (!worker || !name) throw new UsageError(`${remediation} is no remediation: firebreak catalogue lists them`);
  if (!ACCOUNT_ID.test(account)) throw new UsageError(`${account} is not a twelve-digit account id`);
  const closed = await askDoor(await identify(region), `/breakers/${worker}/${name}/${account}/close`, {});
  if (json) out.json(closed);
  else out.line(['green', 'closed'], `  ${remediation} in account ${account}  by ${closed.by}`);
  return 0;
}
