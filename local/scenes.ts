import { readFileSync } from 'node:fs';
import {
  type Connection,
  HOME_REGION,
  MEMBER_ACCOUNTS,
  OUTSIDE_ACCOUNT,
  REGIONS,
  SECURITY_ACCOUNT,
} from './connection.ts';
import type { Entry } from './doors.ts';
import { createOpenBucket, grantTo, readableBy, readableByEverybody } from './exposures/buckets.ts';
import { shareEbsSnapshot } from './exposures/ebs-snapshots.ts';
import { createAccessKey, createUser } from './exposures/identity.ts';
import { runInstanceWithData } from './exposures/instances.ts';
import { allow, createGroup, createNetwork, fromAnywhere, fromAnywhereV6, runInstance } from './exposures/network.ts';
import { shareDbClusterSnapshot, shareDbSnapshot } from './exposures/rds-snapshots.ts';
import type { Account } from './specimen.ts';

/** An event as a service would emit it, and the bus on which it does. */
export interface Told {
  readonly account: string;
  readonly region: string;
  readonly entry: Entry;
}

/** Something made wrong on purpose, and the service that tells of it. */
export interface Scene {
  /** Who tells, for people. */
  readonly source: string;
  /** The remediations that should end verified, or none: EventBridge filters the event. */
  readonly remediations: readonly string[];
  stage(cloud: Connection): Promise<Told>;
}

const [first, second] = MEMBER_ACCOUNTS;
const [, abroad] = REGIONS;

/** A sample event with the names of the real resource in it. `bus`: the account and Region in which it is emitted. */
export function told(
  sample: string,
  names: Readonly<Record<string, string>>,
  bus: { account: string; region: string },
): Told {
  const text = readFileSync(new URL(`../events/samples/${sample}.json`, import.meta.url), 'utf8');
  const filled = Object.entries(names).reduce((event, [name, real]) => {
    if (!event.includes(name)) throw new Error(`the sample ${sample} does not speak of ${name}`);
    return event.replaceAll(name, real);
  }, text);
  const { source, 'detail-type': detailType, detail, resources } = JSON.parse(filled);
  return { ...bus, entry: { source, detailType, detail, resources } };
}

/** The administrator of the aggregating services tells of all accounts, in each Region. */
const administrator = (region: string) => ({ account: SECURITY_ACCOUNT, region });
const itself = ({ id, region }: Account) => ({ account: id, region });

/** What the demonstration shows: every source, every remediation, both accounts and Regions. */
export const SCENES: readonly Scene[] = [
  {
    source: 'Security Hub',
    remediations: ['identity.deactivate-old-access-keys'],
    async stage(cloud) {
      const account = await cloud.account(first, HOME_REGION);
      await createUser(account, 'report-exporter', { path: '/service/' });
      await createAccessKey(account, 'report-exporter', { created: 400, used: 30 });
      await createAccessKey(account, 'report-exporter', { created: 10, used: 1 });
      return told('securityhub/iam-access-key-old', {}, administrator(HOME_REGION));
    },
  },
  {
    source: 'Security Hub',
    remediations: ['snapshots.privatize-ebs-snapshot', 'snapshots.privatize-ebs-snapshot'],
    async stage(cloud) {
      const account = await cloud.account(first, HOME_REGION);
      await shareEbsSnapshot(account, ['all']);
      await shareEbsSnapshot(account, ['all', OUTSIDE_ACCOUNT]);
      return told('securityhub/ebs-snapshots-public', {}, administrator(HOME_REGION));
    },
  },
  {
    source: 'Security Hub (OCSF)',
    remediations: ['snapshots.privatize-rds-snapshot'],
    async stage(cloud) {
      await shareDbSnapshot(await cloud.account(first, HOME_REGION), 'orders-before-migration', ['all']);
      return told('securityhub/ocsf-rds-snapshot-public', {}, administrator(HOME_REGION));
    },
  },
  {
    source: 'CloudTrail',
    remediations: ['snapshots.privatize-rds-snapshot'],
    async stage(cloud) {
      const account = await cloud.account(second, abroad);
      await shareDbClusterSnapshot(account, 'catalogue-weekly', [OUTSIDE_ACCOUNT]);
      return told('cloudtrail/share-rds-cluster-snapshot', {}, itself(account));
    },
  },
  {
    source: 'Access Analyzer',
    remediations: ['snapshots.privatize-ebs-snapshot'],
    async stage(cloud) {
      const account = await cloud.account(first, HOME_REGION);
      const { id } = await shareEbsSnapshot(account, [OUTSIDE_ACCOUNT]);
      return told('access-analyzer/ebs-snapshot-public', { 'snap-0a91c35d7e2f4b680': id }, itself(account));
    },
  },
  {
    source: 'Macie',
    remediations: ['storage.block-public-bucket'],
    async stage(cloud) {
      const account = await cloud.account(first, HOME_REGION);
      const name = 'firebreak-demo-exports';
      await createOpenBucket(account, name, { statements: [readableByEverybody(name), readableBy(name, second)] });
      return told(
        'macie/s3-bucket-public',
        { 'example-quarterly-exports': 'firebreak-demo-exports' },
        administrator(HOME_REGION),
      );
    },
  },
  {
    source: 'GuardDuty',
    remediations: ['storage.block-public-bucket'],
    async stage(cloud) {
      const account = await cloud.account(first, HOME_REGION);
      await createOpenBucket(account, 'firebreak-demo-reports', { grants: [grantTo('AllUsers', 'READ')] });
      return told(
        'guardduty/s3-bucket-anonymous-access',
        { 'example-quarterly-exports': 'firebreak-demo-reports' },
        administrator(HOME_REGION),
      );
    },
  },
  {
    source: 'GuardDuty',
    remediations: ['instances.isolate-instance'],
    async stage(cloud) {
      const account = await cloud.account(second, abroad);
      const network = await createNetwork(account);
      const group = await createGroup(account, network, 'web');
      const { id } = await runInstanceWithData(account, network, [group]);
      return told('guardduty/command-and-control', { 'i-0847d1f6a3c9e5b20': id }, administrator(abroad));
    },
  },
  {
    source: 'Inspector',
    remediations: ['network.close-open-ingress'],
    async stage(cloud) {
      const account = await cloud.account(first, HOME_REGION);
      const network = await createNetwork(account);
      const group = await createGroup(account, network, 'bastion');
      await allow(account, group, [fromAnywhere('tcp', 22, 22, 'SSH while we move'), fromAnywhere('tcp', 443, 443)]);
      const instance = await runInstance(account, network, [group]);
      return told('inspector/ssh-reachable', { 'i-0f3c7a19e5b82d460': instance }, administrator(HOME_REGION));
    },
  },
  {
    source: 'Security Hub',
    remediations: ['network.close-open-ingress'],
    async stage(cloud) {
      const account = await cloud.account(second, abroad);
      const group = await createGroup(account, await createNetwork(account), 'desktops');
      await allow(account, group, [fromAnywhere('tcp', 3389, 3389), fromAnywhereV6('tcp', 3389, 3389)]);
      return told('securityhub/security-group-open-rdp', { 'sg-09f7b3d6e18c2a450': group }, administrator(HOME_REGION));
    },
  },
  {
    source: 'Inspector',
    remediations: [],
    stage: async () => told('inspector/package-vulnerability', {}, administrator(HOME_REGION)),
  },
];
