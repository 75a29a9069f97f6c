import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createOpenBucket, putStatements, readableByEverybody } from '../../local/exposures/buckets.ts';
import { kindContract } from '../../local/kind-contract.ts';
import { bucket } from './bucket.ts';

kindContract(bucket, {
  async make(stage) {
    const Bucket = stage.name('tried');
    const s3 = new S3Client(stage.session);
    const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' as const };
    await stage.make(bucket, 'a bucket', () => s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration })));
    return Bucket;
  },
  /** What is in a bucket of the run is in its way. */
  async copy(account, Bucket) {
    await new S3Client(account.client).send(new PutObjectCommand({ Bucket, Key: 'of/others', Body: 'x' }));
    const second = Bucket.replace('tried', 'second');
    await createOpenBucket(account, second);
    return second;
  },
  makeForeign: async (account) => (await createOpenBucket(account, `sandbox-${account.id}-${Date.now()}`)).id,
  alter: (account, id) => putStatements(account, id, [readableByEverybody(id)]),
});
