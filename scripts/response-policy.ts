import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import * as z from 'zod/mini';
import { memberRole } from '../engine/aws/sessions.ts';
import type { Where } from '../engine/policy.ts';
import { type Policy, policySchema } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';
import { workerOf } from '../engine/targets.ts';
import { check } from './policy/checks.ts';
import { type Fault, faultsOf } from './policy/faults.ts';

/** The policy that is shipped and deployed. */
export const SHIPPED_POLICY = 'response-policy.yml';

/** A fault of the file, with its line. */
export interface Problem {
  readonly line: number;
  /** Keys and indexes that lead there, with dots. */
  readonly path: string;
  readonly wrong: string;
  readonly write: string;
}

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
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, prettyErrors: false });
  const lineAt = (position: number): number => lines.linePos(position).line;

  const lineOf = (where: Where): number | undefined => {
    let node: unknown = document.contents;
    let position: number | undefined;
    for (const step of where) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
        position = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
        node = pair?.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        position = (node as { range?: [number] } | undefined)?.range?.[0];
      } else return undefined;
      if (position === undefined) return undefined;
    }
    return position === undefined ? undefined : lineAt(position);
  };
  /** The line of the nearest place that the file has. */
  const near = (where: Where): number => (where.length === 0 ? 1 : (lineOf(where) ?? near(where.slice(0, -1))));
  const located = (faults: readonly Fault[]): Problem[] =>
    faults
      .map(({ where, wrong, write }) => ({ line: near(where), path: where.join('.') || 'policy', wrong, write }))
      .sort((a, b) => a.line - b.line);

  const yaml = document.errors.map(({ message, pos: [position] }) => ({
    ...{ line: lineAt(position), path: 'YAML' },
    ...{ wrong: message.replaceAll('\n', ' '), write: 'it as YAML 1.2 takes it' },
  }));
  visit(document, {
    Alias(_, { source, range }) {
      // Whoever reviews a line should see what it says.
      const wrong = `*${source} stands for what is elsewhere`;
      yaml.push({ line: lineAt(range?.[0] ?? 0), path: 'YAML', wrong, write: 'that here, too' });
    },
  });
  if (yaml.length > 0) return { problems: yaml, warnings: [], lineOf };
  const { data, error } = z.safeParse(policySchema, document.toJS(), { reportInput: true });
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

/** A problem as compilers write it. */
export const problemLine = (file: string, { line, path, wrong, write }: Problem): string =>
  `${file}:${line}: ${path}: ${wrong}: write ${write}`;

/**
 * The response policy of a file.
 * @throws with file, line, what is wrong and what to write, one problem a line
 */
export function loadPolicy(file: string, actions: readonly Action[], elsewhere: readonly string[] = []): Policy {
  const { policy, problems } = readPolicy(file, actions, elsewhere);
  if (!policy) throw new Error(problems.map((problem) => problemLine(file, problem)).join('\n'));
  return policy;
}
