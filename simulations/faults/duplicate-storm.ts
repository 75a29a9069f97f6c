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
  id: 'faults.duplicate-storm',
  title: 'Three services tell one open bucket fifty times',
  story:
    'A bucket is opened once, and GuardDuty, Macie and Security Hub tell it over and over, all at once. One response closes ' +
    'it; every other finds it closed.',
  attack: ['T1530', 'T1537'],
  csf: ['ID.IM-02', 'DE.AE-03', 'RS.MA-02', 'RS.AN-06', 'RS.MI-01', 'RC.RP-05'],
  safety: 'inert',
  cost: 0.01,
  // What services tell of themselves cannot be made to come fifty times.
  minutes: { 'handler-replay': 20, 'bus-replay': 10 },
  objectives: { detect: 900, respond: 60, contain: 120, recover: 180 },
  kinds: [bucket],
  permissions: (run, place) => [canaryBucketPermissions(run, place), readingPermissions(run, place)],
  parameters: z.strictObject({}),
  findings: [
    { source: 'guardduty', type: 'Policy:S3/BucketAnonymousAccessGranted', sample: anonymousAccess, names, times: 20 },
    { source: 'macie', type: 'Policy:IAMUser/S3BucketPublic', sample: bucketPublic, names, times: 15 },
    { source: 'securityhub', type: 'S3.8', sample: blockPublicAccess, names, times: 15 },
  ],
  responses: [{ remediation: 'storage.block-public-bucket', outcome: 'verified', target: canaryBucketArn }],
  warmUp: makeCanaryBucket,
  inject: (stage, things) => publish(stage, things),
  expect: isClosed,
  recovered: isReadable,
});
