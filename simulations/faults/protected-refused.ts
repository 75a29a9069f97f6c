import { CreateNetworkInterfaceCommand, EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod/mini';
import sample from '../../events/samples/securityhub/security-group-open-ssh.json' with { type: 'json' };
import { groupArn, isLetIn, letIn, letsIn, makeGroup, SSH_TO_THE_WORLD } from '../ingress.ts';
import { networkInterface } from '../kinds/network-interface.ts';
import { securityGroup } from '../kinds/security-group.ts';
import { tagList } from '../kinds/tags.ts';
import { findsNetwork, sandboxNetwork } from '../network.ts';
import { defineScenario, type Stage, type Things } from '../scenario.ts';

interface Made extends Things {
  readonly group: string;
}

/** Interfaces that are made at a time. */
const AT_ONCE = 10;

const parameters = z.strictObject({
  /** How many share the group: more than `protected.sharedBy` of response-policy.yml, which is 50 where it says nothing. */
  interfaces: z._default(z.int().check(z.gte(2), z.lte(200)), 51),
});

export default defineScenario({
  id: 'faults.protected-refused',
  title: 'What too many share is left to a person',
  story:
    'A security group that more than fifty network interfaces share is opened to the world. To close the port might cut off ' +
    'all of them at once, so Firebreak changes nothing, and calls a person.',
  attack: ['T1562.007'],
  csf: ['DE.CM-01', 'RS.MA-04', 'RS.CO-02'],
  safety: 'inert',
  cost: 0,
  minutes: { 'handler-replay': 20, 'bus-replay': 10 },
  objectives: { respond: 60 },
  kinds: [securityGroup, networkInterface],
  permissions: (run, place) => [findsNetwork, letsIn(run, place)],
  parameters,
  findings: [
    {
      source: 'securityhub',
      type: 'EC2.13',
      sample,
      names: ({ group }: Made) => ({ 'sg-0c4e1a97b25d8f360': group }),
    },
  ],
  responses: [
    {
      remediation: 'network.close-open-ingress',
      outcome: 'refused',
      target: ({ group }: Made, place) => groupArn(group, place),
      because: 'a change reaches',
    },
  ],

  async warmUp(stage, { interfaces }): Promise<Made> {
    const group = await makeGroup(stage, 'shared');
    await stage.make(networkInterface, `${interfaces} network interfaces that nothing uses, in ${group}`, () =>
      makeInterfaces(stage, group, interfaces),
    );
    return { group };
  },

  inject: (stage, { group }) => letIn(stage, group, [SSH_TO_THE_WORLD]),
  /** Open still: a person decides. */
  expect: (stage, { group }) => isLetIn(stage, group, SSH_TO_THE_WORLD),
});

async function makeInterfaces(stage: Stage, group: string, count: number): Promise<void> {
  const ec2 = new EC2Client(stage.session);
  const { subnet: SubnetId } = await sandboxNetwork(ec2);
  const make = () =>
    ec2.send(
      new CreateNetworkInterfaceCommand({
        SubnetId,
        Groups: [group],
        Description: 'Made by a simulation of Firebreak',
        TagSpecifications: [{ ResourceType: 'network-interface', Tags: tagList(stage.tags) }],
      }),
    );
  for (let made = 0; made < count; made += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - made) }, make));
  }
}
