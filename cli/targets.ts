import { readFileSync } from 'node:fs';
import { idFromArn, parseArn } from '../engine/arn.ts';
import type { Action, Target } from '../engine/remediation.ts';
import { targetFromArn, targetKey } from '../engine/targets.ts';
import type { Caller } from './caller.ts';
import { UsageError } from './failure.ts';

/** Lines of a file (`-`: standard input), without empty ones and those that begin with #. */
export function linesOf(file: string): string[] {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Refuses, all at once, what a person typed that is no ARN of a type that the remediation acts on. */
export function checkArns(arns: readonly string[], { id, resource }: Action): void {
  const problems = arns.flatMap((arn) => {
    if (!parseArn(arn)) return [`${arn}: is not an ARN`];
    if (!resource.some((type) => idFromArn(type, arn))) return [`${arn}: is no ${resource.join(' or ')}`];
    return [];
  });
  refuse(problems, id);
}

/**
 * The targets of a run, each once. An ARN that leaves out account or Region (a bucket, a user, a snapshot) means the
 * caller's.
 * @throws when one is where the caller cannot act, naming all of them
 */
export function targetsOf(
  arns: readonly string[],
  action: Action,
  caller: Caller,
  { region, role }: { readonly region?: string; readonly role?: string },
): Target[] {
  const problems: string[] = [];
  const targets = new Map<string, Target>();
  for (const arn of arns) {
    const target = targetFromArn(action.resource, arn, caller);
    if (!target) problems.push(`${arn}: is no ${action.resource.join(' or ')}`);
    else if (target.partition !== caller.partition) {
      problems.push(`${arn}: is in partition ${target.partition}, and the credentials are of ${caller.partition}`);
    } else if (region !== undefined && target.region !== region) {
      problems.push(`${arn}: is in ${target.region}, and --region says ${region}`);
    } else if (target.account !== caller.account && role === undefined) {
      problems.push(
        `${arn}: is in account ${target.account}, and the credentials are of ${caller.account}: name a role to assume there with --role`,
      );
    } else if (!targets.has(targetKey(target))) targets.set(targetKey(target), target);
  }
  refuse(problems, action.id);
  return [...targets.values()];
}

function refuse(problems: readonly string[], id: string): void {
  if (problems.length > 0) {
    throw new UsageError(`${id} was not started: these are no targets for it\n${problems.join('\n')}`);
  }
}
