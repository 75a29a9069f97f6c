import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { Context as LambdaContext, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { KillSwitch } from './aws/kill-switch.ts';
import { WorkerQueue } from './aws/queue.ts';
import { sessionConfig } from './aws/session.ts';
import { AssumedSessions } from './aws/sessions.ts';
import { environment } from './environment.ts';
import { describeError, isTransient } from './errors.ts';
import type { Finding } from './findings/finding.ts';
import { normalise } from './findings/normalise.ts';
import { foreign, inauthentic } from './guards/authentic.ts';
import type { Stop } from './guards/guard.ts';
import { SIMULATED } from './guards/sample.ts';
import { follow, type InstructedHouse } from './instructions.ts';
import { DynamoDbBudgets } from './ledger/budgets.ts';
import { DynamoDbLedger } from './ledger/dynamodb.ts';
import { DynamoDbHolds } from './ledger/holds.ts';
import { DynamoDbLeases } from './ledger/leases.ts';
import { logOf, withRequest } from './log.ts';
import { actionOf, fromInstruction, fromMessage, instructionMessages, lookMessage, toMessage } from './messages.ts';
import { parametersOf, promoted } from './policy.ts';
import type { Policy } from './policy-schema.ts';
import { type Judgement, misjudged } from './rehearsal.ts';
import type { Action, Target } from './remediation.ts';
import { conclude, type Request } from './respond.ts';
import type { Response } from './response.ts';
import { accountOf, responseId, targetKey, targetsOf } from './targets.ts';
import { triggers } from './triggers.ts';
import { inTurn } from './turns.ts';

/** Seconds a holder has a lease: longer than the function's timeout in scripts/generate/workers.ts. */
const LEASE_SECONDS = 120;
/** Seconds until a message that failed for a passing reason comes back, by how often it was received. */
const RETRY_SECONDS = [5, 20, 60, 180];
/** Receives before SQS moves a message to the dead-letter queue: the queues are generated from it. */
export const MAX_RECEIVES = 5;

/** What approve, undo, sweep and simulate invoke a worker's Lambda with. */
interface Instructions {
  readonly firebreak: 'instructions';
  readonly instructions: readonly unknown[];
}

/** Makes the handler of a worker: messages of its queue in, responses out. Instructions go to its queue, and so take the same way. */
export function createWorker(worker: string, actions: readonly Action[], policy: Policy) {
  const region = environment('AWS_REGION');
  const logger = logOf(worker);
  const home = { account: environment('ACCOUNT_ID'), region };
  const session = sessionConfig(home.account, region);
  const table = environment('LEDGER_TABLE');
  const { SECOND_LOOK_QUEUE_URL: later } = process.env;
  const queue = new WorkerQueue(session, environment('QUEUE_URL'), environment('DEAD_LETTER_QUEUE_URL'), later);
  const killSwitch = new KillSwitch(session, environment('KILL_SWITCH_PARAMETER'));
  const crew: Crew = {
    actions,
    policy,
    home,
    logger,
    queue,
    ledger: new DynamoDbLedger(session, table),
    leases: new DynamoDbLeases(session, table, LEASE_SECONDS),
    holds: new DynamoDbHolds(session, table),
    sessions: new AssumedSessions(home, worker, readActions(actions)),
    watch: { stopped: () => killSwitch.stopped(), budgets: new DynamoDbBudgets(session, table) },
    lookLater: (response, seconds) => queue.sendLater(lookMessage(response), seconds),
  };
  const processor = new BatchProcessor(EventType.SQS);
  return middy<SQSEvent | Instructions, SQSBatchResponse | { readonly accepted: number }>()
    .use(withRequest(logger))
    .handler(async (event, context: LambdaContext) => {
      if ('Records' in event) {
        return processPartialResponse(event, (record: SQSRecord) => receive(record, crew), processor, {
          context,
          throwOnFullBatchFailure: false,
        });
      }
      const messages = instructionMessages(event);
      await queue.send(messages);
      return { accepted: messages.length };
    });
}

/** The read actions of several remediations, each once. */
export const readActions = (actions: readonly Action[]): string[] =>
  [...new Set(actions.flatMap((action) => action.permissions.read))].sort();

interface Crew extends InstructedHouse {
  readonly logger: Logger;
  readonly queue: WorkerQueue;
}

/** Handles one message; throws when it should come back: what will not pass by itself goes where people look, at once. */
async function receive(record: SQSRecord, worker: Crew): Promise<void> {
  const receives = Number(record.attributes.ApproximateReceiveCount);
  const crew: Crew = {
    ...worker,
    lastTry: receives >= MAX_RECEIVES,
    ended: (response) => tell(response, record, worker.logger),
  };
  try {
    const instruction = fromInstruction(record.body);
    if (instruction?.do === 'replay') {
      crew.logger.info('event replayed', { messageId: record.messageId });
      return await dispatch(JSON.stringify(instruction.event), record, crew, instruction.judgedBy);
    }
    if (instruction) {
      crew.logger.info('instruction received', { messageId: record.messageId, ...instruction });
      return await follow(instruction, record.messageId, crew);
    }
    const own = fromMessage(record.body, crew.actions);
    if (!own) return await dispatch(record.body, record, crew);
    const doubt = doubted(own.finding, crew) ?? unfit(own.target, own.finding);
    if (doubt !== undefined) return await reject(record, doubt, crew);
    await handle(own, record, crew);
  } catch (error) {
    if (!isTransient(error)) return reject(record, describeError(error), crew);
    crew.logger.warn('message comes back', { messageId: record.messageId, receives, error: describeError(error) });
    await crew.queue.retryIn(record, RETRY_SECONDS[receives - 1] ?? 180).catch((failure: unknown) => {
      crew.logger.warn('it comes back later than wanted', { error: describeError(failure) });
    });
    throw error;
  }
}

/**
 * From an event to its responses: one is run at once, several become a message each.
 * @param record the message that brought the event, by a rule or by an instruction
 * @param judgedBy a simulation's parameters; on any but one target of its own the message is rejected
 */
async function dispatch(event: string, record: SQSRecord, crew: Crew, judgedBy?: Judgement): Promise<void> {
  const { findings: told, rejection } = normalise(event);
  if (rejection !== undefined) return reject(record, rejection, crew);
  const judgement = judgedBy && { judgedBy };
  if (judgement && told.length > 1) return reject(record, NOT_ONE, crew);
  for (const id of Object.keys(judgedBy ?? {})) parametersOf(crew.policy, actionOf(id, crew.actions), judgement);
  const findings = told.map((finding) => promoted(crew.policy, { ...finding, ...judgement }));
  const active = findings.filter(({ status }) => status === 'active');
  for (const finding of findings) {
    const doubt = doubted(finding, crew);
    if (doubt !== undefined) return reject(record, doubt, crew);
  }
  const requests: Request[] = [];
  for (const finding of active) {
    const wanted: { readonly request: Request; readonly stop?: Stop }[] = [];
    for (const action of crew.actions.filter(({ handles }) => handles.some((trigger) => triggers(trigger, finding)))) {
      const found = await targetsFor(action, finding, crew);
      const stop = 'outcome' in found ? found : undefined;
      const targets = 'outcome' in found ? [accountOf(finding)] : found;
      const stranger = targets.map((target) => unfit(target, finding)).find((reason) => reason !== undefined);
      if (stranger !== undefined) return reject(record, stranger, crew);
      for (const target of targets) {
        // A custom action may carry several findings about one resource.
        const id = responseId(action.id, target, JSON.stringify([record.messageId, finding.id]));
        const request = { id, action, target, finding, correlation: finding.envelope.id };
        wanted.push({ request, ...(stop && { stop }) });
      }
    }
    const meant = new Set(wanted.map(({ request }) => targetKey(request.target)));
    if (judgement && meant.size > 1) return reject(record, NOT_ONE, crew);
    for (const { request, stop } of wanted) {
      const told: Request = wanted.length > 1 ? { ...request, siblings: wanted.length } : request;
      if (stop) await conclude(told, stop, crew);
      else requests.push(told);
    }
  }
  const [first, ...others] = requests;
  const about = { messageId: record.messageId, correlation: findings[0]?.envelope.id };
  if (first === undefined) {
    // Most that are not active are the event of our own note: a line for each would cost more than it says.
    crew.logger[active.length > 0 ? 'info' : 'debug']('nothing to run', about);
  } else if (others.length === 0) {
    await handle(first, record, crew);
  } else {
    await crew.queue.send(requests.map(toMessage));
    crew.logger.info('a message for each resource', { ...about, messages: requests.length });
  }
}

const doubted = (finding: Finding, { home, policy: { administrators } }: Crew): string | undefined =>
  inauthentic(finding, { home, administrators });

const NOT_ONE = 'parameters of a simulation count only for one resource, and the event means several';

/** Why a finding may not have a response to it act on a target. */
const unfit = (target: Target, finding: Finding): string | undefined =>
  foreign(target, finding) ?? misjudged(target, finding);

/** The resources that a finding means, or why there are none to act on. @throws what is transient, but on the last try */
async function targetsFor(action: Action, finding: Finding, crew: Crew): Promise<readonly Target[] | Stop> {
  if (finding.sample) return SIMULATED;
  try {
    const targets = await targetsOf(action, finding, crew.sessions, parametersOf(crew.policy, action, finding));
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

async function handle(request: Request, { messageId }: SQSRecord, crew: Crew): Promise<void> {
  if (await inTurn(request, messageId, crew.leases, crew)) return;
  crew.logger.info('left to the response that holds the resource', {
    messageId,
    correlation: request.correlation,
    remediation: request.action.id,
    resource: request.target.arn,
  });
}

/**
 * The last line of a response, and the only one where all goes well. It ties the event, whose id is the correlation, to the
 * response and to the message, which the lines of failed tries know alone.
 */
function tell(
  { id, correlation, remediation, target, outcome, reason }: Response,
  { messageId }: SQSRecord,
  logger: Logger,
): void {
  const ids = { response: id, correlation, messageId };
  logger.info('response ended', { ...ids, remediation, resource: target.arn, outcome, reason });
}

async function reject(record: SQSRecord, reason: string, crew: Crew): Promise<void> {
  crew.logger.error('message rejected', { messageId: record.messageId, reason });
  await crew.queue.reject(record.body, reason);
}
