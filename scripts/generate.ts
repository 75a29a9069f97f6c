import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { catalogue } from './generate/catalogue.ts';
import { memberTemplate } from './generate/member.ts';
import { rulesFor, rulesTemplate } from './generate/rules.ts';
import { runbookStack } from './generate/runbook-stack.ts';
import { sandboxTemplate } from './generate/sandbox.ts';
import { scenariosPage } from './generate/scenarios.ts';
import { workersTemplate } from './generate/workers.ts';
import { defaultsTable } from './policy/defaults.ts';
import { loadPolicy, SHIPPED_POLICY } from './response-policy.ts';
import { loadRunbooks } from './runbooks.ts';
import { loadScenarios } from './scenarios.ts';
import { loadWorkers } from './workers.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
if (values.help) {
  console.log(
    'npm run generate -- [--check]\nWrites what follows from the remediations and the simulations; --check only says what is out of date.',
  );
  process.exit();
}

const workers = await loadWorkers();
const scenarios = await loadScenarios();
const rules = rulesFor(workers);
const titles = (all: typeof workers): Readonly<Record<string, string>> =>
  Object.fromEntries(all.flatMap(({ remediations }) => remediations.map(({ id, title }) => [id, title])));
const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** The README with what the shipped policy means for the catalogue. */
function readme(text: string): string {
  const actions = workers.flatMap(({ remediations }) => remediations);
  const table = defaultsTable(loadPolicy(SHIPPED_POLICY, actions), actions);
  return text.replace(/(?<=writes this table\. -->\n).*?(?=<!-- end -->)/s, () => `\n${table}\n\n`);
}

const files: Record<string, string> = {
  'events/rules.json': json(rulesTemplate(rules)),
  'functions/tell/titles.json': json(titles(workers)),
  'functions/workers.json': json(workersTemplate(workers, rules)),
  'organization/member.yml': memberTemplate(workers, rules),
  'organization/runbooks.yml': runbookStack(loadRunbooks()),
  'organization/sandbox.yml': sandboxTemplate(scenarios),
  'docs/catalogue.md': catalogue(workers, rules),
  'docs/scenarios.md': scenariosPage(scenarios),
  ...(existsSync('README.md') && { 'README.md': readme(readFileSync('README.md', 'utf8')) }),
};
for (const [file, content] of Object.entries(files)) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
  if (values.check) {
    console.error(`${file} is out of date: run npm run generate and commit it`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, content);
    console.log(`wrote ${file}`);
  }
}
