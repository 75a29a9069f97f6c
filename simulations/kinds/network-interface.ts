import {
  DeleteNetworkInterfaceCommand,
  EC2Client,
  type Filter,
  type NetworkInterface,
  paginateDescribeNetworkInterfaces,
} from '@aws-sdk/client-ec2';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { inSandbox } from '../network.ts';
import { unlessGone } from './gone.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { ec2Arn, madeFor, onItsOwn, taggedWhenMade } from './narrowed.ts';

/** Network interfaces that no service manages. They cost nothing. */
export const networkInterface: Kind = {
  type: 'AWS::EC2::NetworkInterface',
  permissions: {
    read: ['ec2:DescribeNetworkInterfaces'],
    own(run, place) {
      const making = ['ec2:CreateNetworkInterface'];
      return [
        { actions: making, resources: [ec2Arn('network-interface', place)], condition: madeFor(run) },
        { actions: making, resources: [ec2Arn('subnet', place)], condition: inSandbox },
        // Groups that it is made in are the run's.
        onItsOwn(run, place, ...making, 'ec2:DeleteNetworkInterface'),
        taggedWhenMade(place, 'CreateNetworkInterface'),
      ];
    },
  },

  async inventory(session) {
    const found = await interfaces(session, { Name: 'requester-managed', Values: ['false'] });
    return Object.fromEntries(
      found.map(({ NetworkInterfaceId = '', SubnetId = '', Attachment, Groups = [] }) => [
        NetworkInterfaceId,
        {
          subnet: SubnetId,
          instance: Attachment?.InstanceId ?? null,
          groups: Groups.map(({ GroupId = '' }) => GroupId).sort(),
        },
      ]),
    );
  },

  async left(session, _place, run) {
    const found = await interfaces(session, { Name: `tag:${RUN_TAG}`, Values: [run] });
    return found.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []);
  },

  async remove(session, _place, NetworkInterfaceId) {
    const deletion = new EC2Client(session).send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }));
    const ofIt = { Name: 'network-interface-id', Values: [NetworkInterfaceId] };
    // It is attached.
    await unlessGone(['InvalidParameterValue'], deletion, async () => (await interfaces(session, ofIt)).length > 0);
  },
};

async function interfaces(session: SessionConfig, ...Filters: Filter[]): Promise<NetworkInterface[]> {
  const client = new EC2Client(session);
  const found: NetworkInterface[] = [];
  for await (const { NetworkInterfaces = [] } of paginateDescribeNetworkInterfaces({ client }, { Filters })) {
    found.push(...NetworkInterfaces);
  }
  return found;
}
