import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

function create(root: string, worker: string, name: string): void {
  const folder = `${root}/functions/${worker}`;
  const file = `${folder}/${name}.ts`;
  if (existsSync(file)) throw new Error(`${file} exists already`);
  mkdirSync(folder, { recursive: true });
  write(file, skeleton(`${worker}.${name}`));
  write(`${folder}/${name}.test.ts`, skeletonTest(name));
  if (!existsSync(`${folder}/handler.ts`)) write(`${folder}/handler.ts`, handler(worker));
  const list = `${folder}/remediations.ts`;
  const lines = existsSync(list) ? readFileSync(list, 'utf8').trimEnd().split('\n') : [];
  lines.push(`export { default as ${camel(name)} } from './${name}.ts';`);
  write(list, `${lines.sort().join('\n')}\n`);
  console.log('Next: fill it in, run npm run generate, then npm test.');
}

function write(file: string, content: string): void {
  writeFileSync(file, content);
  console.log(`wrote ${file}`);
}

const camel = (name: string): string => name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const handler = (worker: string): string => `import { deployedPolicy } from '../../engine/deployed-policy.ts';
import { createWorker } from '../../engine/pipeline.ts';
import * as remediations from './remediations.ts';

export const handler = createWorker('${worker}', Object.values(remediations), deployedPolicy());
`;

const skeleton = (id: string): string => `import * as z from 'zod/mini';
import { defineRemediation } from '../../engine/define.ts';

/**
 * What it fixes and how, and the AWS page that says so.
 */
export default defineRemediation({
  id: '${id}',
  title: 'A verb in the infinitive and what it acts on',
  risk: 'disruptive',
  handles: [],
  resource: ['AWS::S3::Bucket'],
  parameters: z.strictObject({}),
  state: z.strictObject({ part: z.nullable(z.string()) }),
  permissions: { read: [], write: () => [] },
  gone: [],
  clients: (session) => ({ session }),

  async read() {
    throw new Error('${id}: read the state of the resource');
  },

  desired: () => ({ part: 'as it should be' }),

  async write() {
    throw new Error('${id}: bring the resource from the current state to the next');
  },
});
`;

const skeletonTest = (name: string): string => `import { contract } from '../../local/contract.ts';
import ${camel(name)} from './${name}.ts';

contract(${camel(name)}, {
  async expose() {
    throw new Error('make a resource that the remediation should fix: local/specimen.ts says what is needed');
  },
});
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', short: 'h' }, root: { type: 'string', default: '.' } },
});
const [id = ''] = positionals;
const match = /^([a-z][a-z0-9]*)\.([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$/.exec(id);

if (values.help || !match) {
  const usage =
    'npm run new -- <worker>.<verb-and-object>\n\nWrites the skeleton of a remediation and its test, e.g. storage.encrypt-bucket.';
  if (values.help) console.log(usage);
  else {
    console.error(
      `${id === '' ? 'Name the remediation.' : `"${id}" is not a name like storage.encrypt-bucket.`}\n${usage}`,
    );
    process.exitCode = 2;
  }
} else {
  const [, worker = '', name = ''] = match;
  create(values.root, worker, name);
}
