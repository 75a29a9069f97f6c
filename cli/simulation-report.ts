import { writeFileSync } from 'node:fs';
import { loadWorkers } from '../scripts/workers.ts';
import { labelOf } from '../simulations/judge.ts';
import type { Exercise } from '../simulations/report/exercise.ts';
import { htmlReport } from '../simulations/report/html.ts';
import { jsonReport } from '../simulations/report/json.ts';
import { markdownReport } from '../simulations/report/markdown.ts';
import type { Answers } from '../simulations/requests.ts';
import type { Scenario } from '../simulations/scenario.ts';
import * as scenarios from '../simulations/scenarios.ts';
import { Failure } from './failure.ts';
import { minutesOf, otherMinutes } from './minutes.ts';
import { assertRun, type SimulationOptions } from './simulation.ts';
import { Simulator } from './simulator.ts';
import type { Io } from './terminal.ts';
import { scenarioOf } from './verdict.ts';

const FORMS = { html: htmlReport, markdown: markdownReport, json: jsonReport } as const;
export type Format = keyof typeof FORMS;

export interface ReportOptions extends Pick<SimulationOptions, 'region'> {
  readonly format: Format;
  readonly output?: string;
}

/** `firebreak simulation report <run>...`: the after-action report of runs, deployed or at a table, as one exercise. */
export async function simulationReport(
  ids: readonly string[],
  { region, format, output }: ReportOptions,
  { out, err }: Io,
): Promise<number> {
  for (const id of ids) assertRun(id);
  let deployed: Simulator | undefined;
  const known = async (run: string): Promise<Answers['status']> => {
    const minutes = minutesOf(run);
    if (minutes) return { ...minutes, previous: otherMinutes(minutes) };
    deployed ??= await Simulator.open(region);
    return deployed.ask({ do: 'status', run });
  };
  const runs: Exercise['runs'][number][] = [];
  for (const run of ids) {
    const { previous, ...record } = await known(run);
    runs.push({ record, scenario: await scenarioOf(record.run.scenario), previous });
  }
  const text = FORMS[format]({
    name: [...new Set(runs.map(({ record }) => labelOf(record.run)))].join(', '),
    writtenAt: new Date().toISOString(),
    runs,
    scenarios: Object.values(scenarios as Readonly<Record<string, Scenario>>),
    catalogue: (await loadWorkers()).flatMap(({ remediations }) => remediations),
  });
  if (output === undefined) {
    out.document(text);
    return 0;
  }
  try {
    writeFileSync(output, text);
  } catch (error) {
    throw new Failure(
      `the report could not be written to ${output}: ${error instanceof Error ? error.message : error}`,
    );
  }
  err.line(`written to ${output}`);
  return 0;
}
