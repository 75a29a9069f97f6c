import {
  DeleteSnapshotCommand,
  DescribeSnapshotAttributeCommand,
  EC2Client,
  paginateDescribeSnapshots,
  type Snapshot,
} from '@aws-sdk/client-ec2';
import type { Json } from '../../engine/state.ts';
import { unlessGone, unlessThereIsNone } from './gone.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { onItsOwn } from './narrowed.ts';

const GONE = 'InvalidSnapshot.NotFound';

/**
 * EBS snapshots of a run's volumes: its own, and the evidence that isolation keeps, to which the tags of a volume are copied.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export const ebsSnapshot: Kind = {
  type: 'AWS::EC2::Snapshot',
  permissions: {
    read: ['ec2:DescribeSnapshotAttribute', 'ec2:DescribeSnapshots'],
    own: (run, place) => [onItsOwn(run, place, 'ec2:DeleteSnapshot')],
  },

  async inventory(session) {
    const ec2 = new EC2Client(session);
    const found: Record<string, Json> = {};
    for (const { SnapshotId = '', Encrypted } of await snapshotsOf(ec2)) {
      const sharedWith = await volumeMakers(ec2, SnapshotId);
      if (sharedWith) found[SnapshotId] = { encrypted: Encrypted === true, sharedWith };
    }
    return found;
  },

  left: async (session, _, run) =>
    (await snapshotsOf(new EC2Client(session), run)).flatMap(({ SnapshotId }) => SnapshotId ?? []),

  async remove(session, _, SnapshotId) {
    const ec2 = new EC2Client(session);
    const call = ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    await unlessGone(['InvalidSnapshot.InUse'], call, async () => (await volumeMakers(ec2, SnapshotId)) !== undefined);
  },
};

/** All snapshots of the account, or those of a run. */
async function snapshotsOf(client: EC2Client, run?: string): Promise<Snapshot[]> {
  const Filters = run === undefined ? [] : [{ Name: `tag:${RUN_TAG}`, Values: [run] }];
  const found: Snapshot[] = [];
  for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client }, { OwnerIds: ['self'], Filters })) {
    found.push(...Snapshots);
  }
  return found;
}

/** Who may make volumes of a snapshot: account ids, or `all`. Undefined when it is gone by now. */
export async function volumeMakers(ec2: EC2Client, SnapshotId: string): Promise<string[] | undefined> {
  const asked = new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' });
  const answer = await unlessThereIsNone(GONE, ec2.send(asked));
  if (!answer) return undefined;
  if (!answer.CreateVolumePermissions) throw new Error('EC2 answered without the permissions of the snapshot');
  return answer.CreateVolumePermissions.map(({ Group, UserId }) => Group ?? UserId ?? '').sort();
}
