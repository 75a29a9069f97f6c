import { globSync, readFileSync } from 'node:fs';
import { commandLine } from '../../cli/program.ts';
import { Terminal } from '../../cli/terminal.ts';
import { loadScenarios } from '../scenarios.ts';
import { loadWorkers } from '../workers.ts';
import type { Known } from './checks.ts';

/** All that a playbook can name. */
export async function whatThereIs(now = new Date()): Promise<Known> {
  const io = { out: new Terminal(process.stdout), err: new Terminal(process.stderr), input: process.stdin };
  return {
    actions: (await loadWorkers()).flatMap(({ remediations }) => remediations),
    simulations: (await loadScenarios()).map(({ id }) => id),
    runbooks: globSync('runbooks/**/*.yml').map((file) => readFileSync(file, 'utf8').slice(0, 0)),
    program: commandLine('', io, () => undefined),
    now,
  };
}
