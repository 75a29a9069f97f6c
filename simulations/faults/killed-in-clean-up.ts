import ebsSnapshotShared from '../exfiltration/ebs-snapshot-shared.ts';
import { defineScenario } from '../scenario.ts';

/** What is shared and closed again is that of another scenario; this one is about what comes after it. */
export default defineScenario({
  ...ebsSnapshotShared,
  id: 'faults.killed-in-clean-up',
  title: 'The simulator is killed while it cleans up',
  story:
    'A snapshot is shared and closed again as in exfiltration.ebs-snapshot-shared. Then the process that cleans up is killed when ' +
    'it has removed the snapshot, and the volume is still there. Lambda tries it again, or the reaper does, and nothing is left.',
  csf: ['ID.IM-02', 'RC.RP-02', 'RC.RP-05', 'RC.RP-06'],
  killedInCleanUp: true,
});
