import * as z from 'zod/mini';
import { ACCOUNT_ID, parseArn } from './arn.ts';
import type { Action, Risk, Target } from './remediation.ts';
import { targetFromArn, targetKey } from './targets.ts';

/** What may happen without a person: run it, ask first, or only say what would happen. */
export const MODES = ['automatic', 'approval', 'observe'] as const;
export type Mode = (typeof MODES)[number];

const exceptionSchema = z.strictObject({
  /** A remediation id, or `*` for all. */
  remediation: z.string(),
  /** ARN of the one resource that is left alone. */
  resource: z.string().check(z.refine((text) => parseArn(text) !== undefined, 'is not the ARN of one resource')),
  /** Who answers for it. */
  owner: z.string().check(z.minLength(1)),
  reason: z.string().check(z.minLength(1)),
  /** The last day (UTC) on which it holds. */
  expires: z.iso.date(),
});
export type Exception = z.infer<typeof exceptionSchema>;

/** The shape of response-policy.yml: closed, so that a misspelt line is an error and not a line without effect. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  /** Accounts whose findings about other accounts are believed: delegated administrators beside the security account. */
  administrators: z._default(z.array(z.string().check(z.regex(ACCOUNT_ID))), []),
  remediations: z._default(
    z.record(
      z.string(),
      z.strictObject({
        mode: z.optional(z.enum(MODES)),
        parameters: z._default(z.record(z.string(), z.unknown()), {}),
      }),
    ),
    {},
  ),
  exceptions: z._default(z.array(exceptionSchema), []),
});
export type Policy = z.infer<typeof policySchema>;

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
