import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PLAYBOOKS } from '../engine/playbook.ts';
import { catalogue } from './generate/catalogue.ts';
import { memberTemplate } from './generate/member.ts';
import {
  forPeople,
  playbookRunbooks,
  playbooksIndex,
  playbooksTemplate,
  playbookTitles,
  titlesOf,
  triggersOf,
} from './generate/playbooks.ts';
import { rulesFor, rulesTemplate, rulesTo } from './generate/rules.ts';
import { runbookStack } from './generate/runbook-stack.ts';
import { RUNBOOKS, remediationRunbooks, runbookDocuments, runbookRemediations } from './generate/runbooks.ts';
import { sandboxTemplate } from './generate/sandbox.ts';
import { scenariosPage } from './generate/scenarios.ts';
import { workersTemplate } from './generate/workers.ts';
import { INDEX, loadPlaybooks } from './playbooks.ts';
import { defaultsTable } from './policy/defaults.ts';
import { loadPolicy, SHIPPED_POLICY } from './response-policy.ts';
import { loadRunbooks } from './runbooks.ts';
import { loadScenarios } from './scenarios.ts';
import { loadWorkers } from './workers.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
if (values.help) {
  console.log(
    'npm run generate -- [--check]\nWrites what follows from the remediations, the simulations, the runbooks and the playbooks; --check only says what is out of date.',
  );
  process.exit();
}

const workers = await loadWorkers();
const scenarios = await loadScenarios();
const actions = workers.flatMap(({ remediations }) => remediations);
const policy = loadPolicy(SHIPPED_POLICY, actions);
const playbooks = loadPlaybooks();
const people = forPeople(playbooks, actions);
const workersRules = rulesFor(workers);
const peoplesRules = rulesTo(PLAYBOOKS, triggersOf(people));
const rules = [...workersRules, ...peoplesRules];
const titles = { ...Object.fromEntries(actions.map(({ id, title }) => [id, title])), ...titlesOf(people) };
const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** The README with what the shipped policy means for the catalogue. */
function readme(text: string): string {
  const table = defaultsTable(policy, actions);
  return text.replace(/(?<=writes this table\. -->\n).*?(?=<!-- end -->)/s, () => `\n${table}\n\n`);
}

const files: Record<string, string> = {
  'events/rules.json': json(rulesTemplate(rules)),
  'functions/playbooks/playbooks.json': json(people),
  'functions/playbooks/template.json': json(playbooksTemplate(peoplesRules)),
  'functions/registers/playbooks.json': json(playbookRunbooks(playbooks)),
  'functions/tell/playbooks.json': json(playbookTitles(playbooks, actions)),
  'functions/runbooks/documents.json': json(runbookDocuments(workers)),
  'functions/runbooks/remediations.json': json(runbookRemediations(workers)),
  ...remediationRunbooks(workers),
  'functions/tell/titles.json': json(titles),
  'functions/workers.json': json(workersTemplate(workers, workersRules)),
  'organization/member.yml': memberTemplate(workers, rules),
  'organization/runbooks.yml': runbookStack(loadRunbooks()),
  'organization/sandbox.yml': sandboxTemplate(scenarios),
  'docs/catalogue.md': catalogue(workers, workersRules),
  'docs/scenarios.md': scenariosPage(scenarios),
  [`${PLAYBOOKS}/${INDEX}`]: playbooksIndex(playbooks, actions, policy),
  ...(existsSync('README.md') && { 'README.md': readme(readFileSync('README.md', 'utf8')) }),
};
for (const [file, content] of Object.entries(files)) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
  if (values.check) {
    console.error(`${file} is out of date: run npm run generate and commit it`);
    process.exitCode = 1;
  } else {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    console.log(`wrote ${file}`);
  }
}
// Of a remediation that is there no more.
for (const file of globSync(`${RUNBOOKS}/*`).filter((known) => !(known in files))) {
  if (values.check) {
    console.error(`${file} is of no remediation: run npm run generate and commit it`);
    process.exitCode = 1;
  } else {
    rmSync(file);
    console.log(`removed ${file}`);
  }
}
