import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Place } from '../../engine/arn.ts';
import type { Permission } from '../../engine/remediation.ts';
import anonymousAccess from '../../events/samples/guardduty/s3-bucket-anonymous-access.json' with { type: 'json' };
import bucketPublic from '../../events/samples/macie/s3-bucket-public.json' with { type: 'json' };
import blockPublicAccess from '../../events/samples/securityhub/s3-bucket-block-public-access.json' with {
  type: 'json',
};
import { bucket } from '../kinds/bucket.ts';
import { unlessThereIsNone } from '../kinds/gone.ts';
import { bucketsOf } from '../kinds/narrowed.ts';
import { tagList } from '../kinds/tags.ts';
import type { ExpectedFinding, Stage } from '../scenario.ts';

/** A bucket that nobody misses, with one object without a secret in it, which a partner account may read. */
export interface CanaryBucket {
  readonly bucket: string;
  readonly partner: string;
  readonly [name: string]: string;
}

const KEY = 'canary.txt';
const CANARY = 'Made for a rehearsal. There is nothing to see here.\n';

/** What it takes to make, publish and look at one, beside what the kind has. */
export const canaryBucketPermissions = (run: string, place: Place): Permission => ({
  actions: ['s3:GetBucketPolicyStatus', 's3:PutBucketPolicy', 's3:PutBucketPublicAccessBlock', 's3:PutObject'],
  resources: [bucketsOf(run, place)],
});

/** What it takes to see that its owner still reads it. */
export const readingPermissions = (run: string, place: Place): Permission => ({
  actions: ['s3:GetObject'],
  resources: [bucketsOf(run, place)],
});

/** Makes it as it should be: S3 blocks all public access to a new bucket. */
export async function makeCanaryBucket(stage: Stage): Promise<CanaryBucket> {
  const { place, partner, tags, session } = stage;
  const s3 = new S3Client(session);
  const things = { bucket: stage.name('exports'), partner };
  const own = named(stage, things);
  // us-east-1 is the one Region that has no name here.
  const LocationConstraint = place.region === 'us-east-1' ? undefined : (place.region as BucketLocationConstraint);
  const CreateBucketConfiguration = LocationConstraint && { LocationConstraint };
  await stage.make(bucket, `the bucket ${own.Bucket}`, () =>
    s3.send(new CreateBucketCommand({ Bucket: own.Bucket, CreateBucketConfiguration })),
  );
  await stage.change('its tags', () =>
    s3.send(new PutBucketTaggingCommand({ ...own, Tagging: { TagSet: tagList(tags) } })),
  );
  await stage.change('an object in it', () => s3.send(new PutObjectCommand({ ...own, Key: KEY, Body: CANARY })));
  await stage.change('a policy by which the partner account reads it', () =>
    s3.send(new PutBucketPolicyCommand({ ...own, Policy: policyOf(readableBy(stage, things)) })),
  );
  return things;
}

/**
 * Has its policy let everybody read, and keeps RestrictPublicBuckets on: S3 then calls the policy public, and lets nobody in by
 * it. An account that blocks public policies as a whole refuses this.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 * @param more statements of the policy beside
 */
export async function publish(stage: Stage, things: CanaryBucket, ...more: readonly object[]): Promise<void> {
  const s3 = new S3Client(stage.session);
  const own = named(stage, things);
  await stage.change('BlockPublicPolicy off', () =>
    s3.send(
      new PutPublicAccessBlockCommand({
        ...own,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: false,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      }),
    ),
  );
  const everybody = {
    Sid: 'Everybody',
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: `${arnOf(stage, things)}/*`,
  };
  await stage.change('a policy by which everybody reads it', () =>
    s3.send(new PutBucketPolicyCommand({ ...own, Policy: policyOf(readableBy(stage, things), everybody, ...more) })),
  );
}

/** Whether all public access is blocked, nothing in the policy is public, and the partner may still read. */
export async function isClosed(stage: Stage, things: CanaryBucket): Promise<boolean> {
  const s3 = new S3Client(stage.session);
  const own = named(stage, things);
  const [blocked, status, policy] = await Promise.all([
    unlessThereIsNone('NoSuchPublicAccessBlockConfiguration', s3.send(new GetPublicAccessBlockCommand(own))),
    unlessThereIsNone('NoSuchBucketPolicy', s3.send(new GetBucketPolicyStatusCommand(own))),
    unlessThereIsNone('NoSuchBucketPolicy', s3.send(new GetBucketPolicyCommand(own))),
  ]);
  const block = blocked?.PublicAccessBlockConfiguration;
  return (
    block?.BlockPublicAcls === true &&
    block.BlockPublicPolicy === true &&
    block.IgnorePublicAcls === true &&
    block.RestrictPublicBuckets === true &&
    status?.PolicyStatus?.IsPublic === false &&
    policy?.Policy?.includes(JSON.stringify(PARTNER)) === true
  );
}

/** Whether its owner still reads the object. */
export async function isReadable(stage: Stage, things: CanaryBucket): Promise<boolean> {
  const { Body } = await new S3Client(stage.session).send(new GetObjectCommand({ ...named(stage, things), Key: KEY }));
  return (await Body?.transformToString()) === CANARY;
}

const names = ({ bucket: name }: CanaryBucket) => ({ 'example-quarterly-exports': name });

/** How the services tell that it is open to everybody. */
export const TOLD_OPEN = {
  guardDuty: { source: 'guardduty', type: 'Policy:S3/BucketAnonymousAccessGranted', sample: anonymousAccess, names },
  macie: { source: 'macie', type: 'Policy:IAMUser/S3BucketPublic', sample: bucketPublic, names },
  securityHub: { source: 'securityhub', type: 'S3.8', sample: blockPublicAccess, names },
} satisfies Readonly<Record<string, ExpectedFinding<CanaryBucket>>>;

export const canaryBucketArn = ({ bucket: name }: CanaryBucket, { partition }: Place): string =>
  `arn:${partition}:s3:::${name}`;

const arnOf = ({ place }: Stage, things: CanaryBucket): string => canaryBucketArn(things, place);

/** S3 itself checks that the bucket is the account's. */
const named = ({ place }: Stage, { bucket: Bucket }: CanaryBucket) => ({ Bucket, ExpectedBucketOwner: place.account });

const PARTNER = 'Partner';

const readableBy = (stage: Stage, things: CanaryBucket): object => ({
  Sid: PARTNER,
  Effect: 'Allow',
  Principal: { AWS: `arn:${stage.place.partition}:iam::${things.partner}:root` },
  Action: 's3:GetObject',
  Resource: `${arnOf(stage, things)}/*`,
});

const policyOf = (...Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
