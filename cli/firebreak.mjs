#!/usr/bin/env node
/** Starts the command under the project's own Node, the version that is deployed, whatever Node runs this file. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const node = path('../node_modules/node/bin/node');

if (!existsSync(node)) {
  console.error(`firebreak: its dependencies are not installed. Run: npm ci --prefix ${JSON.stringify(path('..'))}`);
  process.exit(2);
}

const child = spawn(node, [path('main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  // V8's compiled code is kept: the AWS clients take most of the start.
  env: { NODE_COMPILE_CACHE: path('../node_modules/.cache/firebreak'), ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`firebreak: ${node} does not start: ${error.message}`);
  process.exit(2);
});
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
