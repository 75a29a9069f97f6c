import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { memberRole } from '../../engine/aws/sessions.ts';
import { OUTSIDE_ACCOUNT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { createOpenBucket, readableByEverybody } from '../../local/exposures/buckets.ts';
import { shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { runInstanceWithData } from '../../local/exposures/instances.ts';
import { allow, createGroup, createNetwork, fromAnywhere } from '../../local/exposures/network.ts';
import { shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { type Told, told } from '../../local/scenes.ts';
import { Stage } from './stage.ts';

/** What a page is about, made on the embedded cloud. */
interface Scene {
  /** Makes it, has a service tell of it, and answers what a reader fills in: the variables of the page's first block. */
  stage(stage: Stage): Promise<Readonly<Record<string, string>>>;
  /** What the commands write, at the least. */
  readonly says?: readonly RegExp[];
  /** How the incident stands at the end; the page has none where this is left out. */
  readonly ends?: 'resolved' | 'false-positive';
}

/** The administrator of the aggregating services tells of all accounts. */
const ADMINISTRATOR = { account: SECURITY_ACCOUNT, region: Stage.REGION };
const MEMBER = { account: Stage.ACCOUNT, region: Stage.REGION };
const common = { account: Stage.ACCOUNT, region: Stage.REGION };
const SUCCESS = /^Success$/m;
const TRUST = (principal: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole' }],
  });

/** A finding of GuardDuty about the credentials of an IAM user, of another type than the sample's. */
function credentials(type: string, userName: string, accessKeyId: string): Told {
  const scene = told('guardduty/root-credential-usage', { 'Policy:IAMUser/RootCredentialUsage': type }, ADMINISTRATOR);
  const detail = { ...(scene.entry.detail as object), resource: RESOURCE(userName, accessKeyId) };
  return { ...scene, entry: { ...scene.entry, detail } };
}
const RESOURCE = (userName: string, accessKeyId: string) => ({
  resourceType: 'AccessKey',
  accessKeyDetails: { accessKeyId, principalId: 'AIDA7C31D0E58EXAMPLE', userType: 'IAMUser', userName },
});

async function openGroup(stage: Stage, name: string): Promise<{ group: string; instance: string }> {
  const network = await createNetwork(stage.account);
  const group = await createGroup(stage.account, network, stage.name(name));
  await allow(stage.account, group, [fromAnywhere('tcp', 22, 22, 'while we move')]);
  const { id } = await runInstanceWithData(stage.account, network, [group]);
  return { group, instance: id };
}

async function openBucket(stage: Stage, statements: readonly object[] = []): Promise<string> {
  const bucket = stage.name('orders-export');
  await createOpenBucket(stage.account, bucket, { statements: [readableByEverybody(bucket), ...statements] });
  return bucket;
}

/** By the id of the page. */
export const SCENES: Readonly<Record<string, Scene>> = {
  'compromised-access-key': {
    async stage(stage) {
      const user = stage.name('nightly-report');
      const arn = await createUser(stage.account, user);
      const key = await createAccessKey(stage.account, user, { created: 30, used: 0 });
      const role = stage.name('nightly-report-writer');
      await new IAMClient(stage.account.client).send(
        new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: TRUST(arn) }),
      );
      const { incident } = await stage.tell(credentials('UnauthorizedAccess:IAMUser/MaliciousIPCaller', user, key));
      return { ...common, user, key, role, since: stage.since(), incident, approver: stage.approver };
    },
    says: [SUCCESS, /nightly-report-writer/],
    ends: 'resolved',
  },

  'containment-failed': {
    async stage(stage) {
      const name = memberRole('storage');
      const denied = (bucket: string) => ({
        Sid: 'NoResponse',
        Effect: 'Deny',
        Principal: { AWS: `arn:aws:iam::${Stage.ACCOUNT}:role/${name}` },
        Action: ['s3:GetBucketPolicy', 's3:GetBucketPublicAccessBlock'],
        Resource: `arn:aws:s3:::${bucket}`,
      });
      const bucket = stage.name('orders-export');
      await createOpenBucket(stage.account, bucket, { statements: [readableByEverybody(bucket), denied(bucket)] });
      const ids = await stage.tell(bucketTold(bucket));
      return { ...common, ...ids, worker: 'storage' };
    },
    says: [/failed/, /verified/],
    ends: 'resolved',
  },

  'compromised-instance': {
    async stage(stage) {
      const { instance } = await openGroup(stage, 'build');
      const role = stage.name('build-agent');
      await new IAMClient(stage.account.client).send(
        new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: TRUST(Stage.ACCOUNT) }),
      );
      const ids = await stage.tell(
        told('guardduty/command-and-control-dns', { 'i-0f3c7a19e5b82d460': instance }, ADMINISTRATOR),
      );
      return { ...common, ...ids, instance, role, since: stage.since(), approver: stage.approver };
    },
    says: [SUCCESS],
    ends: 'resolved',
  },

  'crypto-mining': {
    async stage(stage) {
      const { instance } = await openGroup(stage, 'workers');
      const ids = await stage.tell(told('guardduty/miner', { 'i-0f3c7a19e5b82d460': instance }, ADMINISTRATOR));
      return { ...common, ...ids, instance, since: stage.since() };
    },
    says: [/verified/, /quarantine/],
    ends: 'resolved',
  },

  exercise: { stage: async () => ({}), says: [/running {2}since/, /there was no run yet/] },

  'exposed-bucket': {
    async stage(stage) {
      const bucket = await openBucket(stage);
      const ids = await stage.tell(bucketTold(bucket));
      return { ...common, ...ids, bucket, since: stage.since(), approver: stage.approver };
    },
    says: [SUCCESS, /verified/],
    ends: 'resolved',
  },

  'false-positive': {
    async stage(stage) {
      const snapshot = stage.name('audit');
      await shareDbSnapshot(stage.account, snapshot, [OUTSIDE_ACCOUNT]);
      const ids = await stage.tell(
        told('cloudtrail/share-rds-snapshot', { 'orders-before-migration': snapshot }, MEMBER),
      );
      return { ...common, ...ids, until: new Date(Date.now() + 80 * 86_400_000).toISOString().slice(0, 10) };
    },
    says: [/undone/],
    ends: 'false-positive',
  },

  'old-credentials': {
    async stage(stage) {
      const user = stage.name('nightly-report');
      await createUser(stage.account, user, { path: '/service/', tags: { owner: 'reporting' } });
      const key = await createAccessKey(stage.account, user, { created: 400, used: 200 });
      const ids = await stage.tell(told('securityhub/iam-access-key-old', { 'report-exporter': user }, ADMINISTRATOR));
      return { ...common, ...ids, user, key };
    },
    says: [SUCCESS, /Inactive/],
    ends: 'resolved',
  },

  'open-management-port': {
    async stage(stage) {
      const { group } = await openGroup(stage, 'bastion');
      const ids = await stage.tell(told('cloudtrail/open-ssh-to-world', { 'sg-0c4e1a97b25d8f360': group }, MEMBER));
      return { ...common, ...ids, group, since: stage.since() };
    },
    says: [SUCCESS, /verified/],
    ends: 'resolved',
  },

  'root-activity': {
    async stage(stage) {
      const { incident } = await stage.tell(told('guardduty/root-credential-usage', {}, ADMINISTRATOR));
      return { ...common, incident, since: stage.since() };
    },
    ends: 'resolved',
  },

  'sensitive-data': {
    async stage(stage) {
      const bucket = await openBucket(stage);
      const object = 'export/customers.csv';
      await new S3Client(stage.account.client).send(
        new PutObjectCommand({ Bucket: bucket, Key: object, Body: 'name,address\n' }),
      );
      const secret = stage.name('orders/database');
      await new SecretsManagerClient(stage.account.client).send(
        new CreateSecretCommand({ Name: secret, SecretString: '{"password":"no-secret"}' }),
      );
      const { incident } = await stage.tell(
        told('macie/s3-bucket-block-disabled.not-sensitive-data', { 'example-release-notes': bucket }, ADMINISTRATOR),
      );
      return { ...common, incident, bucket, object, secret, approver: stage.approver };
    },
    says: [SUCCESS],
    ends: 'resolved',
  },

  'shared-ebs-snapshot': {
    async stage(stage) {
      const { id: snapshot } = await shareEbsSnapshot(stage.account, [OUTSIDE_ACCOUNT, 'all']);
      const ids = await stage.tell(
        told('access-analyzer/ebs-snapshot-public', { 'snap-0a91c35d7e2f4b680': snapshot }, MEMBER),
      );
      return { ...common, ...ids, snapshot, since: stage.since(), approver: stage.approver };
    },
    says: [SUCCESS, /verified/],
    ends: 'resolved',
  },

  'shared-rds-snapshot': {
    async stage(stage) {
      const snapshot = stage.name('orders');
      await shareDbSnapshot(stage.account, snapshot, [OUTSIDE_ACCOUNT]);
      const ids = await stage.tell(
        told('cloudtrail/share-rds-snapshot', { 'orders-before-migration': snapshot }, MEMBER),
      );
      return {
        ...{ ...common, ...ids, snapshot, database: `${snapshot}-db` },
        ...{ since: stage.since(), approver: stage.approver },
      };
    },
    says: [SUCCESS, /verified/],
    ends: 'resolved',
  },
};

const bucketTold = (bucket: string): Told =>
  told('guardduty/s3-bucket-anonymous-access', { 'example-quarterly-exports': bucket }, ADMINISTRATOR);
