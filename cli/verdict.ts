import { existsSync } from 'node:fs';
import { type Judgement, judge, type Verdict } from '../simulations/judge.ts';
import type { Measurement } from '../simulations/measure.ts';
import { paperScenario, TABLETOP } from '../simulations/paper.ts';
import type { RunRecord } from '../simulations/run.ts';
import type { Scenario } from '../simulations/scenario.ts';
import { exerciseIds, readExercise } from '../simulations/tabletop.ts';
import { Failure } from './failure.ts';
import type { Span, Style, Terminal } from './terminal.ts';

const SIMULATIONS = new URL('../simulations/', import.meta.url);
const SCENARIO_ID = /^[a-z][a-z-]*\.[a-z][a-z0-9-]*$/;

/** A scenario by its path, which is its id: the AWS clients of all take long to load. @throws when there is none of that id */
export async function scenarioOf(id: string): Promise<Scenario> {
  const file = new URL(`${id.replace('.', '/')}.ts`, SIMULATIONS);
  const paper = id.startsWith(TABLETOP) ? id.slice(TABLETOP.length) : '';
  if (exerciseIds().includes(paper)) return paperScenario(readExercise(paper));
  if (SCENARIO_ID.test(id) && existsSync(file)) {
    const { default: scenario } = (await import(file.href)) as { readonly default?: Scenario };
    if (scenario?.id === id) return scenario;
  }
  throw new Failure(`this version of Firebreak has no scenario ${id}, and cannot say how a run of it went`);
}

/** What is thought of a run. */
export const judged = async (record: RunRecord, previous: readonly RunRecord[]): Promise<Judgement> =>
  judge(record, await scenarioOf(record.run.scenario), previous);

const STYLES: Readonly<Partial<Record<Verdict, Style>>> = { passed: 'green', running: 'bold', late: 'yellow' };

/** How a run went, what fell short, and its times. */
export function showJudgement({ verdict, fidelity, shortcomings, metrics, earlier }: Judgement, out: Terminal): void {
  out.line([STYLES[verdict] ?? 'red', verdict], ['dim', `  by ${fidelity}`]);
  for (const { grade, what } of shortcomings) out.line('  ', [STYLES[grade] ?? 'red', grade], `  ${what}`);
  out.table(metrics.map(timed), '  ');
  const before = earlier.map(({ label, verdict: then }) => `${label} ${then}`);
  if (before.length > 0) out.line('  ', ['dim', 'before that: '], before.join(', '));
}

const timed = ({ metric, ms, result, unmeasured, note, limitMs }: Measurement): Span[] => [
  ['dim', `time to ${metric}`],
  ms === undefined ? '' : `${(ms / 1_000).toFixed(1)} s`,
  [result === 'met' ? 'green' : result === 'late' ? 'yellow' : result === 'missed' ? 'red' : 'dim', result],
  ['dim', [unmeasured, limitMs !== undefined && `at most ${limitMs / 1_000} s`, note].filter(Boolean).join('; ')],
];
