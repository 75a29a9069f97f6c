import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateScheduleCommand,
  GetScheduleCommand,
  ResourceNotFoundException,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../engine/aws/session.ts';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import { Doors } from './doors.ts';
import { failedItems } from './item-failures.ts';
import type { LogLine } from './lambda-environment.ts';
import { type AwsServer, startAwsServer } from './python.ts';
import { Runner } from './runner.ts';
import { makeExecutionRole, makeFunction } from './throwaway.ts';

/** Does what its event says. */
const HANDLER = `
let invocations = 0;
export const handler = async (event) => {
  invocations += 1;
  if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (event.says) console.log(event.says);
  if (event.pause) await new Promise((resolve) => setTimeout(resolve, event.pause));
  if (event.says && event.pause) console.log('done');
  if (event.crash) process.exit(7);
  if (event.fail) throw new RangeError('as asked');
  if (event.whoami) {
    const scope = process.env.AWS_ACCESS_KEY_ID + '/20261123/eu-west-1/sts/aws4_request';
    const answer = await fetch(process.env.AWS_ENDPOINT_URL, {
      method: 'POST',
      headers: {
        authorization: 'AWS4-HMAC-SHA256 Credential=' + scope + ', SignedHeaders=host, Signature=0',
        'content-type': 'application/x-www-form-urlencoded',
        'x-amz-security-token': process.env.AWS_SESSION_TOKEN,
      },
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    });
    return { answer: await answer.text() };
  }
  if (!event.Records) return { invocations, pid: process.pid, environment: process.env };
  for (const record of event.Records) console.log(JSON.stringify({ saw: record }));
  const crashes = event.Records.some(({ body, attributes }) => body === 'crash once' && attributes.ApproximateReceiveCount === '1');
  if (crashes) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
  if (crashes) await new Promise(() => {});
  const failed = event.Records.filter(({ body }) => body === 'poison');
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
};
`;
const NAME = 'throwaway';
/** Has a concurrency of 1. */
const ALONE = `${NAME}-alone`;
const ROLE = `arn:aws:iam::${SECURITY_ACCOUNT}:role/${NAME}`;
const QUEUE = `arn:aws:sqs:${HOME_REGION}:${SECURITY_ACCOUNT}:${NAME}`;

describe('the runner', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'runner-'));
  const lines: LogLine[] = [];
  const complaints: string[] = [];
  const left: string[] = [];
  let server: AwsServer;
  let doors: Doors;
  let runner: Runner;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  let queueUrl: string;
  let deadLettersUrl: string;

  beforeAll(async () => {
    server = await startAwsServer(0, (problem) => complaints.push(problem));
    const { endpoint } = server;
    const config = { region: HOME_REGION, endpoint, credentials: ROOT };
    doors = new Doors(endpoint);
    lambda = new LambdaClient(config);
    sqs = new SQSClient(config);
    const admin = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint };
    await makeExecutionRole(admin, NAME, [{ Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'], Resource: QUEUE }]);
    const deadLetters = await sqs.send(new CreateQueueCommand({ QueueName: `${NAME}-dead-letters` }));
    const queue = await sqs.send(
      new CreateQueueCommand({
        QueueName: NAME,
        Attributes: {
          VisibilityTimeout: '1',
          RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `${QUEUE}-dead-letters`, maxReceiveCount: 2 }),
        },
      }),
    );
    queueUrl = queue.QueueUrl ?? '';
    deadLettersUrl = deadLetters.QueueUrl ?? '';

    await makeFunction(admin, NAME, ROLE, HANDLER, folder, { CONFIGURED: 'yes' });
    await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: NAME,
        EventSourceArn: QUEUE,
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      }),
    );
    await makeFunction(admin, ALONE, ROLE, HANDLER, folder, {});
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: ALONE, ReservedConcurrentExecutions: 1 }));
    process.env.OF_NO_FUNCTION = 'secret';
    runner = await Runner.start({
      endpoint,
      doors,
      config: (credentials = ROOT) => ({ ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, credentials), endpoint }),
      folder,
      log: (line) => lines.push(line),
      complain: (problem) => complaints.push(problem),
      async left(QueueUrl, receiptHandles) {
        for (const ReceiptHandle of receiptHandles) {
          await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
          left.push(QueueUrl);
        }
      },
    });
  });

  afterAll(async () => {
    await runner?.stop();
    server?.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function invoke(event: object) {
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: NAME, Payload: JSON.stringify(event) }),
    );
    const payload = JSON.parse(Buffer.from(Payload ?? []).toString());
    return { payload, error: FunctionError };
  }

  test('deletes what succeeded, and leaves a poison message to the redrive policy', async () => {
    const bodies = ['one', 'poison', 'two'];
    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: bodies.map((MessageBody) => ({
          Id: MessageBody,
          MessageBody,
          MessageAttributes: { kind: { DataType: 'String', StringValue: 'test' } },
        })),
      }),
    );
    runner.wake();
    const receiveDeadLetter = () => sqs.send(new ReceiveMessageCommand({ QueueUrl: deadLettersUrl }));
    let dead = await receiveDeadLetter();
    for (let tries = 0; !dead.Messages && tries < 60; tries++) {
      await sleep(100);
      dead = await receiveDeadLetter();
    }
    expect(dead.Messages?.map(({ Body }) => Body)).toEqual(['poison']);
    await runner.idle(5_000);

    const saw = lines.filter(({ line }) => line.startsWith('{"saw"')).map(({ line }) => JSON.parse(line).saw);
    expect(saw.map(({ body }) => body).sort()).toEqual(['one', 'poison', 'poison', 'two']);
    expect(saw[0]).toEqual({
      messageId: expect.any(String),
      receiptHandle: expect.any(String),
      body: 'one',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        SenderId: expect.any(String),
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      },
      messageAttributes: {
        kind: { stringValue: 'test', stringListValues: [], binaryListValues: [], dataType: 'String' },
      },
      md5OfBody: 'f97c5d29941bfb1b2fdab0874906ab82',
      eventSource: 'aws:sqs',
      eventSourceARN: QUEUE,
      awsRegion: HOME_REGION,
    });
    expect(complaints).toEqual([]);
  });

  test('tells which message a function left behind when it crashed, so that it can come back at once', async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'crash once' }));
    runner.wake();
    await runner.idle(10_000);
    expect(left).toEqual([queueUrl]);
    const received = lines
      .filter(({ line }) => line.includes('"body":"crash once"'))
      .map(({ line }) => JSON.parse(line));
    expect(received.map(({ saw }) => saw.attributes.ApproximateReceiveCount)).toEqual(['1', '2']);
    expect(complaints).toEqual([]);
  });

  test('gives a function its configured environment and what Lambda sets, and nothing of ours', async () => {
    const { payload } = await invoke({});
    expect(payload.environment).toMatchObject({
      CONFIGURED: 'yes',
      AWS_REGION: HOME_REGION,
      AWS_LAMBDA_FUNCTION_NAME: NAME,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      _HANDLER: 'index.handler',
    });
    expect(Object.keys(payload.environment).sort()).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_DEFAULT_REGION',
      'AWS_ENDPOINT_URL',
      'AWS_EXECUTION_ENV',
      'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
      'AWS_LAMBDA_FUNCTION_NAME',
      'AWS_LAMBDA_FUNCTION_VERSION',
      'AWS_LAMBDA_INITIALIZATION_TYPE',
      'AWS_LAMBDA_LOG_GROUP_NAME',
      'AWS_LAMBDA_LOG_STREAM_NAME',
      'AWS_LAMBDA_RUNTIME_API',
      'AWS_REGION',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'CONFIGURED',
      'LAMBDA_TASK_ROOT',
      'LANG',
      'PATH',
      'TZ',
      '_HANDLER',
      '_X_AMZN_TRACE_ID',
    ]);
  });

  test('runs a function in its execution role, which must trust Lambda', async () => {
    const { payload } = await invoke({ whoami: true });
    expect(payload.answer).toContain(`arn:aws:sts::${SECURITY_ACCOUNT}:assumed-role/${NAME}/${NAME}`);
    await expect(doors.assumeAsService('states.amazonaws.com', ROLE, NAME, QUEUE)).rejects.toThrow('403');
  });

  test('uses an environment again, and takes a new one after a timeout or a crash', async () => {
    const first = await invoke({});
    const second = await invoke({});
    expect(second.payload).toMatchObject({ pid: first.payload.pid, invocations: first.payload.invocations + 1 });

    const failed = await invoke({ fail: true });
    expect(failed).toMatchObject({
      error: 'Unhandled',
      payload: { errorType: 'RangeError', errorMessage: 'as asked' },
    });
    expect((await invoke({})).payload.pid).toBe(first.payload.pid);

    const hung = await invoke({ hang: true });
    expect(hung).toMatchObject({
      error: 'Unhandled',
      payload: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('Task timed out after 2.00 seconds'),
      },
    });
    expect(() => process.kill(first.payload.pid, 0)).toThrow('ESRCH');
    const third = await invoke({});
    expect(third.payload.invocations).toBe(1);

    const crashed = await invoke({ crash: true });
    expect(crashed).toMatchObject({
      error: 'Unhandled',
      payload: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 7') },
    });
    expect((await invoke({})).payload.pid).not.toBe(third.payload.pid);
  });

  const accept = (FunctionName: string, event: object) =>
    lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(event) }));

  test('runs what died again after one minute and after two, under one request id', async () => {
    const tries = async () => {
      await runner.idle(5_000);
      return lines.filter(({ line }) => line === 'dying').map(({ requestId }) => requestId);
    };
    await accept(NAME, { says: 'dying', crash: true });
    const [id] = await tries();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await doors.advanceClock(61);
    expect(await tries()).toEqual([id, id]);
    await doors.advanceClock(61);
    expect(await tries()).toEqual([id, id]);
    await doors.advanceClock(60);
    expect(await tries()).toEqual([id, id, id]);
    await doors.advanceClock(3_600);
    expect(await tries()).toEqual([id, id, id]);
    expect(complaints).toEqual([]);
  });

  test('runs a function with a concurrency of 1 once at a time', async () => {
    await accept(ALONE, { says: 'begun', pause: 200 });
    await accept(ALONE, { says: 'begun', pause: 200 });
    await runner.idle(5_000);
    const said = lines.filter(({ functionName }) => functionName === ALONE).map(({ line }) => line);
    expect(said).toEqual(['begun', 'done', 'begun', 'done']);
  });

  test('runs what EventBridge Scheduler invokes, once, at its time', async () => {
    const admin = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: server.endpoint };
    const Arn = runner.functions.find(({ deployed }) => deployed.name === NAME)?.deployed.arn ?? '';
    const RoleArn = await makeExecutionRole(
      admin,
      'timer',
      [{ Action: ['lambda:InvokeFunction'], Resource: Arn }],
      'scheduler.amazonaws.com',
    );
    const at = new Date(1_000 * ((await doors.clock()) + 3_600)).toISOString().slice(0, 19);
    const scheduler = new SchedulerClient(admin);
    await scheduler.send(
      new CreateScheduleCommand({
        Name: 'timer',
        ScheduleExpression: `at(${at})`,
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: { Arn, RoleArn, Input: JSON.stringify({ says: 'expired at <aws.scheduler.scheduled-time>' }) },
      }),
    );
    await doors.advanceClock(3_601);
    await runner.idle(5_000);
    expect(lines.map(({ line }) => line).filter((line) => line.startsWith('expired'))).toEqual([`expired at ${at}Z`]);
    await expect(scheduler.send(new GetScheduleCommand({ Name: 'timer' }))).rejects.toThrow(ResourceNotFoundException);
    expect(complaints).toEqual([]);
  });

  test('waits for what a schedule has invoked, and not for messages that are delayed', async () => {
    const events = new EventBridgeClient({ region: HOME_REGION, endpoint: server.endpoint, credentials: ROOT });
    const SourceArn = `arn:aws:events:${HOME_REGION}:${SECURITY_ACCOUNT}:rule/daily`;
    await lambda.send(
      new AddPermissionCommand({
        FunctionName: NAME,
        StatementId: 'daily',
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn,
      }),
    );
    await events.send(new PutRuleCommand({ Name: 'daily', ScheduleExpression: 'rate(1 day)' }));
    const Arn = runner.functions[0]?.deployed.arn;
    const Input = JSON.stringify({ Records: [{ body: 'scheduled', attributes: {} }] });
    await events.send(new PutTargetsCommand({ Rule: 'daily', Targets: [{ Id: 'function', Arn, Input }] }));
    const seen = (body: string) => lines.filter(({ line }) => line.includes(`"body":"${body}"`)).length;

    const before = await doors.clock();
    expect((await doors.advanceClock(86_400)) - before).toBeGreaterThanOrEqual(86_400);
    await runner.idle(5_000);
    expect(seen('scheduled')).toBe(1);

    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'delayed', DelaySeconds: 900 }));
    await runner.idle(5_000);
    expect(seen('delayed')).toBe(0);
    await doors.advanceClock(900);
    await runner.idle(5_000);
    expect(seen('delayed')).toBe(1);
    expect(complaints).toEqual([]);
  });

  test('leaves no process behind', async () => {
    await invoke({});
    const processes = runner.functions.flatMap((each) => each.processes);
    expect(processes.length).toBeGreaterThan(0);
    await runner.stop();
    await sleep(100);
    for (const pid of processes) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('the report of failed items', () => {
  const identifiers = ['a', 'b'];

  test.each([
    [null, []],
    [{}, []],
    [{ batchItemFailures: null }, []],
    [{ batchItemFailures: [] }, []],
    [{ batchItemFailures: [{ itemIdentifier: 'b' }] }, ['b']],
  ])('%j names %j', (payload, ids) => {
    expect(failedItems({ payload }, identifiers)).toEqual(new Set(ids));
  });

  test.each([
    { batchItemFailures: [{ itemIdentifier: '' }] },
    { batchItemFailures: [{ itemIdentifier: null }] },
    { batchItemFailures: [{ badKey: 'a' }] },
    { batchItemFailures: [{ itemIdentifier: 'of another batch' }] },
  ])('%j is a failure of all', (payload) => {
    expect(failedItems({ payload }, identifiers)).toBe('all');
  });

  test('an error of the function is a failure of all', () => {
    expect(failedItems({ payload: {}, functionError: 'Unhandled' }, identifiers)).toBe('all');
  });
});
