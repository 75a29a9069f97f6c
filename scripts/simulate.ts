import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Terminal } from '../cli/terminal.ts';
import { startCloud } from '../local/cloud.ts';
import { Simulator } from '../local/simulator.ts';
import { type Judgement, judge } from '../simulations/judge.ts';
import type { Moment, RunRecord } from '../simulations/run.ts';
import type { Scenario } from '../simulations/scenario.ts';
import { loadScenarios } from './scenarios.ts';

const HELP = `npm run simulate -- <scenario>... | --all [--report <folder>] [--json]

Breaks something on purpose in a sandbox account of the embedded cloud, lets its services notice, and measures what the deployed
Firebreak does about it; cleans up, and shows that the account is as it was. Ends with 1 when a scenario does not pass.

  --all              every scenario
  --report <folder>  also writes the after-action report there: report.html, report.md, report.json

Scenarios:
`;

const POLICY = fileURLToPath(new URL('../local/simulation-policy.yml', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    report: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const screen = new Terminal(values.json ? process.stderr : process.stdout);
