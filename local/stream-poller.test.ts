import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  DeleteEventSourceMappingCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../engine/aws/session.ts';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import { Doors } from './doors.ts';
import type { LogLine } from './lambda-environment.ts';
import { type AwsServer, startAwsServer } from './python.ts';
import { Runner } from './runner.ts';
import { firstFailure } from './stream-poller.ts';
import { makeExecutionRole, makeFunction } from './throwaway.ts';

/** Fails at poison, by a report where the mapping takes one; at what is flaky, the first time only. */
const HANDLER = `
const seen = new Set();
export const handler = async ({ Records }) => {
  console.log(JSON.stringify(Records));
  const bad = Records.find(({ dynamodb: { Keys: { pk }, SequenceNumber } }) => {
    const first = !seen.has(SequenceNumber);
    seen.add(SequenceNumber);
    return pk.S.startsWith('poison') || (first && pk.S.startsWith('flaky'));
  });
  if (!bad) return { batchItemFailures: [] };
  if (!process.env.REPORTS) throw new Error('poison');
  return { batchItemFailures: [{ itemIdentifier: bad.dynamodb.SequenceNumber }] };
};
`;
const PLACE = `${HOME_REGION}:${SECURITY_ACCOUNT}`;
const LOST = `arn:aws:sqs:${PLACE}:lost`;
const READ = ['dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:DescribeStream', 'dynamodb:ListStreams'];

describe('the poller of a DynamoDB stream', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'streams-'));
  const lines: LogLine[] = [];
  const complaints: string[] = [];
  const streams = new Map<string, string>();
  let server: AwsServer;
  let runner: Runner;
  let dynamodb: DynamoDBClient;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  let start: () => Promise<Runner>;

  /** Makes a table and a function of one name, and a mapping between them. */
  async function map(name: string, mapping: Partial<CreateEventSourceMappingCommandInput> = {}, role = 'reader') {
    const { TableDescription } = await dynamodb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    );
    const EventSourceArn = TableDescription?.LatestStreamArn ?? '';
    streams.set(name, EventSourceArn);
    const reports: Record<string, string> = mapping.FunctionResponseTypes ? { REPORTS: 'yes' } : {};
    const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: server.endpoint };
    await makeFunction(config, name, `arn:aws:iam::${SECURITY_ACCOUNT}:role/${role}`, HANDLER, folder, reports);
    const { UUID } = await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: name,
        EventSourceArn,
        StartingPosition: 'TRIM_HORIZON',
        ...mapping,
      }),
    );
    return UUID;
  }

  /** Puts items that a reader of the stream sees at once. */
  const put = (TableName: string, ...keys: readonly string[]) =>
    dynamodb.send(
      new TransactWriteItemsCommand({
        TransactItems: keys.map((pk) => ({ Put: { TableName, Item: { pk: { S: pk } } } })),
      }),
    );

  /** The batches that a function got. */
  const batches = (name: string) =>
    lines
      .filter(({ functionName, line }) => functionName === name && line.startsWith('['))
      .map(({ line }) => JSON.parse(line));

  const keys = (name: string): readonly (readonly string[])[] =>
    batches(name).map((records) =>
      records.map((record: { dynamodb: { Keys: { pk: { S: string } } } }) => record.dynamodb.Keys.pk.S),
    );

  /** Notices of records that were given up. */
  async function lost() {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: `${server.endpoint}/${SECURITY_ACCOUNT}/lost`, MaxNumberOfMessages: 10 }),
    );
    return Messages.map(({ Body = '' }) => JSON.parse(Body));
  }

  beforeAll(async () => {
    server = await startAwsServer(0, (problem) => complaints.push(problem));
    const { endpoint } = server;
    const config = (credentials = ROOT) => ({ ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, credentials), endpoint });
    dynamodb = new DynamoDBClient(config());
    lambda = new LambdaClient(config());
    sqs = new SQSClient(config());
    const doors = new Doors(endpoint);
    start = () =>
      Runner.start({
        endpoint,
        doors,
        config,
        folder: mkdtempSync(path.join(folder, 'unpacked-')),
        log: (line) => lines.push(line),
        complain: (problem) => complaints.push(problem),
      });
    await makeExecutionRole(config(), 'reader', [
      { Action: READ, Resource: `arn:aws:dynamodb:${PLACE}:table/*/stream/*` },
      { Action: ['sqs:SendMessage'], Resource: LOST },
    ]);
    await makeExecutionRole(config(), 'blind', [{ Action: ['dynamodb:ListStreams'], Resource: '*' }]);
    await sqs.send(new CreateQueueCommand({ QueueName: 'lost', Attributes: { VisibilityTimeout: '0' } }));
    const toLost = { DestinationConfig: { OnFailure: { Destination: LOST } } };
    await map('plain');
    await map('latest', { StartingPosition: 'LATEST' });
    await map('small', { BatchSize: 2 });
    await map('reporting', { FunctionResponseTypes: ['ReportBatchItemFailures'] });
    await map('exhausted', { MaximumRetryAttempts: 1, ...toLost });
    // AWS takes no less than 60.
    await map('aged', { MaximumRecordAgeInSeconds: 3, ...toLost });
    await map('bisected', { MaximumRetryAttempts: 0, BisectBatchOnFunctionError: true });
    await map('split-at-report', {
      MaximumRetryAttempts: 0,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    await map('filtered', {
      FilterCriteria: {
        Filters: [
          { Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"pk":{"S":[{"prefix":"entry-"}]}}}}' },
          { Pattern: '{"eventName":["REMOVE"]}' },
        ],
      },
    });
    await put('plain', 'before');
    await put('latest', 'before');
    await put('small', 'a', 'b', 'c', 'd', 'e');
    runner = await start();
  });

  afterAll(async () => {
    await runner?.stop();
    server?.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('tells every change of an item once, in order, as Lambda does', async () => {
    const Key = { pk: { S: 'item' } };
    const image = {
      ...Key,
      bytes: { B: Buffer.from('firebreak') },
      more: { M: { list: { L: [{ BS: [Buffer.from('a')] }, { NULL: true } as const, { BOOL: false }] } } },
      numbers: { NS: ['1', '2'] },
    };
    const told = {
      ...Key,
      bytes: { B: 'ZmlyZWJyZWFr' },
      more: { M: { list: { L: [{ BS: ['YQ=='] }, { NULL: true }, { BOOL: false }] } } },
      numbers: { NS: ['1', '2'] },
    };
    await dynamodb.send(new PutItemCommand({ TableName: 'plain', Item: image }));
    await dynamodb.send(new PutItemCommand({ TableName: 'plain', Item: image }));
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: 'plain',
        Key,
        UpdateExpression: 'SET version = :one',
        ConditionExpression: 'attribute_not_exists(version)',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      }),
    );
    await dynamodb.send(new DeleteItemCommand({ TableName: 'plain', Key }));
    await runner.idle();
    const [before, ...records] = batches('plain').flat();
    expect(before.dynamodb.Keys).toEqual({ pk: { S: 'before' } });
    const common = {
      eventID: expect.any(String),
      eventVersion: expect.any(String),
      eventSource: 'aws:dynamodb',
      awsRegion: HOME_REGION,
      eventSourceARN: streams.get('plain'),
    };
    const change = {
      ApproximateCreationDateTime: expect.any(Number),
      Keys: Key,
      SequenceNumber: expect.stringMatching(/^\d+$/),
      SizeBytes: expect.any(Number),
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    };
    const changed = { ...told, version: { N: '1' } };
    expect(records).toEqual([
      { ...common, eventName: 'INSERT', dynamodb: { ...change, NewImage: told } },
      { ...common, eventName: 'MODIFY', dynamodb: { ...change, OldImage: told, NewImage: changed } },
      { ...common, eventName: 'REMOVE', dynamodb: { ...change, OldImage: changed } },
    ]);
    const [{ dynamodb: first }] = records;
    expect(Math.abs(first.ApproximateCreationDateTime - Date.now() / 1_000)).toBeLessThan(60);
    expect(complaints).toEqual([]);
  });

  test('begins where the mapping says, with batches of at most its size', async () => {
    await put('latest', 'after');
    await runner.idle();
    expect(keys('latest')).toEqual([['after']]);
    expect(keys('small')).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('tries again from the first record that is reported', async () => {
    await put('reporting', 'a', 'flaky', 'c');
    await runner.idle();
    await put('reporting', 'd');
    await runner.idle();
    expect(keys('reporting')).toEqual([['a', 'flaky', 'c'], ['flaky', 'c'], ['d']]);
  });

  test('gives a batch up after its retries, tells the destination, and goes on', async () => {
    await put('exhausted', 'a', 'poison', 'c');
    await runner.idle();
    await put('exhausted', 'd');
    await runner.idle();
    expect(keys('exhausted')).toEqual([['a', 'poison', 'c'], ['a', 'poison', 'c'], ['d']]);
    const [[first, , last]] = batches('exhausted');
    const second = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
    expect(await lost()).toEqual([
      {
        requestContext: {
          requestId: expect.stringMatching(/^[\da-f-]{36}$/),
          functionArn: `arn:aws:lambda:${PLACE}:function:exhausted`,
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: 2,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        version: '1.0',
        timestamp: expect.any(String),
        DDBStreamBatchInfo: {
          shardId: expect.stringMatching(/^shardId-/),
          startSequenceNumber: first.dynamodb.SequenceNumber,
          endSequenceNumber: last.dynamodb.SequenceNumber,
          approximateArrivalOfFirstRecord: expect.stringMatching(second),
          approximateArrivalOfLastRecord: expect.stringMatching(second),
          batchSize: 3,
          streamArn: streams.get('exhausted'),
        },
      },
    ]);
    expect(complaints).toEqual([]);
  });

  test('gives a record up when it is too old, however often it was tried', async () => {
    await put('aged', 'poison');
    await sleep(2_500);
    await put('aged', 'b');
    await runner.idle();
    const got = keys('aged').flat();
    expect(got.length).toBeGreaterThan(3);
    expect([...new Set(got)]).toEqual(['poison', 'b']);
    expect(got.filter((name) => name === 'b')).toHaveLength(1);
    const [poison] = batches('aged').flat();
    expect((await lost()).filter(({ requestContext }) => requestContext.functionArn.endsWith(':aged'))).toMatchObject([
      {
        requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: expect.any(Number) },
        responseContext: { functionError: 'Unhandled' },
        DDBStreamBatchInfo: { startSequenceNumber: poison.dynamodb.SequenceNumber, batchSize: 1 },
      },
    ]);
  });

  test('splits a batch that failed, so that only the poison is given up', async () => {
    await put('bisected', 'a', 'b', 'poison', 'd', 'e');
    await put('split-at-report', 'a', 'b', 'poison', 'd', 'e');
    await runner.idle();
    expect(keys('bisected')).toEqual([
      ['a', 'b', 'poison', 'd', 'e'],
      ['a', 'b', 'poison'],
      ['a', 'b'],
      ['poison'],
      ['d', 'e'],
    ]);
    expect(keys('split-at-report')).toEqual([
      ['a', 'b', 'poison', 'd', 'e'],
      ['poison', 'd', 'e'],
      ['poison', 'd'],
      ['poison'],
      ['d'],
      ['e'],
    ]);
  });

  test('leaves out what no filter lets through', async () => {
    await put('filtered', 'entry-1', 'header-1', 'entry-2');
    await put('filtered', 'header-2');
    await dynamodb.send(new DeleteItemCommand({ TableName: 'filtered', Key: { pk: { S: 'header-1' } } }));
    await runner.idle();
    expect(keys('filtered').flat()).toEqual(['entry-1', 'entry-2', 'header-1']);
  });

  test('is not idle while a batch waits for another try', async () => {
    await put('plain', 'poison');
    await expect(runner.idle(300)).rejects.toThrow('1 invocations in flight, 1 records of plain');
  });

  test.each([
    ['blind', {}, 'is not authorized to perform: dynamodb:DescribeStream'],
    ['reader', { TumblingWindowInSeconds: 60 }, 'does not know tumbling windows'],
    ['reader', { ParallelizationFactor: 2 }, 'does not know several batches of a shard at once'],
  ] as const)('does not start for a role %s with %j', async (role, mapping, reason) => {
    await runner.stop();
    const name = `refused-${role}-${Object.keys(mapping).join('')}`;
    const UUID = await map(name, mapping, role);
    try {
      await expect(start()).rejects.toThrow(reason);
    } finally {
      await lambda.send(new DeleteEventSourceMappingCommand({ UUID }));
    }
  });
});

describe('the first record that failed', () => {
  const records = ['1', '2', '3'].map((SequenceNumber) => ({ dynamodb: { SequenceNumber } }));
  const report = (...identifiers: readonly (string | null)[]) => ({
    payload: { batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) },
  });

  test.each([
    [{ payload: null }, undefined],
    [{ payload: { batchItemFailures: [] } }, undefined],
    [report('2'), 1],
    [report('3', '2'), 1],
    [report('3', null), 0],
    [report(''), 0],
    [report('4'), 0],
    [{ payload: {}, functionError: 'Unhandled' as const }, 0],
  ])('of %j has the index %j', (result, index) => {
    expect(firstFailure(result, records)).toBe(index);
  });
});
