import { spawn } from 'node:child_process';
import { DisableRuleCommand, EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { type Cloud, startCloud } from '../local/cloud.ts';
import { CLOUD_ENDPOINT, HOME_REGION, SECURITY_ACCOUNT } from '../local/connection.ts';
import { pythonCommand } from '../local/python.ts';

/** Runs a command to its end beside the cloud, whose workers run in this process; answers its exit status. */
const run = (file: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
      .once('error', reject)
      .once('close', (status) => resolve(status ?? 1));
  });

/**
 * Turns off what runs by the clock, which is the real one here: a sweep on the hour would come into the middle of some test. The
 * test that is about schedules has a cloud of its own.
 */
async function endSchedules({ connection }: Cloud): Promise<void> {
  const events = new EventBridgeClient((await connection.account(SECURITY_ACCOUNT, HOME_REGION)).client);
  const { Rules = [] } = await events.send(new ListRulesCommand({ Limit: 100 }));
  for (const { Name, ScheduleExpression } of Rules) {
    if (ScheduleExpression) await events.send(new DisableRuleCommand({ Name }));
  }
}

/**
 * npm test -- [jest arguments]: starts one embedded cloud with the service deployed, runs Jest against it, and without
 * arguments the tests of the embedded cloud itself too.
 */
const args = process.argv.slice(2);
const cloud = await startCloud({ progress: (step) => console.error(`${step} ...`) });
try {
  await endSchedules(cloud);
  const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...args];
  const statuses = [await run(process.execPath, jest, { [CLOUD_ENDPOINT]: cloud.endpoint })];
  if (args.length === 0) statuses.push(await run(pythonCommand(), ['-m', 'pytest', '-q', 'local/aws/tests']));
  process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;
} finally {
  await cloud.stop();
}
