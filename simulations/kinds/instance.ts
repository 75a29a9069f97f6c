import {
  EC2Client,
  type Filter,
  type Instance,
  paginateDescribeInstances,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { SessionConfig } from '../../engine/aws/session.ts';
import type { Permission } from '../../engine/remediation.ts';
import { inSandbox } from '../network.ts';
import { unlessGone } from './gone.ts';
import { type Kind, RUN_TAG } from './kind.ts';
import { ec2Arn, madeFor, onItsOwn, taggedWhenMade } from './narrowed.ts';

/** The smallest of the Graviton instances, and the only one that runs may start: $0.0042 an hour in us-east-1. */
export const INSTANCE_TYPE = 't4g.nano';

/** What starts and ends with an instance, and gets a run's tags: so IAM knows what may be started. */
export const PARTS = ['instance', 'network-interface', 'volume'] as const;

/** EC2 shows one that was terminated for about an hour. */
const THERE: Filter = {
  Name: 'instance-state-name',
  Values: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
};

/** Instances, with the interfaces and the volumes that end with them. Volumes that do not are of a kind of their own. */
export const instance: Kind = {
  type: 'AWS::EC2::Instance',
  permissions: {
    read: ['ec2:DescribeInstances'],
    own(run, place) {
      const arn = (type: string) => ec2Arn(type, place);
      const starting = ['ec2:RunInstances'];
      // Of the parts, only the instance itself has a type.
      const smallest: Permission['condition'] = {
        ...madeFor(run),
        StringEqualsIfExists: { 'ec2:InstanceType': INSTANCE_TYPE },
      };
      return [
        { actions: starting, resources: PARTS.map(arn), condition: smallest },
        // Groups are of the subnet's VPC.
        { actions: starting, resources: [arn('image'), arn('security-group')] },
        { actions: starting, resources: [arn('subnet')], condition: inSandbox },
        onItsOwn(run, place, 'ec2:TerminateInstances'),
        taggedWhenMade(place, 'RunInstances'),
      ];
    },
  },

  async inventory(session) {
    const found = await instances(session);
    return Object.fromEntries(
      found.map(({ InstanceId = '', InstanceType = '', State, NetworkInterfaces = [], BlockDeviceMappings = [] }) => [
        InstanceId,
        {
          type: InstanceType,
          state: State?.Name ?? null,
          groups: NetworkInterfaces.flatMap(({ NetworkInterfaceId, Groups = [] }) =>
            Groups.map(({ GroupId }) => `${NetworkInterfaceId} ${GroupId}`),
          ).sort(),
          volumes: BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []).sort(),
        },
      ]),
    );
  },

  async left(session, _place, run) {
    const found = await instances(session, { Name: `tag:${RUN_TAG}`, Values: [run] });
    return found.flatMap(({ InstanceId }) => InstanceId ?? []);
  },

  async remove(session, _place, id) {
    const termination = new EC2Client(session).send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const ofIt = { Name: 'instance-id', Values: [id] };
    await unlessGone([], termination, async () => (await instances(session, ofIt)).length > 0);
  },
};

async function instances(session: SessionConfig, ...more: Filter[]): Promise<Instance[]> {
  const client = new EC2Client(session);
  const Filters = [THERE, ...more];
  const found: Instance[] = [];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client }, { Filters })) {
    found.push(...Reservations.flatMap(({ Instances = [] }) => Instances));
  }
  return found;
}
