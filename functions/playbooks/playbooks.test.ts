import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../../engine/aws/session.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import type { Response } from '../../engine/response.ts';
import { HOME_REGION, LEDGER_TABLE, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { Listening } from '../../local/listening.ts';

const [member] = MEMBER_ACCOUNTS;
const cloud = sharedCloud();
const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
const ledger = new DynamoDbLedger(config, LEDGER_TABLE);
const lambda = new LambdaClient(config);
const sqs = new SQSClient({ ...config, useQueueUrlAsEndpoint: false });

let listening: Listening;
beforeAll(async () => {
  listening = await Listening.start(config);
});

interface Event {
  readonly source: string;
  readonly 'detail-type': string;
  readonly resources: string[];
  time: string;
  account: string;
  readonly detail: { arn: string; title: string; type: string; readonly service: { archived: boolean } };
}

/** A sample of GuardDuty about a finding of its own. */
function sample(name = 'root-credential-usage'): Event {
  const event = JSON.parse(readFileSync(`events/samples/guardduty/${name}.json`, 'utf8')) as Event;
  event.detail.arn = event.detail.arn.replace(/[^/]+$/, randomUUID().replaceAll('-', ''));
  return event;
}

/** As GuardDuty tells it: by the administrator's bus and the rules there. */
const emit = ({ source, 'detail-type': detailType, resources, detail }: Event) =>
  cloud.doors.emit(SECURITY_ACCOUNT, HOME_REGION, [{ source, detailType, resources, detail }]);

/** Gives the function a batch of messages, as Lambda would. */
async function deliver(...bodies: readonly string[]): Promise<unknown> {
  const Records = bodies.map((body) => ({
    messageId: randomUUID(),
    receiptHandle: 'none',
    body,
    attributes: { ApproximateReceiveCount: '1' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
  }));
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: 'firebreak-playbooks', Payload: JSON.stringify({ Records }) }),
  );
  expect(FunctionError).toBeUndefined();
  return JSON.parse(Payload?.transformToString() ?? '');
}

const responsesTo = async ({ detail: { arn } }: Event): Promise<readonly Response[]> =>
  ledger.list({ since: new Date(Date.now() - 600_000), limit: 1_000, finding: arn });

async function until<T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(100)) {
    const found = await look();
    if (found.length > 0) return found;
  }
  throw new Error('it did not come');
}

/** Takes the messages with a text out of the dead-letter queue; answers why they are there. */
async function deadLetters(text: string): Promise<readonly (string | undefined)[]> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'firebreak-playbooks-dead-letters' }));
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      VisibilityTimeout: 0,
    }),
  );
  const own = Messages.filter(({ Body }) => Body?.includes(text));
  for (const { ReceiptHandle } of own) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return own.map(({ MessageAttributes }) => MessageAttributes?.reason?.StringValue);
}

test('what no remediation answers calls for a person, who is told which playbook to follow', async () => {
  const event = sample();
  await emit(event);
  const [response] = await until(() => responsesTo(event));
  expect(response).toMatchObject({
    id: expect.stringMatching(/^playbooks-/),
    remediation: 'playbooks.root-activity',
    target: { type: 'AWS::Account', arn: `arn:aws:iam::${member}:root`, account: member },
    outcome: 'refused',
    reason: 'needs a person: Root activity: playbooks/root-activity.md',
    finding: { type: 'Policy:IAMUser/RootCredentialUsage', id: event.detail.arn },
  });
  const [page] = await until(async () => listening.pages(response?.id ?? '', 'people'));
  expect(JSON.stringify(page)).toContain('Follow the playbook root-activity: Root activity');
});

test('what is told again on the same day is the same response, and on another day another', async () => {
  const event = sample();
  const body = JSON.stringify(event);
  const [, date = ''] = /"time":"(\d{4}-\d\d-\d\d)T/.exec(body) ?? [];
  const later = body.replace(`"time":"${date}T`, '"time":"2026-11-04T');
  expect(await deliver(body, body.replace(/"id":"[^"]+"/, `"id":"${randomUUID()}"`))).toEqual({
    batchItemFailures: [],
  });
  expect(await responsesTo(event)).toHaveLength(1);
  await deliver(body, later);
  expect(await responsesTo(event)).toHaveLength(2);
});

test('a response is about the resource that its finding names, where it names one', async () => {
  const event = sample('s3-bucket-block-disabled.not-access-logging');
  await deliver(JSON.stringify(event));
  expect(await responsesTo(event)).toMatchObject([
    { remediation: 'playbooks.compromised-access-key', target: { arn: 'arn:aws:s3:::example-quarterly-exports' } },
  ]);
});

describe('there is no call for a person', () => {
  test('about a sample finding', async () => {
    const event = sample();
    event.detail.title = `[SAMPLE] ${event.detail.title}`;
    await deliver(JSON.stringify(event));
    expect(await responsesTo(event)).toMatchObject([{ outcome: 'simulated' }]);
  });

  test('about one that is suppressed, or that a remediation answers', async () => {
    const [archived, miner] = [sample(), sample('miner')];
    archived.detail.service.archived = true;
    await deliver(JSON.stringify(archived), JSON.stringify(miner));
    expect(await responsesTo(archived)).toEqual([]);
    expect(await responsesTo(miner)).toEqual([]);
  });
});

test('what cannot be read or believed goes where people look, and holds nobody up', async () => {
  const [event, strange] = [sample(), sample()];
  const poison = `poison ${randomUUID()}`;
  strange.account = '999900001111';
  expect(await deliver(poison, JSON.stringify(strange), JSON.stringify(event))).toEqual({ batchItemFailures: [] });
  expect(await responsesTo(event)).toHaveLength(1);
  expect(await responsesTo(strange)).toEqual([]);
  expect(await until(() => deadLetters(poison))).toEqual(['message: is not JSON']);
  expect(await until(() => deadLetters(strange.detail.arn))).toEqual([
    `account 999900001111 sent a finding about account ${member}, and is no administrator`,
  ]);
});
