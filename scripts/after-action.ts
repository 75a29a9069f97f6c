import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Exercise } from '../simulations/report/exercise.ts';
import { htmlReport } from '../simulations/report/html.ts';
import { jsonReport } from '../simulations/report/json.ts';
import { markdownReport } from '../simulations/report/markdown.ts';
import { loadWorkers } from './workers.ts';

/** Writes the after-action report of an exercise into a folder, in every format. @returns the files */
export async function writeReports(
  folder: string,
  exercise: Pick<Exercise, 'name' | 'runs' | 'scenarios' | 'assigned'>,
): Promise<readonly string[]> {
  const catalogue = (await loadWorkers()).flatMap(({ remediations }) => remediations);
  const told: Exercise = { ...exercise, catalogue, writtenAt: new Date().toISOString() };
  mkdirSync(folder, { recursive: true });
  const files = { 'report.html': htmlReport(told), 'report.md': markdownReport(told), 'report.json': jsonReport(told) };
  return Object.entries(files).map(([name, text]) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  });
}
