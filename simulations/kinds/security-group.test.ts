import { CreateNetworkInterfaceCommand, EC2Client } from '@aws-sdk/client-ec2';
import { expect, test } from '@jest/globals';
import { QUARANTINE } from '../../engine/own-groups.ts';
import { OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { allow, createGroup, createNetwork, createOwnGroup, fromAnywhere } from '../../local/exposures/network.ts';
import { openStage, sandboxAccount } from '../../local/stage.ts';
import { findsNetwork, NETWORK_TAGS } from '../network.ts';
import { makeGroup } from '../props/ingress.ts';
import { networkInterface } from './network-interface.ts';
import { securityGroup } from './security-group.ts';
import { tagList } from './tags.ts';

const played = {
  id: 'kinds.security-group',
  kinds: [securityGroup, networkInterface],
  permissions: () => [findsNetwork],
};

async function setUp() {
  const account = await sandboxAccount(sharedCloud());
  const network = await createNetwork(account, NETWORK_TAGS);
  const stage = await openStage(sharedCloud(), account, OUTSIDE_ACCOUNT, played);
  return { account, network, stage };
}

test('what changes in a group counts, and that isolation made groups does not', async () => {
  const { account, network, stage } = await setUp();
  const group = await createGroup(account, network, 'web');
  const before = await stage.inventory();
  await createOwnGroup(account, network, QUARANTINE);
  expect(await stage.inventory()).toEqual(before);
  await allow(account, group, [fromAnywhere('tcp', 22, 22)]);
  expect(await stage.inventory()).not.toEqual(before);
});

test('a group stays while an interface is in it, and both go', async () => {
  const { network, stage } = await setUp();
  const before = await stage.inventory();
  const { session, place, run } = stage;
  const group = await makeGroup(stage, 'one');
  await stage.make(networkInterface, 'an interface', () =>
    new EC2Client(session).send(
      new CreateNetworkInterfaceCommand({
        SubnetId: network.subnet,
        Groups: [group],
        TagSpecifications: [{ ResourceType: 'network-interface', Tags: tagList(stage.tags) }],
      }),
    ),
  );
  const [left = ''] = await networkInterface.left(session, place, run);
  expect(await networkInterface.inventory(session, place)).toEqual({
    [left]: { subnet: network.subnet, instance: null, groups: [group] },
  });

  await securityGroup.remove(session, place, group);
  expect(await securityGroup.left(session, place, run)).toEqual([group]);
  for (const again of ['once', 'twice']) {
    await networkInterface.remove(session, place, left);
    await securityGroup.remove(session, place, group);
    expect([again, await stage.inventory()]).toEqual([again, before]);
  }
});
