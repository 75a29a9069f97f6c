import type { FindingGuard, Stop } from './guard.ts';

export const SIMULATED: Stop = { outcome: 'simulated', reason: 'a sample finding: nothing was read or changed' };

/** Sample findings name resources that do not exist, or somebody else's: they show that the path works, and change nothing. */
export const sample: FindingGuard = {
  name: 'sample',
  phase: 'finding',
  check: ({ finding }) => (finding.sample ? SIMULATED : undefined),
};
