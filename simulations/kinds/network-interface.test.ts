import { CreateNetworkInterfaceCommand, EC2Client, ModifyNetworkInterfaceAttributeCommand } from '@aws-sdk/client-ec2';
import { createGroup, createNetwork, type Network } from '../../local/exposures/network.ts';
import { kindContract } from '../../local/kind-contract.ts';
import type { Account } from '../../local/specimen.ts';
import { NETWORK_TAGS } from '../network.ts';
import { networkInterface } from './network-interface.ts';
import { tagList } from './tags.ts';

let network: Network;

async function makeForeign(account: Account): Promise<string> {
  network ??= await createNetwork(account, NETWORK_TAGS);
  const command = new CreateNetworkInterfaceCommand({ SubnetId: network.subnet });
  const { NetworkInterface } = await new EC2Client(account.client).send(command);
  return NetworkInterface?.NetworkInterfaceId ?? '';
}

kindContract(networkInterface, {
  makeForeign,
  async make(stage) {
    const command = new CreateNetworkInterfaceCommand({
      SubnetId: network.subnet,
      TagSpecifications: [{ ResourceType: 'network-interface', Tags: tagList(stage.tags) }],
    });
    const made = stage.make(networkInterface, 'an interface', () => new EC2Client(stage.session).send(command));
    return (await made).NetworkInterface?.NetworkInterfaceId ?? '';
  },
  async alter(account, NetworkInterfaceId) {
    const Groups = [await createGroup(account, network, 'web')];
    const command = new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, Groups });
    await new EC2Client(account.client).send(command);
  },
});
