import { spawn } from 'node:child_process';
import { startCloud } from '../local/cloud.ts';
import { CLOUD_ENDPOINT } from '../local/connection.ts';
import { pythonCommand } from '../local/python.ts';

/** Runs a command to its end beside the cloud, whose workers run in this process; answers its exit status. */
const run = (file: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
      .once('error', reject)
      .once('close', (status) => resolve(status ?? 1));
  });

/**
 * npm test -- [jest arguments]: starts one embedded cloud with the service deployed, runs Jest against it, and without
 * arguments the tests of the embedded cloud itself too.
 */
const args = process.argv.slice(2);
const cloud = await startCloud({ progress: (step) => console.error(`${step} ...`) });
try {
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...args];
  const statuses = [await run(process.execPath, jest, { [CLOUD_ENDPOINT]: cloud.endpoint })];
  if (args.length === 0) statuses.push(await run(pythonCommand(), ['-m', 'pytest', '-q', 'local/aws/tests']));
  process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;
} finally {
  await cloud.stop();
}
