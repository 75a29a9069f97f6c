import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context as LambdaContext, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { WorkerQueue } from './aws/queue.ts';
import { sessionConfig } from './aws/session.ts';
import { AssumedSessions } from './aws/sessions.ts';
import { describeError, isTransient } from './errors.ts';
import type { Finding } from './findings/finding.ts';
import { normalise } from './findings/normalise.ts';
import { foreign, inauthentic } from './guards/authentic.ts';
import type { Stop } from './guards/guard.ts';
import { SIMULATED } from './guards/sample.ts';
import { DynamoDbLedger } from './ledger/dynamodb.ts';
import { DynamoDbLeases } from './ledger/leases.ts';
import type { Leases } from './ledger/ledger.ts';
import { inLog } from './notify/encoders.ts';
import { parametersOf } from './policy.ts';
import type { Policy } from './policy-schema.ts';
import type { Action, Target } from './remediation.ts';
import { conclude, type House, type Request } from './respond.ts';
import type { Response } from './response.ts';
import { fromMessage, toMessage } from './target-message.ts';
import { responseId, targetsOf } from './targets.ts';
import { triggers } from './triggers.ts';
import { inTurn } from './turns.ts';

/** Seconds a holder has a lease: longer than the function's timeout in scripts/generate/workers.ts. */
const LEASE_SECONDS = 120;
/** Seconds until a message that failed for a passing reason comes back, by how often it was received. */
const RETRY_SECONDS = [5, 20, 60, 180];
/** Receives before SQS moves a message to the dead-letter queue: the queues are generated from it. */
export const MAX_RECEIVES = 5;

/** Makes the handler of a worker: messages of its queue in, responses out. */
export function createWorker(worker: string, actions: readonly Action[], policy: Policy) {
  const region = environment('AWS_REGION');
  const logger = new Logger({ serviceName: worker, jsonReplacerFn: inLog });
  const metrics = new Metrics({ namespace: 'Firebreak', serviceName: worker });
  const home = { account: environment('ACCOUNT_ID'), region };
  const session = sessionConfig(home.account, region);
  const table = environment('LEDGER_TABLE');
  const crew: Crew = {
    actions,
    policy,
    home,
    logger,
    metrics,
    queue: new WorkerQueue(session, environment('QUEUE_URL'), environment('DEAD_LETTER_QUEUE_URL')),
    ledger: new DynamoDbLedger(session, table),
    leases: new DynamoDbLeases(session, table, LEASE_SECONDS),
    sessions: new AssumedSessions(home, worker, readActions(actions)),
    ended: (response, finding) => tell(response, finding, logger, metrics),
  };
  const processor = new BatchProcessor(EventType.SQS);
  return middy<SQSEvent, SQSBatchResponse>()
    .use(injectLambdaContext(logger))
    .handler((event, context: LambdaContext) =>
      processPartialResponse(event, (record: SQSRecord) => receive(record, crew), processor, {
        context,
        throwOnFullBatchFailure: false,
      }),
    );
}

/** The read actions of several remediations, each once. */
export const readActions = (actions: readonly Action[]): string[] =>
  [...new Set(actions.flatMap((action) => action.permissions.read))].sort();

interface Crew extends House {
  readonly actions: readonly Action[];
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly queue: WorkerQueue;
  readonly leases: Leases;
}

/** Handles one message; throws when it should come back: what will not pass by itself goes where people look, at once. */
async function receive(record: SQSRecord, worker: Crew): Promise<void> {
  const receives = Number(record.attributes.ApproximateReceiveCount);
  const crew: Crew = { ...worker, lastTry: receives >= MAX_RECEIVES };
  try {
    const own = fromMessage(record.body, crew.actions);
    if (!own) return await dispatch(record, crew);
    received(record, own.correlation, crew);
    await handle(own, record, crew);
  } catch (error) {
    if (!isTransient(error)) return reject(record, describeError(error), crew);
    crew.logger.warn('message comes back', { messageId: record.messageId, receives, error: describeError(error) });
    await crew.queue.retryIn(record.receiptHandle, RETRY_SECONDS[receives - 1] ?? 180).catch((failure: unknown) => {
      crew.logger.warn('it comes back later than wanted', { error: describeError(failure) });
    });
    throw error;
  }
}

/** From an event to its responses: one is run at once, several become a message each. */
async function dispatch(record: SQSRecord, crew: Crew): Promise<void> {
  const { findings, rejection } = normalise(record.body);
  if (rejection !== undefined) return reject(record, rejection, crew);
  received(record, findings[0]?.envelope.id, crew);
  for (const finding of findings) {
    const doubt = inauthentic(finding, { home: crew.home, administrators: crew.policy.administrators });
    if (doubt !== undefined) return reject(record, doubt, crew);
  }
  const requests: Request[] = [];
  for (const finding of findings.filter(({ status }) => status === 'active')) {
    for (const action of crew.actions.filter(({ handles }) => handles.some((trigger) => triggers(trigger, finding)))) {
      const found = await targetsFor(action, finding, crew);
      const targets = 'outcome' in found ? [] : found;
      const stranger = targets.map((target) => foreign(target, finding)).find((reason) => reason !== undefined);
      if (stranger !== undefined) return reject(record, stranger, crew);
      const request = (target: Target): Request => ({
        // A custom action may carry several findings about one resource.
        id: responseId(action.id, target, JSON.stringify([record.messageId, finding.id])),
        action,
        target,
        finding,
        correlation: finding.envelope.id,
      });
      if ('outcome' in found) await conclude(request(accountOf(finding)), found, crew);
      requests.push(...targets.map(request));
    }
  }
  const [first, ...others] = requests;
  if (first === undefined) {
    crew.logger.info('nothing to run', { messageId: record.messageId, correlation: findings[0]?.envelope.id });
  } else if (others.length === 0) {
    await handle(first, record, crew);
  } else {
    await crew.queue.send(requests.map(toMessage));
  }
}

/** The resources that a finding means, or why there are none to act on. @throws what is transient, but on the last try */
async function targetsFor(action: Action, finding: Finding, crew: Crew): Promise<readonly Target[] | Stop> {
  if (finding.sample) return SIMULATED;
  try {
    const targets = await targetsOf(action, finding, crew.sessions, parametersOf(crew.policy, action));
    if (targets === undefined) return NO_TARGET;
    return targets.length > 0 ? targets : NOTHING_LEFT;
  } catch (error) {
    if (isTransient(error) && !crew.lastTry) throw error;
    return { outcome: 'failed', reason: `its resources could not be looked up: ${describeError(error)}` };
  }
}

const NOTHING_LEFT: Stop = { outcome: 'compliant', reason: 'no resource is left that the finding could mean' };
const NO_TARGET: Stop = {
  outcome: 'refused',
  reason: 'needs a person: the finding names no resource that this remediation acts on',
};

/** What a response is about when there is no resource to act on. */
const accountOf = ({ account, region, partition }: Finding): Target => ({
  type: 'AWS::Account',
  id: account,
  arn: `arn:${partition}:iam::${account}:root`,
  account,
  region,
  partition,
});

async function handle(request: Request, { messageId }: SQSRecord, crew: Crew): Promise<void> {
  if (await inTurn(request, messageId, crew.leases, crew)) return;
  crew.logger.info('left to the response that holds the resource', {
    messageId,
    correlation: request.correlation,
    remediation: request.action.id,
    resource: request.target.arn,
  });
}

/** The last line of a response, and its metrics: how many, and the time from the event to the end of it. */
function tell(response: Response, finding: Finding, logger: Logger, metrics: Metrics): void {
  const { id, correlation, remediation, target, outcome = 'open', reason, finishedAt = '' } = response;
  logger.info('response ended', { response: id, correlation, remediation, resource: target.arn, outcome, reason });
  const measure = (name: string, unit: (typeof MetricUnit)[keyof typeof MetricUnit], value: number) => {
    const metric = metrics.singleMetric();
    metric.addDimension('remediation', remediation);
    metric.addDimension('outcome', outcome);
    metric.addMetric(name, unit, value);
  };
  measure('responses', MetricUnit.Count, 1);
  measure(
    'timeToOutcome',
    MetricUnit.Milliseconds,
    Math.max(0, Date.parse(finishedAt) - Date.parse(finding.envelope.time)),
  );
}

/** Ties the message, which later lines may know alone, to the event: a response's correlation is the event's id. */
const received = ({ messageId }: SQSRecord, correlation: string | undefined, { logger }: Crew): void =>
  logger.info('message received', { messageId, correlation });

async function reject(record: SQSRecord, reason: string, crew: Crew): Promise<void> {
  crew.logger.error('message rejected', { messageId: record.messageId, reason });
  crew.metrics.singleMetric().addMetric('rejected', MetricUnit.Count, 1);
  await crew.queue.reject(record.body, reason);
}

function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is not set: serverless.yml sets it`);
  return value;
}
