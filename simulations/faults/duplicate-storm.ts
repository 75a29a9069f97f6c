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
    { ...TOLD_OPEN.guardDuty, times: 20 },
    { ...TOLD_OPEN.macie, times: 15 },
    { ...TOLD_OPEN.securityHub, times: 15 },
  ],
  responses: [{ remediation: 'storage.block-public-bucket', outcome: 'verified', target: canaryBucketArn }],
  warmUp: makeCanaryBucket,
  inject: (stage, things) => publish(stage, things),
  expect: isClosed,
  recovered: isReadable,
});
