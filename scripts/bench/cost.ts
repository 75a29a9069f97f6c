import { randomUUID } from 'node:crypto';
import type { Cloud } from '../../local/cloud.ts';
import { type Connection, HOME_REGION, MEMBER_ACCOUNTS, REGIONS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork } from '../../local/exposures/network.ts';
import { type Told, told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';
import type { Bench } from './bench.ts';
import { FIXES } from './calls.ts';
import { DeployedPath, type Trace } from './deployed.ts';
import { atMost, type Measurement, median, quantile } from './measurement.ts';
import { ASSUMED, LINE_OVERHEAD, PRICES, PROCESSOR_MB } from './prices.ts';
import { FUNCTIONS, LATENCIES, type Usage, usageOf, type Who } from './usage.ts';

const [first, second] = MEMBER_ACCOUNTS;
const [, abroad] = REGIONS;
const MILLION = 1_000_000;
const BUDGET_DOLLARS = 20;
const ROUNDS = 5;

/** A finding of each remediation: which sample, what it is about there, and where it is told. */
interface Case {
  readonly name: string;
  readonly sample: string;
  readonly placeholder: string;
  readonly owner: readonly [account: string, region: string];
  readonly bus: 'administrator' | 'itself';
  /** Makes a resource and answers its name in the finding. */
  readonly prepare: (account: Account, cloud: Connection) => Promise<() => Promise<string>>;
}

const exposeAs =
  (name: string): Case['prepare'] =>
  async (account, cloud) => {
    const fix = FIXES.find((known) => known.name.startsWith(name));
    if (!fix) throw new Error(`there is no fix ${name}`);
    return async () => (await fix.expose(account, `cost-${randomUUID().slice(0, 8)}`, cloud)).id;
  };

const CASES: readonly Case[] = [
  {
    name: 'RDS snapshot',
    sample: 'securityhub/rds-snapshot-public',
    placeholder: 'orders-before-migration',
    owner: [first, HOME_REGION],
    bus: 'administrator',
    prepare: exposeAs('RDS snapshot'),
  },
  {
    name: 'EBS snapshot',
    sample: 'access-analyzer/ebs-snapshot-public',
    placeholder: 'snap-0a91c35d7e2f4b680',
    owner: [first, HOME_REGION],
    bus: 'itself',
    prepare: exposeAs('EBS snapshot'),
  },
  {
    name: 'access key',
    sample: 'securityhub/iam-access-key-old',
    placeholder: 'service/report-exporter',
    owner: [first, HOME_REGION],
    bus: 'administrator',
    prepare: exposeAs('access keys, one'),
  },
  {
    name: 'open group',
    sample: 'securityhub/security-group-open-ssh',
    placeholder: 'sg-0c4e1a97b25d8f360',
    owner: [first, HOME_REGION],
    bus: 'administrator',
    prepare: exposeAs('open group'),
  },
  {
    name: 'bucket with policy, ACL and block',
    sample: 'securityhub/s3-bucket-public-read',
    placeholder: 'example-quarterly-exports',
    owner: [first, HOME_REGION],
    bus: 'administrator',
    prepare: exposeAs('bucket'),
  },
  {
    name: 'isolation with evidence',
    sample: 'guardduty/command-and-control',
    placeholder: 'i-0847d1f6a3c9e5b20',
    owner: [second, abroad],
    bus: 'administrator',
    async prepare(account) {
      const network = await createNetwork(account);
      const group = await createGroup(account, network, `cost-${randomUUID().slice(0, 8)}`);
      return async () => (await runInstanceWithData(account, network, [group])).id;
    },
  },
];

/** Milliseconds of cold starts for one finding in each function: what runs again for it, seconds later, is warm. */
const COLD_MS = ASSUMED.coldShare * ASSUMED.coldStart;

/** Dollars for a million, by service. */
function costs(usage: Usage): Record<'Lambda' | 'SQS' | 'DynamoDB' | 'EventBridge' | 'Logs', number> {
  const running = FUNCTIONS.map((who) => {
    const { invocations, milliseconds, memory } = usage[who];
    const gigabyteSeconds = ((milliseconds + COLD_MS) / 1_000) * (memory / 1_024);
    return invocations * PRICES.lambdaRequest + gigabyteSeconds * PRICES.lambdaGigabyteSecond;
  });
  return {
    Lambda: MILLION * running.reduce((sum, dollars) => sum + dollars, 0),
    SQS: MILLION * usage.sqsRequests * PRICES.sqsRequest,
    DynamoDB: MILLION * (usage.writeUnits * PRICES.dynamodbWriteUnit + usage.readUnits * PRICES.dynamodbReadUnit),
    EventBridge: MILLION * usage.events * PRICES.eventbridgeEvent,
    Logs: (MILLION * usage.logBytes * PRICES.logsGigabyte) / 1e9,
  };
}

const total = (usage: Usage): number => Object.values(costs(usage)).reduce((sum, dollars) => sum + dollars, 0);

interface Costed {
  readonly name: string;
  readonly fixed: Usage;
  readonly compliant: Usage;
}

async function costOf(bench: Bench, path: DeployedPath, each: Case): Promise<Costed> {
  const [id, region] = each.owner;
  const expose = await each.prepare(await bench.account(id, region), (await bench.cloud()).connection);
  const bus = { account: each.bus === 'itself' ? id : SECURITY_ACCOUNT, region };
  const tell = (name: string): Told => told(each.sample, { [each.placeholder]: name }, bus);
  const traces: Trace[] = [];
  let again: Trace | undefined;
  // The first one begins cold, and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const event = await kept(tell(await expose()), await bench.cloud());
    const trace = await path.tell(event);
    expectOutcome(each, trace, 'verified');
    if (round > 0) traces.push(trace);
    if (round === ROUNDS) {
      again = await path.tell(event);
      expectOutcome(each, again, 'compliant');
    }
  }
  if (!again) throw new Error('nothing was measured');
  const forwarded = each.bus === 'itself' || region !== HOME_REGION;
  const usages = traces.map((trace) => usageOf(trace, forwarded));
  const measured = (usage: Usage): number => FUNCTIONS.reduce((sum, who) => sum + usage[who].milliseconds, 0);
  const middle = usages.find((usage) => measured(usage) === median(usages.map(measured)));
  if (!middle) throw new Error('nothing was measured');
  const most = (of: (usage: Usage) => number): number => quantile(usages.map(of), 1);
  const fixed = { ...middle, writeUnits: most((usage) => usage.writeUnits), logBytes: most((usage) => usage.logBytes) };
  return { name: each.name, fixed, compliant: usageOf(again, forwarded) };
}

/**
 * The same finding, in Security Hub where it comes from there, so that it is updated, and the event of that counted. It is
 * suppressed until then: only what is told later starts a response.
 */
async function kept({ entry, ...bus }: Told, { connection }: Cloud): Promise<Told> {
  const { findings: [finding] = [] } = entry.detail as { findings?: Record<string, unknown>[] };
  if (entry.source !== 'aws.securityhub' || !finding?.ProductArn) return { entry, ...bus };
  const unique = { ...finding, Id: `${finding.Id}-${randomUUID()}` };
  const { account, region } = bus;
  await connection.doors.importFindings(account, region, [{ ...unique, Workflow: { Status: 'SUPPRESSED' } }]);
  return { ...bus, entry: { ...entry, detail: { findings: [unique] } } };
}

function expectOutcome({ name }: Case, { responses }: Trace, outcome: string): void {
  const [response, ...others] = responses;
  if (response?.outcome !== outcome || others.length > 0)
    throw new Error(`${name}: expected one response, ${outcome}, got ${response?.outcome}: ${response?.reason}`);
}

/** What there is to know of the time beside what it is billed for. */
function judgement(found: readonly Costed[]): string {
  const range = (of: (usage: Usage) => number): string => {
    const values = found.map(({ fixed }) => of(fixed));
    return `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)} ms`;
  };
  const share = (who: Who): string => {
    const memory = found[0]?.fixed[who].memory ?? 0;
    return `${memory} MB have ${((100 * memory) / PROCESSOR_MB).toFixed(0)} % of one`;
  };
  return `In that time our own code had a processor of this machine for ${range(({ worker }) => worker.processorMs)} in a worker (at Lambda, ${share('worker')}), ${range(({ tell }) => tell.processorMs)} in tell (${share('tell')}) and ${range(({ registers }) => registers.processorMs)} in registers (as much): the rest is waiting. The embedded cloud's own work, beyond what is assumed of AWS, is in it too: ${range(({ worker }) => worker.cloudMs)}, ${range(({ tell }) => tell.cloudMs)} and ${range(({ registers }) => registers.cloudMs)}, all calls in a row.`;
}

const dollars = (value: number): string => `$${value.toFixed(2)}`;

/** What a million findings cost at list prices, from what the deployed path used. */
export const cost: Measurement = {
  name: 'cost',
  about: 'cost of a million findings at list prices, from counted calls',
  page: 'cost',
  async measure(bench) {
    const path = await DeployedPath.watch(bench);
    const { doors } = (await bench.cloud()).connection;
    const found: Costed[] = [];
    await doors.setFaults(LATENCIES);
    try {
      for (const each of CASES) {
        bench.progress(`counting what a finding uses: ${each.name}`);
        found.push(await costOf(bench, path, each));
      }
    } finally {
      await doors.setFaults([]);
    }
    const mean = found.reduce((sum, { fixed }) => sum + total(fixed), 0) / found.length;
    const duplicates = found.reduce((sum, { compliant }) => sum + total(compliant), 0) / found.length;
    const row = (name: string, usage: Usage): string[] => [
      name,
      ...Object.values(costs(usage)).map(dollars),
      `**${dollars(total(usage))}**`,
    ];
    const services = ['Lambda', 'SQS', 'DynamoDB', 'EventBridge', 'Logs'];
    return {
      title: 'A million findings',
      body: [
        'Dollars for a million findings, each fixed and verified. Each is sent through the deployed path of the embedded cloud; what it uses of our own account is counted there and multiplied by list prices. Calls of the resources and of STS are free; what a fix makes to stay (evidence snapshots) is not in it.',
        { head: ['fixed and verified', ...services, 'total'], rows: found.map(({ name, fixed }) => row(name, fixed)) },
        `The mean of the six, as if each came as often, is **${dollars(mean)}**, and that is what the budget of $${BUDGET_DOLLARS} is for; the bucket and the isolation show what many more calls come to, nearly all of it the wait for AWS. A finding about something that is right already (told again, or by another service) is a response too:`,
        {
          head: ['already compliant', ...services, 'total'],
          rows: found.map(({ name, compliant }) => row(name, compliant)),
        },
        `Their mean is ${dollars(duplicates)}. A finding that nothing handles is filtered by the rule: EventBridge takes nothing for events of AWS services that no rule matches, so **a million filtered findings cost $0.00**, in member accounts too, which forward only what their rules match.`,
        '## What a finding uses',
        {
          head: [
            'fixed and verified',
            'invocations',
            'together',
            'of tell: invocations',
            'together',
            'of registers: invocations',
            'together',
            'SQS requests',
            'write units',
            'read units',
            'log bytes',
          ],
          rows: found.map(({ name, fixed }) => [
            name,
            ...FUNCTIONS.flatMap((who) => [String(fixed[who].invocations), `${fixed[who].milliseconds.toFixed(0)} ms`]),
            String(fixed.sqsRequests),
            String(fixed.writeUnits),
            String(fixed.readUnits),
            String(fixed.logBytes),
          ]),
        },
        judgement(found),
        METHOD,
        {
          head: ['price', 'dollars'],
          rows: [
            ['Lambda, arm64, a million requests', dollars(MILLION * PRICES.lambdaRequest)],
            ['Lambda, arm64, a GB-second', `$${PRICES.lambdaGigabyteSecond}`],
            ['SQS, a million requests of up to 64 kB', dollars(MILLION * PRICES.sqsRequest)],
            ['DynamoDB, a million write units', `$${MILLION * PRICES.dynamodbWriteUnit}`],
            ['DynamoDB, a million read units', `$${MILLION * PRICES.dynamodbReadUnit}`],
            ['EventBridge, a million events that are not free', dollars(MILLION * PRICES.eventbridgeEvent)],
            ['CloudWatch Logs, a GB taken in', dollars(PRICES.logsGigabyte)],
          ],
        },
        STANDING,
      ],
      figures: [
        atMost('cost of a million remediated findings, all six alike', mean, BUDGET_DOLLARS, dollars),
        ...found.map(({ name, fixed }) => ({ what: `of them all ${name}`, measured: dollars(total(fixed)) })),
        { what: 'cost of a million findings that nothing handles', measured: dollars(0) },
      ],
    };
  },
};

const METHOD = `The formulas, for one finding:

- **Lambda**: requests + (measured seconds + cold starts) x the function's memory. Measured is the median of ${ROUNDS} warm findings on this machine, while the embedded cloud waits before it answers a call as AWS is assumed to: ${ASSUMED.resource} ms on a resource, ${ASSUMED.own.sts} ms of STS, ${ASSUMED.own.securityhub} ms of Security Hub, ${ASSUMED.opsItem} ms of OpsCenter, and ${ASSUMED.own.dynamodb} ms of DynamoDB, SQS, SSM, EventBridge and SNS. So what runs side by side counts once, as Lambda counts it, and the embedded cloud's own time is in it. A cold start of ${ASSUMED.coldStart} ms is assumed for every ${1 / ASSUMED.coldShare}th finding in each function (its start is billed too).
- **SQS**: one request to deliver, one to receive, one to delete, and what the worker sends: a second look is three requests and an invocation more. Our update of a Security Hub finding is an event that comes back, and is dropped: another three. Batches of several messages would take fewer.
- **DynamoDB**: of each write in the table's stream the size, as DynamoDB counts it, of the item before or after, whichever is larger, in units of 1 kB; headers twice, for the index. What opens an incident is written in a transaction, at twice the units. Readers of the stream that are Lambdas pay nothing.
- **EventBridge**: our own event for each response; and the event of the finding where it comes from another account or Region. Those that a delegated administrator's service emits in the security account are free in our Region.
- **Logs**: the bytes that functions wrote, ${LINE_OVERHEAD} more for each line, and Lambda's own lines where it writes any: of functions that are set to \`systemLogLevel: WARN\` none, where all goes well.

Prices in US dollars, us-east-1, no free tier, as of November 2026:`;

const STANDING =
  'Not by finding, and so not in it: polling of empty queues (at 5 pollers with 20 s each, about $0.26 a month and worker), metrics ($0.30 a month for each combination of remediation and outcome that occurs), storage of the ledger and its recovery points, the sweep ($1.10 to $3.00 for a million responses, and less than a cent a day: [0009](adr/0009-the-sweep-remembers-nothing.md)), OpsItems (about $2.97 a thousand by notes of others; AWS says at https://aws.amazon.com/systems-manager/pricing/ what it is now, and `--param incidents=none` makes none), and whatever GuardDuty, Security Hub and the others cost themselves.';
