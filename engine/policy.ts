import * as z from 'zod/mini';
import type { Budget, Exception, Mode, Policy } from './policy-schema.ts';
import type { Action, Risk, Target } from './remediation.ts';
import { targetFromArn, targetKey } from './targets.ts';

const DEFAULT_MODE: Readonly<Record<Risk, Mode>> = {
  safe: 'automatic',
  disruptive: 'approval',
  destructive: 'approval',
};

/** The mode of a remediation, and where that is said. */
export function modeOf(policy: Policy, action: Pick<Action, 'id' | 'risk' | 'undo'>): { mode: Mode; because: string } {
  const set = policy.remediations[action.id]?.mode;
  if (action.undo === 'irreversible' && set !== 'observe') return { mode: 'approval', because: 'it cannot be undone' };
  return set
    ? { mode: set, because: `response-policy.yml sets ${action.id} to ${set}` }
    : { mode: DEFAULT_MODE[action.risk], because: `it is ${action.risk}` };
}

/** The parameters of a remediation: what the policy sets, the schema's defaults for the rest. Throws on any it does not know. */
export const parametersOf = <P>(policy: Policy, action: Pick<Action<never, P>, 'id' | 'parameters'>): P =>
  z.parse(action.parameters, policy.remediations[action.id]?.parameters ?? {});

/** What a remediation may change by itself: its own budget, or the one for all. */
export const budgetOf = (policy: Policy, remediation: string): Budget =>
  policy.remediations[remediation]?.budget ?? policy.budget;

/** The exception that covers a target on a day, if one does. */
export function exceptionFor(policy: Policy, remediation: string, target: Target, now: Date): Exception | undefined {
  const today = now.toISOString().slice(0, 10);
  return policy.exceptions.find(
    (exception) =>
      (exception.remediation === '*' || exception.remediation === remediation) &&
      covers(exception, target) &&
      exception.expires >= today,
  );
}

/** Whether an exception names a target, by whichever ARN either of them writes it: an IAM user's path names nothing more. */
function covers({ resource }: Exception, target: Target): boolean {
  const named = targetFromArn([target.type], resource, target);
  return named !== undefined && targetKey(named) === targetKey(target) && named.partition === target.partition;
}
