import { CreateSnapshotCommand, CreateVolumeCommand, DescribeSnapshotsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { kindContract } from '../../local/kind-contract.ts';
import { ebsSnapshot } from './ebs-snapshot.ts';
import { tagList } from './tags.ts';
import { volume } from './volume.ts';

kindContract(ebsSnapshot, {
  beside: [volume],
  async make(stage) {
    const ec2 = new EC2Client(stage.session);
    const tagged = (ResourceType: 'volume' | 'snapshot') => [{ ResourceType, Tags: tagList(stage.tags) }];
    const empty = { AvailabilityZone: 'eu-west-1a', Size: 1, TagSpecifications: tagged('volume') };
    const { VolumeId } = await stage.make(volume, 'a volume', () => ec2.send(new CreateVolumeCommand(empty)));
    const ofIt = { VolumeId, TagSpecifications: tagged('snapshot') };
    const { SnapshotId } = await stage.make(ebsSnapshot, 'a snapshot', () => ec2.send(new CreateSnapshotCommand(ofIt)));
    return SnapshotId ?? '';
  },
  /** Evidence has the tags of its volume. */
  async copy({ client }, id) {
    const ec2 = new EC2Client(client);
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    const { VolumeId, Tags } = Snapshots?.[0] ?? {};
    const TagSpecifications = [{ ResourceType: 'snapshot' as const, Tags }];
    return (await ec2.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications }))).SnapshotId ?? '';
  },
  makeForeign: async (account) => (await shareEbsSnapshot(account, [])).id,
  alter: (account, id) => allowEbsSnapshot(account, id, [OUTSIDE_ACCOUNT]),
});
