import { AttachVolumeCommand, CreateVolumeCommand, EC2Client } from '@aws-sdk/client-ec2';
import { expect, test } from '@jest/globals';
import { MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { createNetwork, runInstance } from '../../local/exposures/network.ts';
import { kindContract } from '../../local/kind-contract.ts';
import type { Account } from '../../local/specimen.ts';
import { openStage, sandboxAccount } from '../../local/stage.ts';
import { volumeSnapshotPermissions } from '../props/volume-snapshot.ts';
import type { Stage } from '../scenario.ts';
import { tagList } from './tags.ts';
import { volume } from './volume.ts';

async function make(stage: Stage): Promise<string> {
  const command = new CreateVolumeCommand({
    AvailabilityZone: 'eu-west-1a',
    Size: 1,
    TagSpecifications: [{ ResourceType: 'volume', Tags: tagList(stage.tags) }],
  });
  const { VolumeId = '' } = await stage.make(volume, 'a volume', () => new EC2Client(stage.session).send(command));
  return VolumeId;
}

async function attach(account: Account, VolumeId: string): Promise<void> {
  const InstanceId = await runInstance(account, await createNetwork(account), []);
  await new EC2Client(account.client).send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
}

kindContract(volume, {
  permissions: volumeSnapshotPermissions,
  make,
  async makeForeign({ client }) {
    const command = new CreateVolumeCommand({ AvailabilityZone: 'eu-west-1a', Size: 1 });
    return (await new EC2Client(client).send(command)).VolumeId ?? '';
  },
  alter: attach,
});

test('a volume in use is left, and no error', async () => {
  const cloud = sharedCloud();
  const environment = { ...process.env };
  const account = await sandboxAccount(cloud);
  const played = { id: 'kinds.tried', kinds: [volume], permissions: volumeSnapshotPermissions };
  const stage = await openStage(cloud, account, MEMBER_ACCOUNTS[1], played);
  const id = await make(stage);
  await attach(account, id);
  await volume.remove(stage.session, stage.place, id);
  expect(await volume.left(stage.session, stage.place, stage.run)).toEqual([id]);
  process.env = environment;
});
