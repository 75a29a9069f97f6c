import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';
import { startCloud } from '../local/cloud.ts';
import { Sandbox } from '../local/sandbox.ts';
import { Simulator } from '../local/simulator.ts';
import { differences } from '../simulations/clean-up.ts';
import { type Judgement, judge } from '../simulations/judge.ts';
import type { Exercise } from '../simulations/report/exercise.ts';
import type { Moment } from '../simulations/run.ts';
import type { Scenario } from '../simulations/scenario.ts';
import { writeReports } from './after-action.ts';
import { loadScenarios } from './scenarios.ts';
import { seconds, timesOf } from './times.ts';

const HELP = `npm run simulate -- <scenario>... | --all [--report <folder>] [--json]

Breaks something on purpose in a sandbox account of the embedded cloud, lets its services notice, and measures what the deployed
Firebreak does about it; cleans up, and shows that the account is as it was. Ends with 1 when a scenario does not pass.

  --all              every scenario
  --report <folder>  also writes the after-action report there: report.html, report.md, report.json

Scenarios:
`;

const POLICY = fileURLToPath(new URL('../local/simulation-policy.yml', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    report: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const screen = new Terminal(values.json ? process.stderr : process.stdout);

/** A run, and what is thought of it. */
type Result = Exercise['runs'][number] & { readonly judgement: Judgement };

async function main(scenarios: readonly Scenario[]): Promise<number> {
  const known = scenarios.map(({ id }) => id);
  const ids = values.all ? known : positionals;
  const stranger = ids.find((id) => !known.includes(id));
  if (ids.length === 0 || stranger !== undefined) {
    const wrong = stranger === undefined ? 'name a scenario, or --all' : `there is no scenario ${stranger}`;
    const errors = new Terminal(process.stderr);
    errors.line(`npm run simulate: ${wrong}`, '');
    help(errors, scenarios);
    return 2;
  }
  const progress = (step: string): void => screen.line(['dim', `${step} ...`]);
  const cloud = await startCloud({ sandbox: true, policy: POLICY, progress });
  try {
    const sandbox = new Sandbox(cloud);
    const before = await sandbox.inventory(scenarios);
    const results: Result[] = [];
    for (const scenario of scenarios.filter(({ id }) => ids.includes(id))) {
      results.push(await rehearse(scenario, new Simulator(cloud)));
    }
    await sandbox.sweep();
    if (values.report !== undefined) {
      const name = new Date().toISOString().slice(0, 10);
      for (const file of await writeReports(values.report, { name, runs: results, scenarios }))
        screen.line('wrote ', file);
    }
    return conclude(results, differences(before, await sandbox.inventory(scenarios)));
  } finally {
    await cloud.stop();
  }
}

async function rehearse(scenario: Scenario, simulator: Simulator): Promise<Result> {
  screen.line('');
  screen.line(['bold', scenario.id], `  ${scenario.title}`);
  const shown = new Set<string>();
  const { previous, ...record } = await simulator.run(scenario, {}, ({ run, timeline }) => {
    for (const moment of timeline) {
      const key = JSON.stringify(moment);
      if (!shown.has(key)) show(moment, Date.parse(run.startedAt));
      shown.add(key);
    }
  });
  const judgement = judge(record, scenario, previous);
  const good = judgement.verdict === 'passed';
  screen.line([good ? 'green' : 'red', `   ${judgement.verdict}`], `  ${timesOf(judgement)}`);
  for (const { grade, what } of judgement.shortcomings) screen.line(['red', `   ${grade}: `], String(what));
  return { scenario, record, previous, judgement };
}

function show({ at, what, detail, source }: Moment, since: number): void {
  const after = seconds(Date.parse(at) - since).padStart(8);
  screen.line(['dim', `${after}  `], what.padEnd(13), detail.slice(0, 120), ['dim', `  (${source})`]);
}

/** Says what came of all. @param differs what of the sandbox account is not as it was */
function conclude(results: readonly Result[], differs: readonly string[]): number {
  const failed = results.filter(({ judgement }) => judgement.verdict !== 'passed');
  if (values.json) {
    const shown = results.map(({ record, judgement }) => ({ ...record, judgement }));
    console.log(JSON.stringify({ runs: shown, differs }, null, 2));
  }
  screen.line('');
  screen.line([
    'dim',
    'Fidelity: bus replay. The resource is really made wrong; the finding is the one that AWS would emit.',
  ]);
  for (const difference of differs) screen.line(['red', 'NOT AS IT WAS: '], difference);
  const good = failed.length === 0 && differs.length === 0;
  screen.line(
    [good ? 'green' : 'red', `${results.length - failed.length} of ${results.length} scenarios passed`],
    `; the sandbox account is ${differs.length === 0 ? 'as it was' : 'not as it was'}.`,
  );
  return good ? 0 : 1;
}

function help(to: Terminal, scenarios: readonly Scenario[]): void {
  to.text(HELP);
  to.table(
    scenarios.map(({ id, title }) => [id, title]),
    '  ',
  );
}

const scenarios = await loadScenarios();
if (values.help) help(screen, scenarios);
else process.exitCode = await main(scenarios);
