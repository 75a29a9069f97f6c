import { randomUUID } from 'node:crypto';
import {
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  DeleteNetworkInterfaceCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import * as z from 'zod/mini';
import { QUARANTINE, ROLE_TAG, ROLES } from '../../engine/own-groups.ts';
import { networkInterface } from '../kinds/network-interface.ts';
import { securityGroup } from '../kinds/security-group.ts';
import { tagList } from '../kinds/tags.ts';
import { findsNetwork, sandboxNetwork } from '../network.ts';
import { groupArn } from '../props/ingress.ts';
import { defineScenario, type Things } from '../scenario.ts';

interface Made extends Things {
  readonly group: string;
  readonly interface: string;
}

const REMEDIATION = 'instances.delete-unused-group';

export default defineScenario({
  id: 'faults.unused-group-left',
  title: 'A group of isolation is left that nothing uses',
  story:
    'An isolated instance is gone, and the security group that isolates stays behind: a group without rules that somebody may give ' +
    'some. Nobody finds such a group. The sweep does, and has it deleted; here the simulator asks as the sweep would.',
  attack: ['T1562.007'],
  csf: ['ID.IM-02', 'RC.RP-05', 'RC.RP-06'],
  safety: 'inert',
  cost: 0,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, live: 15 },
  objectives: { respond: 60, contain: 120 },
  kinds: [securityGroup, networkInterface],
  permissions: () => [findsNetwork],
  parameters: z.strictObject({}),
  findings: [
    {
      source: 'operator',
      type: 'run',
      remediation: REMEDIATION,
      target: ({ group }: Made, place) => groupArn(group, place),
    },
  ],
  responses: [
    { remediation: REMEDIATION, outcome: 'verified', target: ({ group }: Made, place) => groupArn(group, place) },
  ],

  async warmUp(stage): Promise<Made> {
    const ec2 = new EC2Client(stage.session);
    const { vpc: VpcId, subnet: SubnetId } = await sandboxNetwork(ec2);
    // As isolation calls one where the plain name is taken.
    const GroupName = `${QUARANTINE}-${randomUUID().slice(0, 8)}`;
    const Tags = tagList({ ...stage.tags, [ROLE_TAG]: ROLES[QUARANTINE] });
    const { GroupId: group = '' } = await stage.make(securityGroup, `the security group ${GroupName}`, () =>
      ec2.send(
        new CreateSecurityGroupCommand({
          GroupName,
          Description: 'Made by a simulation of Firebreak',
          VpcId,
          TagSpecifications: [{ ResourceType: 'security-group', Tags }],
        }),
      ),
    );
    const { NetworkInterface } = await stage.make(networkInterface, `a network interface in ${group}`, () =>
      ec2.send(
        new CreateNetworkInterfaceCommand({
          SubnetId,
          Groups: [group],
          TagSpecifications: [{ ResourceType: 'network-interface', Tags: tagList(stage.tags) }],
        }),
      ),
    );
    return { group, interface: NetworkInterface?.NetworkInterfaceId ?? '' };
  },

  inject: (stage, things) =>
    stage.change(`${things.interface} is deleted, and nothing is in the group any more`, async () => {
      await new EC2Client(stage.session).send(
        new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: things.interface }),
      );
    }),

  async expect(stage, { group }) {
    const Filters = [{ Name: 'group-id', Values: [group] }];
    const { SecurityGroups } = await new EC2Client(stage.session).send(new DescribeSecurityGroupsCommand({ Filters }));
    if (!SecurityGroups) throw new Error('EC2 answered without a list of security groups');
    return SecurityGroups.length === 0;
  },
});
