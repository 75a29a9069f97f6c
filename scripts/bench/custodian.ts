import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import type { Account } from '../../local/specimen.ts';
import { OldAccessKeys } from './access-keys.ts';
import { type Bench, environmentOf, run } from './bench.ts';
import { CUSTODIAN_VERSION, installCustodian } from './custodian-install.ts';
import { firebreakRun } from './firebreak.ts';
import { type Figure, type Measurement, median, ratio, seconds, type Table } from './measurement.ts';
import { PublicSnapshots } from './snapshots.ts';

const [, member] = MEMBER_ACCOUNTS;
const TARGETS = 100;
const LATENCY_MS = 30;
const ROUNDS = 3;
const TIMES_AS_FAST = 2;

/** The same misconfigured resources, again and again. */
interface Exposure {
  readonly targets: readonly { readonly arn: string }[];
  make(count: number): Promise<void>;
  expose(): Promise<void>;
  closed(): Promise<number>;
}

/** A job that both tools can do. */
interface Job {
  readonly name: string;
  readonly remediation: string;
  /** Of the calls that take `LATENCY_MS` longer. */
  readonly service: string;
  readonly make: (account: Account) => Exposure;
  /** Custodian's policies for it, by how they go about it. */
  readonly policies: Readonly<Record<string, object>>;
}

const JOBS: readonly Job[] = [
  {
    name: 'public EBS snapshots',
    remediation: 'snapshots.privatize-ebs-snapshot',
    service: 'ec2',
    make: (account) => new PublicSnapshots(account),
    policies: {
      'who it is shared with is looked up and taken out, as its documentation has it': {
        resource: 'aws.ebs-snapshot',
        filters: [{ type: 'cross-account' }],
        actions: [{ type: 'set-permissions', remove: 'matched' }],
      },
      'EC2 lists the public ones and each is reset, unseen': {
        resource: 'aws.ebs-snapshot',
        query: [{ RestorableByUserIds: 'all' }],
        actions: [{ type: 'set-permissions' }],
      },
    },
  },
  {
    name: 'old access keys',
    remediation: 'identity.deactivate-old-access-keys',
    service: 'iam',
    make: (account) => new OldAccessKeys(account),
    policies: {
      'active keys that are over 90 days old are looked for and disabled': {
        resource: 'aws.iam-user',
        filters: [
          { type: 'access-key', key: 'Status', value: 'Active' },
          { type: 'access-key', 'match-operator': 'and', key: 'CreateDate', value_type: 'age', value: 90, op: 'gt' },
        ],
        actions: [{ type: 'remove-keys', disable: true, age: 90 }],
      },
    },
  },
];

/** What one tool took, in each round. */
interface Taken {
  readonly tool: string;
  readonly times: number[];
  calls: number;
  closed: number;
}

/** The same job on the same account, by us and by Cloud Custodian in turn. */
export const custodian: Measurement = {
  name: 'custodian',
  about: `${TARGETS} targets at ${LATENCY_MS} ms a call, beside Cloud Custodian`,
  page: 'benchmarks',
  async measure(bench) {
    bench.progress('installing Cloud Custodian below .firebreak, unless it is there');
    const installed = await installCustodian();
    const title = 'Beside Cloud Custodian';
    const what = `${TARGETS} targets beside Cloud Custodian`;
    const budget = `at least ${ratio(TIMES_AS_FAST)}`;
    if ('missing' in installed) {
      const reason = `skipped: Cloud Custodian ${CUSTODIAN_VERSION} cannot be installed here (${installed.missing})`;
      bench.progress(reason);
      return { title, body: [reason], figures: [{ what, measured: 'skipped', budget }] };
    }
    const account = await bench.account(member, HOME_REGION);
    const tables: Table[] = [];
    const figures: Figure[] = [];
    for (const job of JOBS) {
      const taken = await race(bench, account, job, installed.command);
      const [own, ...others] = taken;
      if (!own) throw new Error('nothing was measured');
      tables.push({
        head: [job.name, 'median', 'rounds', 'calls', 'closed', 'verified by the tool', 'in our time'],
        rows: taken.map((each) => [
          each.tool,
          seconds(median(each.times)),
          each.times.map(seconds).join(', '),
          String(each.calls),
          `${each.closed} of ${TARGETS}`,
          each === own ? 'yes' : 'no',
          ratio(median(each.times) / median(own.times)),
        ]),
      });
      for (const other of others) {
        const times = median(other.times) / median(own.times);
        const done = own.closed === TARGETS && other.closed === TARGETS;
        const holds = done && times >= TIMES_AS_FAST;
        figures.push({ what: `${job.name}: ${other.tool}`, measured: ratio(times), budget, holds });
      }
    }
    return {
      title,
      body: [
        `\`firebreak run --concurrency 10\` and Cloud Custodian ${CUSTODIAN_VERSION} in turn, ${ROUNDS} rounds after one that is not counted, on the same ${TARGETS} misconfigured resources of one account, made wrong again before each; each call on a resource takes ${LATENCY_MS} ms longer than the embedded cloud needs for it. The time is that of the whole command, with its start. Custodian looks for the resources itself and we are given them by name, as a finding does; it runs without cache and without output other than its files, and its pools of threads are as it sets them, since no option changes them. Each round ends with an independent read of all resources.`,
        ...tables,
      ],
      figures,
    };
  },
};

async function race(bench: Bench, account: Account, job: Job, command: string): Promise<Taken[]> {
  const { doors } = (await bench.cloud()).connection;
  const exposure = job.make(account);
  bench.progress(`making ${TARGETS} targets: ${job.name}`);
  await exposure.make(TARGETS);
  const arns = exposure.targets.map(({ arn }) => arn);
  const tools = [
    { tool: '`firebreak run`', start: () => firebreakRun(bench, account, job.remediation, arns) },
    ...Object.entries(job.policies).map(([how, policy], index) => ({
      tool: `Custodian: ${how}`,
      start: () => custodianRun(bench, account, command, `policy-${index}`, policy),
    })),
  ];
  const taken: Taken[] = tools.map(({ tool }) => ({ tool, times: [], calls: 0, closed: TARGETS }));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, { tool, start }] of tools.entries()) {
      await exposure.expose();
      bench.progress(`${job.name}, ${round === 0 ? 'to warm up' : `round ${round}`}: ${tool}`);
      await bench.calls();
      await doors.setFaults([{ service: job.service, latency: LATENCY_MS }]);
      const { milliseconds } = await start().finally(() => doors.setFaults([]));
      const result = taken[index];
      if (!result) continue;
      result.calls = (await bench.calls()).filter(({ service }) => service === job.service).length;
      result.closed = Math.min(result.closed, await exposure.closed());
      if (round > 0) result.times.push(milliseconds);
    }
  }
  return taken;
}

async function custodianRun(bench: Bench, account: Account, command: string, name: string, policy: object) {
  const file = path.join(bench.folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ policies: [{ name, ...policy }] }));
  const output = path.join(bench.folder, 'custodian');
  const args = ['run', '--cache-period', '0', '--region', account.region, '--output-dir', output, file];
  const ended = await run(command, args, environmentOf(account));
  if (ended.status !== 0) throw new Error(`custodian ended with ${ended.status}: ${ended.errors}`);
  return ended;
}
