import type { DynamoDBRecord } from 'aws-lambda';
import { type Breaker, breakerOf, closingOf, type Kind, kindOf } from '../../engine/ledger/budgets.ts';
import { headerOf } from '../../engine/ledger/dynamodb.ts';
import type { Outcome, Response } from '../../engine/response.ts';

/** A response that has an outcome. */
export type Ended = Response & { readonly outcome: Outcome; readonly finishedAt: string };

/** What a change of the ledger's table has to tell. */
export type News =
  | { readonly what: 'ended'; readonly response: Ended }
  | { readonly what: 'breaker opened'; readonly kind: Kind; readonly breaker: Breaker }
  | { readonly what: 'breaker closed'; readonly kind: Kind; readonly by: string; readonly at: string };

/**
 * Reads a record of the ledger's stream: a header whose outcome appears or changes, a breaker that opens or closes. Undefined:
 * it tells nothing new.
 * @throws on an item that is not as the ledger writes it
 */
export function newsOf({
  dynamodb: { Keys, OldImage: before = {}, NewImage: after } = {},
}: DynamoDBRecord): News | undefined {
  if (!after) return undefined;
  switch (Keys?.sk?.S) {
    case 'HEADER': {
      if (after.outcome?.S === undefined || after.outcome.S === before.outcome?.S) return undefined;
      return { what: 'ended', response: headerOf(after) as Ended };
    }
    case 'BUDGET': {
      const breaker = breakerOf(after);
      const wasOpen = breakerOf(before) !== undefined;
      if (breaker && !wasOpen) return { what: 'breaker opened', kind: kindOf(after), breaker };
      return !breaker && wasOpen ? { what: 'breaker closed', kind: kindOf(after), ...closingOf(after) } : undefined;
    }
    default:
      return undefined;
  }
}
