import type { Guard, Stop } from './guard.ts';

export const SIMULATED: Stop = { outcome: 'simulated', reason: 'a sample finding: nothing was read or changed' };

/** Sample findings name resources that do not exist, or somebody else's: they show that the path works, and change nothing. */
export const sample = {
  name: 'sample',
  onFinding: ({ finding }) => (finding.sample ? SIMULATED : undefined),
} satisfies Guard;
