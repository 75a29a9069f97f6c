import { randomUUID } from 'node:crypto';
import { DeleteSnapshotCommand, EC2Client, ModifySnapshotAttributeCommand } from '@aws-sdk/client-ec2';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { chunks } from '../../engine/chunks.ts';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { changing, Deployed, inLongForm, tried } from '../../local/deployed.ts';
import { type Told, told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';
import { shuffled } from '../../scripts/chaos/disturbance.ts';
import { messageOf, openGroup, publicSnapshot, type Wrong } from './exposures.ts';

let deployed: Deployed;
let account: Account;
beforeAll(async () => {
  deployed = new Deployed();
  account = await deployed.cloud.account(MEMBER_ACCOUNTS[0], HOME_REGION);
});
beforeEach(async () => {
  await deployed.allCalls();
});

/** How often a response ended how. */
const outcomesOf = async (events: readonly string[]): Promise<Readonly<Record<string, number>>> => {
  const outcomes: Record<string, number> = {};
  for (const { outcome = 'open' } of await deployed.responses(events)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return outcomes;
};
const changes = async (worker: string) => (await deployed.calls(worker)).filter(changing);

test('#2 the same event 100 times, 10 at once, is one change and one record of a change; none ends as a failure or in the dead-letter queue', async () => {
  const [times, atOnce] = [100, 10];
  const wrong = await publicSnapshot(account);
  const event = wrong.told();
  await deployed.allCalls();
  const events: string[] = [];
  for (let told = 0; told < times; told += atOnce) {
    events.push(...(await Promise.all(Array.from({ length: atOnce }, () => deployed.tell(event)))));
  }
  await deployed.settled('snapshots');
  expect((await changes('snapshots')).map(({ operation }) => operation)).toEqual(['ModifySnapshotAttribute']);
  expect(await wrong.closed()).toBe(true);
  const { verified, compliant = 0, ...others } = await outcomesOf(events);
  expect({ verified, others }).toEqual({ verified: 1, others: {} });
  // The rest found nothing to do, or was left to the response that held the snapshot: that looked once more for all.
  expect(compliant).toBeLessThan(times);
  expect(await deployed.deadLetters('snapshots')).toEqual([]);
  tried(2, times);
});

const SEEDS = inLongForm(100, 3);
test(`#3 two findings about one group at once close what both name, one after the other (${SEEDS} seeds)`, async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const wrong = await openGroup(account);
    await deployed.allCalls();
    const ssh = wrong.told();
    const rdp = wrong.told({ 'EC2.13': 'EC2.14', 'aed96cb9-e70d-464e-9b6b-0f1bb469f859': randomUUID() });
    const [first, second] = seed % 2 === 0 ? [ssh, rdp] : [rdp, ssh];
    const later = async () => {
      // Falls somewhere in the first one's run, which takes a quarter of a second.
      await new Promise((resolve) => setTimeout(resolve, (seed * 37) % 250));
      return deployed.tell(second);
    };
    const events = await Promise.all([deployed.tell(first), later()]);
    await deployed.settled('network');
    expect(await wrong.rules()).toEqual(['443 0.0.0.0/0']);
    expect(await outcomesOf(events)).toEqual({ verified: 2 });
    const made = await changes('network');
    expect(made.map(({ operation }) => operation)).toEqual(Array(2).fill('RevokeSecurityGroupIngress'));
    // The change that came second began when the first response had ended.
    const ends = (await deployed.responses(events)).map(({ finishedAt = '' }) => Date.parse(finishedAt));
    expect((made[1]?.time ?? 0) * 1_000).toBeGreaterThanOrEqual(Math.min(...ends));
    tried(3, 1);
  }
});

test('#4 a telling that is older than the last one, or comes late, changes what is wrong and nothing else', async () => {
  const wrong = await publicSnapshot(account);
  const at = (time: string, status = 'ACTIVE') =>
    wrong.told({ '2026-11-03T14:19:41.512Z': time, '"ACTIVE"': JSON.stringify(status) });
  await deployed.tell(at('2026-11-03T16:00:00.000Z'));
  await deployed.settled('snapshots');
  expect(await wrong.closed()).toBe(true);
  expect(await changes('snapshots')).toHaveLength(1);

  const older = await deployed.tell(at('2026-11-03T15:00:00.000Z'));
  const resolved = await deployed.tell(at('2026-11-03T17:00:00.000Z', 'RESOLVED'));
  const late = await deployed.tell(at('2026-11-03T16:30:00.000Z'));
  await deployed.settled('snapshots');
  expect(await changes('snapshots')).toEqual([]);
  expect(await outcomesOf([resolved])).toEqual({});
  for (const response of await deployed.responses([older, late])) expect(response.outcome).toBe('compliant');

  await wrong.again();
  const stale = await deployed.tell(at('2026-11-03T15:30:00.000Z'));
  await deployed.settled('snapshots');
  expect(await outcomesOf([stale])).toEqual({ verified: 1 });
  expect(await wrong.closed()).toBe(true);
  tried(4, 5);
});

test('#5 what was fixed and is opened again is fixed again, though the finding is the same', async () => {
  const wrong = await publicSnapshot(account);
  const event = wrong.told();
  const rounds = 3;
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0) await wrong.again();
    expect(await wrong.closed()).toBe(false);
    const told = await deployed.tell(event);
    await deployed.settled('snapshots');
    expect(await outcomesOf([told])).toEqual({ verified: 1 });
    expect(await wrong.closed()).toBe(true);
  }
  expect((await changes('snapshots')).length).toBe(rounds);
  tried(5, rounds);
});

test('#6 a finding that comes again with another note or time changes nothing', async () => {
  const wrong = await openGroup(account);
  await deployed.tell(wrong.told());
  await deployed.settled('network');
  expect(await changes('network')).toHaveLength(1);
  const before = await wrong.rules();
  const again = [
    wrong.told({ '"2026-11-03T14:18:31.902Z"': '"2026-11-04T09:00:00.000Z"' }),
    wrong.told({
      '"WorkflowState"':
        '"Note":{"Text":"seen","UpdatedBy":"m.okafor","UpdatedAt":"2026-11-04T09:00:00Z"},"WorkflowState"',
    }),
    wrong.told({ '"Status": "NEW"': '"Status": "NOTIFIED"' }),
  ];
  const events: string[] = [];
  for (const event of again) events.push(await deployed.tell(event));
  await deployed.settled('network');
  // Those that come while another is looked at share its look.
  expect(await outcomesOf(events)).toEqual({ compliant: expect.any(Number) });
  expect(await changes('network')).toEqual([]);
  expect(await wrong.rules()).toEqual(before);
  tried(6, again.length);
});

test('#8 a finding about what was deleted is recorded as gone, and is not tried again', async () => {
  const wrong = await publicSnapshot(account);
  await new EC2Client(account.client).send(new DeleteSnapshotCommand({ SnapshotId: wrong.target.id }));
  await deployed.allCalls();
  const event = await deployed.tell(wrong.told());
  await deployed.settled('snapshots');
  expect(await outcomesOf([event])).toEqual({ gone: 1 });
  expect((await deployed.calls('snapshots')).map(({ operation }) => operation)).toEqual(['DescribeSnapshotAttribute']);
  expect(await deployed.deadLetters('snapshots')).toEqual([]);
  tried(8, 1);
});

test('#24 our own changes, as events tell them, set off none', async () => {
  const wrong = await publicSnapshot(account);
  await deployed.allCalls();
  await deployed.tell(wrong.told());
  await deployed.settled('snapshots');
  const [change, ...others] = await changes('snapshots');
  expect(others).toEqual([]);
  const rounds = 3;
  for (let round = 0; round < rounds; round += 1) {
    const findings = [await deployed.tell(wrong.told())];
    await deployed.settled('snapshots');
    expect(await outcomesOf(findings)).toEqual({ compliant: 1 });
    // As CloudTrail tells an undo, which opens the snapshot again in a session of ours.
    await wrong.again();
    const told = await deployed.tell(sharedBy(change?.principal ?? '', wrong.target.id));
    await deployed.settled('snapshots');
    expect(await outcomesOf([told])).toEqual({ excepted: 1 });
    expect(await wrong.closed()).toBe(false);
    await new EC2Client(account.client).send(
      new ModifySnapshotAttributeCommand({
        SnapshotId: wrong.target.id,
        CreateVolumePermission: { Remove: [{ Group: 'all' }] },
      }),
    );
  }
  expect(await changes('snapshots')).toEqual([]);
  tried(24, 2 * rounds);
});

/** The CloudTrail event of a call by which a principal shared an EBS snapshot. */
const sharedBy = (principal: string, snapshot: string): Told =>
  told(
    'cloudtrail/share-ebs-snapshot',
    {
      'arn:aws:sts::444455556666:assumed-role/PlatformEngineer/d.lindqvist': principal,
      'snap-0a91c35d7e2f4b680': snapshot,
    },
    { account: account.id, region: HOME_REGION },
  );

const REDRIVEN = inLongForm(10_000, 60);
const AT_ONCE = 500;
test(`#30 ${REDRIVEN} old events, ${Math.min(AT_ONCE, REDRIVEN)} at once, in any order, change what is wrong now and nothing else (the queue's limit, ten batches at a time, is not measured)`, async () => {
  const snapshots = await Promise.all(Array.from({ length: 10 }, () => publicSnapshot(account)));
  const [wrong, fine] = [snapshots.slice(0, 4), snapshots.slice(4)];
  for (const { target } of fine) {
    await new EC2Client(account.client).send(
      new ModifySnapshotAttributeCommand({
        SnapshotId: target.id,
        CreateVolumePermission: { Remove: [{ Group: 'all' }] },
      }),
    );
  }
  for (const [seed, count] of [
    ['one order', REDRIVEN],
    ['another', 60],
  ] as const) {
    for (const each of wrong) if (await each.closed()) await each.again();
    await deployed.allCalls();
    const messages = shuffled(
      Array.from({ length: count }, (_, index) => {
        const hoursAgo = (index * 17) % (24 * 30);
        const time = new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
        const each = snapshots[index % snapshots.length] as Wrong;
        return messageOf(
          each.told({ '"ACTIVE"': index % 7 === 3 ? '"RESOLVED"' : '"ACTIVE"', '2026-11-03T14:19:41.512Z': time }),
          { time },
        );
      }),
      seed,
    );
    // As a redrive with a maximum velocity does.
    for (const some of chunks(messages, AT_ONCE)) {
      await deployed.send('snapshots', some);
      await deployed.settled('snapshots', 100 * some.length + 60_000);
    }
    const made = await changes('snapshots');
    expect(made.map(({ resources }) => resources[0]).sort()).toEqual(wrong.map(({ target }) => target.arn).sort());
    for (const each of snapshots) expect(await each.closed()).toBe(true);
    const { verified, compliant = 0, ...others } = await outcomesOf(messages.map((each) => JSON.parse(each).id));
    expect({ verified, others }).toEqual({ verified: wrong.length, others: {} });
    expect(compliant).toBeGreaterThan(0);
    expect(await deployed.deadLetters('snapshots')).toEqual([]);
    tried(30, count);
  }
}, 1_800_000);
