import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Place } from '../../engine/arn.ts';
import type { SessionConfig } from '../../engine/aws/session.ts';
import type { Json } from '../../engine/state.ts';
import { unlessNotReady, unlessThereIsNone } from './gone.ts';
import { type Kind, runPrefix } from './kind.ts';
import { bucketsOf } from './narrowed.ts';

const GONE = 'NoSuchBucket';

/**
 * Buckets without versions, known by their names: IAM has no condition for a bucket's tags.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
export const bucket: Kind = {
  type: 'AWS::S3::Bucket',
  permissions: {
    read: ['s3:GetBucketPolicy', 's3:GetBucketPublicAccessBlock', 's3:ListAllMyBuckets', 's3:ListBucket'],
    own: (run, place) => [
      {
        actions: ['s3:CreateBucket', 's3:DeleteBucket', 's3:DeleteObject', 's3:PutBucketTagging'],
        resources: [bucketsOf(run, place)],
      },
    ],
  },

  async inventory(session, place) {
    const s3 = new S3Client(session);
    const found: Record<string, Json> = {};
    for (const Bucket of await named(s3, place)) {
      const settings = await access(s3, { Bucket, ExpectedBucketOwner: place.account });
      if (settings) found[Bucket] = settings;
    }
    return found;
  },

  left: (session, place, run) => named(new S3Client(session), place, runPrefix(run)),

  async remove(session: SessionConfig, { account }, Bucket) {
    const s3 = new S3Client(session);
    const own = { Bucket, ExpectedBucketOwner: account };
    const emptied = async () => {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, own)) {
        const Objects = Contents.map(({ Key }) => ({ Key }));
        if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ ...own, Delete: { Objects, Quiet: true } }));
      }
    };
    await unlessNotReady([GONE], emptied());
    await unlessNotReady([GONE, 'BucketNotEmpty'], s3.send(new DeleteBucketCommand(own)));
  },
};

/** Names of the buckets in the Region that begin so. */
async function named(s3: S3Client, { region }: Place, Prefix?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { Buckets = [] } of paginateListBuckets({ client: s3 }, { BucketRegion: region, Prefix })) {
    names.push(...Buckets.flatMap(({ Name }) => Name ?? []));
  }
  return names;
}

/** Who may get in, or undefined when the bucket is gone by now. */
async function access(s3: S3Client, own: { Bucket: string; ExpectedBucketOwner: string }): Promise<Json | undefined> {
  const both = Promise.all([
    unlessThereIsNone('NoSuchPublicAccessBlockConfiguration', s3.send(new GetPublicAccessBlockCommand(own))),
    unlessThereIsNone('NoSuchBucketPolicy', s3.send(new GetBucketPolicyCommand(own))),
  ]);
  const found = await unlessThereIsNone(GONE, both);
  if (!found) return undefined;
  const [block, policy] = found;
  const { BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets } =
    block?.PublicAccessBlockConfiguration ?? {};
  return {
    blocks: [BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets].map((on) => on === true),
    policy: policy?.Policy ?? null,
  };
}
