import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import middy from '@middy/core';
import type { Context as LambdaContext, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { DeadLetters } from '../../engine/aws/dead-letters.ts';
import { sessionConfig } from '../../engine/aws/session.ts';
import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { environment } from '../../engine/environment.ts';
import { describeError, isTransient } from '../../engine/errors.ts';
import type { Finding } from '../../engine/findings/finding.ts';
import { normalise } from '../../engine/findings/normalise.ts';
import { inauthentic } from '../../engine/guards/authentic.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { promoted } from '../../engine/policy.ts';
import { callFor } from './call-for.ts';
import { playbookFor } from './playbook-for.ts';

const home = { account: environment('ACCOUNT_ID'), region: environment('AWS_REGION') };
const session = sessionConfig(home.account, home.region);
const logger = logOf('playbooks');
const policy = deployedPolicy();
const ledger = new DynamoDbLedger(session, environment('LEDGER_TABLE'));
const deadLetters = new DeadLetters(session, environment('DEAD_LETTER_QUEUE_URL'));
const processor = new BatchProcessor(EventType.SQS);

/** Findings that no remediation answers in; for each a response that calls for a person. Nothing is read or changed but the ledger. */
export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(withRequest(logger))
  .handler((event, context: LambdaContext) =>
    processPartialResponse(event, receive, processor, { context, throwOnFullBatchFailure: false }),
  );

/** Handles one message; throws when it should come back: what will not pass by itself goes where people look, at once. */
async function receive(message: SQSRecord): Promise<void> {
  const { messageId } = message;
  try {
    const { findings: found = [], rejection } = normalise(message.body);
    const { administrators } = policy;
    const doubts = found.map((finding) => inauthentic(finding, { home, administrators }));
    const doubt = rejection ?? doubts.find((each) => each !== undefined);
    if (doubt !== undefined) return await reject(message, doubt);
    for (const finding of found) {
      if (finding.status === 'active') await call(promoted(policy, finding), messageId);
    }
  } catch (error) {
    if (!isTransient(error)) return reject(message, describeError(error));
    logger.warn('message comes back', { messageId, error: describeError(error) });
    throw error;
  }
}

async function call(finding: Finding, messageId: string): Promise<void> {
  const playbook = playbookFor(finding);
  if (!playbook) {
    logger.info('nothing to run', { messageId, correlation: finding.envelope.id });
    return;
  }
  const { response, resumed } = await ledger.open(callFor(finding, playbook, new Date()), finding);
  const { id, correlation, remediation, target, outcome, reason } = response;
  const ids = { response: id, correlation, messageId };
  if (resumed) logger.info('told again', ids);
  else logger.info('response ended', { ...ids, remediation, resource: target.arn, outcome, reason });
}

async function reject({ messageId, body }: SQSRecord, reason: string): Promise<void> {
  logger.error('message rejected', { messageId, reason });
  await deadLetters.put(body, reason);
}
