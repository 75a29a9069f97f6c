import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateNetworkInterfaceCommand,
  DescribeSecurityGroupsCommand,
  DescribeSnapshotAttributeCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../../engine/aws/session.ts';
import type { Finding } from '../../engine/findings/finding.ts';
import { DynamoDbBudgets } from '../../engine/ledger/budgets.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { DynamoDbHolds } from '../../engine/ledger/holds.ts';
import { leaseKey } from '../../engine/ledger/ledger.ts';
import { FLUSH, QUARANTINE } from '../../engine/own-groups.ts';
import type { Target } from '../../engine/remediation.ts';
import type { End, Response } from '../../engine/response.ts';
import { responseId, successorOf, targetKey, targetOf } from '../../engine/targets.ts';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import {
  HOME_REGION,
  LEDGER_TABLE,
  MEMBER_ACCOUNTS,
  OUTSIDE_ACCOUNT,
  REGIONS,
  ROOT,
  SECURITY_ACCOUNT,
} from '../../local/connection.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { allow, createGroup, createNetwork, createOwnGroup, fromAnywhere } from '../../local/exposures/network.ts';
import { shareDbClusterSnapshot, shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { findingOn } from '../../local/findings.ts';
import { Listening } from '../../local/listening.ts';
import { type Told, told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';
import type { SweepReport } from './sweep.ts';

const RDS = 'snapshots.privatize-rds-snapshot';
const INGRESS = 'network.close-open-ingress';
const ISOLATION = 'instances.isolate-instance';
const [FIRST, SECOND] = MEMBER_ACCOUNTS;
const ABROAD = REGIONS[1];
const HOUR_MS = 3_600_000;
const ago = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);
const day = (time: Date): string => time.toISOString().slice(0, 10);

/** What happens by itself here, with an exception and a freeze that ended, and a freeze that holds. */
const POLICY = {
  version: 1,
  remediations: {
    [INGRESS]: { mode: 'automatic', budget: { perHour: 1, shareFrom: 1_000 } },
  },
  exceptions: [
    {
      remediation: RDS,
      resource: `arn:aws:rds:${HOME_REGION}:${FIRST}:snapshot:excepted`,
      ...{ owner: 'data@example.com', reason: 'an audit', expires: day(ago(24)) },
    },
  ],
  freezes: [
    {
      ...{ name: 'release', owner: 'shop@example.com', reason: 'a release', remediation: RDS, account: SECOND },
      ...{ from: ago(1).toISOString(), until: ago(-4).toISOString() },
    },
  ],
};

let folder: string;
let cloud: Cloud;
let first: Account;
let abroad: Account;
let ec2: EC2Client;
const lines: string[] = [];
/** Without time-outs: a sweep takes its time. */
const patient = () => ({ region: HOME_REGION, endpoint: cloud.endpoint, credentials: ROOT });
const session = () => ({ ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sweep-'));
  const policy = path.join(folder, 'response-policy.yml');
  // JSON is YAML too.
  writeFileSync(policy, JSON.stringify(POLICY));
  cloud = await startCloud({ policy, log: ({ line }) => lines.push(line), complain: () => undefined });
  first = await cloud.connection.account(FIRST, HOME_REGION);
  abroad = await cloud.connection.account(SECOND, ABROAD);
  ec2 = new EC2Client(first.client);
  // Time passes here too: no sweep shall come in between.
  await turn('off');
}, 120_000);
afterAll(async () => {
  await cloud?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Tells of something as its service does, and answers what the ledger has of it. */
async function tell({ account, region, entry }: Told): Promise<Response> {
  const [event] = await cloud.emit(account, region, [entry]);
  await cloud.runner.idle();
  const found = (await headers()).find(({ correlation }) => correlation === event?.id);
  if (!found) throw new Error('nothing came of it');
  return found;
}

const headers = () => cloud.ledger.list({ since: ago(24 * 40), limit: 1_000 });
const outcomeOf = async (id: string) => (await cloud.ledger.get(id))?.response.outcome;

const tellOfSnapshot = (id: string) =>
  tell(
    told(
      'access-analyzer/ebs-snapshot-public',
      { 'snap-0a91c35d7e2f4b680': id },
      { account: FIRST, region: HOME_REGION },
    ),
  );

async function isShared(id: string): Promise<boolean> {
  const { CreateVolumePermissions } = await ec2.send(
    new DescribeSnapshotAttributeCommand({ SnapshotId: id, Attribute: 'createVolumePermission' }),
  );
  return CreateVolumePermissions?.length !== 0;
}

/** Writes into the ledger what came of a finding some hours ago. */
async function past(
  remediation: string,
  target: Target,
  hours: number,
  end?: End,
  origin?: Pick<Response, 'undoes'>,
): Promise<Response> {
  const ledger = new DynamoDbLedger(session(), LEDGER_TABLE, () => ago(hours));
  const finding: Finding = findingOn(target, 'securityhub', 'EC2.1');
  const { source, type, id, severity, title } = finding;
  const response: Response = {
    ...{ id: responseId(remediation, target, randomUUID()), remediation, target, correlation: randomUUID() },
    finding: { source, type, id, severity, title },
    startedAt: ago(hours).toISOString(),
    ...origin,
  };
  await ledger.open(response, finding);
  return end ? ledger.close(response, end) : response;
}

/** Invokes the function as a schedule or a person does, and waits for what the workers do about it. */
async function sweep(input?: object): Promise<SweepReport> {
  const { Payload, FunctionError } = await new LambdaClient(patient()).send(
    new InvokeCommand({ FunctionName: 'firebreak-sweep', ...(input && { Payload: JSON.stringify(input) }) }),
  );
  const answer = Payload?.transformToString() ?? '';
  if (FunctionError) throw new Error(answer);
  await cloud.runner.idle();
  return JSON.parse(answer) as SweepReport;
}

async function turnSwitch(Value: string): Promise<void> {
  await new SSMClient(session()).send(
    new PutParameterCommand({ Name: '/firebreak/kill-switch', Value, Overwrite: true }),
  );
  // What runs may go by an answer that is half a minute old.
  cloud.runner.kill();
}

/** Turns the function's schedules on or off: those of an expression, or all. */
async function turn(to: 'on' | 'off', expression?: string): Promise<void> {
  const events = new EventBridgeClient(session());
  const TargetArn = `arn:aws:lambda:${HOME_REGION}:${SECURITY_ACCOUNT}:function:firebreak-sweep`;
  const { RuleNames = [] } = await events.send(new ListRuleNamesByTargetCommand({ TargetArn }));
  expect(RuleNames).toHaveLength(2);
  for (const Name of RuleNames) {
    const { ScheduleExpression } = await events.send(new DescribeRuleCommand({ Name }));
    if (expression !== undefined && ScheduleExpression !== expression) continue;
    await events.send(to === 'on' ? new EnableRuleCommand({ Name }) : new DisableRuleCommand({ Name }));
  }
}

/** Lets some hours pass. Answers the sweeps that ran. */
async function sweepsIn(hours: number): Promise<string[]> {
  lines.length = 0;
  await cloud.connection.doors.advanceClock(hours * 3_600);
  await cloud.runner.idle();
  return lines.filter((line) => line.includes('"sweep ended"')).map((line) => JSON.parse(line).sweep);
}

describe('the sweep', () => {
  let stopped: Response;
  let overBudget: Response;

  test('leaves alone what the kill switch stopped, for as long as it is on', async () => {
    const { id } = await shareEbsSnapshot(first, ['all']);
    await turnSwitch('an outage');
    stopped = await tellOfSnapshot(id);
    expect(stopped).toMatchObject({ outcome: 'deferred', guard: 'kill-switch' });
    const report = await sweep({ sweep: 'hourly' });
    expect(report).toMatchObject({ sweep: 'hourly', counts: { retried: 0, deferred: 1 }, failures: [] });
    expect(await outcomeOf(successorOf(stopped))).toBeUndefined();
    await turnSwitch('off');
  });

  test('has done what is due, once, and reports what it cannot see', async () => {
    const shared = (name: string) => shareDbSnapshot(first, name, ['all']);
    const [drifted, held, taken, excepted, thawed, interrupted, overdue] = await Promise.all([
      shareEbsSnapshot(first, ['all']),
      ...['held', 'taken', 'excepted', 'thawed', 'interrupted', 'overdue'].map(shared),
    ]);
    if (!drifted || !held || !taken || !excepted || !thawed || !interrupted || !overdue)
      throw new Error('nothing was made');

    const fix = await tellOfSnapshot(drifted.id);
    expect(fix.outcome).toBe('verified');
    await allowEbsSnapshot(first, drifted.id, [OUTSIDE_ACCOUNT]);

    const network = await createNetwork(abroad);
    const ends: Response[] = [];
    for (const name of ['desktops', 'servers']) {
      const group = await createGroup(abroad, network, name);
      await allow(abroad, group, [fromAnywhere('tcp', 3389, 3389)]);
      const names = { 'sg-09f7b3d6e18c2a450': group };
      ends.push(
        await tell(
          told('securityhub/security-group-open-rdp', names, { account: SECURITY_ACCOUNT, region: HOME_REGION }),
        ),
      );
    }
    expect(ends).toMatchObject([{ outcome: 'verified' }, { outcome: 'deferred', guard: 'budget' }]);
    overBudget = ends[1] as Response;
    await shareDbClusterSnapshot(abroad, 'catalogue-weekly', [OUTSIDE_ACCOUNT]);
    const frozen = await tell(told('cloudtrail/share-rds-cluster-snapshot', {}, { account: SECOND, region: ABROAD }));
    expect(frozen).toMatchObject({ outcome: 'deferred', guard: 'freeze' });

    const holds = new DynamoDbHolds(session(), LEDGER_TABLE);
    for (const target of [held, taken]) {
      const key = leaseKey(RDS, targetKey(target));
      await holds.take(key, 'a test');
      await holds.put(key, 'a test', { by: 'arn:aws:iam::1:user/ann', reason: 'a demo', until: ago(1).toISOString() });
      await holds.release(key, 'a test');
    }
    const retried = [
      stopped,
      await past(RDS, held, 30, { outcome: 'excepted', guard: 'hold' }),
      // Nobody told of it since somebody took the fix back.
      await past(RDS, taken, 30, { outcome: 'undone' }, { undoes: 'snapshots-aaaaaaaaaa' }),
      await past(RDS, excepted, 30, { outcome: 'excepted', guard: 'exception' }),
      await past(RDS, thawed, 30, { outcome: 'deferred', guard: 'freeze' }),
    ];
    const open = await past(RDS, interrupted, 2);
    const waiting = await past(RDS, overdue, 25, { outcome: 'awaiting-approval', guard: 'mode' });

    const vpc = await createNetwork(first);
    const unused = await createOwnGroup(first, vpc, FLUSH);
    const used = await createOwnGroup(first, vpc, QUARANTINE);
    await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: vpc.subnet, Groups: [used] }));
    for (const account of [FIRST, OUTSIDE_ACCOUNT]) {
      const place = { account, region: HOME_REGION, partition: 'aws' };
      const instance = targetOf('AWS::EC2::Instance', place, 'i-0847d1f6a3c9e5b20');
      if (instance) await past(ISOLATION, instance, 60, { outcome: 'gone' });
    }

    const report = await sweep();
    expect(report).toMatchObject({
      sweep: 'daily',
      counts: {
        ...{ expired: 1, toldAgain: 0, resumed: 1, retried: 5, nextTime: 0, deferred: 2, ended: 3 },
        ...{ fixes: 2, looks: 2, places: 2, unusedGroups: 1 },
      },
      failures: [expect.stringMatching(`^security groups in ${OUTSIDE_ACCOUNT}/${HOME_REGION}: AccessDenied: `)],
    });
    for (const response of retried) expect(await outcomeOf(successorOf(response))).toBe('verified');
    expect(await outcomeOf(open.id)).toBe('verified');
    expect(await outcomeOf(waiting.id)).toBe('expired');
    expect((await cloud.ledger.get(fix.id))?.response).toMatchObject({
      outcome: 'unverified',
      reason: expect.stringMatching('it was verified, and is wrong again since'),
    });
    expect(await isShared(stopped.target.id)).toBe(false);
    expect(await isShared(drifted.id)).toBe(true);
    for (const { id } of [overBudget, frozen]) expect(await outcomeOf(id)).toBe('deferred');
    const groups = await ec2.send(
      new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpc.vpc] }] }),
    );
    const ids = groups.SecurityGroups?.map(({ GroupId }) => GroupId);
    expect([ids?.includes(unused), ids?.includes(used)]).toEqual([false, true]);

    // Whatever it did is in the ledger by the next time.
    const before = await headers();
    const again = await sweep({ sweep: 'daily' });
    expect(again.counts).toMatchObject({ expired: 0, resumed: 0, retried: 0, deferred: 2, unusedGroups: 0 });
    expect(await headers()).toEqual(before);
  }, 60_000);

  test('tries again what the breaker stopped when a person has closed it', async () => {
    const kind = { remediation: INGRESS, account: SECOND };
    expect(await new DynamoDbBudgets(session(), LEDGER_TABLE).close(kind, 'a test', new Date())).toBe(true);
    expect((await sweep({ sweep: 'hourly' })).counts).toMatchObject({ retried: 1, deferred: 1 });
    expect(await outcomeOf(successorOf(overBudget))).toBe('verified');
  });

  test('pages people though the bus takes nothing, and ends in an error', async () => {
    const listening = await Listening.start(session());
    const { doors } = cloud.connection;
    const error = { status: 400, code: 'ValidationException', message: 'the bus is full' };
    await doors.setFaults([{ operation: 'PutEvents', principal: '*/firebreak-worker-sweep/*', error }]);
    await expect(sweep({ page: true })).rejects.toThrow('the bus is full');
    await doors.setFaults([]);
    expect(await listening.pages(OUTSIDE_ACCOUNT)).toHaveLength(1);
    await sweep({ page: true });
    expect(await listening.events('Firebreak Sweep Ended')).toHaveLength(1);
  });

  test('runs by its schedules, and tells people once a day what is new', async () => {
    const sqs = new SQSClient({ ...session(), useQueueUrlAsEndpoint: false });
    const arn = `arn:aws:sqs:${HOME_REGION}:${SECURITY_ACCOUNT}:people`;
    const admits = {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: arn,
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [admits] });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'people', Attributes: { Policy } }));
    const TopicArn = `arn:aws:sns:${HOME_REGION}:${SECURITY_ACCOUNT}:firebreak-people`;
    await new SNSClient(session()).send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: arn }));

    await turn('on', 'cron(0 6 * * ? *)');
    expect(await sweepsIn(24)).toEqual(['daily']);
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(Messages).toHaveLength(1);
    const { Subject, Message } = JSON.parse(Messages[0]?.Body ?? '');
    expect(Subject).toBe('Firebreak: Look why the daily sweep could not see all');
    expect(Message).toContain(`security groups in ${OUTSIDE_ACCOUNT}`);
    expect(Message).toMatch(/Exception ended +snapshots\[\.\]privatize-rds-snapshot on arn:aws:rds:/);
    expect(Message).toMatch(/Hold ended +.* by arn:aws:iam::1:user\/ann: a demo/);
    expect(Message).toMatch(/Approvals expired +1, /);

    await turn('off', 'cron(0 6 * * ? *)');
    await turn('on', 'cron(30 * * * ? *)');
    expect(await sweepsIn(1)).toEqual(['hourly']);
    await turn('off', 'cron(30 * * * ? *)');
  }, 90_000);

  test('has asked AWS for nothing but what it says, and written nothing but to the bus and the topic', async () => {
    const calls = await cloud.connection.doors.calls();
    const own = calls.filter(({ principal }) =>
      /:assumed-role\/(firebreak-sweep|firebreak-worker-sweep)\//.test(principal),
    );
    const denied = own.filter(({ decision }) => decision === 'denied').map(({ operation }) => operation);
    // The account that is nobody's of ours.
    expect(new Set(denied)).toEqual(new Set(['AssumeRole']));
    expect([...new Set(own.flatMap(({ actions }) => actions))].sort()).toEqual([
      'dynamodb:Query',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'events:PutEvents',
      'lambda:InvokeFunction',
      'sns:Publish',
      'ssm:GetParameter',
      'sts:AssumeRole',
    ]);
  });
});
