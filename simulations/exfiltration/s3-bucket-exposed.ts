import * as z from 'zod/mini';
import { bucket } from '../kinds/bucket.ts';
import {
  canaryBucketArn,
  canaryBucketPermissions,
  isClosed,
  isReadable,
  makeCanaryBucket,
  publish,
  readingPermissions,
  TOLD_OPEN,
} from '../props/canary-bucket.ts';
import { defineScenario } from '../scenario.ts';

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
  findings: [TOLD_OPEN.guardDuty, TOLD_OPEN.macie, TOLD_OPEN.securityHub],
  responses: [{ remediation: 'storage.block-public-bucket', outcome: 'verified', target: canaryBucketArn }],
  warmUp: makeCanaryBucket,
  inject: (stage, things) => publish(stage, things),
  expect: isClosed,
  recovered: isReadable,
});
