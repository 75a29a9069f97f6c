import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { memberRole } from '../engine/aws/sessions.ts';
import type { Where } from '../engine/policy.ts';
import { type Policy, policySchema } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';
import { workerOf } from '../engine/targets.ts';
import { type Problem, problemLine, readYaml } from './located-yaml.ts';
import { check } from './policy/checks.ts';
import { faultsOf } from './policy/faults.ts';

/** The policy that is shipped and deployed. */
export const SHIPPED_POLICY = 'response-policy.yml';

/** What a file holds. */
export interface PolicyFile {
  /** With what is always protected. Absent: it has problems. */
  readonly policy?: Policy;
  /** In the order of the lines. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** The line of a place, or none: the file does not have it. */
  lineOf(where: Where): number | undefined;
}

/**
 * Reads a response policy, and checks it against the catalogue.
 * @param elsewhere workers that are not loaded: what the policy says of their remediations is not checked
 * @throws when there is no such file
 */
export function readPolicy(
  file: string,
  actions: readonly Action[],
  elsewhere: readonly string[] = [],
  now = new Date(),
): PolicyFile {
  const { data: written, problems, lineOf, located } = readYaml(readFileSync(file, 'utf8'), 'policy');
  if (problems.length > 0) return { problems, warnings: [], lineOf };
  const { data, error } = z.safeParse(policySchema, written, { reportInput: true });
  if (error) return { problems: located(faultsOf(error.issues, policySchema)), warnings: [], lineOf };
  const { faults, warnings } = check(data, { actions, elsewhere }, now);
  const workers = new Set([...actions.map(({ id }) => workerOf(id)), ...elsewhere]);
  return {
    ...(faults.length === 0 && { policy: withOurs(data, [...workers]) }),
    problems: located(faults),
    warnings: located(warnings),
    lineOf,
  };
}

/** What member accounts have beside the workers' roles. */
const MEMBER_ROLES = ['firebreak-forward-events', 'firebreak-sweep'];

/**
 * The policy with Firebreak's own roles in the member accounts protected. They are known by their exact names: anybody there could
 * name a role like them.
 */
const withOurs = (policy: Policy, workers: readonly string[]): Policy => ({
  ...policy,
  protected: {
    ...policy.protected,
    resources: [
      ...policy.protected.resources,
      ...[...workers.map(memberRole), ...MEMBER_ROLES].map((role) => ({
        ...{ resource: `arn:*:iam::*:role/${role}`, owner: 'Firebreak', reason: 'it acts with this role' },
      })),
    ],
  },
});

/**
 * The response policy of a file.
 * @throws with file, line, what is wrong and what to write, one problem a line
 */
export function loadPolicy(file: string, actions: readonly Action[], elsewhere: readonly string[] = []): Policy {
  const { policy, problems } = readPolicy(file, actions, elsewhere);
  if (!policy) throw new Error(problems.map((problem) => problemLine(file, problem)).join('\n'));
  return policy;
}
