import { DeleteSnapshotCommand, EC2Client } from '@aws-sdk/client-ec2';
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
  id: 'faults.resource-gone',
  title: 'A shared snapshot is deleted before anybody looks',
  story:
    'Somebody shares a snapshot, and deletes it as soon as the other account has its copy. When it is told there is nothing ' +
    'left to close, and the response has to say so instead of failing, or of claiming a fix.',
  attack: ['T1537'],
  csf: ['ID.IM-02', 'DE.AE-02', 'RS.MA-02', 'RS.AN-06'],
  safety: 'inert',
  cost: 0.01,
  minutes: { 'handler-replay': 15, 'bus-replay': 10, live: 30 },
  objectives: { detect: 300 },
  kinds: [volume, ebsSnapshot],
  permissions: volumeSnapshotPermissions,
  parameters: z.strictObject({}),
  findings: [toldByCloudTrail],
  responses: [{ remediation: 'snapshots.privatize-ebs-snapshot', outcome: 'gone', target: volumeSnapshotArn }],
  warmUp: (stage) => makeVolumeSnapshot(stage, stage.partner),

  async inject(stage, things) {
    await share(stage, things);
    await stage.change('it is deleted', () =>
      new EC2Client(stage.session).send(new DeleteSnapshotCommand({ SnapshotId: things.snapshot })),
    );
  },

  expect: async (stage, things) => (await sharedWithNow(stage, things)) === undefined,
});
