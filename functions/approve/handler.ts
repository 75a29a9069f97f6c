import * as z from 'zod/mini';
import { sessionConfig } from '../../engine/aws/session.ts';
import { decide } from '../../engine/decide.ts';
import { type Asked, createDoor, route, words } from '../../engine/door.ts';
import { environment } from '../../engine/environment.ts';
import { shape } from '../../engine/findings/reader.ts';
import { DynamoDbBudgets } from '../../engine/ledger/budgets.ts';
import { deployedOffice } from '../../engine/office.ts';
import { closeBreaker } from './close-breaker.ts';

const account = environment('ACCOUNT_ID');
const office = deployedOffice();
const budgets = new DynamoDbBudgets(sessionConfig(account, environment('AWS_REGION')), environment('LEDGER_TABLE'));

const reasoned = shape(() => z.strictObject({ reason: z.optional(words()) }));
const said = ({ by, path: { id }, body: { reason } }: Asked<z.infer<ReturnType<typeof reasoned>>>) => ({
  by,
  id,
  reason,
});
const nothing = shape(() => z.strictObject({}));

/** Where people say yes or no to a plan, and close a circuit breaker. */
export const handler = createDoor('approve', account, {
  'POST /responses/{id}/approve': route(reasoned, (asked) => decide('approve', said(asked), office)),
  'POST /responses/{id}/deny': route(reasoned, (asked) => decide('deny', said(asked), office)),
  'POST /breakers/{worker}/{remediation}/{account}/close': route(nothing, (asked) => closeBreaker(asked, budgets)),
});
