import { randomUUID } from 'node:crypto';
import type { Source } from '../../engine/findings/finding.ts';
import type { Action, Target } from '../../engine/remediation.ts';
import { respond } from '../../engine/respond.ts';
import { responseId, targetOf } from '../../engine/targets.ts';
import deactivateOldAccessKeys from '../../functions/identity/deactivate-old-access-keys.ts';
import isolateInstance from '../../functions/instances/isolate-instance.ts';
import closeOpenIngress from '../../functions/network/close-open-ingress.ts';
import privatizeEbsSnapshot from '../../functions/snapshots/privatize-ebs-snapshot.ts';
import privatizeRdsSnapshot from '../../functions/snapshots/privatize-rds-snapshot.ts';
import blockPublicBucket from '../../functions/storage/block-public-bucket.ts';
import { type Connection, HOME_REGION, MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import type { Call } from '../../local/doors.ts';
import { createOpenBucket, grantTo, readableBy, readableByEverybody } from '../../local/exposures/buckets.ts';
import { shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { runInstanceWithData } from '../../local/exposures/instances.ts';
import { allow, createGroup, createNetwork, fromAnywhere } from '../../local/exposures/network.ts';
import { shareDbClusterSnapshot, shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { findingOn } from '../../local/findings.ts';
import { deployedHouse } from '../../local/house.ts';
import type { Account } from '../../local/specimen.ts';
import { atMost, type Figure, type Measurement } from './measurement.ts';

/** No other test acts in this account through the workers' roles, so that every such call there is one that is counted. */
const [, member] = MEMBER_ACCOUNTS;

/** A usual fix of a remediation, and what it may cost in calls of the resource's service. */
export interface Fix {
  readonly name: string;
  readonly action: Action;
  /** Absent: for orientation. */
  readonly budget?: number;
  /** The source of the finding, and its type. */
  readonly type: readonly [source: Source, type: string];
  expose(account: Account, name: string, cloud: Connection): Promise<Target>;
}

const COMMAND_AND_CONTROL: Fix['type'] = ['guardduty', 'Backdoor:EC2/C&CActivity.B'];

export const FIXES: readonly Fix[] = [
  {
    name: 'access keys, one of two old',
    action: deactivateOldAccessKeys,
    budget: 3 + 1,
    type: ['securityhub', 'IAM.3'],
    expose: (account, name) => userWithKeys(account, name, [400, 10]),
  },
  {
    name: 'access keys, two of two old',
    action: deactivateOldAccessKeys,
    type: ['securityhub', 'IAM.3'],
    expose: (account, name) => userWithKeys(account, name, [400, 200]),
  },
  {
    name: 'EBS snapshot, shared with all and an account',
    action: privatizeEbsSnapshot,
    budget: 3,
    type: ['access-analyzer', 'AWS::EC2::Snapshot'],
    expose: (account) => shareEbsSnapshot(account, ['all', OUTSIDE_ACCOUNT]),
  },
  {
    name: 'RDS snapshot',
    action: privatizeRdsSnapshot,
    budget: 3,
    type: ['securityhub', 'RDS.1'],
    expose: (account, name) => shareDbSnapshot(account, name, ['all', OUTSIDE_ACCOUNT]),
  },
  {
    name: 'RDS cluster snapshot',
    action: privatizeRdsSnapshot,
    budget: 3,
    type: ['securityhub', 'RDS.1'],
    expose: (account, name) => shareDbClusterSnapshot(account, name, ['all', OUTSIDE_ACCOUNT]),
  },
  {
    name: 'bucket with policy, ACL and block',
    action: blockPublicBucket,
    budget: 10,
    type: ['securityhub', 'S3.8'],
    expose: (account, name) =>
      createOpenBucket(account, name, {
        statements: [readableByEverybody(name), readableBy(name, OUTSIDE_ACCOUNT)],
        grants: [grantTo('AllUsers', 'READ')],
      }),
  },
  {
    name: 'open group, with a rule that stays',
    action: closeOpenIngress,
    budget: 3,
    type: ['securityhub', 'EC2.13'],
    async expose(account, name) {
      const group = await createGroup(account, await createNetwork(account), name);
      await allow(account, group, [fromAnywhere('tcp', 22, 22), fromAnywhere('tcp', 443, 443)]);
      return here(account, 'AWS::EC2::SecurityGroup', group);
    },
  },
  {
    name: 'isolation of one interface, with evidence, in a prepared VPC',
    action: isolateInstance,
    budget: 11,
    type: COMMAND_AND_CONTROL,
    expose: instanceInPreparedVpc,
  },
];

async function userWithKeys(account: Account, name: string, ages: readonly number[]): Promise<Target> {
  await createUser(account, name);
  for (const created of ages) await createAccessKey(account, name, { created, used: 5 });
  return here(account, 'AWS::IAM::User', name);
}

/** An isolation makes the two groups of a VPC; those after it find them there. */
async function instanceInPreparedVpc(account: Account, name: string, cloud: Connection): Promise<Target> {
  const network = await createNetwork(account);
  const group = await createGroup(account, network, name);
  const instances = [];
  for (let count = 0; count < 2; count += 1) instances.push(await runInstanceWithData(account, network, [group]));
  const [first, second] = instances as [Target, Target];
  await fix(cloud, { action: isolateInstance, type: COMMAND_AND_CONTROL }, first);
  return second;
}

function here({ id: account, region }: Account, type: string, id: string): Target {
  const target = targetOf(type, { account, region, partition: 'aws' }, id);
  if (!target) throw new Error(`${id} is no name for ${type}`);
  return target;
}

/** Runs one response as the deployed worker does. */
async function fix(
  cloud: Connection,
  { action, type: [source, type] }: Pick<Fix, 'action' | 'type'>,
  target: Target,
): Promise<void> {
  const message = randomUUID();
  const finding = findingOn(target, source, type);
  const request = { id: responseId(action.id, target, message), action, target, finding, correlation: message };
  const { outcome, reason } = await respond(request, await deployedHouse(cloud, action));
  if (outcome !== 'verified') throw new Error(`${action.id} on ${target.id} ended ${outcome}: ${reason}`);
}

/** Calls of one fix. */
export interface Count {
  /** On the resource, in order: reads, writes and the reads that verify. */
  readonly resource: readonly string[];
  /** Reads that only guards ask for: of tags, and of what a change reaches. */
  readonly guards: number;
  /** By the worker for itself: STS and the ledger. */
  readonly own: number;
}

/** What only guards ask for is counted apart: tags, and the interfaces that a change of a group reaches. */
const isForGuards =
  ({ reach }: Action) =>
  ({ operation }: Call): boolean =>
    /Tagging$|^ListTags|UserTags$/.test(operation) ||
    (reach !== undefined && operation === 'DescribeNetworkInterfaces');

/** Exposes a resource in the second member account, fixes it and counts the calls that took. */
export async function countCalls(cloud: Connection, measured: Fix): Promise<Count> {
  const worker = measured.action.id.slice(0, measured.action.id.indexOf('.'));
  const environment = { ...process.env };
  try {
    const account = await cloud.account(member, HOME_REGION);
    const target = await measured.expose(account, `calls-${randomUUID().slice(0, 8)}`, cloud);
    const since = (await cloud.doors.calls()).at(-1)?.sequence ?? 0;
    await fix(cloud, measured, target);
    const calls = await cloud.doors.calls(since);
    const made = calls.filter(({ principal }) => principal.includes(`::${member}:assumed-role/firebreak-${worker}/`));
    const guards = made.filter(isForGuards(measured.action));
    return {
      resource: made.filter((call) => !guards.includes(call)).map(({ operation }) => operation),
      guards: guards.length,
      own: calls.filter(({ principal }) =>
        principal.endsWith(`:assumed-role/firebreak-worker-${worker}/firebreak-${worker}`),
      ).length,
    };
  } finally {
    process.env = environment;
  }
}

/** How few calls a fix takes: fewer calls are less time, less throttling and less to be billed. */
export const calls: Measurement = {
  name: 'calls',
  about: 'AWS calls for one fix of each remediation',
  page: 'benchmarks',
  async measure(bench) {
    const { connection } = await bench.cloud();
    const rows: string[][] = [];
    const figures: Figure[] = [];
    for (const fixed of FIXES) {
      bench.progress(`counting the calls of a fix: ${fixed.name}`);
      const { resource, guards, own } = await countCalls(connection, fixed);
      rows.push([
        fixed.name,
        String(resource.length),
        fixed.budget === undefined ? '' : String(fixed.budget),
        String(guards),
        String(own),
        inWords(resource),
      ]);
      if (fixed.budget !== undefined) figures.push(atMost(`calls: ${fixed.name}`, resource.length, fixed.budget));
    }
    return {
      title: 'AWS calls for one fix',
      body: [
        "Counted by the embedded cloud in the sessions of the worker's role in the member account, which are the calls on the resource: reads, writes and the reads that verify. Apart from them: reads for guards (tags, and the interfaces that a change of a group reaches), and the worker's own calls of STS and of the ledger. Deterministic, and also held by `tests/budgets.test.ts`.",
        { head: ['fix', 'calls', 'budget', 'reads for guards', 'STS and ledger', 'which'], rows },
        'A user has at most two access keys. The second old one costs two calls more: one asks for its last use, because a key in use waits for a person, and one deactivates it.',
      ],
      figures,
    };
  },
};

/** Operations with how often each was called, in the order of their first call. */
const inWords = (operations: readonly string[]): string =>
  [...Map.groupBy(operations, (operation) => operation)]
    .map(([operation, { length }]) => (length > 1 ? `${length} ${operation}` : operation))
    .join(', ');
