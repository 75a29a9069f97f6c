import type { Scenario } from '../simulations/scenario.ts';

/** All scenarios of simulations. Their AWS clients make this slow. */
export const loadScenarios = async (): Promise<readonly Scenario[]> =>
  Object.values(await import('../simulations/scenarios.ts'));
