import type { Fidelity, Scenario } from './scenario.ts';

/**
 * What a run of some fidelity should come to. GuardDuty alone is asked for samples, and what responds to one changes nothing; at a
 * tabletop nothing comes by itself.
 */
export function expectedOf(
  { findings, responses }: Pick<Scenario, 'findings' | 'responses'>,
  fidelity: Fidelity,
): Pick<Scenario, 'findings' | 'responses'> {
  if (fidelity === 'tabletop') return { findings: [], responses: [] };
  if (fidelity !== 'sample-finding') return { findings, responses };
  return {
    findings: findings.filter(({ source }) => source === 'guardduty'),
    responses: responses.map(({ remediation, target }) => ({ remediation, target, outcome: 'simulated' })),
  };
}
