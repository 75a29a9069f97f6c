import { playbookFile, playbookOf } from '../engine/playbook.ts';
import { type Case, modeOf } from '../engine/policy.ts';
import type { Policy } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';
import type { Outcome, Response } from '../engine/response.ts';
import { loadPolicy } from '../scripts/response-policy.ts';
import { loadWorkers, workerNames } from '../scripts/workers.ts';
import { Failure, UsageError } from './failure.ts';
import { shippedPolicy } from './places.ts';
import type { Span, Style } from './terminal.ts';

/** What lies on the analyst's desk: remediations, and the policy that holds. */
export interface Desk {
  readonly actions: readonly Action[];
  readonly policy: Policy;
}

/**
 * All remediations, or those of one worker: the AWS clients of all take most of a second to load.
 * @param policyFile the shipped response-policy.yml when there is none
 */
export async function openDesk(policyFile = shippedPolicy(), names = workerNames()): Promise<Desk> {
  const actions = (await loadWorkers(names)).flatMap(({ remediations }) => remediations);
  const elsewhere = workerNames().filter((name) => !names.includes(name));
  try {
    return { actions, policy: loadPolicy(policyFile, actions, elsewhere) };
  } catch (error) {
    throw new UsageError(`the policy cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** One remediation with the policy; undefined when there is none of that id. */
async function lookUp(id: string, policyFile: string | undefined): Promise<{ desk: Desk; action: Action } | undefined> {
  const worker = id.slice(0, Math.max(0, id.indexOf('.')));
  if (!workerNames().includes(worker)) return undefined;
  const desk = await openDesk(policyFile, [worker]);
  const action = desk.actions.find((known) => known.id === id);
  return action && { desk, action };
}

/** The remediation that a person asks for. @throws when there is none of that id */
export async function askedAction(id: string, policyFile?: string): Promise<{ desk: Desk; action: Action }> {
  const found = await lookUp(id, policyFile);
  const playbook = playbookOf(id);
  if (playbook !== undefined) throw new UsageError(`${id} is what people do: read ${playbookFile(playbook)}`);
  if (!found) throw new UsageError(`there is no remediation ${id}: firebreak catalogue lists them`);
  return found;
}

/** The remediation of a recorded response. @throws when this catalogue does not have it any more */
export async function recordedAction({ id, remediation }: Response, policyFile?: string) {
  const found = await lookUp(remediation, policyFile);
  const playbook = playbookOf(remediation);
  if (playbook !== undefined)
    throw new Failure(`${id} changed nothing: it calls for a person, by ${playbookFile(playbook)}`);
  if (!found) throw new Failure(`${id} is by ${remediation}, which this version of Firebreak does not have`);
  return found;
}

/** What a deployed worker would do with a plan, by its policy: in any case, or in one. */
export const modeInWords = (action: Action, { policy }: Desk, about?: Case): string => {
  const { mode, because, unless = [] } = modeOf(policy, action, about);
  const tags = unless.map(({ tag: { key, value } }) => `${key}=${value}`).join(' or ');
  return `${mode}, because ${because}${tags === '' ? '' : `; after approval where it is tagged ${tags}`}`;
};

const STYLES: Partial<Record<Outcome, Style>> = {
  compliant: 'green',
  verified: 'green',
  undone: 'green',
  failed: 'red',
  unverified: 'red',
  'changed-since': 'red',
};

export const outcomeSpan = (outcome: Outcome | undefined): Span => [
  (outcome && STYLES[outcome]) ?? 'yellow',
  outcome ?? 'open',
];

export const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
