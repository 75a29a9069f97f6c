import {
  AuthorizeSecurityGroupIngressCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { parseArn } from '../../engine/arn.ts';
import { countUpTo, EC2_PAGE, pageSizeFor, tagsByKey } from '../../engine/aws/lists.ts';
import { memberRole } from '../../engine/aws/sessions.ts';
import { defineRemediation } from '../../engine/define.ts';
import { calledOwnGroup, FLUSH, OWN_GROUPS_WORKER } from '../../engine/own-groups.ts';
import type { Context, Target } from '../../engine/remediation.ts';
import { canonical, changes } from '../../engine/state.ts';
import { targetOf } from '../../engine/targets.ts';
import { cloudTrail, inspector, securityHub } from '../../engine/triggers.ts';
import { authorizedPorts, opens, opensBeside, portsInQuestion } from './ports.ts';
import { keepClosed, openRules, opensAllAndNoMore, openToAll, permission, portsOf, rulesOf } from './rules.ts';

const GROUP = 'AWS::EC2::SecurityGroup';

/** CloudTrail has a block as the caller wrote it, and EC2 takes any address before `/0` for all of them. */
const everybody = [{ suffix: '/0' }];

interface Facts {
  /** Ids of the rules that are open to everybody, by name. */
  readonly ids: Readonly<Record<string, string>>;
  /** What the rules to be taken out open beside what the finding is about, where they do. */
  readonly beside: Readonly<Record<string, readonly string[]>>;
  /** It is called as the group of isolation that is open on purpose; and whether the finding tells that Firebreak opened it. */
  readonly flush?: { readonly openedByUs: boolean };
}

/**
 * Takes out of a security group the rules that open the ports in question to 0.0.0.0/0 or ::/0, and no other rule. EC2 cannot
 * take out a part of a rule: one that opens more goes as a whole, after a person has looked. Rules are revoked by their ids,
 * because by values EC2 may revoke nothing and call it a success. Connections that exist are not cut.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
 */
export default defineRemediation({
  id: 'network.close-open-ingress',
  title: 'Close ports that a security group opens to everybody',
  risk: 'disruptive',
  handles: [
    inspector('NETWORK_REACHABILITY'),
    securityHub('EC2.13', 'EC2.14', 'EC2.18', 'EC2.19'),
    cloudTrail('ec2', 'AuthorizeSecurityGroupIngress', {
      $or: [
        { cidrIp: everybody },
        { ipPermissions: { items: { ipRanges: { items: { cidrIp: everybody } } } } },
        { ipPermissions: { items: { ipv6Ranges: { items: { cidrIpv6: everybody } } } } },
      ],
    }),
  ],
  resource: [GROUP],
  parameters: authorizedPorts,
  state: openRules,
  permissions: {
    read: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroupRules', 'ec2:DescribeSecurityGroups'],
    write({ arn, partition, region, account }, plan) {
      const parts = plan && changes(plan.before, plan.after);
      const revoke = { actions: ['ec2:RevokeSecurityGroupIngress'], resources: [arn] };
      // The rules that an undo makes have no ids yet.
      const newRules = `arn:${partition}:ec2:${region}:${account}:security-group-rule/*`;
      const restore = [
        { actions: ['ec2:AuthorizeSecurityGroupIngress'], resources: [arn, newRules] },
        {
          actions: ['ec2:CreateTags'],
          resources: [newRules],
          condition: { StringEquals: { 'ec2:CreateAction': 'AuthorizeSecurityGroupIngress' } },
        },
      ];
      return [
        ...(!parts || parts.some(({ from }) => from !== null) ? [revoke] : []),
        ...(!parts || parts.some(({ to }) => to !== null) ? restore : []),
      ];
    },
  },
  gone: ['InvalidGroup.NotFound'],
  clients: (session) => ({ ec2: new EC2Client(session) }),

  /** Inspector names an instance: its groups that open one of the ports. */
  async targets({ ec2 }, finding, { parameters }) {
    const instances = finding.resources.filter(({ type }) => type === 'AWS::EC2::Instance').map(({ id }) => id);
    if (finding.source !== 'inspector' || instances.length === 0) return undefined;
    const groups = new Set<string>();
    const Filters = [{ Name: 'attachment.instance-id', Values: instances }];
    for await (const { NetworkInterfaces = [] } of paginateDescribeNetworkInterfaces({ client: ec2 }, { Filters })) {
      for (const { GroupId } of NetworkInterfaces.flatMap(({ Groups = [] }) => Groups))
        if (GroupId) groups.add(GroupId);
    }
    if (groups.size === 0) return [];
    const ports = portsInQuestion(finding, parameters);
    const open = openToAll(await rulesOf(ec2, [...groups])).filter(({ name }) => opens(portsOf(name), ports));
    return [...new Set(open.map(({ group }) => group))]
      .map((group) => targetOf(GROUP, finding, group))
      .filter((target) => target !== undefined);
  },

  async tags({ ec2 }, { id }) {
    return tagsByKey((await groupOf(ec2, id)).Tags ?? []);
  },

  /** Network interfaces that have the group. */
  reach({ ec2 }, { id }, enough) {
    const having = { Filters: [{ Name: 'group-id', Values: [id] }], MaxResults: pageSizeFor(enough, EC2_PAGE) };
    const pages = paginateDescribeNetworkInterfaces({ client: ec2 }, having);
    return countUpTo(enough, pages, ({ NetworkInterfaces }) => NetworkInterfaces);
  },

  population({ ec2 }, _, enough) {
    const pages = paginateDescribeSecurityGroups({ client: ec2 }, { MaxResults: pageSizeFor(enough, EC2_PAGE) });
    return countUpTo(enough, pages, ({ SecurityGroups }) => SecurityGroups);
  },

  async read({ ec2 }, target, { finding, parameters }) {
    const { id } = target;
    const rules = await rulesOf(ec2, [id]);
    // A group without any rule and one that does not exist look the same; this throws for the latter.
    if (rules.length === 0) await groupOf(ec2, id);
    const open = openToAll(rules);
    const ports = portsInQuestion(finding, parameters);
    // What a call opened just now is not in use yet, so that taking all of it back needs no second look.
    const expected = [...ports, ...(finding.source === 'cloudtrail' ? (finding.ports ?? []) : [])];
    const beside = open
      .filter(({ name }) => opens(portsOf(name), ports))
      .map(({ name }) => [name, opensBeside(portsOf(name), expected)] as const)
      .filter(([, more]) => more.length > 0);
    return {
      state: openRules.parse(Object.fromEntries(open.map(({ name, label }) => [name, label]))),
      facts: {
        ids: Object.fromEntries(open.map(({ name, id }) => [name, id])),
        beside: Object.fromEntries(beside),
        ...(opensAllAndNoMore(rules) &&
          calledOwnGroup(await groupOf(ec2, id)) === FLUSH && { flush: { openedByUs: isByUs(finding, target) } }),
      } satisfies Facts as Facts,
    };
  },

  desired: (state, { finding, parameters }) => keepClosed(state, portsInQuestion(finding, parameters)),

  decline: ({ facts: { flush } }) =>
    flush?.openedByUs
      ? {
          outcome: 'excepted',
          reason: 'Firebreak itself opened it, to let connections go when it isolates an instance',
        }
      : undefined,

  caution({ facts: { beside, flush } }) {
    // Not let pass: whoever may make groups can call one so.
    if (flush) {
      return 'it is called as the group by which Firebreak lets connections go, which is open on purpose: one that Firebreak made holds an interface for a moment only, and closed it is of no more use';
    }
    const wide = Object.entries(beside).map(([name, more]) => `${name} also opens ${more.join(', ')}`);
    return wide.length === 0 ? undefined : `a rule goes as a whole: ${wide.join('; ')}`;
  },

  async write({ ec2 }, { id: GroupId }, next, current, { facts, record }) {
    const changed = changes(current, next).map(({ part }) => part);
    const revoked = changed.filter((name) => current[name]);
    if (revoked.length > 0) {
      const answer = await ec2.send(
        new RevokeSecurityGroupIngressCommand({
          GroupId,
          SecurityGroupRuleIds: revoked.map((name) => idOf(name, facts)),
        }),
      );
      // What EC2 says it revoked; the read that verifies decides.
      const ids = (answer.RevokedSecurityGroupRules ?? []).map(({ SecurityGroupRuleId: id }) => id ?? null);
      await record('revoked', ids);
    }
    // The tags of a call go on all rules that it makes.
    const added = changed.flatMap((name) => (next[name] ? [{ name, label: next[name] }] : []));
    for (const rules of Map.groupBy(added, ({ label }) => canonical(label.tags)).values()) {
      const Tags = Object.entries(rules[0]?.label.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
      await ec2.send(
        new AuthorizeSecurityGroupIngressCommand({
          GroupId,
          IpPermissions: rules.map(({ name, label }) => permission(name, label)),
          ...(Tags.length > 0 && { TagSpecifications: [{ ResourceType: 'security-group-rule', Tags }] }),
        }),
      );
    }
  },
});

async function groupOf(ec2: EC2Client, id: string): Promise<SecurityGroup> {
  const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
  if (!SecurityGroups?.[0]) throw new Error('EC2 answered without the security group');
  return SecurityGroups[0];
}

/** Only the worker that makes our groups can have a session of its role in the account. */
function isByUs({ principal }: Context['finding'], { account }: Target): boolean {
  const by = principal === undefined ? undefined : parseArn(principal);
  const session = `assumed-role/${memberRole(OWN_GROUPS_WORKER)}/`;
  return by?.service === 'sts' && by.account === account && by.resource.startsWith(session);
}

function idOf(name: string, { ids }: Facts): string {
  const id = ids[name];
  if (id === undefined) throw new Error(`the id of the rule ${name} was not read`);
  return id;
}
