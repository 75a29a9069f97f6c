import { CreateSnapshotCommand, DescribeSnapshotsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { kindContract } from '../../local/kind-contract.ts';
import { makeVolumeSnapshot, volumeSnapshotPermissions } from '../props/volume-snapshot.ts';
import { ebsSnapshot } from './ebs-snapshot.ts';
import { volume } from './volume.ts';

kindContract(ebsSnapshot, {
  beside: [volume],
  permissions: volumeSnapshotPermissions,
  make: async (stage) => (await makeVolumeSnapshot(stage, stage.partner)).snapshot,
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
