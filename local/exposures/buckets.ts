import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  type Grant,
  type OwnershipControls,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Target } from '../../engine/remediation.ts';
import { targetOf } from '../../engine/targets.ts';
import type { Account } from '../specimen.ts';

/** What a bucket is made with, beside one object `report.txt`. */
export interface BucketSettings {
  /** Statements of its policy; without any it has no policy. */
  readonly statements?: readonly object[];
  /** Grants beside its owner's full control. */
  readonly grants?: readonly Grant[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** Makes a bucket without Block Public Access. */
export async function createOpenBucket(account: Account, name: string, settings: BucketSettings = {}): Promise<Target> {
  const { statements = [], grants = [], tags } = settings;
  const s3 = new S3Client(account.client);
  const Bucket = name;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      // us-east-1 is the one Region that has no name here.
      ...(account.region !== 'us-east-1' && {
        CreateBucketConfiguration: { LocationConstraint: account.region as 'eu-west-1' },
      }),
    }),
  );
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'report.txt', Body: 'not for everybody' }));
  if (statements.length > 0) await putStatements(account, name, statements);
  if (grants.length > 0) await allowGrants(s3, name, grants);
  if (tags) {
    const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  }
  const target = targetOf('AWS::S3::Bucket', { account: account.id, region: account.region, partition: 'aws' }, name);
  if (!target) throw new Error(`${name} is no name for a bucket`);
  return target;
}

/** Adds to the grants of a bucket, which by default has no access control list. */
async function allowGrants(s3: S3Client, Bucket: string, grants: readonly Grant[]): Promise<void> {
  const OwnershipControls: OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' }] };
  await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
  const { Owner, Grants = [] } = await s3.send(new GetBucketAclCommand({ Bucket }));
  await s3.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: { Owner, Grants: [...Grants, ...grants] } }));
}

/** Gives a bucket a policy of these statements. */
export async function putStatements({ client }: Account, Bucket: string, Statement: readonly object[]): Promise<void> {
  const Policy = JSON.stringify({ Version: '2012-10-17', Id: `${Bucket}-access`, Statement });
  await new S3Client(client).send(new PutBucketPolicyCommand({ Bucket, Policy }));
}

/** Lets everybody read all objects of a bucket. */
export const readableByEverybody = (bucket: string) => ({
  Sid: 'PublicRead',
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${bucket}/*`,
});

/** Lets an account read all objects of a bucket. */
export const readableBy = (bucket: string, account: string) => ({
  Sid: 'Partner',
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${account}:root` },
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${bucket}/*`,
});

/** Grants something on a bucket to everybody, or to everybody with any AWS account. */
export const grantTo = (
  group: 'AllUsers' | 'AuthenticatedUsers',
  Permission: 'READ' | 'WRITE' | 'READ_ACP',
): Grant => ({
  Grantee: { Type: 'Group', URI: `http://acs.amazonaws.com/groups/global/${group}` },
  Permission,
});
