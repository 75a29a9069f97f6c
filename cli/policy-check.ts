import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { modeOf } from '../engine/policy.ts';
import { MODES, type Policy } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';
import { type Problem, problemLine } from '../scripts/located-yaml.ts';
import { type PolicyFile, readPolicy } from '../scripts/response-policy.ts';
import { loadWorkers } from '../scripts/workers.ts';
import { withoutClients } from './declarations.ts';
import { count } from './desk.ts';
import { UsageError } from './failure.ts';
import { shippedPolicy } from './places.ts';
import type { Io } from './terminal.ts';

export interface CheckOptions {
  readonly json?: boolean;
}

/** A policy as it lies on disk, all remediations, and the name of the file for people. */
export interface OpenPolicy extends PolicyFile {
  readonly file: string;
  readonly actions: readonly Action[];
}

/** @throws UsageError when there is no such file */
export async function openPolicy(file = shippedPolicy(), now = new Date()): Promise<OpenPolicy> {
  withoutClients();
  if (!existsSync(file)) throw new UsageError(`the policy cannot be used: there is no file ${file}`);
  const actions = (await loadWorkers()).flatMap(({ remediations }) => remediations);
  const near = relative(process.cwd(), file);
  return { ...readPolicy(file, actions, [], now), file: near.startsWith('..') ? file : near, actions };
}

/** `firebreak policy check [file]`: exit 0 when it holds, 1 when something is wrong. */
export async function policyCheck(path: string | undefined, { json }: CheckOptions, io: Io): Promise<number> {
  const { file, policy, problems, actions, ...open } = await openPolicy(path);
  const warnings = policy ? [...unnamed(policy, open.lineOf), ...open.warnings] : open.warnings;
  if (json) io.out.json({ file, holds: policy !== undefined, problems, warnings });
  else {
    for (const problem of problems) io.out.line(problemLine(file, problem));
    for (const warning of warnings) io.err.line(['yellow', 'warning: '], problemLine(file, warning));
    if (policy) io.out.line(`${file} holds: ${inShort(policy, actions)}`);
  }
  return policy ? 0 : 1;
}

/** Nobody but the policy tells which account manages the organisation. The shipped one cannot, so no build asks for it. */
const unnamed = ({ organization }: Policy, lineOf: PolicyFile['lineOf']): readonly Problem[] =>
  organization.management === undefined
    ? [
        {
          line: lineOf(['organization']) ?? 1,
          path: 'organization.management',
          wrong: 'is not named, so the management account is not protected',
          write: 'the id of that account, if there is an organisation',
        },
      ]
    : [];

function inShort(policy: Policy, actions: readonly Action[]): string {
  const { modes, exceptions, freezes } = policy;
  const usual = actions.map((action) => modeOf(policy, action).mode);
  return [
    ...MODES.map((mode) => `${usual.filter((each) => each === mode).length} ${mode}`),
    `${count(modes.length, 'line')} of modes`,
    count(exceptions.length, 'exception'),
    count(freezes.length, 'freeze'),
  ].join(', ');
}
