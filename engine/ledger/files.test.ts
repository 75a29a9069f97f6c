import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Finding } from '../findings/finding.ts';
import type { Plan } from '../remediation.ts';
import { OUTCOMES, type Response } from '../response.ts';
import type { Json } from '../state.ts';
import { FileLedger } from './files.ts';

const LONG_AGO = new Date(0);
const NOW = new Date('2026-11-23T12:00:00.000Z');
const IDS = ['snapshots-aaaaaaaaaa', 'snapshots-bbbbbbbbbb', 'storage-cccccccccc'];

const finding: Finding = {
  source: 'operator',
  type: 'run',
  id: 'f-1',
  title: 'a run',
  severity: 'INFORMATIONAL',
  score: 0,
  account: '444455556666',
  region: 'eu-west-1',
  partition: 'aws',
  resources: [],
  updatedAt: NOW.toISOString(),
  status: 'active',
  sample: false,
  requested: true,
  envelope: {
    id: 'e-1',
    source: 'firebreak',
    detailType: 'run',
    account: '444455556666',
    region: 'eu-west-1',
    time: '',
  },
};

const header = (id: string, startedAt = NOW.toISOString()): Response => ({
  id,
  remediation: 'snapshots.privatize-rds-snapshot',
  target: {
    type: 'AWS::RDS::DBSnapshot',
    id: 'daily',
    arn: 'arn:aws:rds:eu-west-1:444455556666:snapshot:daily',
    account: '444455556666',
    region: 'eu-west-1',
    partition: 'aws',
  },
  correlation: 'c-1',
  finding: { source: 'operator', type: 'run', id: 'f-1', severity: 'INFORMATIONAL', title: 'a run' },
  startedAt,
});

const planOf = (before: Json): Plan => ({ before: { sharedWith: before }, after: { sharedWith: [] }, facts: {} });

let root = '';
const ledger = () => new FileLedger(root, () => NOW);

beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'firebreak-ledger-')), 'responses');
});
afterEach(() => rmSync(join(root, '..'), { recursive: true, force: true }));

describe('the ledger in files', () => {
  const [id = ''] = IDS;

  test('has nothing before the first response', async () => {
    expect(await ledger().get(id)).toBeUndefined();
    expect(await ledger().list({ since: LONG_AGO, limit: 10 })).toEqual([]);
  });

  test('goes on with a response that was started before', async () => {
    expect(await ledger().open(header(id), finding)).toEqual({ response: header(id), resumed: false });
    const later = { ...header(id), startedAt: '2026-11-24T00:00:00.000Z' };
    expect(await ledger().open(later, { ...finding, title: 'another' })).toEqual({
      response: header(id),
      resumed: true,
    });
    expect(await ledger().get(id)).toEqual({ response: header(id), finding, orders: [], timeline: [] });
  });

  test('never replaces a plan', async () => {
    await ledger().open(header(id), finding);
    expect(await ledger().plan(id, planOf(['all']))).toEqual(planOf(['all']));
    expect(await ledger().plan(id, planOf([]))).toEqual(planOf(['all']));
    expect((await ledger().get(id))?.plan).toEqual(planOf(['all']));
  });

  test('lets one of many plans win, and tells all of them which', async () => {
    await ledger().open(header(id), finding);
    const told = await Promise.all(Array.from({ length: 20 }, (_, n) => ledger().plan(id, planOf(n))));
    expect(new Set(told.map((plan) => JSON.stringify(plan))).size).toBe(1);
    expect((await ledger().get(id))?.plan).toEqual(told[0]);
  });

  test('lets one of many openings win', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => ledger().open(header(id), finding)));
    expect(opened.filter(({ resumed }) => !resumed)).toHaveLength(1);
  });

  test('takes no harm from what a crash left behind', async () => {
    await ledger().open(header(id), finding);
    await ledger().append(id, 'applying', 1);
    appendFileSync(join(root, id, 'timeline.ndjson'), '\n{"at":"2026-11-23T12:0');
    writeFileSync(join(root, id, 'plan.json.4d2f'), '{"before":{"sha');
    writeFileSync(join(root, id, 'header.json.4d2f'), '{');
    mkdirSync(join(root, '.snapshots-bbbbbbbbbb.4d2f'));
    await ledger().append(id, 'read back', 2);
    await ledger().plan(id, planOf(['all']));
    const record = await ledger().get(id);
    expect(record?.timeline.map(({ event }) => event)).toEqual(['applying', 'read back']);
    expect(record?.plan).toEqual(planOf(['all']));
    expect(await ledger().list({ since: LONG_AGO, limit: 10 })).toEqual([header(id)]);
  });

  test('says which file is damaged', async () => {
    await ledger().open(header(id), finding);
    writeFileSync(join(root, id, 'plan.json'), '{"before"');
    await expect(ledger().get(id)).rejects.toThrow(/plan\.json is damaged/);
  });

  test('lists the newest first, no more than asked for, since then, of that outcome and finding', async () => {
    const starts = ['2026-11-21T00:00:00.000Z', '2026-11-23T00:00:00.000Z', '2026-11-22T00:00:00.000Z'];
    for (const [index, start] of starts.entries()) await ledger().open(header(IDS[index] ?? '', start), finding);
    const ids = async (options: Partial<Parameters<FileLedger['list']>[0]>) =>
      (await ledger().list({ since: LONG_AGO, limit: 10, ...options })).map((response) => response.id);
    expect(await ids({})).toEqual([IDS[1], IDS[2], IDS[0]]);
    expect(await ids({ limit: 1 })).toEqual([IDS[1]]);
    expect(await ids({ since: new Date('2026-11-22T00:00:00.000Z') })).toEqual([IDS[1], IDS[2]]);
    await ledger().close(header(IDS[2] ?? '', starts[2]), { outcome: 'failed', reason: 'AccessDenied' });
    expect(await ids({ outcome: 'failed' })).toEqual([IDS[2]]);
    expect(await ids({ outcome: 'verified' })).toEqual([]);
    const other = header('snapshots-cccccccccc', starts[0]);
    await ledger().open({ ...other, finding: { ...other.finding, id: 'another' } }, finding);
    expect(await ids({ finding: 'another', limit: 1 })).toEqual([other.id]);
    expect(await ids({ finding: 'another', outcome: 'failed' })).toEqual([]);
  });

  test('is for its owner alone', async () => {
    await ledger().open(header(id), finding);
    await ledger().plan(id, planOf(['all']));
    await ledger().append(id, 'applying', 1);
    await ledger().close(header(id), { outcome: 'verified' });
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(root)).toBe(0o700);
    expect(mode(join(root, id))).toBe(0o700);
    const files = readdirSync(join(root, id)).sort();
    expect(files).toEqual(['finding.json', 'header.json', 'plan.json', 'timeline.ndjson']);
    for (const file of files) expect(mode(join(root, id, file))).toBe(0o600);
  });

  test.each(['../../etc', 'snapshots-aaaaaaaaaa/..', '', 'snapshots-AAAAAAAAAA', '.'])(
    'takes %j for no id',
    async (bad) => {
      await expect(ledger().get(bad)).rejects.toThrow(/is not the id of a response/);
      await expect(ledger().open(header(bad), finding)).rejects.toThrow(/is not the id of a response/);
    },
  );

  test('holds on to what it was told, whoever asks next', async () => {
    const anId = fc.constantFrom(...IDS);
    const step = fc.oneof(
      fc.record({ do: fc.constant('open' as const), id: anId, at: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ do: fc.constant('plan' as const), id: anId, value: fc.jsonValue() }),
      fc.record({ do: fc.constant('append' as const), id: anId, value: fc.jsonValue() }),
      fc.record({ do: fc.constant('close' as const), id: anId, outcome: fc.constantFrom(...OUTCOMES) }),
      fc.record({ do: fc.constant('restart' as const), id: anId }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        rmSync(root, { recursive: true, force: true });
        let files = ledger();
        const model = new Map<string, { response: Response; plan?: Plan; timeline: Json[] }>();
        for (const next of steps) {
          const known = model.get(next.id);
          if (next.do === 'restart') files = ledger();
          else if (next.do === 'open') {
            const wanted = header(next.id, `2026-11-2${next.at}T00:00:00.000Z`);
            const opened = await files.open(wanted, finding);
            expect(opened).toEqual({ response: known?.response ?? wanted, resumed: known !== undefined });
            if (!known) model.set(next.id, { response: wanted, timeline: [] });
          } else if (!known) continue;
          else if (next.do === 'plan') {
            const stored = JSON.parse(JSON.stringify(planOf(next.value as Json))) as Plan;
            known.plan ??= stored;
            expect(await files.plan(next.id, stored)).toEqual(known.plan);
          } else if (next.do === 'append') {
            const stored = JSON.parse(JSON.stringify(next.value)) as Json;
            known.timeline.push(stored);
            await files.append(next.id, 'looked', stored);
          } else {
            known.response = await files.close(known.response, { outcome: next.outcome, reason: next.outcome });
            expect(known.response).toMatchObject({ outcome: next.outcome, finishedAt: NOW.toISOString() });
          }
        }
        for (const id of IDS) {
          const known = model.get(id);
          const record = await files.get(id);
          expect(record?.response).toEqual(known?.response);
          expect(record?.plan).toEqual(known?.plan);
          expect(record?.timeline.map(({ detail }) => detail)).toEqual(known?.timeline);
        }
        const listed = await files.list({ since: LONG_AGO, limit: 10 });
        expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(model.keys()));
        const starts = listed.map(({ startedAt }) => startedAt);
        expect(starts).toEqual([...starts].sort().reverse());
      }),
      { numRuns: 60 },
    );
  });

  test('writes what people can read', async () => {
    await ledger().open(header(id), finding);
    expect(readFileSync(join(root, id, 'header.json'), 'utf8')).toContain(
      '\n  "remediation": "snapshots.privatize-rds-snapshot"',
    );
  });
});
