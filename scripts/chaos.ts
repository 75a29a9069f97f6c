import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';
import { contractsOf } from '../local/contracts.ts';
import { Bench } from './chaos/bench.ts';
import { Laboratory } from './chaos/laboratory.ts';
import { runNumbered } from './chaos/numbered.ts';
import { unequalIn } from './chaos/page.ts';
import { keep } from './chaos/record.ts';
import { describeUnequal, type Extent, type Walk, walk } from './chaos/walk.ts';
import { loadWorkers } from './workers.ts';

const HELP = `npm run chaos -- <remediation>... | --all | --numbered [--seeds <n>] [--points <n>] [--write] [--jobs <n>] [--json]

Disturbs every call of AWS that the deployed worker makes, on the embedded cloud: throttled, answered with 500, reset before
and after it took place, cut short, hung, refused, answered as if it had taken place. Then kills the worker with SIGKILL
before and after each, lets the message come back, and compares all that came of it with an undisturbed run. Ends with 1 when
a state is not equal, or an outcome not what is so.

  --all         every remediation; without --points also the numbered tests in their long form, and docs/reliability.md
  --numbered    the numbered tests in their long form, and docs/reliability.md; alone, nothing else
  --write       what was walked goes into docs/reliability.md, each specimen when it has ended; with --all and --points the
                numbered tests in their lean form too
  --seeds <n>   beside, n runs of each specimen with one to three kills at places that the seed chooses (0)
  --points <n>  at most n kill points and n faults of each specimen, spread over the run
  --jobs <n>    so many embedded clouds at once, each with some of the remediations (one for each processor)

The specimens are those of the remediation's test. A fault or kill point takes one or two seconds.`;

const SELF = fileURLToPath(import.meta.url);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    numbered: { type: 'boolean' },
    seeds: { type: 'string', default: '0' },
    points: { type: 'string' },
    write: { type: 'boolean' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean' },
    // A line of JSON for each walk: what a process of its own tells the one that started it.
    lines: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const screen = new Terminal(values.json || values.lines ? process.stderr : process.stdout);
const progress = (step: string): void => screen.line(['dim', `${step} ...`]);

async function main(): Promise<number> {
  const known = (await loadWorkers()).flatMap(({ remediations }) => remediations.map(({ id }) => id));
  const ids = values.all ? known : positionals;
  const [seeds, jobs] = [numberIn(values.seeds), numberIn(values.jobs)];
  const points = values.points === undefined ? undefined : numberIn(values.points);
  const stranger = ids.find((id) => !known.includes(id));
  const wrong =
    stranger !== undefined
      ? `there is no remediation ${stranger}; there are ${known.join(', ')}`
      : ids.length === 0 && !values.numbered
        ? 'name a remediation, or --all'
        : seeds === undefined || !jobs || (values.points !== undefined && !points)
          ? '--seeds, --points and --jobs take a number'
          : undefined;
  if (wrong !== undefined || seeds === undefined || !jobs) {
    process.stderr.write(`npm run chaos: ${wrong}\n\n${HELP}\n`);
    return 2;
  }
  const stop = () => process.exit(130);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const extent = { seeds, ...(points !== undefined && { points }) };
  const whole = points === undefined;
  const written = values.write || (values.all && whole);
  const date = new Date().toISOString().slice(0, 10);
  const walked = (one: Walk): void => {
    if (values.lines) console.log(JSON.stringify(one));
    if (written) keep(known, { walks: [{ ...one, date, version: process.versions.node, whole }] });
  };
  const walks =
    jobs > 1 && ids.length > 1 ? await together(ids, extent, jobs, walked) : await alone(ids, extent, walked);
  const tests = values.numbered || (values.all && written) ? await runNumbered(whole, progress) : [];
  if (tests.length > 0) keep(known, { numbered: { date, long: whole, tests } });
  for (const { number, passed } of tests) if (!passed) screen.line(['red', 'FAILED '], `test ${number}`);
  if (values.json) console.log(JSON.stringify(walks, null, 2));
  const faults = walks.reduce((sum, each) => sum + each.faults, 0);
  const killed = walks.reduce((sum, each) => sum + each.points + each.seeds, 0);
  screen.line(`${faults} faults; ${killed} kill points, ${unequalIn(walks)} unequal states`);
  return unequalIn(walks) === 0 && tests.every(({ passed }) => passed) ? 0 : 1;
}

/** Walks remediations one after the other, in this process. */
async function alone(ids: readonly string[], extent: Extent, ended: (walk: Walk) => void): Promise<Walk[]> {
  const walks: Walk[] = [];
  const contracts = await contractsOf(ids);
  await using bench = new Bench(() => Laboratory.start(contracts, progress));
  for (const contract of contracts) {
    const { id } = contract.action;
    const tell = (found: Parameters<typeof describeUnequal>[0], specimen: number) =>
      screen.line(['red', 'UNEQUAL '], `${id}, specimen ${specimen}, ${describeUnequal(found)}`);
    for await (const walked of walk(bench, contract, extent, tell)) {
      walks.push(walked);
      screen.line(inOneLine(walked));
      ended(walked);
    }
  }
  return walks;
}

/** Walks remediations in several processes, each with a cloud of its own; the answer is in the order of the ids. */
async function together(
  ids: readonly string[],
  { points, seeds }: Extent,
  jobs: number,
  ended: (walk: Walk) => void,
): Promise<Walk[]> {
  const options = ['--seeds', String(seeds), ...(points === undefined ? [] : ['--points', String(points)])];
  const parts = Array.from({ length: Math.min(jobs, ids.length) }, (_, job) =>
    ids.filter((_, index) => index % jobs === job),
  );
  const walks = await Promise.all(
    parts.map(async (part) => {
      const child = spawn(process.execPath, [SELF, ...part, ...options, '--jobs', '1', '--lines'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const end = () => child.kill('SIGTERM');
      process.once('exit', end);
      // Its last line sums up what ours sums up for all.
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (!line.endsWith(' unequal states')) screen.line(line);
      });
      const found: Walk[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => {
        const one = JSON.parse(line) as Walk;
        found.push(one);
        ended(one);
      });
      const status = await new Promise<number | null>((resolve, reject) =>
        child.once('error', reject).once('close', resolve),
      );
      process.off('exit', end);
      if (status !== 0 && status !== 1) throw new Error(`the walk of ${part.join(', ')} ended with ${status}`);
      return found;
    }),
  );
  return walks
    .flat()
    .sort((a, b) => ids.indexOf(a.remediation) - ids.indexOf(b.remediation) || a.specimen - b.specimen);
}

const numberIn = (text: string): number | undefined => (/^\d{1,5}$/.test(text) ? Number(text) : undefined);

const inOneLine = ({ remediation, specimen, calls, faults, points, seeds, unequal, seconds }: Walk): string =>
  `${remediation}, specimen ${specimen}: ${calls} calls, ${faults} faults, ${points} kill points, ${seeds} with seeds, ${unequal.length} unequal, ${seconds} s`;

if (values.help) screen.text(`${HELP}\n`);
else process.exitCode = await main();
