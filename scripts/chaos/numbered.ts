import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CLOUD_ENDPOINT } from '../../local/connection.ts';
import { contractsOf } from '../../local/contracts.ts';
import { KILLER, LOG, LONG, TRIES } from '../../local/deployed.ts';
import { loadWorkers } from '../workers.ts';
import { Laboratory } from './laboratory.ts';
import { type Numbered, numberedIn } from './results.ts';

/** Where the numbered tests are: the ones of fault-tests.md that need a cloud with nobody else on it. */
export const NUMBERED = 'tests/faults';

/** How the numbered tests went, in their long form or their lean one, in the order of their numbers. */
export async function runNumbered(long: boolean, progress: (step: string) => void): Promise<readonly Numbered[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'firebreak-numbered-'));
  try {
    const [report, tries] = [path.join(folder, 'report.json'), path.join(folder, 'tries')];
    writeFileSync(tries, '');
    await jestOnNumbered(['--json', '--outputFile', report, '--silent'], progress, {
      ...(long && { [LONG]: '1' }),
      [TRIES]: tries,
    });
    return numberedIn(readFileSync(report, 'utf8'), readFileSync(tries, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs Jest on the numbered tests, one file after the other, with a cloud that is theirs alone: faults are a cloud's.
 * @returns Jest's exit status
 */
export async function jestOnNumbered(
  args: readonly string[],
  progress: (step: string) => void,
  environment: NodeJS.ProcessEnv = {},
): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'firebreak-log-'));
  const log = path.join(folder, 'lines');
  writeFileSync(log, '');
  const ids = (await loadWorkers()).flatMap(({ remediations }) => remediations.map(({ id }) => id));
  const laboratory = await Laboratory.start(await contractsOf(ids), progress, ({ line }) =>
    appendFileSync(log, `${line}\n`),
  );
  try {
    const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
    const child = spawn(process.execPath, [...jest, '--config', `${NUMBERED}/jest.config.json`, ...args], {
      stdio: ['ignore', 2, 2],
      env: {
        ...process.env,
        ...environment,
        [CLOUD_ENDPOINT]: laboratory.cloud.endpoint,
        [KILLER]: laboratory.killer,
        [LOG]: log,
      },
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject).once('close', (status) => resolve(status ?? 1));
    });
  } finally {
    await laboratory.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
