import { spawn } from 'node:child_process';
import { DisableRuleCommand, EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import {
  GetScheduleCommand,
  paginateListSchedules,
  SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { type Cloud, startCloud } from '../local/cloud.ts';
import { CLOUD_ENDPOINT, HOME_REGION, SECURITY_ACCOUNT } from '../local/connection.ts';
import { pythonCommand } from '../local/python.ts';
import { jestOnNumbered, NUMBERED } from './chaos/numbered.ts';

/** Runs a command to its end beside the cloud, whose workers run in this process; answers its exit status. */
const run = (file: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
      .once('error', reject)
      .once('close', (status) => resolve(status ?? 1));
  });

const progress = (step: string): void => console.error(`${step} ...`);

/**
 * Turns off what runs by the clock, which is the real one here: a sweep on the hour would come into the middle of some test. The
 * test that is about schedules has a cloud of its own.
 */
async function endSchedules({ connection }: Cloud): Promise<void> {
  const { client } = await connection.account(SECURITY_ACCOUNT, HOME_REGION);
  const events = new EventBridgeClient(client);
  const { Rules = [] } = await events.send(new ListRulesCommand({ Limit: 100 }));
  for (const { Name, ScheduleExpression } of Rules) {
    if (ScheduleExpression) await events.send(new DisableRuleCommand({ Name }));
  }
  const scheduler = new SchedulerClient(client);
  for await (const { Schedules = [] } of paginateListSchedules({ client: scheduler }, {})) {
    for (const { Name, GroupName } of Schedules) {
      const schedule = await scheduler.send(new GetScheduleCommand({ Name, GroupName }));
      const { ScheduleExpression, FlexibleTimeWindow, Target } = schedule;
      const required = { Name, ScheduleExpression, FlexibleTimeWindow, Target };
      await scheduler.send(new UpdateScheduleCommand({ ...schedule, ...required, State: 'DISABLED' }));
    }
  }
}

/** Runs Jest against an embedded cloud with the service deployed. */
async function jest(args: readonly string[]): Promise<number> {
  const cloud = await startCloud({ progress });
  try {
    await endSchedules(cloud);
    const command = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...args];
    return await run(process.execPath, command, { [CLOUD_ENDPOINT]: cloud.endpoint });
  } finally {
    await cloud.stop();
  }
}

/**
 * npm test -- [jest arguments]: the tests that share a cloud, or those below tests/faults, which have one of their own;
 * without arguments both, and the tests of the embedded cloud itself.
 */
const args = process.argv.slice(2);
const numbered = args.some((arg) => arg.startsWith(NUMBERED));
const statuses =
  args.length === 0
    ? [
        await jest([]),
        await jestOnNumbered([], progress),
        await run(pythonCommand(), ['-m', 'pytest', '-q', 'local/aws/tests']),
      ]
    : [numbered ? await jestOnNumbered(args, progress) : await jest(args)];
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;
