import * as z from 'zod/mini';
import anonymousAccess from '../../events/samples/guardduty/s3-bucket-anonymous-access.json' with { type: 'json' };
import bucketPublic from '../../events/samples/macie/s3-bucket-public.json' with { type: 'json' };
import blockPublicAccess from '../../events/samples/securityhub/s3-bucket-block-public-access.json' with {
  type: 'json',
};
import { bucket } from '../kinds/bucket.ts';
import {
  type CanaryBucket,
  canaryBucketArn,
  canaryBucketPermissions,
  isClosed,
  isReadable,
  makeCanaryBucket,
  publish,
  readingPermissions,
  SAMPLE_BUCKET,
} from '../props/canary-bucket.ts';
import { defineScenario } from '../scenario.ts';

const names = ({ bucket: name }: CanaryBucket) => ({ [SAMPLE_BUCKET]: name });

export default defineScenario({
  id: 'exfiltration.s3-bucket-exposed',
  title: 'A bucket is opened to everybody',
  story:
    'Somebody turns off the block of public policies on a bucket and has its policy let everybody read. A partner ' +
    'account reads the same bucket by the same policy, and shall go on doing so.',
  attack: ['T1530', 'T1537'],
  csf: ['ID.IM-02', 'DE.CM-09', 'DE.AE-02', 'RS.MA-02', 'RS.AN-06', 'RS.MI-01', 'RC.RP-05'],
  safety: 'inert',
  cost: 0.01,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, 'sample-finding': 20, live: 120 },
  objectives: { detect: 900, acknowledge: 900, respond: 60, contain: 120, recover: 180 },
  kinds: [bucket],
  permissions: (run, place) => [canaryBucketPermissions(run, place), readingPermissions(run, place)],
  parameters: z.strictObject({}),
  findings: [
    { source: 'guardduty', type: 'Policy:S3/BucketAnonymousAccessGranted', sample: anonymousAccess, names },
    { source: 'macie', type: 'Policy:IAMUser/S3BucketPublic', sample: bucketPublic, names },
    { source: 'securityhub', type: 'S3.8', sample: blockPublicAccess, names },
  ],
  responses: [{ remediation: 'storage.block-public-bucket', outcome: 'verified', target: canaryBucketArn }],
  warmUp: makeCanaryBucket,
  inject: (stage, things) => publish(stage, things),
  expect: isClosed,
  recovered: isReadable,
});
