import { CreateSnapshotsCommand, EC2Client, RunInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from '@jest/globals';
import { MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { createNetwork, type Network, runInstance } from '../../local/exposures/network.ts';
import { kindContract } from '../../local/kind-contract.ts';
import { openStage, sandboxAccount } from '../../local/stage.ts';
import { NETWORK_TAGS } from '../network.ts';
import type { Stage } from '../scenario.ts';
import { ebsSnapshot } from './ebs-snapshot.ts';
import { INSTANCE_TYPE, instance, PARTS } from './instance.ts';
import { tagList } from './tags.ts';

let network: Network;

async function start(stage: Stage, InstanceType: 't4g.nano' | 'm7g.metal'): Promise<string> {
  const command = new RunInstancesCommand({
    ...{ ImageId: 'ami-0b6c1e8d2f47a9530', InstanceType, MinCount: 1, MaxCount: 1, SubnetId: network.subnet },
    TagSpecifications: PARTS.map((ResourceType) => ({ ResourceType, Tags: tagList(stage.tags) })),
  });
  const { Instances } = await stage.make(instance, 'an instance', () => new EC2Client(stage.session).send(command));
  return Instances?.[0]?.InstanceId ?? '';
}

kindContract(instance, {
  make: (stage) => start(stage, INSTANCE_TYPE),
  async makeForeign(account) {
    network ??= await createNetwork(account, NETWORK_TAGS);
    return runInstance(account, network, []);
  },
  async alter({ client }, id) {
    await new EC2Client(client).send(new StopInstancesCommand({ InstanceIds: [id] }));
  },
});

test('no other type is started, and the evidence about one goes after it', async () => {
  const environment = { ...process.env };
  const account = await sandboxAccount(sharedCloud());
  network = await createNetwork(account, NETWORK_TAGS);
  const played = { id: 'kinds.tried', kinds: [ebsSnapshot, instance], permissions: () => [] };
  const stage = await openStage(sharedCloud(), account, MEMBER_ACCOUNTS[1], played);
  const before = await stage.inventory();
  await expect(start(stage, 'm7g.metal')).rejects.toThrow('not authorized');
  const InstanceId = await start(stage, INSTANCE_TYPE);
  const taking = new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId }, CopyTagsFromSource: 'volume' });
  await new EC2Client(account.client).send(taking);

  const { session, place, run } = stage;
  const [kept = ''] = await ebsSnapshot.left(session, place, run);
  expect(Object.keys(await ebsSnapshot.inventory(session, place))).toEqual([kept]);
  await stage.cleanUp();
  await ebsSnapshot.remove(session, place, kept);
  expect(await stage.inventory()).toEqual(before);
  process.env = environment;
});
