import { DescribeSnapshotAttributeCommand, EC2Client } from '@aws-sdk/client-ec2';
import { describe, expect, test } from '@jest/globals';
import type { Finding } from '../../engine/findings/finding.ts';
import type { Target } from '../../engine/remediation.ts';
import { targetsOf } from '../../engine/targets.ts';
import { HOME_REGION, MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { contract, sharedCloud } from '../../local/contract.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Specimen } from '../../local/specimen.ts';
import privatizeEbsSnapshot from './privatize-ebs-snapshot.ts';

const [owner, allowed] = MEMBER_ACCOUNTS;
const SOMEBODY_ELSE = '888899990000';

/** More accounts than one call can take away. */
const others = (size: 'usual' | 'largest'): string[] =>
  size === 'usual' ? [OUTSIDE_ACCOUNT] : Array.from({ length: 600 }, (_, index) => String(200_000_000_000 + index));

/** As Security Hub finds public snapshots: it names the account. */
const aboutAccount = (one: Target): Finding =>
  findingAbout(
    { id: one.account, region: one.region },
    { source: 'securityhub', type: 'EC2.1', resources: [{ type: 'AWS::Account', id: one.account }] },
  );

const specimen: Specimen = {
  parameters: { allowedAccounts: [allowed] },
  async expose(account, _name, size) {
    const ec2 = new EC2Client(account.client);
    const tags: Record<string, string> = size === 'usual' ? { team: 'data', 'aws-like': '' } : {};
    const target = await shareEbsSnapshot(account, ['all', allowed, ...others(size)], tags);
    const neighbour = await shareEbsSnapshot(account, ['all', OUTSIDE_ACCOUNT]);
    const sharedWith = async (SnapshotId: string): Promise<string[]> => {
      const { CreateVolumePermissions: permissions = [] } = await ec2.send(
        new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' }),
      );
      return permissions.map(({ Group, UserId }) => Group ?? UserId ?? '').sort();
    };
    return {
      target,
      tags,
      finding: aboutAccount(target),
      observe: async () => ({ own: await sharedWith(target.id), neighbour: await sharedWith(neighbour.id) }),
      untouched: (observed) => {
        const { own, neighbour } = observed as { own: string[]; neighbour: string[] };
        return { own: own.filter((who) => who === allowed), neighbour };
      },
      closed: async () => (await sharedWith(target.id)).every((who) => who === allowed),
      alter: () => allowEbsSnapshot(account, target.id, [SOMEBODY_ELSE]),
    };
  },
};

contract(privatizeEbsSnapshot, specimen);

test('three calls take a snapshot back, and one more for every 500 accounts', async () => {
  const cloud = sharedCloud();
  const account = await cloud.account(owner, HOME_REGION);
  const clients = { ec2: new EC2Client(account.client) };
  const callsFor = async (size: 'usual' | 'largest'): Promise<string[]> => {
    const target = await shareEbsSnapshot(account, ['all', ...others(size)]);
    const since = (await cloud.doors.calls()).at(-1)?.sequence;
    const context = {
      finding: aboutAccount(target),
      parameters: { allowedAccounts: [] },
      response: 'snapshots-tried',
      now: new Date(),
      record: async () => undefined,
    };
    const plan = await privatizeEbsSnapshot.plan(clients, target, context);
    await privatizeEbsSnapshot.apply(clients, target, plan, context);
    expect(await privatizeEbsSnapshot.verify(clients, target, plan, context)).toEqual([]);
    const calls = await cloud.doors.calls(since);
    return calls
      .filter(({ resources }) => resources.some((arn) => arn.endsWith(target.id)))
      .map(({ operation }) => operation);
  };
  const [look, change] = ['DescribeSnapshotAttribute', 'ModifySnapshotAttribute'];
  expect(await callsFor('usual')).toEqual([look, change, look]);
  expect(await callsFor('largest')).toEqual([look, change, change, look]);
});

describe('the targets of a finding', () => {
  test('are every public snapshot of the account and Region, where the finding names the account', async () => {
    const cloud = sharedCloud();
    const account = await cloud.account(owner, HOME_REGION);
    const exposed = await Promise.all(Array.from({ length: 3 }, () => shareEbsSnapshot(account, ['all'])));
    const shared = await shareEbsSnapshot(account, [OUTSIDE_ACCOUNT]);
    const elsewhere = await shareEbsSnapshot(await cloud.account(allowed, HOME_REGION), ['all']);
    const clients = { ec2: new EC2Client(account.client) };
    const targets = await privatizeEbsSnapshot.targets?.(clients, aboutAccount(shared), {
      parameters: { allowedAccounts: [] },
    });
    expect(targets).toEqual(expect.arrayContaining(exposed));
    expect(targets).not.toContainEqual(shared);
    expect(targets).not.toContainEqual(elsewhere);
  });

  test('are what it names, without a call, where it names snapshots', async () => {
    const finding = findingAbout(
      { id: owner, region: HOME_REGION },
      {
        source: 'cloudtrail',
        type: 'ec2:ModifySnapshotAttribute',
        resources: [
          {
            type: 'AWS::EC2::Snapshot',
            id: 'snap-0a91c35d7e2f4b680',
            arn: 'arn:aws:ec2:eu-west-1::snapshot/snap-0a91c35d7e2f4b680',
          },
        ],
      },
    );
    const noSessions = { read: () => Promise.reject(new Error('it was about to call')) };
    expect(await targetsOf(privatizeEbsSnapshot, finding, noSessions, {})).toMatchObject([
      { id: 'snap-0a91c35d7e2f4b680', account: owner, region: HOME_REGION },
    ]);
  });
});
