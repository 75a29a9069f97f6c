import {
  CreateSnapshotsCommand,
  type CreateSnapshotsCommandInput,
  type EC2Client,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';

/** A snapshot that was taken of an instance's volume before the instance was isolated. */
export type Evidence = {
  readonly snapshot: string;
  readonly volume: string;
  /** The response that took it. */
  readonly response: string;
};

/** Says which instance a snapshot is evidence about; the condition under which our sessions may make one. */
export const INSTANCE_TAG = 'firebreak:instance';
const RESPONSE_TAG = 'firebreak:response';
const PURPOSE = { Key: 'firebreak:purpose', Value: 'evidence' };

/** All evidence about an instance, whichever response took it. A snapshot that failed is none. */
export async function evidenceAbout(ec2: EC2Client, instance: string): Promise<Evidence[]> {
  const pages = paginateDescribeSnapshots(
    { client: ec2, pageSize: 1_000 },
    {
      OwnerIds: ['self'],
      Filters: [
        { Name: `tag:${INSTANCE_TAG}`, Values: [instance] },
        { Name: `tag:${PURPOSE.Key}`, Values: [PURPOSE.Value] },
        { Name: 'status', Values: ['pending', 'completed'] },
      ],
    },
  );
  const found: Evidence[] = [];
  for await (const { Snapshots = [] } of pages) {
    for (const { SnapshotId: snapshot, VolumeId: volume, Tags = [] } of Snapshots) {
      const response = Tags.find(({ Key }) => Key === RESPONSE_TAG)?.Value;
      if (snapshot && volume && response) found.push({ snapshot, volume, response });
    }
  }
  return found.sort((a, b) => (a.snapshot < b.snapshot ? -1 : 1));
}

/** How EC2 may refuse tags of a volume: too many with ours, one of our own keys, or one that the organisation lets nobody give. */
const TAGS_REFUSED = new Set(['TagLimitExceeded', 'InvalidParameterValue', 'UnauthorizedOperation']);

/**
 * Starts snapshots of all EBS volumes of an instance, of one moment, with our tags on them from the start: by these a
 * redelivery finds them again, since the call takes no client token. The tags of each volume are copied too, so that it can be
 * told whose they are when the volume is gone; but whoever holds a volume sets its tags, and none of them keeps evidence from
 * being taken.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html
 *
 * @param once a client that does not repeat a call which may have arrived
 */
export async function takeEvidence(once: EC2Client, instance: string, response: string): Promise<Evidence[]> {
  const asked: CreateSnapshotsCommandInput = {
    InstanceSpecification: { InstanceId: instance },
    Description: `Evidence about ${instance}, taken by Firebreak for ${response}`,
    TagSpecifications: [
      {
        ResourceType: 'snapshot',
        Tags: [{ Key: RESPONSE_TAG, Value: response }, { Key: INSTANCE_TAG, Value: instance }, PURPOSE],
      },
    ],
  };
  const copying = new CreateSnapshotsCommand({ ...asked, CopyTagsFromSource: 'volume' });
  const { Snapshots = [] } = await once.send(copying).catch((error: Error) => {
    if (!TAGS_REFUSED.has(error.name)) throw error;
    return once.send(new CreateSnapshotsCommand(asked));
  });
  return Snapshots.map(({ SnapshotId: snapshot = '', VolumeId: volume = '' }) => ({ snapshot, volume, response }));
}
