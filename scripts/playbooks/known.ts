import { globSync, readFileSync } from 'node:fs';
import { commandLine } from '../../cli/program.ts';
import { Terminal } from '../../cli/terminal.ts';
import { PLAYBOOKS } from '../../engine/playbook.ts';
import { loadRunbooks } from '../runbooks.ts';
import { loadScenarios } from '../scenarios.ts';
import { loadWorkers } from '../workers.ts';
import type { Known } from './checks.ts';

/** All that a playbook can name. */
export async function whatThereIs(now = new Date()): Promise<Known> {
  const io = { out: new Terminal(process.stdout), err: new Terminal(process.stderr), input: process.stdin };
  const actions = (await loadWorkers()).flatMap(({ remediations }) => remediations);
  return {
    actions,
    simulations: (await loadScenarios()).map(({ id }) => id),
    // Every remediation has one that is generated.
    runbooks: [...loadRunbooks().map(({ document }) => document), ...actions.map(({ id }) => `Firebreak-${id}`)],
    program: commandLine('', io, () => undefined),
    scripts: globSync(`${PLAYBOOKS}/*.sh`).map((file) => ({ file, text: readFileSync(file, 'utf8') })),
    now,
  };
}
