import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { budget, bundleAll } from './bundle.ts';
import { problemLine } from './located-yaml.ts';
import { checkPlaybooks } from './playbooks/checks.ts';
import { whatThereIs } from './playbooks/known.ts';
import { readPlaybooks } from './playbooks.ts';
import { SHIPPED_POLICY } from './response-policy.ts';
import { type LintedRunbook, lint } from './runbooks/lint.ts';
import { loadRunbooks } from './runbooks.ts';

/** A check, and what to do when it fails; true when it holds. */
interface Check {
  readonly name: string;
  run(): boolean | Promise<boolean>;
}

const python = process.env.FIREBREAK_PYTHON ?? 'python3';

const command = (name: string, file: string, ...args: string[]): Check => ({
  name,
  run: () => spawnSync(file, args, { stdio: 'inherit' }).status === 0,
});
const node = (name: string, ...args: string[]): Check => command(name, process.execPath, ...args);

/** What `serverless package` made, without the upload folder, which osls names by the time of day. */
function packaged(): string {
  const hash = createHash('sha256');
  for (const file of globSync('.serverless/{*.zip,cloudformation-template-*.json}').sort()) {
    const content = readFileSync(file);
    hash.update(file).update(file.endsWith('.zip') ? content : content.toString().replaceAll(UPLOAD_FOLDER, ''));
  }
  return hash.digest('hex');
}
const UPLOAD_FOLDER = /\d{13}-\d{4}-\d\d-\d\dT[\d:.]+Z/g;

/** All runbooks: those written by hand, with what their roles may do, and those of remediations. */
const runbooks = (): LintedRunbook[] => [
  ...loadRunbooks().map(({ file, text, permissions }) => ({ file: `runbooks/${file}.yml`, text, permissions })),
  ...globSync('runbooks/remediations/*.yml')
    .sort()
    .map((file) => ({ file, text: readFileSync(file, 'utf8') })),
];

const checks: readonly Check[] = [
  node('types', 'node_modules/typescript/bin/tsc', '-p', '.'),
  node('format and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  node('generated files are up to date', 'scripts/generate.ts', '--check'),
  {
    name: 'playbooks name what exists',
    async run() {
      const { playbooks, problems } = readPlaybooks();
      const all = [...problems, ...(await checkPlaybooks(playbooks, await whatThereIs()))];
      for (const problem of all) console.error(problemLine(problem.file, problem));
      return all.length === 0;
    },
  },
  {
    name: 'bundles are within their budgets',
    async run() {
      const bundles = await bundleAll(SHIPPED_POLICY);
      for (const made of bundles) console.log(`  ${made.name}: ${made.bytes} of ${budget(made)} bytes`);
      return bundles.every((made) => made.bytes <= budget(made));
    },
  },
  {
    name: 'the package has the same bytes twice',
    run() {
      const hashes = [1, 2].map(() => {
        const { status } = spawnSync(process.execPath, ['scripts/package.ts'], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        return status === 0 ? packaged() : `failed with ${status}`;
      });
      return hashes[0] === hashes[1] && !hashes[0]?.startsWith('failed');
    },
  },
  {
    name: 'AWS accepts the runbooks',
    run() {
      const faults = lint(runbooks());
      for (const fault of faults) console.log(`  ${fault}`);
      return faults.length === 0;
    },
  },
  command(
    'CloudFormation accepts the templates',
    python,
    '-c',
    'import sys; from cfnlint.runner import main; main()',
    // osls repeats in DependsOn what a GetAtt already says.
    '--ignore-checks',
    'W3005',
    '--regions',
    'eu-west-1',
    '--template',
    '.serverless/cloudformation-template-update-stack.json',
    'organization/member.yml',
    'organization/runbooks.yml',
    'organization/sandbox.yml',
  ),
];

const wanted = process.argv.slice(2);
if (wanted.includes('--help') || wanted.includes('-h')) {
  console.log(`npm run check -- [name...]\n\n${checks.map(({ name }) => `  ${name}`).join('\n')}`);
} else {
  const failed: string[] = [];
  for (const { name, run } of checks) {
    if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
    const started = performance.now();
    const holds = await run();
    console.log(`${holds ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - started) / 1_000).toFixed(1)} s)`);
    if (!holds) failed.push(name);
  }
  console.log(failed.length === 0 ? 'All checks hold.' : `Failed: ${failed.join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
