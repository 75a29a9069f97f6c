import * as z from 'zod/mini';
import sample from '../../events/samples/cloudtrail/open-ssh-to-world.json' with { type: 'json' };
import { securityGroup } from '../kinds/security-group.ts';
import { findsNetwork } from '../network.ts';
import { groupArn, type Ingress, isLetIn, letIn, letsIn, makeGroup, SSH_TO_THE_WORLD } from '../props/ingress.ts';
import { defineScenario, type Things } from '../scenario.ts';

interface Made extends Things {
  readonly group: string;
}

/** What is opened in the same call, as the sample has it, and must stay open. */
const DATABASE_WITHIN: Ingress = { port: 5432, from: '10.20.0.0/16' };

export default defineScenario({
  id: 'initial-access.management-port-open',
  title: 'A management port is opened to the world',
  story:
    'An engineer lets a vendor in by SSH and opens port 22 to every address, in the call that also lets the own network reach ' +
    'the database. CloudTrail has the call. Firebreak takes out the one rule and leaves the other.',
  attack: ['T1133', 'T1562.007'],
  csf: ['PR.IR-01', 'DE.CM-01', 'RS.MA-01', 'RS.MI-01'],
  safety: 'inert',
  cost: 0,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, live: 45 },
  objectives: { detect: 900, respond: 60, contain: 120, recover: 120 },
  kinds: [securityGroup],
  permissions: (run, place) => [findsNetwork, letsIn(run, place)],
  parameters: z.strictObject({}),
  findings: [
    {
      source: 'cloudtrail',
      type: 'ec2:AuthorizeSecurityGroupIngress',
      sample,
      names: ({ group }: Made) => ({ 'sg-0c4e1a97b25d8f360': group }),
    },
  ],
  responses: [
    {
      remediation: 'network.close-open-ingress',
      outcome: 'verified',
      target: ({ group }: Made, place) => groupArn(group, place),
    },
  ],

  warmUp: async (stage): Promise<Made> => ({ group: await makeGroup(stage, 'workers') }),
  inject: (stage, { group }) => letIn(stage, group, [SSH_TO_THE_WORLD, DATABASE_WITHIN]),
  expect: async (stage, { group }) => !(await isLetIn(stage, group, SSH_TO_THE_WORLD)),
  recovered: (stage, { group }) => isLetIn(stage, group, DATABASE_WITHIN),
});
