import * as z from 'zod/mini';
import { ACCOUNT_ID } from '../../engine/arn.ts';
import { ebsSnapshot } from '../kinds/ebs-snapshot.ts';
import { volume } from '../kinds/volume.ts';
import {
  makeVolumeSnapshot,
  share,
  sharedWithNow,
  toldByCloudTrail,
  volumeSnapshotArn,
  volumeSnapshotPermissions,
} from '../props/volume-snapshot.ts';
import { defineScenario } from '../scenario.ts';

const REMEDIATION = 'snapshots.privatize-ebs-snapshot';

export default defineScenario({
  id: 'faults.allow-listed-left-alone',
  title: 'A snapshot is shared with an account that may have it',
  story:
    'Somebody shares a snapshot with an account that the policy names: a backup account, an auditor. It is told like any ' +
    'other, and nothing may be taken away.',
  attack: ['T1537'],
  csf: ['ID.IM-02', 'DE.AE-02', 'RS.MA-02'],
  safety: 'inert',
  cost: 0.01,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, live: 30 },
  objectives: { detect: 300 },
  kinds: [volume, ebsSnapshot],
  permissions: volumeSnapshotPermissions,
  parameters: z.strictObject({
    /** An account of the organisation's own that is among the policy's allowedAccounts. Nobody else's is a default. */
    allowed: z.optional(z.string().check(z.regex(ACCOUNT_ID, 'is not an account id'))),
  }),
  asksFor: ['allowed'],
  sharesWith: ({ allowed }) => (allowed === undefined ? [] : [allowed]),
  findings: [toldByCloudTrail],
  responses: [{ remediation: REMEDIATION, outcome: 'compliant', target: volumeSnapshotArn }],

  async warmUp(stage, { allowed }) {
    if (allowed === undefined) {
      throw new Error(
        `say by the parameter allowed which of your accounts is among allowedAccounts of ${REMEDIATION} in the response policy`,
      );
    }
    return makeVolumeSnapshot(stage, allowed);
  },
  inject: share,
  expect: async (stage, things) => (await sharedWithNow(stage, things))?.includes(things.sharedWith) === true,
});
