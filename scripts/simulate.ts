import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';

const _HELP = `npm run simulate -- <scenario>... | --all [--report <folder>] [--json]

Breaks something on purpose in a sandbox account of the embedded cloud, lets its services notice, and measures what the deployed
Firebreak does about it; cleans up, and shows that the account is as it was. Ends with 1 when a scenario does not pass.

  --all              every scenario
  --report <folder>  also writes the after-action report there: report.html, report.md, report.json

Scenarios:
`;

const _POLICY = fileURLToPath(new URL('../local/simulation-policy.yml', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    report: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const _screen = new Terminal(values.json ? process.stderr : process.stdout);
