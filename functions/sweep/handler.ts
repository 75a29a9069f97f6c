import { SNSClient } from '@aws-sdk/client-sns';
import middy from '@middy/core';
import type { Context as LambdaContext } from 'aws-lambda';
import * as z from 'zod/mini';
import { KillSwitch } from '../../engine/aws/kill-switch.ts';
import { sessionConfig } from '../../engine/aws/session.ts';
import { AssumedSessions } from '../../engine/aws/sessions.ts';
import { Workers } from '../../engine/aws/workers.ts';
import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { environment } from '../../engine/environment.ts';
import { DynamoDbBudgets, type Kind } from '../../engine/ledger/budgets.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { DynamoDbHolds } from '../../engine/ledger/holds.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { Bus } from '../../engine/notify/bus.ts';
import { announce } from './announce.ts';
import { type SweepReport, sweep } from './sweep.ts';
import { SWEEP_READS } from './unused-groups.ts';

const home = { account: environment('ACCOUNT_ID'), region: environment('AWS_REGION') };
const session = sessionConfig(home.account, home.region);
const table = environment('LEDGER_TABLE');
const logger = logOf('sweep');
const policy = deployedPolicy();
const ledger = new DynamoDbLedger(session, table);
const holds = new DynamoDbHolds(session, table);
const budgets = new DynamoDbBudgets(session, table);
const breaker = (kind: Kind) => budgets.breaker(kind);
const sessions = new AssumedSessions(home, 'sweep', SWEEP_READS);
const workers = new Workers(session);
const outlets = { logger, bus: new Bus(session), sns: new SNSClient(session) };

/** What the schedules send. A person who invokes it needs to say nothing, and is answered the report. */
const wanted = z.object({
  sweep: z._default(z.enum(['hourly', 'daily']), 'daily'),
  /** Whether people are told by mail what is new. */
  page: z._default(z.boolean(), false),
});

export const handler = middy<unknown, SweepReport>()
  .use(withRequest(logger))
  .handler(async (event, _context: LambdaContext) => {
    const asked = z.parse(wanted, event || {});
    // Each run asks the switch itself: an answer may be half a minute old.
    const killSwitch = new KillSwitch(session, environment('KILL_SWITCH_PARAMETER'));
    const stopped = () => killSwitch.stopped();
    const house = { at: new Date(), policy, ledger, holds, breaker, stopped, sessions, workers };
    const report = await sweep(asked.sweep, house);
    await announce(report, asked.page ? environment('PEOPLE_TOPIC') : undefined, outlets);
    return report;
  });
