import * as z from 'zod/mini';
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

export default defineScenario({
  id: 'exfiltration.ebs-snapshot-shared',
  title: 'An EBS snapshot is shared with another account',
  story:
    'Somebody lets an account outside make volumes of a snapshot, to copy there what the disk holds. No service has a ' +
    'finding for that at once, so that CloudTrail has to tell it.',
  attack: ['T1537'],
  csf: ['ID.IM-02', 'DE.CM-09', 'DE.AE-02', 'RS.MA-02', 'RS.AN-06', 'RS.MI-01'],
  safety: 'inert',
  cost: 0.01,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, live: 30 },
  objectives: { detect: 300, acknowledge: 900, respond: 60, contain: 120 },
  kinds: [volume, ebsSnapshot],
  permissions: volumeSnapshotPermissions,
  parameters: z.strictObject({}),
  findings: [toldByCloudTrail],
  responses: [{ remediation: 'snapshots.privatize-ebs-snapshot', outcome: 'verified', target: volumeSnapshotArn }],
  warmUp: (stage) => makeVolumeSnapshot(stage, stage.partner),
  inject: share,
  expect: async (stage, things) => (await sharedWithNow(stage, things))?.length === 0,
});
