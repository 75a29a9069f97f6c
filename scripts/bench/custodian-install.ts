import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { STATE_FOLDER } from '../../local/cloud.ts';
import { pythonCommand } from '../../local/python.ts';
import { run } from './bench.ts';

/** The release of Cloud Custodian (c7n on PyPI) that is measured. */
export const CUSTODIAN_VERSION = '0.9.53';
const FOLDER = path.join(STATE_FOLDER, `custodian-${CUSTODIAN_VERSION}`);
const COMPLETE = path.join(FOLDER, 'complete');

/**
 * Cloud Custodian in a virtual environment of its own, kept for the next run.
 * @returns its command, or in words why there is none
 */
export async function installCustodian(): Promise<{ command: string } | { missing: string }> {
  const command = path.join(FOLDER, 'bin/custodian');
  if (existsSync(COMPLETE)) return { command };
  rmSync(FOLDER, { recursive: true, force: true });
  // pip finds its index where the user has set it.
  const environment = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value = '']) =>
      /^(PIP_|https?_proxy$)/i.test(name) ? [[name, value]] : [],
    ),
  );
  const python = path.join(FOLDER, 'bin/python');
  const steps = [
    [pythonCommand(), '-m', 'venv', FOLDER],
    [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `c7n==${CUSTODIAN_VERSION}`],
  ] as const;
  for (const [file, ...args] of steps) {
    const { status, errors } = await run(file, args, environment);
    if (status !== 0) return { missing: errors.trim().split('\n').at(-1) ?? `${file} ended with ${status}` };
  }
  writeFileSync(COMPLETE, '');
  return { command };
}
