import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  type EC2Client,
  type Filter,
  type IpPermission,
  paginateDescribeSecurityGroups,
  RevokeSecurityGroupEgressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { calledOwnGroup, FLUSH, type OwnGroup, QUARANTINE, ROLE_TAG, ROLES } from '../../engine/own-groups.ts';
import { hasItsRules, RULES, without } from './group-rules.ts';

export const isOurs = (name: string): name is OwnGroup => name === QUARANTINE || name === FLUSH;

const RESPONSE_TAG = 'firebreak:response';
const DESCRIPTIONS = {
  [QUARANTINE]: 'Firebreak: isolates an instance. Has no rules, and is not used once it has any',
  [FLUSH]: 'Firebreak: lets tracked connections go, for the moment before quarantine. Never leave an interface in it',
} as const;

/** Where a group has to be, and whose. */
export interface GroupPlace {
  readonly vpc: string;
  readonly account: string;
}

/** Milliseconds before each look at a group that is being made: EC2 is eventually consistent, and others make groups too. */
const LOOKS_MS = [0, 250, 750, 1_500, 3_000];

/**
 * The groups of a VPC that are ours: by tag, name, owner and by each of their rules. Whoever may change security groups can
 * make one with our name and tag, or add a rule to one of ours. Such a group isolates nobody, so it is not used and not
 * taken for ours; nor is it changed, since what else hangs on it is not ours to decide. We use another, or make one.
 * @returns ids and which group each is, in the order of the ids
 */
export async function isolationGroups(ec2: EC2Client, place: GroupPlace): Promise<ReadonlyMap<string, OwnGroup>> {
  const tagged = await securityGroups(ec2, [
    { Name: 'vpc-id', Values: [place.vpc] },
    { Name: `tag:${ROLE_TAG}`, Values: Object.values(ROLES) },
  ]);
  const ours = tagged.flatMap((group) => {
    const which = ([QUARANTINE, FLUSH] as const).find((name) => isExactly(group, name, place));
    return which && group.GroupId ? [[group.GroupId, which] as const] : [];
  });
  return new Map(ours.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The groups with these ids that do not exist. */
export async function missingGroups(ec2: EC2Client, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const found = await securityGroups(ec2, [{ Name: 'group-id', Values: [...ids] }]);
  return ids.filter((id) => !found.some(({ GroupId }) => GroupId === id));
}

/** Our two groups of a VPC, by the time they are needed. */
export class IsolationGroups {
  readonly #ec2: EC2Client;
  readonly #place: GroupPlace;
  readonly #response: string | undefined;
  readonly #ids: Map<string, Promise<string>>;

  /**
   * @param known ids of those that were there when the plan was made
   * @param response the response that makes the others; without one an earlier session has made them
   */
  constructor(
    ec2: EC2Client,
    place: GroupPlace,
    known: Readonly<Partial<Record<OwnGroup, string>>>,
    response: string | undefined,
  ) {
    this.#ec2 = ec2;
    this.#place = place;
    this.#response = response;
    this.#ids = new Map(Object.entries(known).map(([name, id]) => [name, Promise.resolve(id)]));
  }

  /** The ids of groups that a state names: ours by name, others by id. Makes those of ours that are lacking. */
  idsOf(groups: readonly string[]): Promise<string[]> {
    return Promise.all(groups.map((group) => (isOurs(group) ? this.#idOf(group) : group)));
  }

  #idOf(name: OwnGroup): Promise<string> {
    const id =
      this.#ids.get(name) ?? (this.#response === undefined ? this.#made(name) : this.#make(name, this.#response));
    this.#ids.set(name, id);
    return id;
  }

  /**
   * Makes a group, unless another response made it meanwhile. One that this response began before it was killed is finished.
   * One that another left half made, or that was tampered with, keeps its name, and ours gets a name of its own.
   */
  async #make(name: OwnGroup, response: string): Promise<string> {
    const make = async (called: string) =>
      finish(this.#ec2, await create(this.#ec2, called, name, this.#place, response), name, this.#place);
    try {
      return await make(name);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'InvalidGroup.Duplicate') throw error;
    }
    const begun = await this.#begun(name, response);
    if (begun !== undefined) return finish(this.#ec2, begun, name, this.#place);
    const made = await this.#find(name);
    return made ?? make(`${name}-${randomUUID().slice(0, 8)}`);
  }

  /** The group that a killed run of a response made, whether or not it has its rules, and nobody gave it others. */
  async #begun(name: OwnGroup, response: string): Promise<string | undefined> {
    const { vpc, account } = this.#place;
    const groups = await securityGroups(this.#ec2, [
      { Name: 'vpc-id', Values: [vpc] },
      { Name: `tag:${ROLE_TAG}`, Values: [ROLES[name]] },
      { Name: `tag:${RESPONSE_TAG}`, Values: [response] },
    ]);
    return groups.find(
      ({ OwnerId, IpPermissions = [] }) => OwnerId === account && without(IpPermissions, RULES[name]).length === 0,
    )?.GroupId;
  }

  async #made(name: OwnGroup): Promise<string> {
    const id = await this.#find(name);
    if (id === undefined) throw new Error(`no ${name} with exactly our rules is in ${this.#place.vpc} any more`);
    return id;
  }

  async #find(name: OwnGroup): Promise<string | undefined> {
    for (const wait of LOOKS_MS) {
      await sleep(wait);
      const [id] = [...(await isolationGroups(this.#ec2, this.#place))].find(([, which]) => which === name) ?? [];
      if (id !== undefined) return id;
    }
    return undefined;
  }
}

/** Makes a group of ours without its rules, tagged from the start, and answers its id. */
export async function create(
  ec2: EC2Client,
  GroupName: string,
  which: OwnGroup,
  place: GroupPlace,
  response: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const tags = { [ROLE_TAG]: ROLES[which], [RESPONSE_TAG]: response, ...more };
  const { GroupId: id } = await ec2.send(
    new CreateSecurityGroupCommand({
      GroupName,
      Description: DESCRIPTIONS[which],
      VpcId: place.vpc,
      TagSpecifications: [
        {
          ResourceType: 'security-group',
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
    }),
  );
  if (!id) throw new Error('EC2 made a security group without an id');
  return id;
}

/** Gives a group of ours its rules. Answers its id when it reads back so. */
export async function finish(ec2: EC2Client, id: string, which: OwnGroup, place: GroupPlace): Promise<string> {
  for (const wait of LOOKS_MS) {
    await sleep(wait);
    const [group] = await securityGroups(ec2, [{ Name: 'group-id', Values: [id] }]);
    if (group && isExactly(group, which, place)) return id;
    if (group) await shape(ec2, id, group, RULES[which]);
  }
  throw new Error(`the security group ${id} that was made for ${which} does not get its rules`);
}

/** Adds and takes what its rules lack and have too much: EC2 makes one with outbound rules for all traffic. */
async function shape(
  ec2: EC2Client,
  GroupId: string,
  group: SecurityGroup,
  wanted: readonly IpPermission[],
): Promise<void> {
  const { IpPermissions = [], IpPermissionsEgress = [] } = group;
  const ingress = without(wanted, IpPermissions);
  const egress = without(wanted, IpPermissionsEgress);
  const surplus = without(IpPermissionsEgress, wanted);
  if (ingress.length > 0) {
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: ingress })).catch(lookAgain);
  }
  if (egress.length > 0) {
    await ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId, IpPermissions: egress })).catch(lookAgain);
  }
  if (surplus.length > 0) {
    await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: surplus })).catch(lookAgain);
  }
}

/** What was read was older than what EC2 has, or the part of EC2 that was asked does not know the group yet. */
const STALE = new Set(['InvalidGroup.NotFound', 'InvalidPermission.Duplicate', 'InvalidPermission.NotFound']);
function lookAgain(error: Error): void {
  if (!STALE.has(error.name)) throw error;
}

/** True when a group is ours: by tag, name, owner, VPC and each of its rules. */
export const isExactly = (group: SecurityGroup, which: OwnGroup, { vpc, account }: GroupPlace): boolean =>
  group.OwnerId === account && group.VpcId === vpc && calledOwnGroup(group) === which && hasItsRules(group, which);

/** All groups that pass the filters. */
export async function securityGroups(ec2: EC2Client, Filters: Filter[]): Promise<SecurityGroup[]> {
  const found: SecurityGroup[] = [];
  for await (const { SecurityGroups = [] } of paginateDescribeSecurityGroups(
    { client: ec2, pageSize: 1_000 },
    { Filters },
  )) {
    found.push(...SecurityGroups);
  }
  return found;
}
