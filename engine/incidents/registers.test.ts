import { randomUUID } from 'node:crypto';
import { DeleteOpsItemCommand, UpdateOpsItemCommand } from '@aws-sdk/client-ssm';
import { DeleteIncidentRecordCommand, UpdateIncidentRecordCommand } from '@aws-sdk/client-ssm-incidents';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { Registers } from '../../local/registers.ts';
import { createResponsePlan } from '../../local/response-plan.ts';
import { sessionConfig } from '../aws/session.ts';
import { ATTACKS } from '../notify/attacks.ts';
import type { Entry, Incident, IncidentRecord, Register } from './incident.ts';
import { OpsCenter } from './ops-center.ts';
import { SsmIncidents } from './ssm-incidents.ts';

const cloud = sharedCloud();
const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
const registers = new Registers(config);
const { ssm, incidentManager: incidents } = registers;
const opsCenter = new OpsCenter(config, () => ['Firebreak-CloseBucket']);
let plan = '';
let incidentManager: SsmIncidents;
beforeAll(async () => {
  plan = await createResponsePlan(config, `plan-${randomUUID().slice(0, 8)}`);
  incidentManager = new SsmIncidents(config, plan);
});
afterEach(() => cloud.doors.setFaults([]));

const START = Date.parse('2026-11-26T03:12:00.000Z');
const minute = (count: number): string => new Date(START + count * 60_000).toISOString();
const BUCKET = 'arn:aws:s3:::orders';
const opened: Entry = { at: minute(0), by: 'firebreak', what: 'opened', detail: 'it was not fixed' };
const failed: Entry = {
  at: minute(1),
  by: 'firebreak',
  what: 'response',
  detail: `Block public access, ${BUCKET}: denied`,
  response: 'storage-h7kq2m9xwa',
  outcome: 'failed',
};
const note: Entry = { at: minute(2), by: 'arn:aws:iam::111122223333:user/ann', what: 'note', detail: 'I look at it' };
const graver: Entry = { at: minute(3), by: 'firebreak', what: 'severity', detail: 'CRITICAL: so is what was joined' };
const contained: Entry = { at: minute(4), by: 'firebreak', what: 'state', detail: 'contained: all is good' };
const resolved: Entry = { at: minute(5), by: note.by, what: 'state', detail: 'resolved: the key is gone' };

const newId = (): string => `inc-${randomUUID().replaceAll('-', '').slice(0, 10)}`;
const recordOf = (id: string, timeline: readonly Entry[], more: Partial<Incident> = {}): IncidentRecord => ({
  incident: {
    id,
    title: 'A bucket is public',
    severity: 'HIGH',
    state: 'open',
    account: '444455556666',
    region: HOME_REGION,
    subjects: [BUCKET],
    playbooks: ['exposed-bucket'],
    openedAt: minute(0),
    changedAt: timeline.at(-1)?.at ?? minute(0),
    ...more,
  },
  timeline,
});

/** A call that fails once, before or after it took place. */
const failOnce = (operation: string, phase: 'before' | 'after', skip = 0) =>
  cloud.doors.setFaults([
    {
      operation,
      // Of this test: the deployed registers make the same calls.
      principal: 'root',
      phase,
      skip,
      times: 1,
      error: { status: 400, code: 'SomethingException', message: 'not now' },
    },
  ]);

/** Tells until it is told: a try that failed says what it made, and that all is still to be told there, or nothing. */
async function insist(register: Register, record: IncidentRecord) {
  const made = await register.tell(record, undefined).catch((error: unknown) => {
    expect(String(error)).toContain('not now');
    return undefined;
  });
  expect(made?.told ?? 0).toBe(0);
  // Also who does not hear of that, for the process died, comes to one incident.
  await register.tell(record, undefined);
  return register.tell(record, made);
}

describe('an OpsItem', () => {
  test('says what an analyst needs, and leads to the runbooks', async () => {
    const id = newId();
    const { reference, told } = await opsCenter.tell(recordOf(id, [opened, failed]), undefined);
    expect(told).toBe(2);
    const { OperationalData: data = {}, ...item } = await registers.opsItem(reference);
    expect(item).toMatchObject({
      Title: `${id}: A bucket is public`,
      Source: 'Firebreak',
      Category: 'Security',
      Severity: '2',
      Priority: 2,
      Status: 'Open',
    });
    expect(item.Description).toContain(`Block public access, ${BUCKET}: denied`);
    expect(item.Description).toContain(`firebreak incident show ${id}`);
    expect(JSON.parse(data['/aws/dedup']?.Value ?? '')).toEqual({ dedupString: id });
    expect(JSON.parse(data['/aws/resources']?.Value ?? '')).toEqual([{ arn: BUCKET }]);
    expect(JSON.parse(data['/aws/automations']?.Value ?? '')).toEqual([
      { automationType: 'AWS:SSM:Automation', automationId: 'Firebreak-CloseBucket' },
    ]);
    expect(data['firebreak/timeline']?.Value?.split('\n')).toHaveLength(2);
  });

  test('follows the record: what was added, how bad it is, how it stands', async () => {
    const id = newId();
    let known = await opsCenter.tell(recordOf(id, [opened]), undefined);
    const more = recordOf(id, [opened, failed, note, graver, contained], { severity: 'CRITICAL', state: 'contained' });
    known = await opsCenter.tell(more, known);
    expect(known.told).toBe(5);
    const item = await registers.opsItem(known.reference);
    expect(item).toMatchObject({ Severity: '1', Priority: 1, Status: 'InProgress' });
    expect(item.OperationalData?.['firebreak/timeline']?.Value).toContain('note: I look at it');
    await opsCenter.tell(recordOf(id, [...more.timeline, resolved], { state: 'resolved' }), known);
    expect((await registers.opsItem(known.reference)).Status).toBe('Resolved');
    expect(await registers.opsItems(id)).toHaveLength(1);
  });

  test('keeps the status that a person gave it until ours changes', async () => {
    const id = newId();
    const known = await opsCenter.tell(recordOf(id, [opened]), undefined);
    await ssm.send(new UpdateOpsItemCommand({ OpsItemId: known.reference, Status: 'InProgress' }));
    const next = await opsCenter.tell(recordOf(id, [opened, failed]), known);
    expect((await registers.opsItem(known.reference)).Status).toBe('InProgress');
    await opsCenter.tell(recordOf(id, [opened, failed, resolved], { state: 'false-positive' }), next);
    expect((await registers.opsItem(known.reference)).Status).toBe('Resolved');
  });

  test.each([
    ['CreateOpsItem', 'before'],
    ['CreateOpsItem', 'after'],
    ['UpdateOpsItem', 'before'],
    ['UpdateOpsItem', 'after'],
  ] as const)('is one, and right, when %s failed %s it took place', async (operation, phase) => {
    const record = recordOf(newId(), [opened, failed, contained], { state: 'contained' });
    await failOnce(operation, phase);
    const { reference } = await insist(opsCenter, record);
    expect(await registers.opsItems(record.incident.id)).toEqual([expect.objectContaining({ OpsItemId: reference })]);
    expect(await registers.opsItem(reference)).toMatchObject({
      Status: 'InProgress',
      Title: expect.stringContaining('bucket'),
    });
  });

  test('that a person deleted is made again', async () => {
    const id = newId();
    const known = await opsCenter.tell(recordOf(id, [opened]), undefined);
    await ssm.send(new DeleteOpsItemCommand({ OpsItemId: known.reference }));
    const again = await opsCenter.tell(recordOf(id, [opened, failed]), known);
    expect(again.reference).not.toBe(known.reference);
    expect((await registers.opsItem(again.reference)).Description).toContain('denied');
  });

  test('takes the longest of all, and keeps what others wrote from acting', async () => {
    const text = Object.values(ATTACKS).join(' ');
    const subjects = Array.from({ length: 100 }, (_, index) => `${BUCKET}/${'x'.repeat(300)}${index}`);
    const timeline = Array.from({ length: 300 }, (_, index) => ({ ...note, detail: `${index} ${text}`, by: text }));
    const record = recordOf(newId(), [opened, ...timeline], {
      title: text,
      owner: text,
      subjects: [text, ...subjects],
    });
    const { reference, told } = await opsCenter.tell(record, undefined);
    expect(told).toBe(301);
    const { Title = '', Description = '', OperationalData = {} } = await registers.opsItem(reference);
    const lines = OperationalData['firebreak/timeline']?.Value?.split('\n') ?? [];
    expect(lines[0]).toMatch(/^\d+ entries before these: firebreak incident show inc-/);
    expect(lines.at(-1)).toContain('note: 299');
    for (const shown of [Title, Description, ...lines]) expect(shown).not.toMatch(/:\/\/|<[a-z!/?@#]|\]\(/i);
  });
});

describe('an incident of Incident Manager', () => {
  test('has an event for each entry, which refers to what it is about, and the items themselves', async () => {
    const id = newId();
    const { reference, told } = await incidentManager.tell(recordOf(id, [opened, failed, note]), undefined);
    expect(told).toBe(3);
    const record = await registers.incident(reference);
    expect(record).toMatchObject({ title: `${id}: A bucket is public`, impact: 2, status: 'OPEN' });
    expect(record.summary).toContain(`firebreak incident show ${id}`);
    expect(record.incidentRecordSource).toMatchObject({ source: 'firebreak' });
    const related = await registers.related(reference);
    expect(related.map(({ identifier, title }) => [identifier?.type, title])).toEqual([
      ['INVOLVED_RESOURCE', BUCKET],
      ['OTHER', 'firebreak show storage-h7kq2m9xwa'],
    ]);
    const timeline = await registers.timeline(reference);
    expect(timeline.map((event) => event.eventTime?.toISOString())).toEqual([minute(0), minute(1), minute(2)]);
    expect(timeline.map((event) => event.eventType)).toEqual(['Custom Event', 'Custom Event', 'Note']);
    expect(timeline[1]?.eventData).toContain(`response failed: Block public access, ${BUCKET}: denied`);
    expect(timeline.map((event) => event.eventReferences)).toEqual([
      [{ resource: BUCKET }],
      [{ relatedItemId: related[1]?.generatedId }],
      [{ resource: reference }],
    ]);
  });

  test('follows the record, and tells nothing twice', async () => {
    const id = newId();
    let known = await incidentManager.tell(recordOf(id, [opened, failed]), undefined);
    const other = 'arn:aws:iam::444455556666:user/deploy';
    const more = recordOf(id, [opened, failed, graver, contained], { severity: 'CRITICAL', subjects: [BUCKET, other] });
    known = await incidentManager.tell(more, known);
    known = await incidentManager.tell(more, known);
    expect(await registers.incident(known.reference)).toMatchObject({ impact: 1, status: 'OPEN' });
    expect(await registers.timeline(known.reference)).toHaveLength(4);
    expect((await registers.related(known.reference)).map(({ title }) => title)).toContain(other);
    await incidentManager.tell(recordOf(id, [...more.timeline, resolved], { state: 'resolved' }), known);
    expect((await registers.incident(known.reference)).status).toBe('RESOLVED');
    expect(await registers.incidents(id)).toHaveLength(1);
  });

  test('keeps the impact and the status that a person gave it until ours change', async () => {
    const id = newId();
    const known = await incidentManager.tell(recordOf(id, [opened]), undefined);
    await incidents.send(new UpdateIncidentRecordCommand({ arn: known.reference, impact: 5, status: 'RESOLVED' }));
    await incidentManager.tell(recordOf(id, [opened, failed]), known);
    expect(await registers.incident(known.reference)).toMatchObject({ impact: 5, status: 'RESOLVED' });
  });

  test.each([
    ['StartIncident', 'before', 0],
    ['StartIncident', 'after', 0],
    ['ListRelatedItems', 'before', 0],
    ['CreateTimelineEvent', 'before', 1],
    ['CreateTimelineEvent', 'after', 1],
    ['UpdateIncidentRecord', 'before', 0],
    ['UpdateIncidentRecord', 'after', 0],
  ] as const)('is one, with each event once, when %s failed %s it took place', async (operation, phase, skip) => {
    const record = recordOf(newId(), [opened, failed, note]);
    await failOnce(operation, phase, skip);
    const { reference } = await insist(incidentManager, record);
    expect(await registers.incidents(record.incident.id)).toEqual([expect.objectContaining({ arn: reference })]);
    expect(await registers.timeline(reference)).toHaveLength(3);
    expect(await registers.related(reference)).toHaveLength(2);
    expect((await registers.incident(reference)).summary).toContain('I look at it');
  });

  test('is told a long timeline by and by', async () => {
    const timeline = Array.from({ length: 60 }, (_, index) => ({
      ...note,
      at: minute(index),
      detail: `step ${index}`,
    }));
    const record = recordOf(newId(), [opened, ...timeline]);
    const first = await incidentManager.tell(record, undefined);
    expect(first.told).toBe(50);
    const second = await incidentManager.tell(record, first);
    expect(second).toEqual({ reference: first.reference, told: 61 });
    expect(await registers.timeline(first.reference)).toHaveLength(61);
  });

  test('that a person deleted is started again, with all of its timeline', async () => {
    const id = newId();
    const known = await incidentManager.tell(recordOf(id, [opened]), undefined);
    await incidents.send(new DeleteIncidentRecordCommand({ arn: known.reference }));
    const again = await incidentManager.tell(recordOf(id, [opened, failed]), known);
    expect(again.reference).not.toBe(known.reference);
    expect(await registers.timeline(again.reference)).toHaveLength(2);
  });

  test('takes the longest of all, and keeps what others wrote from acting', async () => {
    const text = Object.values(ATTACKS).join(' ');
    const subjects = Array.from({ length: 120 }, (_, index) => `${BUCKET}/${index}`);
    const record = recordOf(newId(), [opened, { ...note, detail: text.repeat(5), by: text }], {
      title: text,
      owner: text,
      subjects: [text, ...subjects],
    });
    const { reference } = await incidentManager.tell(record, undefined);
    const { title, summary } = await registers.incident(reference);
    const events = await registers.timeline(reference);
    const related = await registers.related(reference);
    expect(related.length).toBe(100);
    const texts = [title, summary, ...events.map((event) => event.eventData), ...related.map((item) => item.title)];
    for (const shown of texts) expect(shown).not.toMatch(/:\/\/|<[a-z!/?@#]|\]\(/i);
  });

  test('is not started from a plan that would have all incidents be one, nor without a plan', async () => {
    const one = await createResponsePlan(config, `one-${randomUUID().slice(0, 8)}`, { dedupeString: 'firebreak' });
    const record = recordOf(newId(), [opened]);
    await expect(new SsmIncidents(config, one).tell(record, undefined)).rejects.toThrow('deduplication string');
    await expect(new SsmIncidents(config, undefined).tell(record, undefined)).rejects.toThrow('responsePlan');
    expect(await registers.incidents(record.incident.id)).toEqual([]);
  });
});
