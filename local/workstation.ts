import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { awsConfig, type Identity } from './aws-config.ts';
import type { Connection } from './connection.ts';
import { pythonCommand } from './python.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** How a script ended, and what it wrote to both outputs, in order. */
export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Where people type what a playbook says: the AWS CLI, `firebreak`, and who they are. */
export class Workstation {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'firebreak-workstation-'));

  /**
   * @param analyst who types
   * @param approver who types where the page says that somebody else has to: what a runbook that waits is told
   */
  constructor({ endpoint }: Pick<Connection, 'endpoint'>, analyst: Identity, approver: Identity) {
    this.#write('analyst', awsConfig(endpoint, analyst));
    this.#write('approver', awsConfig(endpoint, approver));
    mkdirSync(path.join(this.#folder, 'bin'));
    const approving = `export AWS_CONFIG_FILE=${JSON.stringify(path.join(this.#folder, 'approver'))}`;
    this.#command('aws', [
      `case " $* " in *" send-automation-signal "*) ${approving} ;; esac`,
      // Of SQS the AWS CLI 1 does not look up the endpoint in its configuration.
      `exec ${JSON.stringify(pythonCommand())} -m awscli --endpoint-url ${JSON.stringify(endpoint)} "$@"`,
    ]);
    this.#command('firebreak', [`exec node ${JSON.stringify(path.join(PROJECT, 'cli/firebreak.mjs'))} "$@"`]);
    // Nothing here takes as long as a page waits.
    this.#command('sleep', ['exec /bin/sleep 1']);
  }

  /** Runs a script as people paste it, line by line until one fails, in the project's folder. */
  run(script: string): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: PROJECT,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: `${path.join(this.#folder, 'bin')}:${path.dirname(process.execPath)}:${process.env.PATH}`,
          HOME: this.#folder,
          TMPDIR: this.#folder,
          AWS_CONFIG_FILE: path.join(this.#folder, 'analyst'),
          AWS_PAGER: '',
          FIREBREAK_HOME: path.join(this.#folder, 'firebreak'),
        },
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          output += chunk;
        });
      }
      child.once('error', reject).once('close', (code) => resolve({ code, output }));
    });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(name: string, text: string): void {
    writeFileSync(path.join(this.#folder, name), text);
  }

  #command(name: string, lines: readonly string[]): void {
    writeFileSync(path.join(this.#folder, 'bin', name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  }
}
