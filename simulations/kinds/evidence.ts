import {
  DeleteSnapshotCommand,
  EC2Client,
  type Filter,
  paginateDescribeSnapshots,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { unlessGone } from './gone.ts';
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
    return Object.fromEntries(found.map(({ SnapshotId = '', VolumeId = '' }) => [SnapshotId, { volume: VolumeId }]));
  },

  async left(session, _place, run) {
    const found = await snapshots(session, { Name: `tag:${RUN_TAG}`, Values: [run] });
    return found.flatMap(({ SnapshotId }) => SnapshotId ?? []);
  },

  async remove(session, _place, SnapshotId) {
    const deletion = new EC2Client(session).send(new DeleteSnapshotCommand({ SnapshotId }));
    const ofIt = { Name: 'snapshot-id', Values: [SnapshotId] };
    await unlessGone([], deletion, async () => (await snapshots(session, ofIt)).length > 0);
  },
};

async function snapshots(session: SessionConfig, ...Filters: Filter[]): Promise<Snapshot[]> {
  const client = new EC2Client(session);
  const found: Snapshot[] = [];
  for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client }, { OwnerIds: ['self'], Filters })) {
    found.push(...Snapshots);
  }
  return found;
}
