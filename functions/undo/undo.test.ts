import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../cli/caller.ts';
import { callDoor } from '../../cli/door.ts';
import type { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import type { Response } from '../../engine/response.ts';
import { signIn } from '../../local/analyst.ts';
import { deployedLedger, OpenDesktop, paperCase } from '../../local/cases.ts';
import { sharedCloud } from '../../local/contract.ts';

const environment = { ...process.env };
const cloud = sharedCloud();
let ledger: DynamoDbLedger;
/** Approves. */
let ana: Caller;
/** Has taken back. */
let una: Caller;

beforeAll(async () => {
  process.env.AWS_ENDPOINT_URL = cloud.endpoint;
  ledger = deployedLedger(cloud);
  ana = await signIn(cloud, 'ana', 'firebreak-approver');
  una = await signIn(cloud, 'una', 'firebreak-undoer');
});
afterAll(() => {
  process.env = environment;
});

type Body = { readonly [name: string]: string | number };
const ask = (who: Caller, verb: string, id: string, body: Body = {}) =>
  callDoor(who, { method: 'POST', path: `/responses/${id}/${verb}`, body });
const undo = (who: Caller, id: string, body?: Body) => ask(who, 'undo', id, body);

/** A desktop that was open, and that the deployed service closed after an approval. */
async function closed(): Promise<{ desktop: OpenDesktop; before: readonly string[]; fix: Response }> {
  const desktop = await OpenDesktop.make(cloud);
  const before = await desktop.rules();
  const { id } = await desktop.tell();
  await ask(ana, 'approve', id);
  const { response: fix } = await desktop.ended(id, 'verified');
  return { desktop, before, fix };
}

/** Asks for an undo that is taken on. @returns the id of the response that takes back */
async function begun(who: Caller, id: string, body?: Body): Promise<string> {
  const answer = await undo(who, id, body);
  expect(answer.status).toBe(202);
  return (answer.body as { undo: string }).undo;
}

describe('an undo', () => {
  test('waits for an approval, brings back exactly what was, and holds it; its own undo brings the fix again', async () => {
    const { desktop, before, fix } = await closed();
    const answer = await undo(una, fix.id, { reason: 'they still move', hold: 7_200 });
    const { undo: id, until } = answer.body as { undo: string; until: string };
    expect(answer).toEqual({
      status: 202,
      body: { undo: id, undoes: fix.id, by: una.arn, at: expect.any(String), until, needsApproval: true },
    });
    expect(Math.abs(Date.parse(until) - Date.now() - 7_200_000)).toBeLessThan(30_000);
    const waiting = await desktop.ended(id, 'awaiting-approval');
    expect(waiting).toMatchObject({ response: { undoes: fix.id, by: una.arn }, orders: [] });
    expect(waiting.plan?.after).not.toEqual(waiting.plan?.before);
    expect(await desktop.rules()).toEqual(['443 0.0.0.0/0 ']);

    await expect(ask(una, 'approve', id)).rejects.toThrow('IAM does not let');
    expect(await ask(ana, 'approve', id)).toMatchObject({ status: 202 });
    const undone = await desktop.ended(id);
    expect(undone).toMatchObject({ response: { outcome: 'undone' }, orders: [{ verb: 'approve', by: ana.arn }] });
    expect(undone.plan).toEqual(waiting.plan);
    expect(await desktop.rules()).toEqual(before);
    expect(await desktop.tell()).toMatchObject({
      outcome: 'excepted',
      guard: 'hold',
      reason: `hold until ${until} by ${una.arn}: they still move`,
    });

    expect(await undo(una, id, { hold: 60 })).toMatchObject({ status: 400 });
    const again = await begun(una, id, { reason: 'the move is over' });
    expect(await desktop.ended(again)).toMatchObject({ response: { outcome: 'undone', undoes: id }, orders: [] });
    expect(await desktop.rules()).toEqual(['443 0.0.0.0/0 ']);
    expect(await desktop.tell()).toMatchObject({ outcome: 'compliant' });
  });

  test('that is denied leaves the fix, and may be asked for anew', async () => {
    const { desktop, before, fix } = await closed();
    const id = await begun(una, fix.id);
    await desktop.ended(id, 'awaiting-approval');
    expect(await ask(ana, 'deny', id, { reason: 'not at night' })).toMatchObject({ status: 202 });
    const { response } = await desktop.ended(id);
    expect(response).toMatchObject({ outcome: 'denied', reason: `denied by ${ana.arn}: not at night` });
    expect(await desktop.rules()).toHaveLength(1);

    const another = await begun(una, fix.id, { hold: 0 });
    expect(another).not.toBe(id);
    await desktop.ended(another, 'awaiting-approval');
    await Promise.all([ask(ana, 'approve', another), ask(ana, 'approve', another), ask(ana, 'approve', another)]);
    expect((await desktop.ended(another)).response.outcome).toBe('undone');
    expect(await desktop.rules()).toEqual(before);
    expect(await desktop.tell()).toMatchObject({ outcome: 'awaiting-approval' });
  });

  test('does not write over what somebody changed, before it is approved or after', async () => {
    const { desktop, fix } = await closed();
    const id = await begun(una, fix.id);
    await desktop.ended(id, 'awaiting-approval');
    await desktop.open(3389, 3389);
    const changed = await desktop.rules();
    await ask(ana, 'approve', id);
    expect((await desktop.ended(id)).response.outcome).toBe('changed-since');
    expect(await desktop.rules()).toEqual(changed);

    const another = await begun(una, fix.id);
    expect((await desktop.ended(another)).response.outcome).toBe('changed-since');
    expect(await desktop.rules()).toEqual(changed);
  });

  test('is one, whoever asks for it and how often', async () => {
    const { desktop, fix } = await closed();
    const ugo = await signIn(cloud, 'ugo', 'firebreak-undoer');
    const answers = await Promise.all([undo(una, fix.id), undo(ugo, fix.id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    const orders = (await ledger.get(fix.id))?.orders.filter(({ verb }) => verb === 'undo') ?? [];
    expect(orders).toHaveLength(1);
    const first = [una, ugo].find(({ arn }) => arn === orders[0]?.by) ?? una;
    expect(await begun(first, fix.id, { reason: 'once more' })).toBe(orders[0]?.undo);
    await desktop.ended(orders[0]?.undo ?? '', 'awaiting-approval');
    expect(await begun(first, fix.id)).toBe(orders[0]?.undo);
    expect(await undo(first === una ? ugo : una, fix.id)).toMatchObject({
      status: 409,
      body: { error: `${first.arn} has it taken back since ${orders[0]?.at}: ${orders[0]?.undo}` },
    });
    await ask(ana, 'deny', orders[0]?.undo ?? '');
  });

  test('needs a response that changed something', async () => {
    const waiting = await paperCase(cloud);
    expect(await undo(una, waiting.id)).toMatchObject({
      status: 409,
      body: { error: `${waiting.id} ended awaiting-approval without a change` },
    });
    expect(await undo(una, 'network-aaaaaaaaaa')).toMatchObject({ status: 404 });
    expect((await ledger.get(waiting.id))?.orders).toEqual([]);
  });

  test.each<[string, Body]>([
    ['a hold of more than 52 weeks', { hold: 52 * 7 * 86_400 + 1 }],
    ['a hold of less than nothing', { hold: -1 }],
    ['a hold of half a second', { hold: 0.5 }],
    ['a hold in words', { hold: '7d' }],
    ['another to ask', { by: 'arn:aws:iam::111122223333:user/boss' }],
    ['no reason', { reason: '' }],
  ])('takes from the body not %s', async (_, body) => {
    expect(await undo(una, 'network-aaaaaaaaaa', body)).toMatchObject({ status: 400 });
  });

  test('is not for whom the finding is about', async () => {
    const waiting = await paperCase(cloud, { principal: una.arn });
    expect(await undo(una, waiting.id)).toMatchObject({ status: 403 });
  });

  test('is not for whoever may only approve', async () => {
    await expect(undo(ana, 'network-aaaaaaaaaa')).rejects.toThrow(/needs execute-api:Invoke on .*undo$/);
  });
});
