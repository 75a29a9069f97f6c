import {
  DeleteSecurityGroupCommand,
  EC2Client,
  paginateDescribeNetworkInterfaces,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import * as z from 'zod/mini';
import { defineRemediation } from '../../engine/define.ts';
import { calledOwnGroup, FLUSH, QUARANTINE, ROLE_TAG, ROLES } from '../../engine/own-groups.ts';
import type { Target } from '../../engine/remediation.ts';
import { part } from '../../engine/state.ts';
import { hasNoOthers } from './group-rules.ts';
import { create, finish, isExactly, securityGroups } from './isolation-groups.ts';
import { groupPermissions } from './isolation-permissions.ts';

/** All that it takes to make the group again; its rules follow from which one it is. */
const group = z.strictObject({
  name: z.string().check(z.regex(/^firebreak-(quarantine|flush)(-[0-9a-f]{8})?$/)),
  vpc: z.string().check(z.regex(/^vpc-[0-9a-f]{8,17}$/)),
  which: z.enum([QUARANTINE, FLUSH]),
});
const PART = 'group';

/** On a group that an undo made: the id of the one in whose place it is. */
const REPLACES_TAG = 'firebreak:replaces';

interface Facts {
  /** Why it must stay, in words. */
  readonly kept: string | null;
}

/**
 * Deletes a security group that Firebreak made to isolate instances and that nothing uses any more: an undo leaves it for
 * others. It acts when the sweep asks for it. A group with any rule that we do not give it is not ours to delete, one that was
 * left half made is. EC2 gives no id twice: an undo makes a group of the same name and rules under another id.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
 */
export default defineRemediation({
  id: 'instances.delete-unused-group',
  title: 'Delete a security group of isolation that nothing uses',
  risk: 'safe',
  handles: [],
  resource: ['AWS::EC2::SecurityGroup'],
  parameters: z.strictObject({}),
  state: z.strictObject({ [PART]: z.nullable(group) }),
  permissions: {
    read: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups'],
    write(target, plan) {
      const deleting = {
        actions: ['ec2:DeleteSecurityGroup'],
        resources: [target.arn],
        condition: { StringEquals: { [`aws:ResourceTag/${ROLE_TAG}`]: Object.values(ROLES) } },
      };
      if (!plan) return [deleting, ...groupPermissions(target, '*')];
      const made = group.safeParse(part(plan.after, PART));
      return made.success ? groupPermissions(target, made.data.vpc) : [deleting];
    },
  },
  gone: [],
  clients: (session) => ({ ec2: new EC2Client(session) }),

  async read({ ec2 }, target) {
    const [found] = await securityGroups(ec2, [{ Name: 'group-id', Values: [target.id] }]);
    if (found) {
      const facts: Facts = { kept: await whyKept(ec2, found, target) };
      return { state: { [PART]: described(found) }, facts };
    }
    const again = (await inItsPlace(ec2, target)).find(({ VpcId: vpc = '', ...rest }) => {
      const which = calledOwnGroup(rest);
      return which && isExactly({ ...rest, VpcId: vpc }, which, { vpc, account: target.account });
    });
    const kept = again ? `it was deleted, and ${again.GroupId} is in its place: name that one` : null;
    return { state: { [PART]: again ? described(again) : null }, facts: { kept } satisfies Facts as Facts };
  },

  desired: () => ({ [PART]: null }),

  decline: ({ facts: { kept } }) => (kept === null ? undefined : { outcome: 'refused', reason: kept }),

  async write({ ec2 }, target, { [PART]: next }, _, { response, record }) {
    // A part that is absent is one that is null.
    if (!next) return remove(ec2, target);
    const { name, vpc, which } = next;
    const place = { vpc, account: target.account };
    // One that a killed run began.
    const begun = (await inItsPlace(ec2, target)).find(
      (each) => each.OwnerId === target.account && calledOwnGroup(each) === which && hasNoOthers(each, which),
    )?.GroupId;
    const id = begun ?? (await create(ec2, name, which, place, response, { [REPLACES_TAG]: target.id }));
    await record('made again', { group: await finish(ec2, id, which, place) });
  },
});

/** What a group of ours is made of; null for another, which is not ours to change. */
function described(found: SecurityGroup): z.infer<typeof group> | null {
  const { GroupName: name, VpcId: vpc } = found;
  const known = group.safeParse({ name, vpc, which: calledOwnGroup(found) });
  return known.success ? known.data : null;
}

/** Deletes it if it is still as it must be. @throws with the reason why it was not */
async function remove(ec2: EC2Client, target: Target): Promise<void> {
  const [found] = await securityGroups(ec2, [{ Name: 'group-id', Values: [target.id] }]);
  if (!found) return;
  const kept = await whyKept(ec2, found, target);
  if (kept !== null) throw new Error(`nothing was deleted: ${kept}`);
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: target.id })).catch((error: Error) => {
    if (error.name === 'InvalidGroup.NotFound') return;
    if (error.name !== 'DependencyViolation') throw error;
    throw new Error('nothing was deleted: EC2 says that something else depends on it');
  });
}

const inItsPlace = (ec2: EC2Client, { id }: Target): Promise<SecurityGroup[]> =>
  securityGroups(ec2, [{ Name: `tag:${REPLACES_TAG}`, Values: [id] }]);

/** Why a group must stay: it is not ours, or something uses it. */
async function whyKept(ec2: EC2Client, found: SecurityGroup, { id, account }: Target): Promise<string | null> {
  const which = described(found)?.which;
  if (found.OwnerId !== account || !which) return 'it is not called and tagged as a group that Firebreak makes';
  if (!hasNoOthers(found, which))
    return `it has rules that Firebreak gives no ${which}: whoever made them knows what for`;
  const having = { Filters: [{ Name: 'group-id', Values: [id] }] };
  for await (const { NetworkInterfaces } of paginateDescribeNetworkInterfaces({ client: ec2 }, having)) {
    if (!NetworkInterfaces) throw new Error('EC2 answered without a list of interfaces');
    const [first] = NetworkInterfaces;
    if (first) return `the interface ${first.NetworkInterfaceId} is in it`;
  }
  for (const Name of ['ip-permission.group-id', 'egress.ip-permission.group-id']) {
    const [other] = await securityGroups(ec2, [{ Name, Values: [id] }]);
    if (other) return `a rule of ${other.GroupId} refers to it`;
  }
  return null;
}
