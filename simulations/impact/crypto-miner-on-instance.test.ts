import { DescribeInstancesCommand, EC2Client, ModifyInstanceAttributeCommand } from '@aws-sdk/client-ec2';
import { expect } from '@jest/globals';
import { createNetwork } from '../../local/exposures/network.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import { NETWORK_TAGS } from '../network.ts';
import cryptoMinerOnInstance from './crypto-miner-on-instance.ts';

scenarioContract(cryptoMinerOnInstance, {
  async prepare(account) {
    await createNetwork(account, NETWORK_TAGS);
  },
  /** Its disk does not end with it any more. */
  async leave({ client }, { instance: InstanceId }) {
    const ec2 = new EC2Client(client);
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId ?? ''] }));
    const [disk] = Reservations?.[0]?.Instances?.[0]?.BlockDeviceMappings ?? [];
    expect(disk?.Ebs?.DeleteOnTermination).toBe(true);
    const BlockDeviceMappings = [{ DeviceName: disk?.DeviceName, Ebs: { DeleteOnTermination: false } }];
    await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, BlockDeviceMappings }));
  },
});
