import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sessionConfig } from '../engine/aws/session.ts';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import { newRunId } from './kinds/kind.ts';
import type { Run } from './run.ts';
import { Busy, RunStore, Superseded } from './store.ts';

const environment = { ...process.env };
let store: RunStore;
beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
  store = new RunStore(sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), 'firebreak-simulations');
});
afterAll(() => {
  process.env = environment;
});

let accounts = 200_000_000_000;
/** A run in an account that no other run here has. */
function runIn(account = String(accounts++), startedAt = new Date().toISOString()): Run {
  return {
    id: newRunId(),
    scenario: `test.${account}`,
    fidelity: 'handler-replay',
    place: { partition: 'aws', account, region: HOME_REGION },
    partner: '333344445555',
    parameters: {},
    launch: 'on-demand',
    startedAt,
    expiresAt: new Date(Date.now() + 600_000).toISOString(),
    status: 'warming-up',
    watchSeconds: 60,
  };
}

test('an account has one run at a time, until that is clean', async () => {
  const first = runIn();
  await store.start(first);
  expect(await store.open()).toContain(first.id);
  const second = runIn(first.place.account);
  await expect(store.start(second)).rejects.toThrow(new Busy(`run ${first.id} has account ${first.place.account}`));
  expect(await store.get(second.id)).toBeUndefined();

  await store.finish(await store.takeOver(first.id), { ...first, status: 'clean' });
  expect(await store.open()).not.toContain(first.id);
  await store.start(second);
  expect((await store.get(second.id))?.run).toEqual(second);
});

test('a process that lost the run neither changes it nor writes down what it would make', async () => {
  const run = runIn();
  await store.start(run);
  const [former, latter] = [await store.takeOver(run.id), await store.takeOver(run.id)];
  const intent = { type: 'AWS::S3::Bucket', what: 'a bucket', at: run.startedAt };
  await expect(store.update(former, { ...run, status: 'watching' })).rejects.toThrow(Superseded);
  await expect(store.intend(former, 1, intent)).rejects.toThrow(Superseded);
  await expect(store.finish(former, { ...run, status: 'clean' })).rejects.toThrow(Superseded);
  expect(await store.journal(run.id)).toEqual([]);
  await store.intend(latter, 1, intent);
  await store.intend(latter, 2, { ...intent, what: 'an object' });
  expect((await store.journal(run.id)).map(({ what }) => what)).toEqual(['a bucket', 'an object']);
});

test('only the process that has a run says that it works on it', async () => {
  const run = runIn();
  await store.start(run);
  expect((await store.get(run.id))?.beat).toBeUndefined();
  const [former, latter] = [await store.takeOver(run.id), await store.takeOver(run.id)];
  await expect(store.keepAlive(former)).rejects.toThrow(Superseded);
  const taken = (await store.get(run.id))?.beat;
  await store.keepAlive(latter);
  expect(Date.parse((await store.get(run.id))?.beat ?? '')).toBeGreaterThanOrEqual(Date.parse(taken ?? ''));
  expect((await store.get(run.id))?.run).toEqual(run);
});

test('a run is clean and its account is free at once, or neither', async () => {
  const run = runIn();
  await store.start(run);
  const held = await store.takeOver(run.id);
  await store.takeOver(run.id);
  await expect(store.finish(held, { ...run, status: 'clean' })).rejects.toThrow(Superseded);
  expect((await store.get(run.id))?.run.status).toBe('warming-up');
  expect(await store.open()).toContain(run.id);
  await expect(store.start(runIn(run.place.account))).rejects.toThrow(Busy);
});

test('the first reason to end a run stays, and whoever works on it hears of it', async () => {
  const run = runIn();
  await store.start(run);
  const held = await store.takeOver(run.id);
  await store.abort(run.id, 'the wrong account');
  await store.abort(run.id, 'never mind');
  expect((await store.update(held, run)).abort).toBe('the wrong account');
});

test('a moment is recorded once for its key, and told in the order of time', async () => {
  const run = runIn();
  await store.start(run);
  const moment = { what: 'detected', detail: 'a finding', source: 'event' } as const;
  await store.moment(run.id, { ...moment, at: '2026-11-26T10:00:02.000Z' }, 'one');
  await store.moment(run.id, { ...moment, at: '2026-11-26T10:00:09.000Z' }, 'one');
  await store.moment(run.id, { ...moment, what: 'injected', at: '2026-11-26T10:00:01.000Z' });
  expect((await store.moments(run.id)).map(({ at }) => at)).toEqual([
    '2026-11-26T10:00:01.000Z',
    '2026-11-26T10:00:02.000Z',
  ]);
});

test('the four runs before are those of the same scenario and fidelity, oldest first', async () => {
  const account = String(accounts++);
  const runs = ['01', '02', '03', '04', '05', '06'].map((day) => runIn(account, `2026-10-${day}T10:00:00.000Z`));
  for (const run of runs) {
    await store.start(run);
    await store.finish(await store.takeOver(run.id), { ...run, status: 'clean' });
  }
  const other = { ...runIn(account, '2026-10-04T10:00:00.000Z'), fidelity: 'live' } as const;
  await store.start(other);
  const last = runs.at(-1);
  if (!last) throw new Error('there is no run');
  const previous = await store.previous(last);
  expect(previous.map(({ run }) => run.id)).toEqual(runs.slice(1, 5).map(({ id }) => id));
});
