import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';
import { type Cloud, startCloud } from '../local/cloud.ts';
import { SANDBOX_ACCOUNTS } from '../local/connection.ts';
import { cutOff } from '../local/rules.ts';
import { Sandbox } from '../local/sandbox.ts';
import { Simulator } from '../local/simulator.ts';
import { judge } from '../simulations/judge.ts';
import type { Exercise } from '../simulations/report/exercise.ts';
import { writeReports } from './after-action.ts';
import { Browser, findBrowser } from './browser.ts';
import { loadScenarios } from './scenarios.ts';

const HELP = `npm run example-report -- [<folder>]

Runs four scenarios four times on the embedded cloud, as four quarters in which the service gets faster and a rule is twice left
off, and writes the after-action report of the last, with pictures of it (docs/example-report). Takes some minutes.`;

/** How it is in a quarter: what a call of AWS takes in the sandbox account, and whose rules somebody left off. */
const QUARTERS: readonly { readonly name: string; readonly latency: number; readonly off?: string }[] = [
  { name: '2026-Q1', latency: 1_200, off: 'network' },
  { name: '2026-Q2', latency: 600 },
  { name: '2026-Q3', latency: 250 },
  { name: '2026-Q4', latency: 40, off: 'snapshots' },
];
const REHEARSED = [
  'exfiltration.rds-snapshot-shared',
  'exfiltration.s3-bucket-exposed',
  'impact.crypto-miner-on-instance',
  'initial-access.management-port-open',
];
/** Seconds to wait where nothing will come. */
const WATCH_IN_VAIN = 15;
const POLICY = fileURLToPath(new URL('../local/simulation-policy.yml', import.meta.url));
/** Pictures: names, and widths in CSS pixels. */
const PICTURES = { desktop: 1_280, phone: 360 } as const;
/** CSS pixels of the page's height in a picture: what is at a glance, and the first run. */
const PICTURED = 4_600;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' } },
});
const screen = new Terminal(process.stdout);

async function main(folder: string): Promise<void> {
  const scenarios = await loadScenarios();
  const cloud = await startCloud({
    sandbox: true,
    policy: POLICY,
    progress: (step) => screen.line(['dim', `${step} ...`]),
  });
  let runs: Exercise['runs'] = [];
  try {
    for (const quarter of QUARTERS) runs = await rehearse(quarter, cloud, scenarios);
  } finally {
    await cloud.stop();
  }
  const name = QUARTERS.at(-1)?.name ?? '';
  for (const file of await writeReports(folder, { name, runs, scenarios })) screen.line('wrote ', file);
  const browser = findBrowser();
  if (!browser) return screen.line('no Chromium, no pictures');
  await using shown = new Browser(browser);
  const page = pathToFileURL(path.resolve(folder, 'report.html')).href;
  for (const [picture, width] of Object.entries(PICTURES)) {
    const file = path.join(folder, `${picture}.webp`);
    writeFileSync(file, await shown.picture(page, { width }, PICTURED));
    screen.line('wrote ', file);
  }
}

/** Runs the scenarios as they go in a quarter. */
async function rehearse(
  { name, latency, off }: (typeof QUARTERS)[number],
  cloud: Cloud,
  scenarios: Exercise['scenarios'],
): Promise<Exercise['runs']> {
  const simulator = new Simulator(cloud);
  const { doors } = cloud.connection;
  const runs: Exercise['runs'][number][] = [];
  await doors.setFaults([
    { account: SANDBOX_ACCOUNTS[0], principal: '*:assumed-role/firebreak-*/*', latency, phase: 'before' },
  ]);
  const all = async (): Promise<void> => {
    for (const scenario of scenarios.filter(({ id }) => REHEARSED.includes(id))) {
      const vain =
        off !== undefined && scenario.responses.every(({ remediation }) => remediation.startsWith(`${off}.`));
      const wanted = { exercise: name, ...(vain && { watch: WATCH_IN_VAIN }) };
      const { previous, ...record } = await simulator.run(scenario, wanted);
      runs.push({ record, scenario, previous });
      screen.line(`${name}  ${scenario.id}: ${judge(record, scenario, previous).verdict}`);
    }
  };
  await (off ? cutOff(off, cloud.connection, all) : all());
  await doors.setFaults([]);
  await new Sandbox(cloud).sweep();
  return runs;
}

if (values.help) screen.text(HELP);
else await main(positionals[0] ?? fileURLToPath(new URL('../docs/example-report', import.meta.url)));
