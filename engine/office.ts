import { sessionConfig } from './aws/session.ts';
import { Workers } from './aws/workers.ts';
import { deployedPolicy } from './deployed-policy.ts';
import { Refusal } from './door.ts';
import { environment } from './environment.ts';
import { describeError } from './errors.ts';
import { DynamoDbLedger } from './ledger/dynamodb.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Instruction } from './messages.ts';
import type { Policy } from './policy-schema.ts';
import type { ResponseRecord } from './response.ts';
import { isResponseId } from './targets.ts';

/** What it takes to give orders: the ledger, where they are kept, and the workers, which follow them. */
export interface Office {
  readonly ledger: Ledger;
  readonly workers: Pick<Workers, 'instruct'>;
  readonly policy: Policy;
}

/** The office of a deployed function. */
export function deployedOffice(): Office {
  const session = sessionConfig(environment('ACCOUNT_ID'), environment('AWS_REGION'));
  return {
    ledger: new DynamoDbLedger(session, environment('LEDGER_TABLE')),
    workers: new Workers(session),
    policy: deployedPolicy(),
  };
}

/** A response that a person names. @throws {Refusal} when there is none */
export async function recorded(id = '', { ledger }: Office): Promise<ResponseRecord> {
  const record = isResponseId(id) ? await ledger.get(id) : undefined;
  if (!record) throw new Refusal(404, 'the ledger has no such response', 'look for it: firebreak list');
  return record;
}

/** Has the worker follow an order that is kept. @throws {Refusal} when it could not be told */
export async function instruct(instruction: Instruction, { workers }: Office): Promise<void> {
  await workers.instruct([instruction]).catch((error: unknown) => {
    throw new Refusal(
      503,
      `it is recorded, but the worker could not be told: ${describeError(error)}`,
      'ask once more',
    );
  });
}
