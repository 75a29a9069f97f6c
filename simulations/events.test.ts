import { expect, test } from '@jest/globals';
import { normalise } from '../engine/findings/normalise.ts';
import sample from '../events/samples/securityhub/rds-snapshot-public.json' with { type: 'json' };
import { eventsOf } from './events.ts';
import type { Run } from './run.ts';
import type { Scenario } from './scenario.ts';

const home = { account: '888800001111', region: 'eu-central-1' };
const at = new Date('2026-12-01T08:00:00.123Z');
const scenario = {
  id: 'test.snapshot',
  findings: [
    {
      source: 'securityhub',
      type: 'RDS.1',
      sample,
      names: ({ snapshot = '' }) => ({ 'orders-before-migration': snapshot }),
      times: 3,
    },
  ],
} as unknown as Scenario;
const run = {
  id: 'abcdefghij',
  place: { partition: 'aws', account: '222233334444', region: 'us-west-2' },
  things: { snapshot: 'firebreak-sim-abcdefghij-orders' },
} as unknown as Run;

test('the event of a sample is about the resource, account, Region and time of the run', () => {
  const [told] = eventsOf(scenario, run, home, at);
  const { findings } = normalise(JSON.stringify(told));
  expect(findings).toMatchObject([
    {
      account: '222233334444',
      region: 'us-west-2',
      updatedAt: at.toISOString(),
      status: 'active',
      resources: [{ id: 'firebreak-sim-abcdefghij-orders' }],
      envelope: { account: home.account, region: 'us-west-2', time: at.toISOString() },
    },
  ]);
  expect(JSON.stringify(told)).not.toMatch(/444455556666|111122223333|eu-west-1|orders-before-migration/);
});

test('told often, it is one finding in events of their own, and another one in another run', () => {
  const ids = (of: Run) =>
    eventsOf(scenario, of, home, at).map((event) => {
      const [finding] = normalise(JSON.stringify(event)).findings ?? [];
      return [finding?.id, finding?.envelope.id] as const;
    });
  const first = ids(run);
  expect(new Set(first.map(([id]) => id)).size).toBe(1);
  expect(new Set(first.map(([, event]) => event)).size).toBe(3);
  const second = ids({ ...run, id: 'klmnopqrst' });
  expect(second[0]?.[0]).not.toBe(first[0]?.[0]);
});

test('a sample that does not speak of what a scenario names is told', () => {
  const [finding] = scenario.findings;
  const wrong = { ...scenario, findings: [{ ...finding, names: () => ({ 'no-such-name': 'x' }) }] } as Scenario;
  expect(() => eventsOf(wrong, run, home, at)).toThrow('sample 1 of test.snapshot does not speak of no-such-name');
});
