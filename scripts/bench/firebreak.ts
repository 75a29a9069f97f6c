import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Account } from '../../local/specimen.ts';
import { type Bench, type Ended, environmentOf, ROOT, run } from './bench.ts';

/** What `firebreak run --json` says, as far as it is of interest here. */
export interface RunReport extends Ended {
  readonly outcomes: Readonly<Record<string, number>>;
}

/** `firebreak run <remediation> --concurrency 10` on many targets, as an analyst's shell would start it. */
export async function firebreakRun(
  bench: Bench,
  account: Account,
  remediation: string,
  arns: readonly string[],
): Promise<RunReport> {
  const targets = path.join(bench.folder, 'targets.txt');
  writeFileSync(targets, `${arns.join('\n')}\n`);
  const command = [path.join(ROOT, 'cli/firebreak.mjs'), 'run', remediation, '--targets-file', targets];
  const ended = await run(process.execPath, [...command, '--concurrency', '10', '--json'], {
    ...environmentOf(account),
    FIREBREAK_HOME: path.join(bench.folder, 'home'),
  });
  if (!ended.output.startsWith('{')) throw new Error(`firebreak run ended with ${ended.status}: ${ended.errors}`);
  return { ...ended, ...(JSON.parse(ended.output) as { outcomes: Record<string, number> }) };
}
