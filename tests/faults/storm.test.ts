import { afterEach, expect, test } from '@jest/globals';
import { HOME_REGION, MEMBER_ACCOUNTS, REGIONS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { changing, Deployed, inLongForm, tried } from '../../local/deployed.ts';
import { told } from '../../local/scenes.ts';
import { publicSnapshot, type Wrong } from './exposures.ts';

const deployed = new Deployed();
afterEach(() => deployed.cloud.doors.setFaults([]));

const OPERATION = 'ModifySnapshotAttribute';
const { snapshots, bucket, refillPerSecond, floors } = inLongForm(
  { snapshots: 1_000, bucket: 50, refillPerSecond: 5, floors: 1.1 },
  // The start of two cold workers and the last looks are a larger part of the shorter time.
  { snapshots: 56, bucket: 6, refillPerSecond: 5, floors: 1.6 },
);
/** No client can be faster: the bucket pays for the first calls, and its refill for the others. */
const FLOOR_MS = ((snapshots - bucket) / refillPerSecond) * 1_000;

test(`#9 a throttle storm: ${snapshots} snapshots within ${floors} times the floor, none lost`, async () => {
  const [, member] = MEMBER_ACCOUNTS;
  const [, region] = REGIONS;
  const account = await deployed.cloud.account(member, region);
  const wrongs: Wrong[] = [];
  while (wrongs.length < snapshots) {
    wrongs.push(...(await Promise.all(Array.from({ length: 8 }, () => publicSnapshot(account)))));
  }
  await deployed.cloud.doors.setFaults([
    {
      service: 'ec2',
      operation: OPERATION,
      account: member,
      principal: '*:assumed-role/firebreak-snapshots/*',
      throttle: { bucket, refillPerSecond },
    },
  ]);
  await deployed.allCalls();
  const began = Date.now();
  // EC2.1 names the account, and means all its public snapshots.
  const event = await deployed.tell(
    told(
      'securityhub/ebs-snapshots-public',
      { '444455556666': member, 'eu-west-1': region },
      { account: SECURITY_ACCOUNT, region: HOME_REGION },
    ),
  );
  await deployed.settled('snapshots', 2 * FLOOR_MS + 60_000);
  const took = Date.now() - began;
  const responses = await deployed.responses([event]);
  expect(responses.filter(({ outcome }) => outcome !== 'verified')).toEqual([]);
  expect(responses).toHaveLength(wrongs.length);
  for (const wrong of wrongs) expect(await wrong.closed()).toBe(true);
  expect(await deployed.deadLetters('snapshots')).toEqual([]);
  const calls = await deployed.calls('snapshots');
  const throttled = calls.filter(({ operation, status }) => operation === OPERATION && status >= 400).length;
  expect(calls.filter(changing)).toHaveLength(wrongs.length);
  // Each of two cold limiters has to be told once or twice what EC2 takes.
  expect(throttled / calls.length).toBeLessThanOrEqual(inLongForm(0.05, 0.15));
  expect(took / FLOOR_MS).toBeLessThanOrEqual(floors);
  tried(9, wrongs.length);
}, 900_000);
