import type { Listed } from '../../simulations/requests.ts';
import type { Fidelity, Scenario } from '../../simulations/scenario.ts';
import * as scenarios from '../../simulations/scenarios.ts';

/** All scenarios, in the order of their ids. */
export const SCENARIOS: readonly Scenario[] = Object.values(scenarios as Readonly<Record<string, Scenario>>).sort(
  (a, b) => (a.id < b.id ? -1 : 1),
);

/** A scenario by its id. @throws when there is none */
export function scenarioOf(id: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.id === id);
  if (!found) throw new Error(`there is no scenario ${id}; there are ${SCENARIOS.map((known) => known.id).join(', ')}`);
  return found;
}

export const listed = ({ id, title, attack, safety, cost, minutes }: Scenario): Listed => ({
  ...{ id, title, attack, safety, cost },
  fidelities: Object.keys(minutes) as Fidelity[],
});
