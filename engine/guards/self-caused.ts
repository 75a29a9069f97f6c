import { parseArn } from '../arn.ts';
import { memberRole } from '../aws/sessions.ts';
import { workerOf } from '../targets.ts';
import type { Guard, Situation } from './guard.ts';

/**
 * Our own changes come back as events. Acting on them could only repeat or fight what was just done on purpose. The role
 * proves it: in a member account only this worker's execution role can assume the role of that very name. Any other name,
 * however like ours, is one that whoever may create roles there can choose.
 */
export const selfCaused = {
  name: 'self-caused',
  onFinding({ action, finding, target }: Pick<Situation, 'action' | 'finding' | 'target'>) {
    const principal = finding.principal ? parseArn(finding.principal) : undefined;
    const ours =
      principal?.service === 'sts' &&
      principal.account === target.account &&
      principal.resource.startsWith(`assumed-role/${memberRole(workerOf(action.id))}/`);
    return ours ? { outcome: 'excepted', reason: 'the event tells a change that Firebreak itself made' } : undefined;
  },
} satisfies Guard;
