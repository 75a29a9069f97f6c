import { writeFileSync } from 'node:fs';
import { catalogue } from './generate/catalogue.ts';
import { memberTemplate } from './generate/member.ts';
import { rulesFor, rulesTemplate } from './generate/rules.ts';
import { workersTemplate } from './generate/workers.ts';
import { loadWorkers } from './workers.ts';

const workers = await loadWorkers();
const rules = rulesFor(workers);
const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const files: Record<string, string> = {
  'events/rules.json': json(rulesTemplate(rules)),
  'functions/workers.json': json(workersTemplate(workers.map(({ name }) => name), rules)),
  'organization/member.yml': memberTemplate(workers, rules),
  'docs/catalogue.md': catalogue(workers, rules),
};
for (const [file, content] of Object.entries(files)) {
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}
