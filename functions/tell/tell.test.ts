import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeDBSnapshotAttributesCommand, RDSClient } from '@aws-sdk/client-rds';
import { BatchUpdateFindingsCommand, GetFindingsCommand, SecurityHubClient } from '@aws-sdk/client-securityhub';
import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DynamoDBRecord } from 'aws-lambda';
import { sessionConfig } from '../../engine/aws/session.ts';
import { chunks } from '../../engine/chunks.ts';
import { DynamoDbBudgets } from '../../engine/ledger/budgets.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { ATTACKS } from '../../engine/notify/attacks.ts';
import type { Target } from '../../engine/remediation.ts';
import type { Outcome, Response } from '../../engine/response.ts';
import { responseId, targetOf } from '../../engine/targets.ts';
import { HOME_REGION, LEDGER_TABLE, MEMBER_ACCOUNTS, REGIONS, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { allow, createGroup, createNetwork, fromAnywhere } from '../../local/exposures/network.ts';
import { shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { findingOn } from '../../local/findings.ts';
import { Listening } from '../../local/listening.ts';
import { lambdaRecord } from '../../local/stream-record.ts';
import { recordOf, tellOf } from '../../local/telling.ts';

const [member] = MEMBER_ACCOUNTS;
const [, abroad] = REGIONS;
const RDS = 'snapshots.privatize-rds-snapshot';
const cloud = sharedCloud();
const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
const securityHub = new SecurityHubClient(config);
const lambda = new LambdaClient(config);
const ledger = new DynamoDbLedger(config, LEDGER_TABLE);

let listening: Listening;
beforeAll(async () => {
  listening = await Listening.start(config);
});
afterEach(() => cloud.doors.setFaults([]));
const pages = (text: string, to?: 'people' | 'chat') => listening.pages(text, to);
const events = (text: string) => listening.events(text);

/** Waits until there is something to answer. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(100)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not come');
}
const untilThereIs = <T>(look: () => Promise<readonly T[]>): Promise<readonly T[]> =>
  until(async () => {
    const found = await look();
    return found.length > 0 ? found : undefined;
  });

interface Asff {
  readonly Id: string;
  readonly ProductArn: string;
  readonly [field: string]: unknown;
}

/** A finding of a sample, with an id of its own, updated by its provider now. */
function finding(sample: string, names: Readonly<Record<string, string>>, more: object = {}): Asff {
  const text = Object.entries(names).reduce(
    (all, [name, real]) => all.replaceAll(name, real),
    readFileSync(`events/samples/securityhub/${sample}.json`, 'utf8'),
  );
  const [found] = JSON.parse(text).detail.findings;
  const Id = found.Id.replace(/[^/]+$/, randomUUID());
  return { ...found, Id, UpdatedAt: new Date().toISOString(), ...more };
}

const tell = (...findings: readonly Asff[]) => cloud.doors.importFindings(SECURITY_ACCOUNT, HOME_REGION, findings);

interface Shown {
  readonly Workflow?: { readonly Status?: string };
  readonly Note?: { readonly Text?: string; readonly UpdatedBy?: string; readonly UpdatedAt?: string };
}
async function allShown(ids: readonly string[], hub = securityHub): Promise<readonly Shown[]> {
  const Id = ids.map((Value) => ({ Value, Comparison: 'EQUALS' as const }));
  const { Findings = [] } = await hub.send(new GetFindingsCommand({ Filters: { Id }, MaxResults: 100 }));
  return Findings as readonly Shown[];
}
const shown = async (id: string, hub = securityHub): Promise<Shown> => (await allShown([id], hub))[0] ?? {};
/** The finding as it is shown when its note says something. */
const noted = (Id: string, text: string, hub = securityHub): Promise<Shown> =>
  until(async () => {
    const found = await shown(Id, hub);
    return found.Note?.Text?.includes(text) ? found : undefined;
  });

/** Findings when the notes of all of them say something. They are asked for together: a wait for each would take the cloud's time. */
const allNoted = (ids: readonly string[], text: string): Promise<readonly Shown[]> =>
  until(async () => {
    // Security Hub takes 20 values of a filter. https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFindingFilters.html
    const found = (await Promise.all(chunks(ids, 20).map((some) => allShown(some)))).flat();
    return found.length === ids.length && found.every(({ Note }) => Note?.Text?.includes(text)) ? found : undefined;
  });

const responsesTo = async (id: string): Promise<readonly Response[]> =>
  (await ledger.list({ since: new Date(Date.now() - 600_000), limit: 1_000 })).filter((each) => each.finding.id === id);
const ended = (id: string, outcome: Outcome): Promise<Response> =>
  until(async () => (await responsesTo(id)).find((each) => each.outcome === outcome));

/** Calls of tell since a moment. */
async function updatesSince(sequence: number): Promise<number> {
  const calls = await cloud.doors.calls(sequence);
  return calls.filter(
    ({ operation, principal }) =>
      operation === 'BatchUpdateFindings' && principal.includes(':assumed-role/firebreak-tell/'),
  ).length;
}
const now = async (): Promise<number> => (await cloud.doors.calls()).at(-1)?.sequence ?? 0;

const sharedSnapshot = async (): Promise<string> => {
  const name = `tell-${randomUUID().slice(0, 8)}`;
  await shareDbSnapshot(await cloud.account(member, HOME_REGION), name, ['all']);
  return name;
};

/** A finding that no rule of ours matches, and a response to it as a worker writes it. */
const unhandled = (more: object = {}): Asff =>
  finding('rds-snapshot-public', {}, { Compliance: { Status: 'FAILED', SecurityControlId: 'RDS.99' }, ...more });

const snapshot = (): Target => {
  const place = { account: member, region: HOME_REGION, partition: 'aws' };
  const target = targetOf('AWS::RDS::DBSnapshot', place, `t-${randomUUID().slice(0, 8)}`);
  if (!target) throw new Error('no snapshot is called so');
  return target;
};

function responseTo({ Id: id, ProductArn: productArn }: Asff, more: Partial<Response> = {}): Response {
  const target = snapshot();
  return {
    id: responseId(RDS, target, randomUUID()),
    remediation: RDS,
    target,
    correlation: randomUUID(),
    finding: { source: 'securityhub', type: 'RDS.99', id, productArn, severity: 'HIGH', title: 'public' },
    startedAt: new Date().toISOString(),
    ...more,
  };
}

/** Opens it, as a worker does. */
async function respondTo(told: Asff, more: Partial<Response> = {}): Promise<Response> {
  const response = responseTo(told, more);
  const about = findingOn(response.target, 'securityhub', 'RDS.99', { id: told.Id, productArn: told.ProductArn });
  return (await ledger.open(response, about)).response;
}

/** One of several resources of a finding. */
const targetCalled = (id: string, told: Asff): Target => {
  const { target } = responseTo(told);
  return { ...target, id, arn: target.arn.replace(target.id, id) };
};

const invoke = (records: readonly unknown[]) => tellOf(lambda, records);

describe('a finding that is fixed', () => {
  test('is NOTIFIED with a note, and told on our bus; nobody is woken; told again, nothing is said', async () => {
    const name = await sharedSnapshot();
    const told = finding('rds-snapshot-public', { 'orders-before-migration': name });
    await tell(told);
    const fixed = await noted(told.Id, 'Firebreak: verified. Make an RDS snapshot private');
    expect(fixed).toMatchObject({ Workflow: { Status: 'NOTIFIED' }, Note: { UpdatedBy: 'firebreak' } });
    const rds = new RDSClient((await cloud.account(member, HOME_REGION)).client);
    const { DBSnapshotAttributesResult: attributes } = await rds.send(
      new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: name }),
    );
    expect(attributes?.DBSnapshotAttributes?.flatMap(({ AttributeValues = [] }) => AttributeValues)).toEqual([]);

    const [response] = await responsesTo(told.Id);
    const [event] = await untilThereIs(() => events(response?.id ?? 'no response'));
    expect(event).toMatchObject({
      'detail-type': 'Firebreak Response Ended',
      detail: { id: response?.id, outcome: 'verified', title: 'Make an RDS snapshot private', remediation: RDS },
    });

    // Security Hub looks at it again before it sees the fix.
    await tell({ ...told, UpdatedAt: new Date().toISOString() });
    const again = await ended(told.Id, 'compliant');
    await untilThereIs(() => events(again.id));
    expect(await shown(told.Id)).toEqual({
      ...fixed,
      UpdatedAt: expect.any(String),
      ProcessedAt: expect.any(String),
    });
    // The event of our own note started nothing.
    expect(await responsesTo(told.Id)).toHaveLength(2);
    expect(await pages(name)).toEqual([]);
  });
});

describe('a note in our name', () => {
  test('by whomever it is, does not hide that the finding is told again', async () => {
    const told = finding('rds-snapshot-public', { 'orders-before-migration': await sharedSnapshot() });
    await tell(told);
    await noted(told.Id, 'verified');
    const { Id, ProductArn } = told;
    await securityHub.send(
      new BatchUpdateFindingsCommand({
        FindingIdentifiers: [{ Id, ProductArn }],
        Note: { Text: 'Firebreak: verified.', UpdatedBy: 'firebreak' },
      }),
    );
    // Its provider saw it before that note, and Security Hub takes it in after.
    await tell(told);
    await ended(told.Id, 'compliant');
  });
});

describe('a finding that needs approval', () => {
  test('gets a note and one page with the commands; is NOTIFIED when it is approved and fixed, and NEW when it drifts', async () => {
    const account = await cloud.account(member, HOME_REGION);
    const group = await createGroup(account, await createNetwork(account), `tell-${randomUUID().slice(0, 8)}`);
    await allow(account, group, [fromAnywhere('tcp', 22, 22)]);
    const told = finding('security-group-open-ssh', { 'sg-0c4e1a97b25d8f360': group });
    await tell(told);
    expect(await noted(told.Id, 'awaiting-approval')).toMatchObject({ Workflow: { Status: 'NEW' } });
    const { id } = await ended(told.Id, 'awaiting-approval');
    const [page, ...others] = await untilThereIs(() => pages(group));
    expect(others).toEqual([]);
    expect(page?.Subject).toContain('Approve or deny a fix');
    expect(page?.Message).toMatch(new RegExp(`firebreak approve ${id}\n +firebreak deny ${id}`));
    expect(page?.MessageAttributes).toMatchObject({
      outcome: { Value: 'awaiting-approval' },
      remediation: { Value: 'network.close-open-ingress' },
      account: { Value: member },
    });
    const [chat] = await untilThereIs(() => pages(group, 'chat'));
    expect(JSON.parse(chat?.Message ?? '')).toMatchObject({ version: '1.0', source: 'custom' });

    await ledger.order(id, {
      verb: 'approve',
      by: `arn:aws:iam::${SECURITY_ACCOUNT}:root`,
      at: new Date().toISOString(),
    });
    const instructions = [{ do: 'approve', response: id }];
    await lambda.send(
      new InvokeCommand({
        FunctionName: 'firebreak-network',
        Payload: JSON.stringify({ firebreak: 'instructions', instructions }),
      }),
    );
    expect(await noted(told.Id, 'verified')).toMatchObject({ Workflow: { Status: 'NOTIFIED' } });

    const fixed = await ended(told.Id, 'verified');
    await ledger.close(fixed, { outcome: 'unverified', reason: 'it was verified, and is wrong again since' });
    expect(await noted(told.Id, 'unverified')).toMatchObject({ Workflow: { Status: 'NEW' } });
    const woken = await until(async () => {
      const all = await pages(group);
      return all.length > 1 ? all : undefined;
    });
    expect(woken.map(({ MessageAttributes }) => MessageAttributes.outcome?.Value)).toEqual([
      'awaiting-approval',
      'unverified',
    ]);
  });

  test.each(['SUPPRESSED', 'RESOLVED'] as const)('that a person set to %s meanwhile stays so', async (Status) => {
    const told = unhandled();
    await tell(told);
    const { Id, ProductArn } = told;
    const response = await respondTo(told);
    await securityHub.send(
      new BatchUpdateFindingsCommand({ FindingIdentifiers: [{ Id, ProductArn }], Workflow: { Status } }),
    );
    const fixed = await ledger.close(response, { outcome: 'verified' });
    expect(await noted(Id, 'verified')).toMatchObject({ Workflow: { Status } });
    await ledger.close(fixed, { outcome: 'unverified', reason: 'drifted' });
    expect(await noted(Id, 'drifted')).toMatchObject({ Workflow: { Status } });
  });

  test('that Security Hub resolved since stays so when its fix drifts', async () => {
    const told = unhandled();
    await tell(told);
    const response = await respondTo(told);
    const fixed = await ledger.close(response, { outcome: 'verified' });
    await noted(told.Id, 'verified');
    await tell({ ...told, Compliance: { Status: 'PASSED', SecurityControlId: 'RDS.99' } });
    await ledger.close(fixed, { outcome: 'unverified', reason: 'drifted' });
    expect(await noted(told.Id, 'drifted')).toMatchObject({ Workflow: { Status: 'RESOLVED' } });
  });
});

describe('a finding about several resources', () => {
  test('is told once, of all, and not as fixed when one failed', async () => {
    const told = unhandled();
    await tell(told);
    const start = await now();
    const ids = ['a', 'b', 'c'].map((letter) => `snapshots-${letter}${randomUUID().slice(0, 8)}`);
    const correlation = randomUUID();
    const siblings = ids.length;
    const responses = await Promise.all(
      ids.map((id) => respondTo(told, { id, siblings, correlation, target: targetCalled(id, told) })),
    );
    await Promise.all(
      responses.map((response, index) => ledger.close(response, { outcome: index === 1 ? 'failed' : 'verified' })),
    );
    const { Note, Workflow } = await noted(told.Id, '3 responses');
    expect(Note?.Text).toContain('3 responses: 2 verified, 1 failed');
    expect(Workflow).toEqual({ Status: 'NEW' });
    expect(await updatesSince(start)).toBe(1);
    expect(await untilThereIs(() => pages(ids[1] ?? ''))).toHaveLength(1);
  });
});

describe('many shards', () => {
  test('at once lose nothing of one finding, and tell it once', async () => {
    const told = unhandled();
    await tell(told);
    const start = await now();
    const ids = ['snapshots-1', 'snapshots-2', 'snapshots-3'];
    const siblings = ids.length;
    const correlation = randomUUID();
    const at = new Date().toISOString();
    const records = ids.map((id) => {
      const about = { id, siblings, correlation, target: targetCalled(id, told) };
      return recordOf(responseTo(told, { ...about, startedAt: at, finishedAt: at, outcome: 'verified' }));
    });
    // What one has read, another changes before it writes.
    await cloud.doors.setFaults([{ operation: 'PutItem', principal: '*/firebreak-tell/*', latency: 500 }]);
    // Each until it is told, as Lambda does for a shard.
    await Promise.all(
      records.map(async (record) => {
        for (let attempt = 0; attempt < 5 && (await invoke([record])).length > 0; attempt += 1);
      }),
    );
    expect(await noted(told.Id, '3 responses')).toMatchObject({ Workflow: { Status: 'NOTIFIED' } });
    expect(await updatesSince(start)).toBe(1);
  });
});

describe('many findings', () => {
  test('at once take few calls, and none is lost while Security Hub throttles, refuses and breaks', async () => {
    const all = Array.from({ length: 30 }, () => unhandled());
    await tell(...all);
    const responses = await Promise.all(all.map((told) => respondTo(told)));
    await cloud.doors.setFaults([
      {
        operation: 'BatchUpdateFindings',
        times: 1,
        error: { status: 429, code: 'TooManyRequestsException', message: 'slow' },
      },
      {
        operation: 'BatchUpdateFindings',
        skip: 1,
        times: 2,
        error: { status: 403, code: 'AccessDeniedException', message: 'no' },
      },
      { operation: 'BatchUpdateFindings', skip: 3, times: 1, phase: 'after', reset: true },
    ]);
    const start = await now();
    await Promise.all(responses.map((response) => ledger.close(response, { outcome: 'verified' })));
    const states = await allNoted(
      all.map(({ Id }) => Id),
      'verified',
    );
    expect(states).toHaveLength(30);
    expect(new Set(states.map(({ Workflow }) => Workflow?.Status))).toEqual(new Set(['NOTIFIED']));
    expect(await updatesSince(start)).toBeLessThan(16);
    for (const { id } of responses) expect((await untilThereIs(() => events(id))).length).toBe(1);
  });

  test('that are not aggregated are updated in their own Region', async () => {
    const ProductArn = `arn:aws:securityhub:${abroad}::product/aws/securityhub`;
    const told = unhandled({ ProductArn, Region: abroad });
    await cloud.doors.importFindings(SECURITY_ACCOUNT, abroad, [told]);
    await ledger.close(await respondTo(told), { outcome: 'verified' });
    const there = new SecurityHubClient({ ...config, region: abroad });
    expect(await noted(told.Id, 'verified', there)).toMatchObject({ Workflow: { Status: 'NOTIFIED' } });
  });

  test('do not wait for a Security Hub that is not enabled here: it is looked for in its own Region', async () => {
    const ProductArn = `arn:aws:securityhub:${abroad}::product/aws/securityhub`;
    const linked = unhandled({ ProductArn, Region: abroad });
    await cloud.doors.importFindings(SECURITY_ACCOUNT, abroad, [linked]);
    const own = await respondTo(unhandled());
    const taken = await ledger.close(await respondTo(unhandled()), { outcome: 'verified' });
    await untilThereIs(() => events(taken.id));
    await cloud.doors.setFaults([
      {
        operation: ['BatchUpdateFindings', 'GetFindings'],
        region: HOME_REGION,
        principal: '*/firebreak-tell/*',
        error: {
          status: 401,
          code: 'InvalidAccessException',
          message: 'Account is not subscribed to AWS Security Hub',
        },
      },
    ]);
    const fixed = await ledger.close(await respondTo(linked), { outcome: 'verified' });
    await ledger.close(own, { outcome: 'verified' });
    await ledger.close(taken, { outcome: 'unverified', reason: 'drifted' });
    const there = new SecurityHubClient({ ...config, region: abroad });
    expect(await noted(linked.Id, 'verified', there)).toMatchObject({ Workflow: { Status: 'NOTIFIED' } });
    for (const { id } of [fixed, own]) expect(await untilThereIs(() => events(id))).toHaveLength(1);
    const drifted = () => events(taken.id).then((all) => all.filter(({ detail }) => detail.outcome === 'unverified'));
    expect(await untilThereIs(drifted)).toHaveLength(1);
  });

  test('do not wait for one that Security Hub does not know', async () => {
    const response = await respondTo(unhandled());
    await ledger.close(response, { outcome: 'verified' });
    expect(await untilThereIs(() => events(response.id))).toHaveLength(1);
  });
});

describe('people', () => {
  test('get what others wrote without its poison', async () => {
    const title = Object.values(ATTACKS).join(' ');
    const told = unhandled();
    await tell(told);
    const response = await respondTo(told);
    const by = { ...response, finding: { ...response.finding, title } };
    await ledger.close(by, { outcome: 'refused', reason: title });
    const { Note } = await noted(told.Id, 'refused');
    const [page] = await untilThereIs(() => pages(response.id));
    const [chat] = await untilThereIs(() => pages(response.id, 'chat'));
    const [event] = await untilThereIs(() => events(response.id));
    const texts = [Note?.Text, page?.Subject, page?.Message, JSON.parse(chat?.Message ?? '').content.description];
    for (const text of texts) {
      expect(text).not.toMatch(/:\/\/|<[a-z!/?@#]|\]\(/i);
      expect(text?.replaceAll('\n', '')).toMatch(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u);
    }
    expect(event?.detail.finding).toMatchObject({ title: expect.stringMatching(/^[^\p{Cc}\p{Cf}\p{Cs}]+$/u) });
  });

  test('are woken once by a breaker that opens, and programs are told when it closes', async () => {
    const budgets = new DynamoDbBudgets(config, LEDGER_TABLE);
    const kind = { remediation: RDS, account: '777788889999' };
    const breaker = { at: new Date().toISOString(), count: 51, limit: 50, why: `a test: ${randomUUID()}` };
    await budgets.open(kind, breaker);
    await budgets.open(kind, { ...breaker, count: 52 });
    const [page] = await untilThereIs(() => pages(breaker.why));
    expect(page?.Message).toContain(`firebreak breaker close ${RDS} --account 777788889999`);
    await budgets.close(kind, 'arn:aws:iam::111122223333:user/ann', new Date());
    const told = await until(async () => {
      const all = (await events('Breaker')).filter(({ detail }) => detail.account === kind.account);
      return all.length > 1 ? all : undefined;
    });
    expect(told.map((event) => event['detail-type'])).toEqual(['Firebreak Breaker Opened', 'Firebreak Breaker Closed']);
    expect(await pages(breaker.why)).toHaveLength(1);
  });

  test('are not woken again by a record that comes twice', async () => {
    const response = await respondTo(unhandled());
    await ledger.close(response, { outcome: 'failed', reason: 'it broke' });
    await untilThereIs(() => pages(response.id));
    const record = (await recordsOf(response.id)).at(-1);
    expect(record?.dynamodb?.NewImage?.outcome?.S).toBe('failed');
    expect(await invoke([record])).toEqual([]);
    expect(await pages(response.id)).toHaveLength(1);
    expect(await pages(response.id, 'chat')).toHaveLength(1);
  });
});

test('the batch comes back from the record on that could not be told', async () => {
  const told = unhandled();
  await tell(told);
  const at = new Date().toISOString();
  const ended = { startedAt: at, finishedAt: at };
  const records = (['compliant', 'failed', 'compliant'] as const).map((outcome) =>
    recordOf(responseTo(told, { ...ended, outcome })),
  );
  await cloud.doors.setFaults([{ operation: 'Publish', principal: '*/firebreak-tell/*', deny: true }]);
  expect(await invoke(records)).toEqual([{ itemIdentifier: records[1]?.dynamodb.SequenceNumber }]);
});

test('no event is told twice when a batch of them fails', async () => {
  const told = unhandled();
  const at = new Date().toISOString();
  const responses = Array.from({ length: 25 }, () =>
    responseTo(told, { startedAt: at, finishedAt: at, outcome: 'compliant' }),
  );
  const records = responses.map(recordOf);
  const error = { status: 400, code: 'ValidationException', message: 'no' };
  await cloud.doors.setFaults([{ operation: 'PutEvents', principal: '*/firebreak-tell/*', skip: 1, times: 1, error }]);
  expect(await invoke(records)).toEqual([{ itemIdentifier: records[10]?.dynamodb.SequenceNumber }]);
  expect(await invoke(records.slice(10))).toEqual([]);
  await untilThereIs(() => events(responses.at(-1)?.id ?? 'no response'));
  const heard = (await events(told.Id)).map(({ detail }) => detail.id);
  expect(heard.sort()).toEqual(responses.map(({ id }) => id).sort());
});

test('a record that cannot be read is put where people look, at once, and holds nobody up', async () => {
  const told = unhandled();
  await tell(told);
  const at = new Date().toISOString();
  const good = responseTo(told, { startedAt: at, finishedAt: at, outcome: 'verified' });
  const { dynamodb, ...rest } = recordOf(responseTo(told));
  const broken = { ...rest, dynamodb: { ...dynamodb, NewImage: { outcome: { S: 'failed' } } } };
  await cloud.doors.setFaults([{ operation: 'SendMessage', principal: '*/firebreak-tell/*', times: 1, deny: true }]);
  expect(await invoke([broken, recordOf(good)])).toEqual([{ itemIdentifier: dynamodb.SequenceNumber }]);
  expect(await invoke([broken, recordOf(good)])).toEqual([]);
  expect(await untilThereIs(() => events(good.id))).toHaveLength(1);
  const sqs = new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'firebreak-tell-dead-letters' }));
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
  );
  expect(Messages).toHaveLength(1);
  const [{ Body = '', MessageAttributes, ReceiptHandle } = {}] = Messages;
  expect(JSON.parse(Body)).toEqual({ keys: dynamodb.Keys, sequenceNumber: dynamodb.SequenceNumber });
  expect(MessageAttributes?.reason?.StringValue).toMatch(/./);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
});

test('no rule of ours takes our own event for a finding', async () => {
  const rules = JSON.parse(readFileSync('events/rules.json', 'utf8')).Resources as Record<
    string,
    { Properties: { EventPattern: object } }
  >;
  const patterns = Object.values(rules).map(({ Properties }) => JSON.stringify(Properties.EventPattern));
  const own = await untilThereIs(() => events('Firebreak'));
  expect(await cloud.doors.match(patterns, own)).toEqual(own.map(() => false));
});

/** The header's records in the ledger's stream, as Lambda hands them over. */
async function recordsOf(id: string): Promise<DynamoDBRecord[]> {
  const { Table } = await new DynamoDBClient(config).send(new DescribeTableCommand({ TableName: LEDGER_TABLE }));
  const StreamArn = Table?.LatestStreamArn ?? '';
  const streams = new DynamoDBStreamsClient(config);
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
  let { ShardIterator: iterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
  );
  const found: DynamoDBRecord[] = [];
  for (;;) {
    const { Records = [], NextShardIterator } = await streams.send(new GetRecordsCommand({ ShardIterator: iterator }));
    if (Records.length === 0) return found;
    const headers = Records.map((record) => lambdaRecord(record, StreamArn)).filter(
      ({ dynamodb }) => dynamodb?.Keys?.sk?.S === 'HEADER' && dynamodb.Keys.pk?.S?.endsWith(id),
    );
    found.push(...headers);
    iterator = NextShardIterator;
  }
}
