import { DeleteVolumeCommand, EC2Client, paginateDescribeVolumes, type Volume } from '@aws-sdk/client-ec2';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { madeFor, taggedFor, taggedWhenMade, unless } from './narrowed.ts';

/** EBS volumes. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html */
export const volume: Kind = {
  type: 'AWS::EC2::Volume',
  permissions: {
    read: ['ec2:DescribeVolumes'],
    own(run, { partition, region, account }) {
      const resources = [`arn:${partition}:ec2:${region}:${account}:volume/*`];
      return [
        { actions: ['ec2:CreateVolume'], resources, condition: madeFor(run) },
        taggedWhenMade('CreateVolume', resources),
        { actions: ['ec2:DeleteVolume'], resources, condition: taggedFor(run) },
      ];
    },
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

  left: async (session, _, run) => (await volumesOf(session, run)).flatMap(({ VolumeId }) => VolumeId ?? []),

  remove: (session, _, VolumeId) =>
    unless(
      ['InvalidVolume.NotFound', 'VolumeInUse', 'IncorrectState'],
      new EC2Client(session).send(new DeleteVolumeCommand({ VolumeId })),
    ),
};

/** All volumes, or those of a run. */
async function volumesOf(session: SessionConfig, run?: string): Promise<Volume[]> {
  const Filters = run === undefined ? [] : [{ Name: `tag:${RUN_TAG}`, Values: [run] }];
  const found: Volume[] = [];
  for await (const { Volumes = [] } of paginateDescribeVolumes({ client: new EC2Client(session) }, { Filters })) {
    found.push(...Volumes);
  }
  return found;
}
