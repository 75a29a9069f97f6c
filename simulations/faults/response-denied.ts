import * as z from 'zod/mini';
import { memberRole } from '../../engine/aws/sessions.ts';
import { workerOf } from '../../engine/targets.ts';
import { bucket } from '../kinds/bucket.ts';
import {
  canaryBucketArn,
  canaryBucketPermissions,
  isClosed,
  makeCanaryBucket,
  publish,
  TOLD_OPEN,
} from '../props/canary-bucket.ts';
import { defineScenario } from '../scenario.ts';

const REMEDIATION = 'storage.block-public-bucket';

export default defineScenario({
  id: 'faults.response-denied',
  title: 'The response is not allowed to close a bucket',
  story:
    'Whoever opened a bucket to everybody also had its policy deny the response role every change. The response has to say ' +
    'which action it lacks, and that the bucket is still open: until a person closes it, it is not contained.',
  attack: ['T1530', 'T1537'],
  csf: ['ID.IM-02', 'DE.AE-02', 'RS.MA-04', 'RS.CO-02', 'RS.AN-06'],
  safety: 'inert',
  cost: 0.01,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, live: 120 },
  objectives: { detect: 900, acknowledge: 900 },
  kinds: [bucket],
  permissions: (run, place) => [canaryBucketPermissions(run, place)],
  parameters: z.strictObject({}),
  findings: [TOLD_OPEN.guardDuty],
  responses: [{ remediation: REMEDIATION, outcome: 'failed', target: canaryBucketArn, because: 's3:PutBucketPolicy' }],
  warmUp: makeCanaryBucket,

  async inject(stage, things) {
    const { partition, account } = stage.place;
    await publish(stage, things, {
      Sid: 'NoResponse',
      Effect: 'Deny',
      Principal: { AWS: `arn:${partition}:iam::${account}:role/${memberRole(workerOf(REMEDIATION))}` },
      Action: ['s3:DeleteBucketPolicy', 's3:PutBucketPolicy', 's3:PutBucketPublicAccessBlock'],
      Resource: canaryBucketArn(things, stage.place),
    });
  },

  /** Open still: what was not closed must not be called so. */
  expect: async (stage, things) => !(await isClosed(stage, things)),
});
