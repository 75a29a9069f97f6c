import {
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeAvailabilityZonesCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
  waitUntilSnapshotCompleted,
  waitUntilVolumeAvailable,
} from '@aws-sdk/client-ec2';
import type { Place } from '../../engine/arn.ts';
import type { Permission } from '../../engine/remediation.ts';
import shareEbsSnapshot from '../../events/samples/cloudtrail/share-ebs-snapshot.json' with { type: 'json' };
import { ebsSnapshot, volumeMakers } from '../kinds/ebs-snapshot.ts';
import { ec2Arn, madeFor, onItsOwn, taggedFor, taggedWhenMade } from '../kinds/narrowed.ts';
import { tagList } from '../kinds/tags.ts';
import { volume } from '../kinds/volume.ts';
import type { ExpectedFinding, Stage } from '../scenario.ts';

/** A snapshot of an empty volume, and an account to share it with. */
export interface VolumeSnapshot {
  readonly volume: string;
  readonly snapshot: string;
  readonly sharedWith: string;
  readonly [name: string]: string;
}

/** GiB: the least that EC2 makes. */
const SIZE = 1;
/** Seconds: an empty volume is there, and copied, in a few of them. */
const WAIT = { minDelay: 2, maxDelay: 10, maxWaitTime: 300 };

/** What the functions here need beside what the kinds have. */
export function volumeSnapshotPermissions(run: string, place: Place): Permission[] {
  const snapshots = ec2Arn('snapshot', place);
  return [
    { actions: ['ec2:DescribeAvailabilityZones'], resources: ['*'] },
    { actions: ['ec2:CreateVolume'], resources: [ec2Arn('volume', place)], condition: madeFor(run) },
    { actions: ['ec2:CreateSnapshot'], resources: [snapshots], condition: madeFor(run) },
    onItsOwn(run, place, 'ec2:CreateSnapshot'),
    taggedWhenMade(place, 'CreateVolume', 'CreateSnapshot'),
    {
      actions: ['ec2:ModifySnapshotAttribute'],
      resources: [snapshots],
      // Never with everybody, whatever goes wrong.
      condition: { ...taggedFor(run), Null: { 'ec2:Add/group': 'true' } },
    },
  ];
}

/** Makes it, private: as the account's default is. */
export async function makeVolumeSnapshot(stage: Stage, sharedWith: string): Promise<VolumeSnapshot> {
  const client = new EC2Client(stage.session);
  const Tags = tagList(stage.tags);
  const { AvailabilityZones = [] } = await client.send(
    new DescribeAvailabilityZonesCommand({ Filters: [{ Name: 'zone-type', Values: ['availability-zone'] }] }),
  );
  const AvailabilityZone = AvailabilityZones[0]?.ZoneName;
  const { VolumeId = '' } = await stage.make(volume, `an empty volume of ${SIZE} GiB`, () =>
    client.send(
      new CreateVolumeCommand({
        AvailabilityZone,
        Size: SIZE,
        VolumeType: 'gp3',
        TagSpecifications: [{ ResourceType: 'volume', Tags }],
      }),
    ),
  );
  await waitUntilVolumeAvailable({ client, ...WAIT }, { VolumeIds: [VolumeId] });
  const { SnapshotId = '' } = await stage.make(ebsSnapshot, 'a snapshot of it', () =>
    client.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications: [{ ResourceType: 'snapshot', Tags }] })),
  );
  await waitUntilSnapshotCompleted({ client, ...WAIT }, { SnapshotIds: [SnapshotId] });
  return { volume: VolumeId, snapshot: SnapshotId, sharedWith };
}

/**
 * Lets the account make volumes of it. Where the account encrypts all volumes by default, and with AWS's own key, EC2 refuses it.
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
 */
export async function share(stage: Stage, { snapshot, sharedWith }: VolumeSnapshot): Promise<void> {
  const Add = [{ UserId: sharedWith }];
  await stage.change(`account ${sharedWith} may make volumes of it`, () =>
    new EC2Client(stage.session).send(
      new ModifySnapshotAttributeCommand({ SnapshotId: snapshot, CreateVolumePermission: { Add } }),
    ),
  );
}

/** Who may make volumes of it; undefined when it is gone. */
export const sharedWithNow = ({ session }: Stage, { snapshot }: VolumeSnapshot): Promise<string[] | undefined> =>
  volumeMakers(new EC2Client(session), snapshot);

export const volumeSnapshotArn = ({ snapshot }: VolumeSnapshot, { partition, region }: Place): string =>
  `arn:${partition}:ec2:${region}::snapshot/${snapshot}`;

/** CloudTrail tells that it was shared: no service has a finding for that at once. */
export const toldByCloudTrail: ExpectedFinding<VolumeSnapshot> = {
  source: 'cloudtrail',
  type: 'ec2:ModifySnapshotAttribute',
  sample: shareEbsSnapshot,
  names: ({ snapshot, sharedWith }) => ({ 'snap-0a91c35d7e2f4b680': snapshot, '999900001111': sharedWith }),
};
