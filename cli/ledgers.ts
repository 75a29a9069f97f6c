import type { SessionConfig } from '../engine/aws/session.ts';
import { FileLedger } from '../engine/ledger/files.ts';
import type { Holds, Ledger } from '../engine/ledger/ledger.ts';
import type { ResponseRecord } from '../engine/response.ts';
import { isResponseId } from '../engine/targets.ts';
import { explain, Failure, UsageError } from './failure.ts';
import { FileHolds } from './holds.ts';
import { claims, holds, responses } from './places.ts';

/** Which ledger a command looks into. */
export interface LedgerOptions {
  readonly local?: boolean;
  readonly table: string;
  readonly region?: string;
}

/** A ledger, and in words where it is. */
export interface Book {
  readonly ledger: Ledger;
  readonly holds: Holds;
  readonly kind: 'local' | 'deployed';
  readonly where: string;
}

export const localBook = (): Book => ({
  ledger: new FileLedger(responses()),
  holds: new FileHolds(holds(), claims()),
  kind: 'local',
  where: `the local ledger, ${responses()}`,
});

/** In words where the deployed ledger is. */
export const deployedIn = (table: string, { region }: SessionConfig): string =>
  `the deployed ledger, table ${table} in ${region}`;

async function deployedBook({ table, region }: LedgerOptions): Promise<Book> {
  const { DynamoDbLedger } = await import('../engine/ledger/dynamodb.ts');
  const { DynamoDbHolds } = await import('../engine/ledger/holds.ts');
  const session = await deployedSession(region);
  return {
    ledger: new DynamoDbLedger(session, table),
    holds: new DynamoDbHolds(session, table),
    kind: 'deployed',
    where: deployedIn(table, session),
  };
}

/** A session with the caller's credentials in the Region that Firebreak is deployed in. @throws {UsageError} when none is known */
export async function deployedSession(region: string | undefined): Promise<SessionConfig> {
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
  const { sessionConfig } = await import('../engine/aws/session.ts');
  return sessionConfig('caller', region ?? (await new DynamoDBClient({}).config.region().catch(noRegion)));
}

export function noRegion(): never {
  throw new UsageError('no Region is known: give --region or set AWS_REGION');
}

/** The ledger that a command asks for: the deployed one, or with --local the one in files. */
export const openBook = async (options: LedgerOptions): Promise<Book> =>
  options.local ? localBook() : deployedBook(options);

/** Reads from a ledger, and says clearly where there is none. */
export async function reading<T>({ where }: Pick<Book, 'where'>, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      throw new Failure(`there is no ${where.replace(/^the /, '')}: deploy Firebreak first, or use --local`);
    }
    throw error;
  }
}

/** A response with the ledger that has it: the local one is asked first, since it costs nothing. */
export async function findResponse(id: string, options: LedgerOptions): Promise<Book & { record: ResponseRecord }> {
  if (!isResponseId(id)) throw new UsageError(`${id} is not the id of a response: firebreak list shows them`);
  const local = localBook();
  const kept = await local.ledger.get(id);
  if (kept) return { ...local, record: kept };
  if (options.local) throw new Failure(`there is no response ${id} in ${local.where}`);
  const deployed = await deployedBook(options);
  const record = await reading(deployed, deployed.ledger.get(id)).catch((error: unknown) => {
    throw new Failure(`${id} is not in ${local.where}; elsewhere: ${explain(error)}`);
  });
  if (!record) throw new Failure(`there is no response ${id}, neither in ${local.where}, nor in ${deployed.where}`);
  return { ...deployed, record };
}
