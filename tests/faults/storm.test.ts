import { afterEach, expect, test } from '@jest/globals';
import { HOME_REGION, MEMBER_ACCOUNTS, REGIONS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { changing, Deployed, inLongForm, tried } from '../../local/deployed.ts';
import { told } from '../../local/scenes.ts';
import { publicSnapshot } from './exposures.ts';

const deployed = new Deployed();
afterEach(() => deployed.cloud.doors.setFaults([]));

const OPERATION = 'ModifySnapshotAttribute';
const { snapshots, bucket, refillPerSecond, margin } = inLongForm(
  { snapshots: 1_000, bucket: 50, refillPerSecond: 5, margin: 1.1 },
  { snapshots: 56, bucket: 6, refillPerSecond: 5, margin: 1.3 },
);
/** No client can be faster: the bucket pays for the first calls, and its refill for the others. */
const FLOOR_MS = ((snapshots - bucket) / refillPerSecond) * 1_000;

test(`#9 a throttle storm over ${snapshots} snapshots takes ${margin} times the floor at most, and loses none`, async () => {
  const [, member] = MEMBER_ACCOUNTS;
  const [, region] = REGIONS;
  const account = await deployed.cloud.account(member, region);
  const wrongs: Awaited<ReturnType<typeof publicSnapshot>>[] = [];
  while (wrongs.length < snapshots) {
    wrongs.push(...(await Promise.all(Array.from({ length: 8 }, () => publicSnapshot(account)))));
  }
  // EC2.1 names the account, and means all its public snapshots.
  const finding = told(
    'securityhub/ebs-snapshots-public',
    { '444455556666': member, 'eu-west-1': region },
    { account: SECURITY_ACCOUNT, region: HOME_REGION },
  );
  const closeAll = async () => {
    await deployed.allCalls();
    const began = Date.now();
    const event = await deployed.tell(finding);
    await deployed.settled('snapshots', 2 * FLOOR_MS + 300_000);
    const took = Date.now() - began;
    const responses = await deployed.responses([event]);
    expect(responses.filter(({ outcome }) => outcome !== 'verified')).toEqual([]);
    expect(responses).toHaveLength(wrongs.length);
    for (const wrong of wrongs) expect(await wrong.closed()).toBe(true);
    return took;
  };
  // What the machine takes for as much without a throttle comes beside the floor.
  const unthrottled = await closeAll();
  for (const wrong of wrongs) await wrong.again();
  await deployed.cloud.doors.setFaults([
    {
      service: 'ec2',
      operation: OPERATION,
      account: member,
      principal: '*:assumed-role/firebreak-snapshots/*',
      throttle: { bucket, refillPerSecond },
    },
  ]);
  const took = await closeAll();
  expect(await deployed.deadLetters('snapshots')).toEqual([]);
  const calls = await deployed.calls('snapshots');
  const throttled = calls.filter(({ operation, status }) => operation === OPERATION && status >= 400).length;
  expect(calls.filter(changing)).toHaveLength(wrongs.length);
  // Each of two cold limiters has to be told once or twice what EC2 takes.
  expect(throttled / calls.length).toBeLessThanOrEqual(inLongForm(0.05, 0.15));
  expect(took / (FLOOR_MS + unthrottled)).toBeLessThanOrEqual(margin);
  tried(9, wrongs.length);
}, 1_800_000);
