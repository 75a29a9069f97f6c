import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';
import { contractsOf } from '../local/contracts.ts';
import { Laboratory } from './chaos/laboratory.ts';
import { pageOf, unequalIn } from './chaos/page.ts';
import { describeUnequal, type Walk, walk } from './chaos/walk.ts';
import { loadWorkers } from './workers.ts';

const HELP = `npm run chaos -- <remediation>... | --all [--seeds <n>] [--points <n>] [--json]

Disturbs every call of AWS that the deployed worker makes, on the embedded cloud: throttled, answered with 500, reset before
and after it took place, cut short, hung, refused, answered as if it had taken place. Then kills the worker with SIGKILL
before and after each, lets the message come back, and compares all that came of it with an undisturbed run. Ends with 1 when
a state is not equal, or an outcome not what is so.

  --all         every remediation; without --points also the numbered tests in their long form, and docs/reliability.md
  --seeds <n>   beside, n runs of each specimen with one to three kills at places that the seed chooses (0)
  --points <n>  at most n kill points and n faults of each specimen, spread over the run

The specimens are those of the remediation's test. A fault or kill point takes one or two seconds.`;

const PAGE = fileURLToPath(new URL('../docs/reliability.md', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    seeds: { type: 'string', default: '0' },
    points: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const screen = new Terminal(values.json ? process.stderr : process.stdout);

async function main(): Promise<number> {
  const known = (await loadWorkers()).flatMap(({ remediations }) => remediations.map(({ id }) => id));
  const ids = values.all ? known : positionals;
  const [seeds, points] = [numberIn(values.seeds), values.points === undefined ? undefined : numberIn(values.points)];
  const stranger = ids.find((id) => !known.includes(id));
  const wrong =
    stranger !== undefined
      ? `there is no remediation ${stranger}; there are ${known.join(', ')}`
      : ids.length === 0
        ? 'name a remediation, or --all'
        : seeds === undefined || (values.points !== undefined && !points)
          ? '--seeds and --points take a number'
          : undefined;
  if (wrong !== undefined || seeds === undefined) {
    process.stderr.write(`npm run chaos: ${wrong}\n\n${HELP}\n`);
    return 2;
  }
  const contracts = await contractsOf(ids);
  const laboratory = await Laboratory.start(contracts, (step) => screen.line(['dim', `${step} ...`]));
  const stop = () => process.exit(130);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const walks: Walk[] = [];
  try {
    for (const contract of contracts) {
      const { id } = contract.action;
      const tell = (found: Parameters<typeof describeUnequal>[0], specimen: number) =>
        screen.line(['red', 'UNEQUAL '], `${id}, specimen ${specimen}, ${describeUnequal(found)}`);
      for await (const walked of walk(laboratory, contract, { points, seeds }, tell)) {
        walks.push(walked);
        screen.line(inOneLine(walked));
      }
    }
  } finally {
    await laboratory.stop();
  }
  if (values.all && points === undefined) {
    writeFileSync(PAGE, `${pageOf(walks, { date: new Date().toISOString().slice(0, 10) })}\n`);
  }
  if (values.json) console.log(JSON.stringify(walks, null, 2));
  const faults = walks.reduce((sum, walked) => sum + walked.faults, 0);
  const killed = walks.reduce((sum, walked) => sum + walked.points + walked.seeds, 0);
  screen.line(`${faults} faults; ${killed} kill points, ${unequalIn(walks)} unequal states`);
  return unequalIn(walks) === 0 ? 0 : 1;
}

const numberIn = (text: string): number | undefined => (/^\d{1,5}$/.test(text) ? Number(text) : undefined);

const inOneLine = ({ remediation, specimen, calls, faults, points, seeds, unequal, seconds }: Walk): string =>
  `${remediation}, specimen ${specimen}: ${calls} calls, ${faults} faults, ${points} kill points, ${seeds} with seeds, ${unequal.length} unequal, ${seconds} s`;

if (values.help) screen.text(`${HELP}\n`);
else process.exitCode = await main();
