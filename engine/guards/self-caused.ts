import { parseArn } from '../arn.ts';
import type { FindingGuard } from './guard.ts';

/**
 * Our own changes come back as events. Acting on them could only repeat or fight what was just done on purpose.
 * The role's name proves it: only this worker's execution role can assume `firebreak-*` in a member account.
 */
export const selfCaused: FindingGuard = {
  name: 'self-caused',
  phase: 'finding',
  check({ finding, target }) {
    const principal = finding.principal ? parseArn(finding.principal) : undefined;
    const ours =
      principal?.service === 'sts' &&
      principal.account === target.account &&
      principal.resource.startsWith('assumed-role/firebreak-');
    return ours ? { outcome: 'excepted', reason: 'the event tells a change that Firebreak itself made' } : undefined;
  },
};
