import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { Target } from '../../engine/remediation.ts';
import { targetOf } from '../../engine/targets.ts';
import type { Account } from '../specimen.ts';
import { tagged } from './tags.ts';

/** The most permissions that one call takes. */
const MODIFICATIONS = 500;

/** Makes a snapshot of a new volume that volumes may be made of by `sharedWith` (account ids, or `all`). */
export async function shareEbsSnapshot(
  account: Account,
  sharedWith: readonly string[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const ec2 = new EC2Client(account.client);
  const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: `${account.region}a`, Size: 8 }));
  const { SnapshotId = '' } = await ec2.send(
    new CreateSnapshotCommand({ VolumeId, TagSpecifications: tagged('snapshot', tags) }),
  );
  for (let from = 0; from < sharedWith.length; from += MODIFICATIONS) {
    await allowEbsSnapshot(account, SnapshotId, sharedWith.slice(from, from + MODIFICATIONS));
  }
  const target = targetOf(
    'AWS::EC2::Snapshot',
    { account: account.id, region: account.region, partition: 'aws' },
    SnapshotId,
  );
  if (!target) throw new Error('EC2 made no snapshot');
  return target;
}

/** Lets more accounts, or `all`, make volumes of a snapshot. */
export async function allowEbsSnapshot({ client }: Account, SnapshotId: string, who: readonly string[]): Promise<void> {
  await new EC2Client(client).send(
    new ModifySnapshotAttributeCommand({
      SnapshotId,
      CreateVolumePermission: { Add: who.map((one) => (one === 'all' ? { Group: 'all' } : { UserId: one })) },
    }),
  );
}
