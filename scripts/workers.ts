import { readdirSync } from 'node:fs';
import type { Action } from '../engine/remediation.ts';

const FUNCTIONS = new URL('../functions/', import.meta.url);

export interface Worker {
  readonly name: string;
  readonly remediations: readonly Action[];
}

/** Folders below functions/ that hold remediations: each is one Lambda, one queue, one role, one bundle. */
export const workerNames = (): string[] =>
  readdirSync(FUNCTIONS, { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && readdirSync(new URL(`${entry.name}/`, FUNCTIONS)).includes('remediations.ts'),
    )
    .map(({ name }) => name)
    .sort();

/** All folders below functions/: the workers, and the operators' small Lambdas. Each has a handler, and is one bundle. */
export const functionNames = (): string[] =>
  readdirSync(FUNCTIONS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(new URL(`${entry.name}/`, FUNCTIONS)).includes('handler.ts'))
    .map(({ name }) => name)
    .sort();

/** Workers with their remediations: all, or those named. Their AWS clients make this slow. */
export const loadWorkers = (names = workerNames()): Promise<Worker[]> =>
  Promise.all(
    names.map(async (name) => {
      const remediations = (await import(new URL(`${name}/remediations.ts`, FUNCTIONS).href)) as Record<string, Action>;
      return { name, remediations: Object.values(remediations) };
    }),
  );
