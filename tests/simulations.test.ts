import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OrganizationsClient, TagResourceCommand } from '@aws-sdk/client-organizations';
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { normalise } from '../engine/findings/normalise.ts';
import type { Response } from '../engine/response.ts';
import { responseId, targetFromArn } from '../engine/targets.ts';
import { createAdministrator } from '../local/administrator.ts';
import { type Cloud, startCloud } from '../local/cloud.ts';
import { HOME_REGION, MANAGEMENT_ACCOUNT, REGIONS, SANDBOX_ACCOUNTS, SECURITY_ACCOUNT } from '../local/connection.ts';
import { inLongForm } from '../local/deployed.ts';
import type { Fault } from '../local/doors.ts';
import { cutOff as withoutRules } from '../local/rules.ts';
import { Sandbox } from '../local/sandbox.ts';
import { Simulator } from '../local/simulator.ts';
import { loadScenarios } from '../scripts/scenarios.ts';
import { differences } from '../simulations/clean-up.ts';
import { eventsOf } from '../simulations/events.ts';
import { judge } from '../simulations/judge.ts';
import type { Answers } from '../simulations/requests.ts';
import type { Run, RunRecord } from '../simulations/run.ts';
import type { Scenario } from '../simulations/scenario.ts';
import type { Inventory } from '../simulations/store.ts';

const POLICY = fileURLToPath(new URL('../local/simulation-policy.yml', import.meta.url));
const FUNCTION = 'firebreak-simulate';
/** In whose name the simulator calls. */
const PRINCIPALS = [`*:assumed-role/firebreak-worker-simulate/*`, '*:assumed-role/firebreak-simulate/*'];
/** Runs that are killed somewhere. */
const SEEDS = inLongForm(50, 4);
const scenarios = await loadScenarios();
const named = (id: string): Scenario => {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (!found) throw new Error(`there is no scenario ${id}`);
  return found;
};
const EBS = named('exfiltration.ebs-snapshot-shared');

/** What functions wrote. */
const lines: string[] = [];
let cloud: Cloud;
let simulator: Simulator;
let sandbox: Sandbox;
let killer: Server;
let before: Inventory;
beforeAll(async () => {
  const log = ({ line }: { line: string }) => lines.push(line);
  cloud = await startCloud({ sandbox: true, policy: POLICY, log, complain: () => undefined });
  simulator = new Simulator(cloud);
  sandbox = new Sandbox(cloud);
  killer = createServer((_, response) => {
    cloud.runner.functions.find(({ deployed }) => deployed.name === FUNCTION)?.kill();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => killer.listen(0, '127.0.0.1', resolve));
  before = await sandbox.inventory(scenarios);
}, 180_000);
afterAll(async () => {
  killer?.close();
  await cloud?.stop();
});

/** What of the sandbox account is not as it was, after the sweep. */
async function leftBehind(): Promise<readonly string[]> {
  await sandbox.sweep();
  return differences(before, await sandbox.inventory(scenarios));
}
const home = async () => (await cloud.connection.account(SECURITY_ACCOUNT, HOME_REGION)).client;
const verdict = (record: RunRecord, scenario: Scenario) => judge(record, scenario, []).verdict;

/** Does something while no finding reaches a worker. */
const cutOff = <T>(worker: string, during: () => Promise<T>): Promise<T> =>
  withoutRules(worker, cloud.connection, during);

test.each(scenarios.map((scenario) => [scenario.id, scenario] as const))(
  '%s passes, and leaves the account as it was',
  async (_, scenario) => {
    const { previous, ...record } = await simulator.run(scenario);
    expect(judge(record, scenario, previous)).toMatchObject({ verdict: 'passed', shortcomings: [], cleanUp: 'clean' });
    expect(await leftBehind()).toEqual([]);
  },
  120_000,
);

test('every remediation is rehearsed', async () => {
  const rehearsed = new Set(scenarios.flatMap(({ responses }) => responses.map(({ remediation }) => remediation)));
  const { loadWorkers } = await import('../scripts/workers.ts');
  const known = (await loadWorkers()).flatMap(({ remediations }) => remediations.map(({ id }) => id));
  expect(known.filter((id) => !rehearsed.has(id))).toEqual([]);
});

describe('a rehearsal tells', () => {
  test('a response that is switched off as missed', async () => {
    const record = await cutOff('snapshots', () => simulator.run(EBS, { watch: 4 }));
    expect(verdict(record, EBS)).toBe('missed');
    expect(record.responses).toEqual([]);
    expect(await leftBehind()).toEqual([]);
  }, 60_000);

  test('a slow response as late', async () => {
    await cloud.connection.doors.setFaults([
      { principal: '*:assumed-role/firebreak-snapshots/*', latency: 2_500, phase: 'before' },
    ]);
    try {
      const record = await simulator.run(EBS, { watch: 60 });
      const hasty: Scenario = { ...EBS, objectives: { contain: 2 } };
      expect(verdict(record, hasty)).toBe('late');
      expect(verdict(record, EBS)).toBe('passed');
    } finally {
      await cloud.connection.doors.setFaults([]);
    }
    expect(await leftBehind()).toEqual([]);
  }, 90_000);

  test('a response that claims what it did not do as failed', async () => {
    // A worker that only says so: nothing reaches the real one.
    const record = await cutOff('snapshots', () =>
      simulator.run(EBS, { watch: 6 }, async ({ run }) => {
        if (run.status === 'watching') await claim(run.id);
      }),
    );
    expect(record.responses).toMatchObject([{ outcome: 'verified' }]);
    expect(judge(record, EBS, [])).toMatchObject({ verdict: 'failed', responses: [{ status: 'failed' }] });
    expect(await leftBehind()).toEqual([]);
  }, 60_000);

  /** Puts a response into the ledger that says it closed what a run opened. */
  async function claim(id: string): Promise<void> {
    const { run } = await simulator.ask({ do: 'status', run: id });
    const at = { account: SECURITY_ACCOUNT, region: HOME_REGION };
    const [event] = eventsOf(EBS, run, at, new Date());
    const [finding] = normalise(JSON.stringify(event)).findings ?? [];
    const [expected] = EBS.responses;
    const target =
      expected && targetFromArn(['AWS::EC2::Snapshot'], expected.target(run.things ?? {}, run.place), run.place);
    if (!finding || !expected || !target) throw new Error('there is nothing to claim');
    const { source, type, id: about, severity, title } = finding;
    const response: Response = {
      id: responseId(expected.remediation, target, id),
      remediation: expected.remediation,
      target,
      correlation: finding.envelope.id,
      finding: { source, type, id: about, severity, title },
      startedAt: new Date().toISOString(),
    };
    await cloud.ledger.open(response, finding);
    await cloud.ledger.close(response, { outcome: 'verified', reason: 'changed, and it reads back as planned' });
  }
});

describe('a run does not start', () => {
  test.each([
    ['in an account that is no sandbox of this deployment', '444455556666', 'is not among the sandboxes'],
    ['in the account of Firebreak itself', SECURITY_ACCOUNT, 'is the account of Firebreak itself'],
  ])('%s', async (_, account, why) => {
    await expect(simulator.ask({ do: 'start', scenario: EBS.id, account })).rejects.toThrow(why);
    expect((await simulator.ask({ do: 'preview', scenario: EBS.id, account })).refusals).toEqual([
      expect.stringContaining(why),
    ]);
  });

  test('to share with an account that the policy does not allow', async () => {
    const parameters = { allowed: '999900001111' };
    const wanted = { scenario: 'faults.allow-listed-left-alone', parameters };
    await expect(simulator.ask({ do: 'start', ...wanted })).rejects.toThrow(
      '999900001111 is not among allowedAccounts',
    );
  });

  test('in an account that the organisation does not call a sandbox', async () => {
    await createAdministrator(MANAGEMENT_ACCOUNT, cloud.endpoint);
    const management = await cloud.connection.account(MANAGEMENT_ACCOUNT, HOME_REGION);
    const organizations = new OrganizationsClient(management.client);
    const call = (Value: string) =>
      organizations.send(
        new TagResourceCommand({ ResourceId: SANDBOX_ACCOUNTS[0], Tags: [{ Key: 'firebreak:sandbox', Value }] }),
      );
    await call('no');
    try {
      await expect(simulator.ask({ do: 'start', scenario: EBS.id })).rejects.toThrow('has not tagged account');
    } finally {
      await call('true');
    }
  });

  test('while the kill switch is on', async () => {
    const ssm = new SSMClient(await home());
    const turn = (Value: string) =>
      ssm.send(new PutParameterCommand({ Name: '/firebreak/kill-switch', Value, Overwrite: true }));
    await turn('a drill of our own');
    try {
      await expect(simulator.ask({ do: 'start', scenario: EBS.id })).rejects.toThrow('a drill of our own');
    } finally {
      await turn('off');
    }
  });

  test('beside another one in the account', async () => {
    const asked = { do: 'start', scenario: EBS.id, fidelity: 'bus-replay' } as const;
    const { run } = await simulator.ask(asked);
    await expect(simulator.ask(asked)).rejects.toThrow(`run ${run.id} has account ${run.place.account}`);
    expect(verdict(await simulator.follow(run, EBS), EBS)).toBe('passed');
  }, 60_000);
});

test('a run that somebody aborts ends, and leaves nothing', async () => {
  const record = await cutOff('snapshots', () =>
    simulator.run(EBS, { watch: 60 }, async ({ run }) => {
      if (run.status === 'watching') await simulator.ask({ do: 'abort', run: run.id, reason: 'the wrong day' });
    }),
  );
  expect(record.run.stopped).toMatchObject({ by: 'person', reason: 'the wrong day' });
  expect(verdict(record, EBS)).toBe('stopped');
  expect(await leftBehind()).toEqual([]);
}, 60_000);

test('the canary passes, and is counted where the alarm looks', async () => {
  const { run } = (await simulator.invoke({ do: 'canary' })) as Answers['start'];
  expect(run).toMatchObject({ scenario: EBS.id, launch: 'canary' });
  const record = await simulator.follow(run, EBS);
  expect(verdict(record, EBS)).toBe('passed');
  await cloud.runner.idle();
  expect(lines.filter((line) => line.includes('"CanariesPassed":1'))).toHaveLength(1);
}, 60_000);

test('the scenarios of a quarter follow each other, until somebody ends them', async () => {
  const { run } = (await simulator.invoke({ do: 'quarter' })) as Answers['start'];
  expect([run.scenario, ...(run.next ?? [])]).toEqual(
    scenarios.flatMap(({ id, asksFor }) => (asksFor ? [] : [id])).sort(),
  );
  await simulator.follow(run, named(run.scenario));
  const second = await later(run);
  expect(second).toMatchObject({ scenario: run.next?.[0], exercise: run.exercise, next: run.next?.slice(1) });
  await simulator.ask({ do: 'abort', run: second.id, reason: 'enough for today' });
  await simulator.follow(second, named(second.scenario));
  // What is asked of a run that is over, or comes late to it, does nothing more.
  await simulator.ask({ do: 'abort', run: second.id, reason: 'for good' });
  for (const verb of ['go', 'expire'] as const) await simulator.invoke({ do: verb, run: second.id });
  await cloud.runner.idle();
  const { runs } = await simulator.ask({ do: 'list' });
  expect(runs[0]).toMatchObject({ id: second.id, status: 'clean', stopped: { reason: 'enough for today' } });
}, 90_000);

/** The run that is started after another. */
async function later({ id }: Run): Promise<Run> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(200)) {
    const { runs } = await simulator.ask({ do: 'list' });
    if (runs[0] && runs[0].id !== id) return runs[0];
  }
  throw new Error(`nothing came after ${id}`);
}

test('the event is handed to the worker where nobody can put it on the bus', async () => {
  const record = await simulator.run(EBS, { fidelity: 'handler-replay' });
  expect(record.run.handedAt).toBeDefined();
  expect(verdict(record, EBS)).toBe('passed');
}, 60_000);

describe('samples of GuardDuty', () => {
  const MINER = named('impact.crypto-miner-on-instance');
  const sampled = (region: string) => simulator.run(MINER, { fidelity: 'sample-finding', region });

  test.each(REGIONS)(
    'come the real way in %s, and nothing is made for them',
    async (region) => {
      const record = await sampled(region);
      expect(judge(record, MINER, [])).toMatchObject({
        verdict: 'passed',
        state: 'none',
        cleanUp: 'clean',
        findings: [{ type: 'CryptoCurrency:EC2/BitcoinTool.B!DNS', status: 'found' }],
        responses: [{ expected: 'simulated', status: 'done' }],
      });
      const calls = await cloud.connection.doors.calls();
      const own = calls.filter(({ principal }) => principal.endsWith(`firebreak-sim-${record.run.id}`));
      expect([...new Set(own.flatMap(({ actions }) => actions))].sort()).toEqual([
        'guardduty:CreateSampleFindings',
        'guardduty:ListDetectors',
      ]);
      expect(await leftBehind()).toEqual([]);
    },
    60_000,
  );

  test('are not to be had where GuardDuty is off', async () => {
    const { run } = await sampled('eu-central-1');
    expect(run).toMatchObject({
      status: 'clean',
      stopped: { by: 'error', reason: expect.stringContaining('GuardDuty has no detector in account') },
    });
  }, 60_000);
});

test.each(Array.from({ length: SEEDS }, (_, seed) => [seed]))(
  'killed somewhere, with seed %i, it leaves nothing behind',
  async (seed) => {
    const { doors } = cloud.connection;
    // Twice, so that often the one that cleans up is killed too.
    await doors.setFaults([killAt(drawn(seed, 1) % 60), killAt(drawn(seed, 2) % 120)]);
    const scenario = scenarios[drawn(seed, 3) % scenarios.length] ?? EBS;
    const ended = simulator.run(scenario, { watch: 5 }).catch(String);
    // The reaper comes each 15 minutes: this plays its schedule.
    for (let turns = 1; turns === 1 || (turns < 10 && !(await isOver())); turns += 1) {
      await sleep(3_000);
      const at = new Date(Date.now() + turns * 900_000).toISOString();
      await simulator.invoke({ do: 'tend', at }).catch(() => undefined);
    }
    await ended;
    await doors.setFaults([]);
    expect(await leftBehind()).toEqual([]);
    expect(await openRuns()).toEqual([]);
    expect(await timers()).toEqual([]);
  },
  180_000,
);

// The last one here: it moves the clock of the whole cloud.
test('killed each time that it goes on, it is cleaned up by its timer, and nothing is left', async () => {
  const { doors } = cloud.connection;
  // Each dies as it looks into the ledger: the first process, and the two further tries of Lambda.
  await doors.setFaults([{ ...killAt(0), operation: 'Query', resource: '*:table/firebreak-ledger*', times: 3 }]);
  let left = false;
  const ended = simulator.run(EBS, { watch: 300 }).catch(() => {
    left = true;
  });
  for (let minutes = 0; minutes < 30 && !(left && (await isOver())); minutes += 1) {
    await sleep(1_000);
    await doors.advanceClock(60);
  }
  await ended;
  await doors.setFaults([]);
  const { runs } = await simulator.ask({ do: 'list' });
  expect(runs[0]).toMatchObject({ status: 'clean', stopped: { by: expect.stringMatching(/^(time|error)$/) } });
  expect(await leftBehind()).toEqual([]);
  expect(await timers()).toEqual([]);
}, 120_000);

/** Kills the simulator's process at one of its calls. */
function killAt(skip: number): Fault {
  const { address, port } = killer.address() as AddressInfo;
  const phase = skip % 2 === 0 ? 'before' : 'after';
  return { principal: PRINCIPALS, phase, skip, times: 1, tell: `http://${address}:${port}/` };
}

/** Schedules that would still clean up after a run. */
async function timers(): Promise<readonly (string | undefined)[]> {
  const scheduler = new SchedulerClient(await home());
  const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({ NamePrefix: 'firebreak-run-' }));
  return Schedules.map(({ Name }) => Name);
}

const openRuns = async () => (await simulator.ask({ do: 'list' })).runs.filter(({ status }) => status !== 'clean');

/** A number that the seed chooses. */
const drawn = (seed: number, which: number): number => (Math.imul(seed + 1, 2_654_435_761) >>> (8 * which)) % 997;

const isOver = async (): Promise<boolean> => {
  const open = await openRuns().catch(() => undefined);
  return open?.length === 0;
};
