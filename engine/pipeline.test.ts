import { randomUUID } from 'node:crypto';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateQueueCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Context, SQSEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { HOME_REGION, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { sessionConfig } from './aws/session.ts';
import { defineRemediation } from './define.ts';
import { sampleEvent } from './findings/samples.ts';
import { DynamoDbLedger } from './ledger/dynamodb.ts';
import { EVENT_BYTES, type Instruction } from './messages.ts';
import { createWorker } from './pipeline.ts';
import { policySchema } from './policy-schema.ts';
import { runPrefix } from './rehearsal.ts';
import type { Target } from './remediation.ts';
import { targetOf } from './targets.ts';
import { securityHub } from './triggers.ts';

const environment = { ...process.env };
const WORKER_ROLE = 'firebreak-worker-network';
/** A queue in the place of the worker's own, which its deployed twin polls. */
const name = `pipeline-${randomUUID()}`;
let iam: IAMClient;
let sqs: SQSClient;
let queue: string;
let deadLetters: string;
let ledger: DynamoDbLedger;
/** Which findings each group was looked at for, in this test. */
let looks: string[];
let found: () => Promise<readonly Target[]>;

beforeAll(async () => {
  const { endpoint, doors } = sharedCloud();
  const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint };
  sqs = new SQSClient(session);
  ledger = new DynamoDbLedger(session, 'firebreak-ledger');
  const made = async (QueueName: string) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '';
  iam = new IAMClient(session);
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: WORKER_ROLE,
      PolicyName: name,
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['sqs:SendMessage', 'sqs:ChangeMessageVisibility'],
            Resource: `arn:aws:sqs:${HOME_REGION}:${SECURITY_ACCOUNT}:${name}*`,
          },
        ],
      }),
    }),
  );
  queue = await made(name);
  deadLetters = await made(`${name}-dead-letters`);
  const credentials = await doors.assumeAsService(
    'lambda.amazonaws.com',
    `arn:aws:iam::${SECURITY_ACCOUNT}:role/${WORKER_ROLE}`,
    'firebreak-network',
    `arn:aws:lambda:${HOME_REGION}:${SECURITY_ACCOUNT}:function:firebreak-network`,
  );
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: HOME_REGION,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
    ACCOUNT_ID: SECURITY_ACCOUNT,
    LEDGER_TABLE: 'firebreak-ledger',
    KILL_SWITCH_PARAMETER: '/firebreak/kill-switch',
    QUEUE_URL: queue,
    DEAD_LETTER_QUEUE_URL: deadLetters,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
});
afterAll(async () => {
  process.env = environment;
  await iam.send(new DeleteRolePolicyCommand({ RoleName: WORKER_ROLE, PolicyName: name }));
});
beforeEach(() => {
  looks = [];
  found = async () => [];
});

/** Looks at groups, and finds them as they should be. */
const lookAtGroups = defineRemediation({
  id: 'network.look-at-groups',
  title: 'Look at groups',
  risk: 'safe',
  handles: [securityHub('EC2.13', 'EC2.14', 'EC2.18', 'EC2.19')],
  resource: ['AWS::EC2::SecurityGroup'],
  parameters: z.strictObject({}),
  state: z.strictObject({}),
  permissions: { read: ['ec2:DescribeSecurityGroups'], write: () => [] },
  gone: [],
  clients: () => ({}),
  targets: () => found(),
  async read(_clients, { id }, { finding }) {
    looks.push(`${finding.type} ${id}`);
    return { state: {}, facts: {} };
  },
  desired: () => ({}),
  write: async () => undefined,
});

type Event = ReturnType<typeof sampleEvent>;
let handler: ReturnType<typeof createWorker> | undefined;

/** Hands a message to the handler, as Lambda does. @returns whether it comes back */
async function deliver(
  body: string,
  { MessageId, receives = 1 }: { MessageId?: string; receives?: number } = {},
  worker?: ReturnType<typeof createWorker>,
) {
  handler ??= createWorker('network', [lookAtGroups], policySchema.parse({ version: 1 }));
  const messageId = MessageId ?? randomUUID();
  const record = {
    messageId,
    body,
    receiptHandle: 'none',
    attributes: { ApproximateReceiveCount: String(receives) },
    eventSource: 'aws:sqs',
  };
  const event = { Records: [record] } as unknown as SQSEvent;
  const context = { getRemainingTimeInMillis: () => 90_000, functionName: 'firebreak-network' } as Context;
  const answer = await (worker ?? handler)(event, context);
  if (!('batchItemFailures' in answer)) throw new Error('the batch was not taken for one');
  return answer.batchItemFailures.length > 0;
}

async function taken(url: string): Promise<readonly Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 3_600,
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return all;
    all.push(...Messages);
  }
}

async function outcomesOf({ id }: Event) {
  const all = await ledger.list({ since: new Date(Date.now() - 3_600_000), limit: 500 });
  return all
    .filter(({ correlation }) => correlation === id)
    .map(({ outcome, reason, target }) => ({ outcome, reason, id: target.id }));
}

const [member] = MEMBER_ACCOUNTS;
const event = (changes: Record<string, unknown> = {}): Event =>
  sampleEvent('securityhub/security-group-open-ssh', { id: randomUUID(), ...changes });
type Detail = { findings: Record<string, unknown>[] };

describe('an event', () => {
  test('about one resource is answered at once, and once however often it comes', async () => {
    const one = event();
    const MessageId = randomUUID();
    expect(await deliver(JSON.stringify(one), { MessageId })).toBe(false);
    expect(await deliver(JSON.stringify(one), { MessageId })).toBe(false);
    expect(looks).toHaveLength(1);
    expect(await outcomesOf(one)).toMatchObject([{ outcome: 'compliant' }]);
  });

  test('that the policy promotes is graver for all that look at it', async () => {
    const severities = [{ source: 'securityhub', types: ['EC2.13'], severity: 'CRITICAL', reason: 'r' }];
    const worker = createWorker('network', [lookAtGroups], policySchema.parse({ version: 1, severities }));
    const one = event({ 'detail/findings/0/Severity': { Label: 'LOW' } });
    expect(await deliver(JSON.stringify(one), {}, worker)).toBe(false);
    const [response] = (await ledger.list({ since: new Date(Date.now() - 3_600_000), limit: 500 })).filter(
      ({ correlation }) => correlation === one.id,
    );
    expect(response?.finding.severity).toBe('CRITICAL');
    expect((await ledger.get(response?.id ?? ''))?.finding.rated).toEqual({ severity: 'LOW', score: 1 });
  });

  test('with two findings about one group has each of them looked at', async () => {
    const one = event();
    const [finding = {}] = (one.detail as Detail).findings;
    const compliance = finding.Compliance as object;
    const other = { ...finding, Id: `${finding.Id}-2`, Compliance: { ...compliance, SecurityControlId: 'EC2.14' } };
    const both = {
      ...one,
      'detail-type': 'Security Hub Findings - Custom Action',
      detail: { findings: [finding, other] },
    };
    expect(await deliver(JSON.stringify(both))).toBe(false);
    expect(looks).toEqual([]);
    for (const { Body = '' } of await taken(queue)) expect(await deliver(Body)).toBe(false);
    expect(looks.map((look) => look.split(' ')[0]).sort()).toEqual(['EC2.13', 'EC2.14']);
    expect(await outcomesOf(one)).toHaveLength(2);
  });

  test('whose several resources were sent twice has one response for each', async () => {
    const one = event({ 'detail/findings/0/Resources': [{ Type: 'AwsAccount', Id: `AWS::::Account:${member}` }] });
    const place = { account: member, region: HOME_REGION, partition: 'aws' };
    const ids = ['sg-0a91c35d7e2f4b680', 'sg-0a91c35d7e2f4b681', 'sg-0a91c35d7e2f4b682'];
    found = async () =>
      ids.map((id) => targetOf('AWS::EC2::SecurityGroup', place, id)).filter((target) => target !== undefined);
    const MessageId = randomUUID();
    expect(await deliver(JSON.stringify(one), { MessageId })).toBe(false);
    expect(await deliver(JSON.stringify(one), { MessageId })).toBe(false);
    const messages = await taken(queue);
    expect(messages).toHaveLength(6);
    for (const { Body = '' } of messages) expect(await deliver(Body)).toBe(false);
    const outcomes = await outcomesOf(one);
    expect(outcomes.map(({ id }) => id).sort()).toEqual(ids);
  });

  test('that is a sample is simulated, whatever it names: nothing is looked up', async () => {
    found = () => Promise.reject(new Error('it was looked up'));
    for (const Id of ['sg-99999999', 'GeneratedFindingGroupName']) {
      const one = event({
        'detail/findings/0/Sample': true,
        'detail/findings/0/Resources': [{ Type: 'AwsEc2SecurityGroup', Id }],
      });
      expect(await deliver(JSON.stringify(one))).toBe(false);
      expect(await outcomesOf(one)).toMatchObject([{ outcome: 'simulated' }]);
    }
    expect(looks).toEqual([]);
  });

  test('whose resources cannot be looked up is a failed response, not a rejected message', async () => {
    found = () => Promise.reject(Object.assign(new Error('not authorized'), { name: 'UnauthorizedOperation' }));
    const one = event({ 'detail/findings/0/Resources': [{ Type: 'AwsAccount', Id: `AWS::::Account:${member}` }] });
    expect(await deliver(JSON.stringify(one))).toBe(false);
    expect(await outcomesOf(one)).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('UnauthorizedOperation') },
    ]);
    found = () => Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));
    const MessageId = randomUUID();
    const again = event({ 'detail/findings/0/Resources': [{ Type: 'AwsAccount', Id: `AWS::::Account:${member}` }] });
    expect(await deliver(JSON.stringify(again), { MessageId })).toBe(true);
    expect(await outcomesOf(again)).toEqual([]);
    expect(await deliver(JSON.stringify(again), { MessageId, receives: 5 })).toBe(false);
    expect(await outcomesOf(again)).toMatchObject([{ outcome: 'failed' }]);
  });

  test('that is malformed or not authentic goes to the dead-letter queue with the reason, and holds nobody up', async () => {
    await taken(deadLetters);
    const forged = event({ account: '999900001111' });
    for (const body of ['not json \u0000', '{"firebreak":"target",', JSON.stringify(forged)])
      expect(await deliver(body)).toBe(false);
    const reasons = (await taken(deadLetters)).map(
      ({ MessageAttributes: attributes }) => attributes?.reason?.StringValue,
    );
    expect(reasons).toHaveLength(3);
    expect(reasons).toContain('message: is not JSON');
    expect(reasons.join()).toContain('999900001111');
    expect(await outcomesOf(forged)).toEqual([]);
    expect(looks).toEqual([]);
  });
});

/** Closes the buckets that have stood open for so many days: in its world, each has for ten. */
const closeBuckets = defineRemediation({
  id: 'network.close-buckets',
  title: 'Close buckets',
  risk: 'disruptive',
  handles: [securityHub('S3.2')],
  resource: ['AWS::S3::Bucket'],
  parameters: z.strictObject({ days: z._default(z.int(), 90) }),
  state: z.strictObject({ open: z.boolean() }),
  permissions: {
    read: ['s3:GetBucketPolicy'],
    write: ({ arn }) => [{ actions: ['s3:PutBucketPolicy'], resources: [arn] }],
  },
  gone: [],
  clients: () => ({}),
  read: async (_clients, { id }) => ({ state: { open: !closed.has(id) }, facts: {} }),
  desired: ({ open }, { parameters: { days } }) => ({ open: open && days > 10 }),
  write: async (_clients, { id }) => {
    closed.add(id);
  },
});
const closed = new Set<string>();

const policy = policySchema.parse({ version: 1, remediations: { [closeBuckets.id]: { parameters: { days: 60 } } } });

/** Gives an instruction as the simulator does, and delivers the message that the worker sends itself. */
async function instruct(instruction: Instruction) {
  const worker = createWorker('network', [lookAtGroups, closeBuckets], policy);
  await taken(queue);
  const event = { firebreak: 'instructions' as const, instructions: [instruction] };
  expect(await worker(event, { functionName: 'firebreak-network' } as Context)).toEqual({ accepted: 1 });
  const [{ Body = '' } = {}, ...others] = await taken(queue);
  expect(others).toEqual([]);
  const MessageId = randomUUID();
  expect(await deliver(Body, { MessageId }, worker)).toBe(false);
  return { again: () => deliver(Body, { MessageId }, worker) };
}

/** Why the dead-letter queue has what it has got since it was emptied. */
const reasons = async () =>
  (await taken(deadLetters)).map(({ MessageAttributes: attributes }) => attributes?.reason?.StringValue ?? '');

const bucket = (Id: string) => ({
  Type: 'AwsS3Bucket',
  Id: `arn:aws:s3:::${Id}`,
  Partition: 'aws',
  Region: HOME_REGION,
});
const openBuckets = (...names: string[]): Event =>
  event({
    'detail/findings/0/Compliance': { Status: 'FAILED', SecurityControlId: 'S3.2' },
    'detail/findings/0/Resources': names.map(bucket),
  });
const ofRun = (what: string) => `${runPrefix('abcdefgh27')}${what}-${randomUUID().slice(0, 8)}`;
const replay = (one: Event, days?: number): Instruction => ({
  ...{ do: 'replay', worker: 'network', event: one },
  ...(days !== undefined && { judgedBy: { [closeBuckets.id]: { days } } }),
});

describe('an event that is replayed', () => {
  test('takes the way of one that a rule brought, and has one response however often it comes', async () => {
    const one = event();
    const { again } = await instruct(replay(one));
    expect(await again()).toBe(false);
    expect(looks).toHaveLength(1);
    expect(await outcomesOf(one)).toMatchObject([{ outcome: 'compliant' }]);
  });

  test('is no more believed than one that a rule brought', async () => {
    await taken(deadLetters);
    const forged = event({ account: '999900001111' });
    await instruct(replay(forged));
    await instruct(replay({ firebreak: 'target', response: 'network-aaaaaaaaaa' }));
    const [first, second] = (await reasons()).sort();
    expect(first).toContain('account 999900001111 sent a finding about account');
    expect(second).toContain('version: ');
    expect(await outcomesOf(forged)).toEqual([]);
    expect(looks).toEqual([]);
  });

  test('is as large as an event can be, and no larger', async () => {
    const one = event();
    const spare = EVENT_BYTES - Buffer.byteLength(JSON.stringify({ ...one, padding: '' }));
    await instruct(replay({ ...one, padding: 'x'.repeat(spare) }));
    expect(await outcomesOf(one)).toHaveLength(1);
    await expect(instruct(replay({ ...one, padding: 'x'.repeat(spare + 1) }))).rejects.toThrow(
      `has more than ${EVENT_BYTES} bytes`,
    );
  });

  test('is judged by the parameters of a simulation, also after an approval, and the record says so', async () => {
    const one = openBuckets(ofRun('open'));
    await instruct(replay(one, 5));
    const [response] = (await ledger.list({ since: new Date(Date.now() - 3_600_000), limit: 500 })).filter(
      ({ correlation }) => correlation === one.id,
    );
    const id = response?.id ?? '';
    expect(response?.outcome).toBe('awaiting-approval');
    await ledger.order(id, { verb: 'approve', by: 'ann', at: new Date().toISOString() });
    await instruct({ do: 'approve', response: id });
    const record = await ledger.get(id);
    expect(record?.response.outcome).toBe('verified');
    expect(record?.timeline.filter(({ event }) => event === 'judged by a simulation')).toMatchObject([
      { detail: { days: 5 } },
    ]);
  });

  test('is judged by the policy where the simulation says nothing', async () => {
    const one = openBuckets(ofRun('open'));
    await instruct(replay(one));
    expect(await outcomesOf(one)).toMatchObject([{ outcome: 'compliant' }]);
  });

  test.each<[string, () => Event, string]>([
    ['of others', () => openBuckets('payroll'), 'not for arn:aws:s3:::payroll'],
    ['that only sound like its own', () => openBuckets('firebreak-sim-x'), 'not for arn:aws:s3:::firebreak-sim-x'],
    ['of which there are two', () => openBuckets(ofRun('one'), ofRun('two')), 'only for one resource'],
    ['that are not named', () => event({ 'detail/findings/0/Sample': true }), 'not for arn:aws:iam::'],
  ])('has no resources judged otherwise %s', async (_, told, why) => {
    await taken(deadLetters);
    const one = told();
    await instruct(replay(one, 5));
    expect(await reasons()).toEqual([expect.stringContaining(why)]);
    expect(await outcomesOf(one)).toEqual([]);
  });

  test.each<[string, Record<string, Record<string, number | string>>, RegExp]>([
    ['a remediation of another worker', { 'storage.block-public-bucket': {} }, /no remediation storage\./],
    ['a parameter that there is not', { [closeBuckets.id]: { weeks: 1 } }, /weeks/],
    ['a value that it does not take', { [closeBuckets.id]: { days: 'few' } }, /days/],
  ])('is rejected with %s', async (_, judgedBy, why) => {
    await taken(deadLetters);
    const one = openBuckets(ofRun('open'));
    await instruct({ ...replay(one), judgedBy } as Instruction);
    expect(await reasons()).toEqual([expect.stringMatching(why)]);
    expect(await outcomesOf(one)).toEqual([]);
  });
});
