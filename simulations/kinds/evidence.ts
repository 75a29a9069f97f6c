import { DeleteSnapshotCommand, EC2Client, paginateDescribeSnapshots, type Snapshot } from '@aws-sdk/client-ec2';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { unlessNotReady } from './gone.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { taggedFor } from './narrowed.ts';

/** Snapshots that isolation takes of a run's volumes, whose tags are copied to them: a run makes none itself. */
export const evidence: Kind = {
  type: 'AWS::EC2::Snapshot',
  permissions: {
    read: ['ec2:DescribeSnapshots'],
    own: (run, { partition }) => [
      {
        actions: ['ec2:DeleteSnapshot'],
        resources: [`arn:${partition}:ec2:*::snapshot/*`],
        condition: taggedFor(run),
      },
    ],
  },

  async inventory(session) {
    const found = await snapshots(session);
    return Object.fromEntries(found.map(({ SnapshotId = '', VolumeId = '' }) => [SnapshotId, VolumeId]));
  },

  async left(session, _place, run) {
    const found = await snapshots(session, run);
    return found.flatMap(({ SnapshotId }) => SnapshotId ?? []);
  },

  async remove(session, _place, SnapshotId) {
    await unlessNotReady(
      ['InvalidSnapshot.NotFound'],
      new EC2Client(session).send(new DeleteSnapshotCommand({ SnapshotId })),
    );
  },
};

async function snapshots(session: SessionConfig, run?: string): Promise<Snapshot[]> {
  const client = new EC2Client(session);
  const found: Snapshot[] = [];
  const asked = { OwnerIds: ['self'], ...(run && { Filters: [{ Name: `tag:${RUN_TAG}`, Values: [run] }] }) };
  for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client }, asked)) found.push(...Snapshots);
  return found;
}
