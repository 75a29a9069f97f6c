import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { findingOn } from '../../local/findings.ts';
import { sessionConfig } from '../aws/session.ts';
import type { Plan } from '../remediation.ts';
import type { Response } from '../response.ts';
import { responseId } from '../targets.ts';
import { DynamoDbLedger } from './dynamodb.ts';

const target = {
  type: 'AWS::RDS::DBSnapshot',
  id: 'orders',
  arn: 'arn:aws:rds:eu-west-1:444455556666:snapshot:orders',
  account: '444455556666',
  region: 'eu-west-1',
  partition: 'aws',
};
const finding = findingOn(target, 'securityhub', 'RDS.1', { title: 'pwned \u{1f600} "\n\u2028' });
const remediation = 'snapshots.privatize-rds-snapshot';
const start = (startedAt = new Date().toISOString()): Response => ({
  id: responseId(remediation, target, randomUUID()),
  remediation,
  target,
  correlation: 'event',
  finding: { source: 'securityhub', type: 'RDS.1', id: 'f', severity: 'HIGH', title: 'x' },
  startedAt,
});
const plan = (name: string): Plan => ({ before: { who: name }, after: { who: null }, facts: {} });

const environment = { ...process.env };
let ledger: DynamoDbLedger;
beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
  ledger = new DynamoDbLedger(sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), 'firebreak-ledger');
});
afterAll(() => {
  process.env = environment;
});

describe('the ledger', () => {
  test('keeps the first of everything, however often and in whatever order it is told again', async () => {
    const step = fc.constantFrom('open', 'plan', 'append', 'close');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const first = start();
        await ledger.open(first, finding);
        let known = first;
        let planned: Plan | undefined;
        let entries = 0;
        for (const [index, one] of steps.entries()) {
          if (one === 'open') {
            const again = await ledger.open({ ...first, startedAt: new Date(0).toISOString() }, finding);
            expect(again).toEqual({ response: known, resumed: true });
          } else if (one === 'plan') {
            planned ??= plan(`plan ${index}`);
            expect(await ledger.plan(first.id, plan(`plan ${index}`))).toEqual(planned);
          } else if (one === 'append') {
            entries += 1;
            await ledger.append(first.id, 'seen', { index });
          } else {
            // Whoever ends it knows it as it began.
            const closed = await ledger.close(first, {
              outcome: index % 2 ? 'verified' : 'failed',
              reason: `step ${index}`,
            });
            if (!known.outcome) known = closed;
            expect(closed).toEqual(known);
          }
        }
        const record = await ledger.get(first.id);
        expect(record?.response).toEqual(known);
        expect(record?.finding).toEqual(finding);
        expect(record?.plan).toEqual(planned);
        expect(record?.timeline).toHaveLength(entries);
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  test('stores one plan of many that are told at once', async () => {
    const response = start();
    await ledger.open(response, finding);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ledger.plan(response.id, plan(`${index}`))),
    );
    const stored = (await ledger.get(response.id))?.plan;
    for (const answer of answers) expect(answer).toEqual(stored);
  });

  test('moves an end on only from the end that its caller knows', async () => {
    const response = start();
    await ledger.open(response, finding);
    const waiting = await ledger.close(response, { outcome: 'awaiting-approval', reason: 'a person looks' });
    const denied = await ledger.close(waiting, { outcome: 'denied', reason: 'no' });
    expect(denied.outcome).toBe('denied');
    expect(await ledger.close(waiting, { outcome: 'expired', reason: 'too late' })).toEqual(denied);
  });

  test('knows nothing of a response that was never opened', async () => {
    expect(await ledger.get(start().id)).toBeUndefined();
  });

  test('lists the newest first, over days, by outcome or finding when asked', async () => {
    const day = (days: number, hours: number) => new Date(Date.UTC(2021, 5, days, hours)).toISOString();
    const old = new DynamoDbLedger(
      sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT),
      'firebreak-ledger',
      () => new Date(Date.UTC(2021, 5, 4)),
    );
    const all = [start(day(1, 3)), start(day(3, 1)), start(day(3, 2)), start(day(2, 23))];
    for (const response of all) await old.open(response, finding);
    const [one] = all;
    if (one) await old.close(one, { outcome: 'gone' });
    const listed = await old.list({ since: new Date(day(1, 0)), limit: 10 });
    expect(listed.map(({ startedAt }) => startedAt)).toEqual([day(3, 2), day(3, 1), day(2, 23), day(1, 3)]);
    expect(await old.list({ since: new Date(day(2, 0)), limit: 2 })).toHaveLength(2);
    const gone = await old.list({ since: new Date(day(1, 0)), limit: 10, outcome: 'gone' });
    expect(gone.map(({ id }) => id)).toEqual([one?.id]);
    const other = start(day(1, 1));
    await old.open({ ...other, finding: { ...other.finding, id: 'another' } }, finding);
    const because = await old.list({ since: new Date(day(1, 0)), limit: 1, finding: 'another' });
    expect(because.map(({ id }) => id)).toEqual([other.id]);
  });
});
