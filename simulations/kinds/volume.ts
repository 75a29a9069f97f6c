import { DeleteVolumeCommand, EC2Client, type Filter, paginateDescribeVolumes, type Volume } from '@aws-sdk/client-ec2';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { unlessGone } from './gone.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { onItsOwn } from './narrowed.ts';

/**
 * EBS volumes: a run's own, and disks that do not end with their instance.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export const volume: Kind = {
  type: 'AWS::EC2::Volume',
  permissions: {
    read: ['ec2:DescribeVolumes'],
    own: (run, place) => [onItsOwn(run, place, 'ec2:DeleteVolume')],
  },

  async inventory(session) {
    const volumes = await volumesOf(session);
    return Object.fromEntries(
      volumes.map(({ VolumeId = '', Encrypted, Size, Attachments = [] }) => [
        VolumeId,
        {
          encrypted: Encrypted === true,
          size: Size ?? null,
          attachedTo: Attachments.map(({ InstanceId = '' }) => InstanceId).sort(),
        },
      ]),
    );
  },

  left: async (session, _, run) =>
    (await volumesOf(session, { Name: `tag:${RUN_TAG}`, Values: [run] })).flatMap(({ VolumeId }) => VolumeId ?? []),

  async remove(session, _, VolumeId) {
    const call = new EC2Client(session).send(new DeleteVolumeCommand({ VolumeId }));
    await unlessGone(['VolumeInUse', 'IncorrectState'], call, async () => {
      const found = await volumesOf(session, { Name: 'volume-id', Values: [VolumeId] });
      return found.length > 0;
    });
  },
};

/** All volumes, or those that a filter lets through. */
async function volumesOf(session: SessionConfig, ...Filters: Filter[]): Promise<Volume[]> {
  const found: Volume[] = [];
  for await (const { Volumes = [] } of paginateDescribeVolumes({ client: new EC2Client(session) }, { Filters })) {
    found.push(...Volumes);
  }
  return found;
}
