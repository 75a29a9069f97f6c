import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { sessionConfig } from '../../engine/aws/session.ts';
import type { Incident } from '../../engine/incidents/incident.ts';
import { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { startCloud } from '../../local/cloud.ts';
import {
  HOME_REGION,
  INCIDENTS_TABLE,
  LEDGER_TABLE,
  MEMBER_ACCOUNTS,
  ROOT,
  SECURITY_ACCOUNT,
} from '../../local/connection.ts';
import { allow, createGroup, createNetwork, fromAnywhere } from '../../local/exposures/network.ts';
import { deployedIncidents, untilIncident } from '../../local/incidents.ts';
import { Registers } from '../../local/registers.ts';

const started = await startCloud({ registers: ['opscenter', 'incident-manager'], complain: () => undefined });
afterAll(() => started.stop());
const cloud = started.connection;
const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
const db = new DynamoDBClient(config);
const lambda = new LambdaClient(config);
const incidents = deployedIncidents(cloud);
const ledger = new DynamoDbLedger(config, LEDGER_TABLE);
const registers = new Registers(config);
afterEach(() => cloud.doors.setFaults([]));

const ANN = `arn:aws:iam::${SECURITY_ACCOUNT}:user/ann`;
const OWN = '*/firebreak-registers/*';

/** Opens an incident as a person does, about a bucket of its own. */
const open = (): Promise<Incident> =>
  incidents.open(
    ANN,
    {
      title: 'A bucket is public',
      severity: 'HIGH',
      account: '444455556666',
      region: HOME_REGION,
      subjects: [`arn:aws:s3:::orders-${randomUUID().slice(0, 8)}`],
      playbooks: ['exposed-bucket'],
    },
    { joinHours: 24 },
  );

/** Waits until something is as it should be. */
async function until(look: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + 15_000; ; await sleep(100)) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

/** Waits until a register of an incident is up to date with so many entries. */
const upToDate = (id: string, register: string, entries: number): Promise<void> =>
  until(async () => {
    const item = await registration(id, register);
    expect(item).toMatchObject({ told: { N: String(entries) } });
    expect(item).not.toHaveProperty('behind');
  });

/** Waits until it is kept that a register is behind with an incident. */
const isBehind = (id: string, register: string): Promise<void> =>
  until(async () => expect(await registration(id, register)).toHaveProperty('behind'));

async function registration(id: string, register: string) {
  const Key = { pk: { S: `incident#${id}` }, sk: { S: `REGISTER#${register}` } };
  return (await db.send(new GetItemCommand({ TableName: INCIDENTS_TABLE, Key, ConsistentRead: true }))).Item ?? {};
}

async function invoke(payload: object): Promise<unknown> {
  const { Payload, FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: 'firebreak-registers', Payload: JSON.stringify(payload) }),
  );
  const answer: unknown = JSON.parse(new TextDecoder().decode(Payload));
  if (FunctionError) throw new Error(JSON.stringify(answer));
  return answer;
}
const catchUp = async () => (await invoke({ do: 'catch-up' })) as Readonly<Record<string, number>>;

/** Approves the plan of a response, as functions/approve does. */
async function approve(response: string): Promise<void> {
  await ledger.order(response, { verb: 'approve', by: ANN, at: new Date().toISOString() });
  const instructions = [{ do: 'approve', response }];
  await lambda.send(
    new InvokeCommand({
      FunctionName: 'firebreak-network',
      Payload: JSON.stringify({ firebreak: 'instructions', instructions }),
    }),
  );
}

const recordOf = (id: string, sequence: string) => ({
  eventName: 'MODIFY',
  dynamodb: { Keys: { pk: { S: `incident#${id}` }, sk: { S: 'HEADER' } }, SequenceNumber: sequence },
});

describe('a finding that needs a person', () => {
  test('is an incident in our record, in OpsCenter and in Incident Manager, with one timeline from first to last', async () => {
    const [member] = MEMBER_ACCOUNTS;
    const account = await cloud.account(member, HOME_REGION);
    const group = await createGroup(account, await createNetwork(account), `registers-${randomUUID().slice(0, 8)}`);
    await allow(account, group, [fromAnywhere('tcp', 22, 22)]);
    const sample = readFileSync('events/samples/securityhub/security-group-open-ssh.json', 'utf8');
    const [finding] = JSON.parse(sample.replaceAll('sg-0c4e1a97b25d8f360', group)).detail.findings;
    const told = { ...finding, Id: `${finding.Id}-${randomUUID()}`, UpdatedAt: new Date().toISOString() };
    await cloud.doors.importFindings(SECURITY_ACCOUNT, HOME_REGION, [told]);

    const arn = `arn:aws:ec2:${HOME_REGION}:${member}:security-group/${group}`;
    const { id } = await untilIncident(arn, incidents);
    const entries = (await incidents.get(id))?.timeline ?? [];
    const response = entries.find(({ outcome }) => outcome === 'awaiting-approval')?.response ?? '';
    await upToDate(id, 'opscenter', entries.length);
    await upToDate(id, 'incident-manager', entries.length);
    const [item] = await registers.opsItems(id);
    expect(item).toMatchObject({ Status: 'Open', Title: expect.stringContaining(id), Source: 'Firebreak' });
    expect(item?.Description).toContain('awaiting-approval: Close ports that a security group opens');
    expect(item?.OperationalData?.['/aws/resources']?.Value).toContain(group);

    await approve(response);
    await untilIncident(arn, incidents, ({ state }) => state === 'contained');
    const record = await incidents.get(id);
    const all = record?.timeline ?? [];
    await upToDate(id, 'opscenter', all.length);
    await upToDate(id, 'incident-manager', all.length);
    expect((await registers.opsItem(item?.OpsItemId)).Status).toBe('InProgress');
    const [incident, ...others] = await registers.incidents(id);
    expect(others).toEqual([]);
    const events = await registers.timeline(incident?.arn);
    expect(events.map(({ eventTime }) => eventTime?.toISOString())).toEqual(all.map(({ at }) => at));
    expect(events.at(-1)?.eventData).toContain('state: contained');
    expect((await registers.related(incident?.arn ?? '')).map((each) => each.title)).toEqual([
      ...(record?.incident.subjects ?? []),
      `firebreak show ${response}`,
    ]);
  });
});

describe('an incident', () => {
  test('is an OpsItem and an incident of Incident Manager, and they follow what people say', async () => {
    const { id } = await open();
    await incidents.say(id, ANN, { what: 'note', detail: 'I look at it' });
    await incidents.say(id, ANN, { what: 'state', state: 'resolved', reason: 'a drill' });
    await upToDate(id, 'opscenter', 3);
    await upToDate(id, 'incident-manager', 3);
    const [item, ...otherItems] = await registers.opsItems(id);
    expect(otherItems).toEqual([]);
    expect(item).toMatchObject({ Title: `${id}: A bucket is public`, Severity: '2', Status: 'Resolved' });
    const timeline = item?.OperationalData?.['firebreak/timeline']?.Value?.split('\n');
    expect(timeline?.map((line) => line.slice(25))).toEqual([
      `${ANN} opened: A bucket is public`,
      `${ANN} note: I look at it`,
      `${ANN} state: resolved: a drill`,
    ]);
    const [incident, ...otherIncidents] = await registers.incidents(id);
    expect(otherIncidents).toEqual([]);
    expect(incident).toMatchObject({ impact: 2, status: 'RESOLVED' });
    const events = await registers.timeline(incident?.arn);
    expect(events.map(({ eventData }) => eventData)).toEqual(timeline);
  });

  test('is told once, however often a change comes', async () => {
    const { id } = await open();
    await upToDate(id, 'incident-manager', 1);
    const answers = await Promise.all(
      ['1', '2', '3'].map((sequence) => invoke({ Records: [recordOf(id, sequence), recordOf(id, `${sequence}0`)] })),
    );
    expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }, { batchItemFailures: [] }]);
    const [incident, ...others] = await registers.incidents(id);
    expect(others).toEqual([]);
    expect(await registers.timeline(incident?.arn)).toHaveLength(1);
    expect(await registers.opsItems(id)).toHaveLength(1);
  });
});

describe('a register that fails', () => {
  test('stops neither the other one nor the next incident, is kept as behind, and is caught up', async () => {
    const error = { status: 400, code: 'OpsItemLimitExceededException', message: 'there are too many' };
    await cloud.doors.setFaults([{ operation: 'CreateOpsItem', principal: OWN, error }]);
    const { id } = await open();
    await upToDate(id, 'incident-manager', 1);
    await isBehind(id, 'opscenter');
    await cloud.doors.setFaults([]);
    const next = await open();
    await upToDate(next.id, 'opscenter', 1);
    expect(await registers.opsItems(id)).toEqual([]);
    expect(await registration(id, 'opscenter')).toMatchObject({
      behind: { S: 'opscenter' },
      since: { S: expect.stringMatching(/Z$/) },
      error: { S: expect.stringContaining('there are too many') },
    });
    await catchUp();
    await upToDate(id, 'opscenter', 1);
    expect(await registers.opsItems(id)).toHaveLength(1);
  });

  test('is behind until it answers again, and remembers since when', async () => {
    const { id } = await open();
    await upToDate(id, 'incident-manager', 1);
    const error = { status: 403, code: 'AccessDeniedException', message: 'not any more' };
    await cloud.doors.setFaults([{ service: 'ssm-incidents', principal: OWN, error }]);
    await incidents.say(id, ANN, { what: 'note', detail: 'I look at it' });
    await upToDate(id, 'opscenter', 2);
    await isBehind(id, 'incident-manager');
    const before = await registration(id, 'incident-manager');
    expect(before).toMatchObject({ told: { N: '1' } });
    const { 'incident-manager': behind } = await catchUp();
    expect(behind).toBeGreaterThan(0);
    expect((await registration(id, 'incident-manager')).since).toEqual(before.since);
    await cloud.doors.setFaults([]);
    await catchUp();
    await upToDate(id, 'incident-manager', 2);
  });

  test('is left alone for now when it does not answer, and nothing is lost', async () => {
    const start = (await cloud.doors.calls()).at(-1)?.sequence ?? 0;
    const error = { status: 409, code: 'OperationAborted', message: 'not now' };
    await cloud.doors.setFaults([{ operation: 'CreateOpsItem', principal: OWN, error }]);
    const opened = await Promise.all([open(), open(), open(), open()]);
    for (const { id } of opened) await isBehind(id, 'opscenter');
    const records = opened.map(({ id }, index) => recordOf(id, String(index)));
    expect(await invoke({ Records: records })).toEqual({ batchItemFailures: [] });
    for (const { id } of opened) {
      await isBehind(id, 'opscenter');
      await upToDate(id, 'incident-manager', 1);
    }
    expect((await registration(opened[3]?.id ?? '', 'opscenter')).error?.S).toContain('left for the catch-up');
    const tries = (await cloud.doors.calls(start)).filter(({ operation }) => operation === 'CreateOpsItem');
    expect(tries.length).toBeGreaterThan(0);
    await cloud.doors.setFaults([]);
    await catchUp();
    for (const { id } of opened) expect(await registers.opsItems(id)).toHaveLength(1);
  }, 60_000);
});

test('what cannot be remembered comes back, and is told then', async () => {
  const { id } = await open();
  await upToDate(id, 'opscenter', 1);
  await cloud.doors.setFaults([{ operation: 'UpdateItem', principal: OWN, deny: true }]);
  expect(await invoke({ Records: [recordOf('inc-aaaaaaaaaa', '1'), recordOf(id, '2')] })).toEqual({
    batchItemFailures: [{ itemIdentifier: '1' }],
  });
  await cloud.doors.setFaults([]);
  expect(await invoke({ Records: [recordOf(id, '2')] })).toEqual({ batchItemFailures: [] });
  await upToDate(id, 'opscenter', 1);
});

test('an incident that the record does not have is no reason to hold others up', async () => {
  expect(await invoke({ Records: [recordOf('inc-0000000000', '1')] })).toEqual({ batchItemFailures: [] });
  expect((await registration('inc-0000000000', 'opscenter')).error?.S).toContain('there is no incident');
});

test('nobody is taken for the schedule by something else', async () => {
  await expect(invoke({ do: 'away' })).rejects.toThrow('catch-up');
});
