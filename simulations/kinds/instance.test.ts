import { CreateSnapshotsCommand, EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from '@jest/globals';
import { OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { createGroup, createNetwork, runInstance } from '../../local/exposures/network.ts';
import { RehearsalStage, sandboxAccount } from '../../local/stage.ts';
import { NETWORK_TAGS } from '../network.ts';
import { evidence } from './evidence.ts';
import { INSTANCE_TYPE, instance, PARTS } from './instance.ts';
import { tagList } from './tags.ts';

test('an instance of a run goes with its volume, and so does the evidence about it', async () => {
  const account = await sandboxAccount(sharedCloud());
  const network = await createNetwork(account, NETWORK_TAGS);
  const neighbour = await runInstance(account, network, [await createGroup(account, network, 'web')]);
  const played = { id: 'kinds.instance', kinds: [evidence, instance], permissions: () => [] };
  const stage = await RehearsalStage.open(sharedCloud(), account, OUTSIDE_ACCOUNT, played);
  const { session, place, run } = stage;
  const before = await stage.inventory();
  expect(Object.keys(await instance.inventory(session, place))).toEqual([neighbour]);

  const start = (InstanceType: 't4g.nano' | 'm7g.metal') =>
    new EC2Client(session).send(
      new RunInstancesCommand({
        ...{ ImageId: 'ami-0b6c1e8d2f47a9530', InstanceType, MinCount: 1, MaxCount: 1, SubnetId: network.subnet },
        TagSpecifications: PARTS.map((ResourceType) => ({ ResourceType, Tags: tagList(stage.tags) })),
      }),
    );
  await expect(start('m7g.metal')).rejects.toThrow('not authorized');
  await stage.make(instance, 'an instance', () => start(INSTANCE_TYPE));
  const [id = ''] = await instance.left(session, place, run);
  await new EC2Client(account.client).send(
    new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: id }, CopyTagsFromSource: 'volume' }),
  );
  expect(await evidence.left(session, place, run)).toHaveLength(1);

  for (const again of [1, 2]) {
    await instance.remove(session, place, id);
    for (const kept of await evidence.left(session, place, run)) await evidence.remove(session, place, kept);
    expect([again, await stage.inventory()]).toEqual([again, before]);
  }
});
