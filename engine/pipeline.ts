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
import { DynamoDbLeases, DynamoDbLedger } from './ledger/dynamodb.ts';
import { type Leases, leaseKey, type Note } from './ledger/ledger.ts';
import { type Policy, parametersOf } from './policy.ts';
import type { Action, Target } from './remediation.ts';
import { type House, type Request, respond } from './respond.ts';
import type { Response } from './response.ts';
import { responseId, targetKey, targetsOf } from './targets.ts';
import { triggers } from './triggers.ts';

/** Seconds a holder has a lease: longer than the function's timeout in serverless.yml. */
const LEASE_SECONDS = 120;
/** Seconds until a message that failed for a passing reason comes back, by how often it was received. */
const RETRY_SECONDS = [5, 20, 60, 180];
/** Receives before SQS moves a message to the dead-letter queue, as in serverless.yml. */
const MAX_RECEIVES = 5;

/** What a worker sends itself for each of several resources of one finding. */
interface TargetMessage {
  readonly firebreak: 'target';
  readonly response: string;
  readonly remediation: string;
  readonly target: Target;
  readonly finding: Finding;
  readonly correlation: string;
}

/** Makes the handler of a worker: messages of its queue in, responses out. */
export function createWorker(worker: string, actions: readonly Action[], policy: Policy) {
  const region = environment('AWS_REGION');
  const logger = new Logger({ serviceName: worker });
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

interface Crew extends Pick<House, 'ledger' | 'sessions' | 'policy' | 'home'> {
  readonly actions: readonly Action[];
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly queue: WorkerQueue;
  readonly leases: Leases;
}

/** Handles one message; throws when it should come back: what will not pass by itself goes where people look, at once. */
async function receive(record: SQSRecord, crew: Crew): Promise<void> {
  const receives = Number(record.attributes.ApproximateReceiveCount);
  const lastTry = receives >= MAX_RECEIVES;
  try {
    const own = targetMessage(record.body);
    if (own) return await handle(ownRequest(own, crew), record.messageId, crew, lastTry);
    await dispatch(record, crew, lastTry);
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
async function dispatch(record: SQSRecord, crew: Crew, lastTry: boolean): Promise<void> {
  const { findings, rejection } = normalise(record.body);
  if (rejection !== undefined) return reject(record, rejection, crew);
  const requests: Request[] = [];
  for (const finding of findings) {
    const doubt = inauthentic(finding, { home: crew.home, administrators: crew.policy.administrators });
    if (doubt !== undefined) return reject(record, doubt, crew);
    if (finding.status !== 'active') continue;
    for (const action of crew.actions.filter(({ handles }) => handles.some((trigger) => triggers(trigger, finding)))) {
      const named = await targetsOf(action, finding, crew.sessions, parametersOf(crew.policy, action));
      const targets = named ?? [];
      const stranger = targets.map((target) => foreign(target, finding)).find((reason) => reason !== undefined);
      if (stranger !== undefined) return reject(record, stranger, crew);
      if (targets.length === 0) {
        await recordWithoutTarget(action, finding, record.messageId, named ? NOTHING_LEFT : NO_TARGET, crew);
      }
      for (const target of targets) {
        const id = responseId(action.id, target, record.messageId);
        requests.push({ id, action, target, finding, correlation: finding.envelope.id });
      }
    }
  }
  const [first, ...others] = requests;
  if (first === undefined) {
    crew.logger.info('nothing to respond to', { messageId: record.messageId, correlation: findings[0]?.envelope.id });
  } else if (others.length === 0) {
    await handle(first, record.messageId, crew, lastTry);
  } else {
    await crew.queue.send(requests.map(toMessage));
  }
}

/** Runs a response under its lease, and then whatever was told about the resource meanwhile. */
async function handle(request: Request, message: string, crew: Crew, lastTry: boolean): Promise<void> {
  const key = leaseKey(request.action.id, targetKey(request.target));
  const lease = await crew.leases.acquire(key, request.id, { message, finding: request.finding });
  if (!lease) {
    crew.logger.info('left to the response that holds the resource', {
      correlation: request.correlation,
      remediation: request.action.id,
      resource: request.target.arn,
    });
    return;
  }
  let waiting: readonly Note[] = lease.notes;
  if (lease.response === request.id) {
    await end(request, crew, lastTry);
  } else {
    const interrupted = await crew.ledger.get(lease.response);
    if (interrupted) await end({ ...request, id: lease.response, finding: interrupted.finding }, crew, lastTry);
    waiting = [...waiting, { message, finding: request.finding }];
  }
  const seen = [...lease.notes];
  for (;;) {
    for (const { finding, message: told } of latest(waiting)) {
      const id = responseId(request.action.id, request.target, told);
      await crew.leases.follow(key, message, id);
      await end({ ...request, id, finding, correlation: finding.envelope.id }, crew, lastTry);
    }
    waiting = await crew.leases.release(key, message, seen);
    if (waiting.length === 0) return;
    seen.push(...waiting);
  }
}

/** Of several tellings of one finding, the newest: the resource's state decides, so one look answers them all. */
function latest(notes: readonly Note[]): Note[] {
  const byFinding = new Map<string, Note>();
  for (const note of notes) {
    const id = `${note.finding.source}/${note.finding.id}`;
    const known = byFinding.get(id);
    if (!known || known.finding.updatedAt <= note.finding.updatedAt) byFinding.set(id, note);
  }
  return [...byFinding.values()];
}

async function end(request: Request, crew: Crew, lastTry: boolean): Promise<Response> {
  const { logger, metrics, ...house } = crew;
  const response = await respond(request, { ...house, log: logger, lastTry });
  const single = metrics.singleMetric();
  single.addDimension('remediation', request.action.id);
  single.addDimension('outcome', response.outcome ?? 'open');
  single.addMetric('responses', MetricUnit.Count, 1);
  return response;
}

/** A finding for which there is nothing to act on is a response too, about the account, so that the ledger has its end. */
async function recordWithoutTarget(
  action: Action,
  finding: Finding,
  message: string,
  { outcome, reason }: Stop,
  crew: Crew,
): Promise<void> {
  const { account, region, partition, source, type, severity, title } = finding;
  const arn = `arn:${partition}:iam::${account}:root`;
  const target: Target = { type: 'AWS::Account', id: account, arn, account, region, partition };
  const { response } = await crew.ledger.open(
    {
      id: responseId(action.id, target, message),
      remediation: action.id,
      target,
      correlation: finding.envelope.id,
      finding: { source, type, id: finding.id, severity, title },
      startedAt: new Date().toISOString(),
    },
    finding,
  );
  if (!response.outcome) await crew.ledger.close(response, outcome, reason);
}

const NOTHING_LEFT: Stop = { outcome: 'compliant', reason: 'no resource is left that the finding could mean' };
const NO_TARGET: Stop = {
  outcome: 'refused',
  reason: 'needs a person: the finding names no resource that this remediation acts on',
};

async function reject(record: SQSRecord, reason: string, crew: Crew): Promise<void> {
  crew.logger.error('message rejected', { messageId: record.messageId, reason });
  crew.metrics.singleMetric().addMetric('rejected', MetricUnit.Count, 1);
  await crew.queue.reject(record.body, reason);
}

const toMessage = ({ id, action, target, finding, correlation }: Request): string =>
  JSON.stringify({
    firebreak: 'target',
    response: id,
    remediation: action.id,
    target,
    finding,
    correlation,
  } satisfies TargetMessage);

/**
 * The body as a message of our own, when it is one. No finding can pass for one: EventBridge writes the outermost level of
 * an event, and the queue takes messages from our rules and this worker alone.
 */
function targetMessage(body: string): TargetMessage | undefined {
  if (!body.startsWith('{"firebreak":"target",')) return undefined;
  return JSON.parse(body) as TargetMessage;
}

function ownRequest({ response: id, remediation, target, finding, correlation }: TargetMessage, crew: Crew): Request {
  const action = crew.actions.find((known) => known.id === remediation);
  if (!action) throw new Error(`no remediation ${remediation} in this worker`);
  return { id, action, target, finding, correlation };
}

function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is not set: serverless.yml sets it`);
  return value;
}
