import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord } from '../simulations/run.ts';
import { tabletops } from './places.ts';

/** The minutes of exercises at a table: one file for each, in the form of all runs. */

const fileOf = (run: string): string => join(tabletops(), `${run}.json`);

/** Keeps what was written down so far, in the place of what was before. */
export function keepMinutes(record: RunRecord): void {
  mkdirSync(tabletops(), { recursive: true });
  const file = fileOf(record.run.id);
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** @param run a checked id. Undefined: there are none of that run here */
export const minutesOf = (run: string): RunRecord | undefined =>
  existsSync(fileOf(run)) ? (JSON.parse(readFileSync(fileOf(run), 'utf8')) as RunRecord) : undefined;

/** Of all exercises of the same scenario but this run. */
export const otherMinutes = ({ run: { id, scenario } }: RunRecord): readonly RunRecord[] =>
  readdirSync(tabletops())
    .filter((file) => file.endsWith('.json') && file !== `${id}.json`)
    .map((file) => JSON.parse(readFileSync(join(tabletops(), file), 'utf8')) as RunRecord)
    .filter(({ run }) => run.scenario === scenario);
