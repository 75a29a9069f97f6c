import { S3Client } from '@aws-sdk/client-s3';
import type { SessionConfig } from '../../engine/aws/session.ts';

/**
 * An S3 client that finds the bucket's Region when the session's is another, as a finding's may be: S3 answers such a call
 * with the right one, and this and all later calls are made there. The SDK's own `followRegionRedirects` asks anew with
 * every call, and mixes up calls that run side by side.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
 */
export function bucketClient(session: SessionConfig): S3Client {
  let region = session.region;
  const s3 = new S3Client({ ...session, region: async () => region });
  s3.middlewareStack.add(
    (next) => async (call) => {
      const asked = region;
      try {
        return await next(call);
      } catch (error) {
        const right = regionIn(error);
        if (right === undefined || right === asked) throw error;
        region = right;
        return next(call);
      }
    },
    { step: 'initialize', name: 'bucketRegion' },
  );
  return s3;
}

/** The bucket's Region, when S3 says it with an error. */
function regionIn(error: unknown): string | undefined {
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  const region = $response?.headers?.['x-amz-bucket-region'];
  return region !== undefined && /^[a-z0-9-]+$/.test(region) ? region : undefined;
}
