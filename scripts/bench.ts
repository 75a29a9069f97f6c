import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';
import { describeError } from '../engine/errors.ts';
import { Bench, ROOT } from './bench/bench.ts';
import { bytes } from './bench/bytes.ts';
import { calls } from './bench/calls.ts';
import { cost } from './bench/cost.ts';
import { custodian } from './bench/custodian.ts';
import { duplicates } from './bench/duplicates.ts';
import { hang } from './bench/hang.ts';
import { latency } from './bench/latency.ts';
import { load } from './bench/load.ts';
import type { Measurement } from './bench/measurement.ts';
import { type Measured, pageOf, preamble } from './bench/pages.ts';
import { sessions } from './bench/sessions.ts';
import { storm } from './bench/storm.ts';

/** In this order: Cloud Custodian looks at all that there is, so it comes before what others leave behind. */
const MEASUREMENTS: readonly Measurement[] = [
  bytes,
  load,
  custodian,
  calls,
  hang,
  storm,
  duplicates,
  latency,
  cost,
  sessions,
];

const HELP = `npm run bench -- [--only <name>,...] [--storm <n>] [--json]

Measures against the budgets on the embedded cloud, without an AWS account, and ends with 1 when one does not hold. All
measurements take some nine minutes. A page (docs/benchmarks.md, docs/cost.md, docs/sessions.md) is written when all that is on it
was measured. --storm says how many resources the throttle storm has (1000).

${MEASUREMENTS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}

Times are worth something on a machine that does nothing else.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    storm: { type: 'string', default: '1000' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const screen = new Terminal(values.json ? process.stderr : process.stdout);

async function main(): Promise<number> {
  const wanted = values.only?.split(',');
  const unknown = wanted?.find((name) => !MEASUREMENTS.some((each) => each.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`npm run bench: there is no measurement ${unknown}\n\n${HELP}\n`);
    return 2;
  }
  const resources = Number(values.storm);
  if (!(resources > 50 && resources <= 10_000)) {
    process.stderr.write(`npm run bench: --storm takes a number from 51 to 10000\n\n${HELP}\n`);
    return 2;
  }
  const began = performance.now();
  const bench = new Bench(
    (step) => screen.line(['dim', `${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${step}`]),
    resources,
  );
  const stop = () => process.exit(130);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const measured: Measured[] = [];
  const failed: string[] = [];
  try {
    for (const { name, page, measure } of MEASUREMENTS) {
      if (wanted !== undefined && !wanted.includes(name)) continue;
      try {
        measured.push({ name, page, ...(await measure(bench)) });
      } catch (error) {
        // What the others take minutes to measure is not lost with it.
        failed.push(name);
        process.stderr.write(`npm run bench: ${name} failed: ${describeError(error)}\n`);
      }
    }
  } finally {
    await bench.end();
  }
  const on = { cores: cpus().length, processor: cpus()[0]?.model ?? '', date: new Date().toISOString().slice(0, 10) };
  for (const page of ['benchmarks', 'cost', 'sessions'] as const) {
    const sections = measured.filter((section) => section.page === page);
    if (MEASUREMENTS.some((each) => each.page === page && !sections.some(({ name }) => name === each.name))) continue;
    writeFileSync(path.join(ROOT, `docs/${page}.md`), `${preamble(page, on)}\n${pageOf(sections)}`);
  }
  const figures = measured.flatMap((section) => section.figures);
  if (values.json) console.log(JSON.stringify({ on, node: process.versions.node, measured, failed }, null, 2));
  else {
    screen.line('');
    for (const { what, measured: value, budget, holds } of figures) {
      const word =
        holds === undefined
          ? (['dim', '-   '] as const)
          : holds
            ? (['green', 'ok  '] as const)
            : (['red', 'OVER'] as const);
      screen.line([...word], `  ${what}: `, ['bold', value], budget ? ` (${budget})` : '');
    }
  }
  const over = figures.filter(({ holds }) => holds === false);
  screen.line(
    '',
    `${figures.length} figures, ${over.length} over budget, in ${((performance.now() - began) / 1_000).toFixed(0)} s`,
    failed.length > 0 ? `; failed: ${failed.join(', ')}` : '',
  );
  return over.length + failed.length === 0 ? 0 : 1;
}

if (values.help) screen.text(`${HELP}\n`);
else process.exitCode = await main();
