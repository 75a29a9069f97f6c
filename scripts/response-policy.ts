import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod/mini';
import { parametersOf } from '../engine/policy.ts';
import { type Policy, policySchema } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';

/** The policy that is shipped and deployed. */
export const SHIPPED_POLICY = 'response-policy.yml';

/**
 * Reads a response policy and checks it against the catalogue.
 * @param elsewhere workers that are not loaded: what the policy says of their remediations is not checked
 * @throws with file, line and what is wrong, one problem a line
 */
export function loadPolicy(file: string, catalogue: readonly Action[], elsewhere: readonly string[] = []): Policy {
  const isLoaded = (id: string): boolean => !elsewhere.includes(id.slice(0, id.indexOf('.')));
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines });
  const problems: string[] = document.errors.map((error) => `${file}: ${error.message}`);
  const at = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number] } | undefined;
      if (node?.range) return `${file}:${lines.linePos(node.range[0]).line}`;
    }
    return file;
  };
  const complain = (issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[]): void => {
    for (const { path, message } of issues) {
      problems.push(`${at([...base, ...path])}: ${[...base, ...path].join('.')}: ${message}`);
    }
  };

  const parsed = z.safeParse(policySchema, document.toJS());
  if (!parsed.success) complain(parsed.error.issues, []);
  else {
    for (const id of Object.keys(parsed.data.remediations).filter(isLoaded)) {
      const action = catalogue.find((known) => known.id === id);
      if (!action) {
        problems.push(`${at(['remediations', id])}: there is no remediation ${id}`);
        continue;
      }
      try {
        parametersOf(parsed.data, action);
      } catch (error) {
        if (error instanceof z.core.$ZodError) complain(error.issues, ['remediations', id, 'parameters']);
        else throw error;
      }
    }
    parsed.data.exceptions.forEach(({ remediation }, index) => {
      if (remediation !== '*' && isLoaded(remediation) && !catalogue.some(({ id }) => id === remediation)) {
        problems.push(`${at(['exceptions', index])}: there is no remediation ${remediation}`);
      }
    });
  }
  if (problems.length > 0 || !parsed.success) throw new Error(problems.join('\n'));
  return parsed.data;
}
