import * as z from 'zod/mini';
import { sessionConfig } from '../../engine/aws/session.ts';
import { createDoor, route, words } from '../../engine/door.ts';
import { environment } from '../../engine/environment.ts';
import { shape } from '../../engine/findings/reader.ts';
import { DynamoDbBudgets } from '../../engine/ledger/budgets.ts';
import { deployedOffice } from '../../engine/office.ts';
import { closeBreaker } from './close-breaker.ts';
import { decide } from './decide.ts';

const account = environment('ACCOUNT_ID');
const office = deployedOffice();
const budgets = new DynamoDbBudgets(sessionConfig(account, environment('AWS_REGION')), environment('LEDGER_TABLE'));

const reasoned = shape(() => z.strictObject({ reason: z.optional(words()) }));
const nothing = shape(() => z.strictObject({}));

/** Where people say yes or no to a plan, and close a circuit breaker. */
export const handler = createDoor('approve', account, {
  'POST /responses/{id}/approve': route(reasoned, (asked) => decide('approve', asked, office)),
  'POST /responses/{id}/deny': route(reasoned, (asked) => decide('deny', asked, office)),
  'POST /breakers/{worker}/{remediation}/{account}/close': route(nothing, (asked) => closeBreaker(asked, budgets)),
});
