import { randomUUID } from 'node:crypto';
import { type Connection, HOME_REGION, MEMBER_ACCOUNTS, REGIONS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import type { Call } from '../../local/doors.ts';
import { runInstanceWithData } from '../../local/exposures/instances.ts';
import { createGroup, createNetwork } from '../../local/exposures/network.ts';
import { type Told, told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';
import type { Bench } from './bench.ts';
import { FIXES } from './calls.ts';
import { DeployedPath, type Trace } from './deployed.ts';
import { writeUnits } from './item-size.ts';
import { atMost, type Measurement, median, quantile } from './measurement.ts';
import { ASSUMED, LINE_OVERHEAD, MEMORY_MB, PLATFORM_LINES, PRICES } from './prices.ts';

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

/** What one finding uses of our own account. */
interface Usage {
  readonly sqsRequests: number;
  readonly invocations: number;
  /** Measured on the embedded cloud, with warm workers. */
  readonly measuredMs: number;
  readonly assumedMs: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly logBytes: number;
}

const isRead = ({ operation }: Call): boolean => ['Query', 'GetItem', 'BatchGetItem'].includes(operation);

function usageOf({ calls, invocations, lines, writes, eventBytes }: Trace): Usage {
  const of = (service: string, where: (call: Call) => boolean = () => true): Call[] =>
    calls.filter(
      (call) => call.service === service && call.principal.includes(':assumed-role/firebreak-worker-') && where(call),
    );
  const poller = ({ principal }: Call): boolean => principal.endsWith('-poller');
  const deletes = of('sqs', (call) => poller(call) && call.operation.startsWith('DeleteMessage')).length;
  const sent = of('sqs', (call) => !poller(call)).length;
  const table = of('dynamodb');
  const failed = table.filter(({ status }) => status >= 400).length;
  const resource = calls.filter(({ principal }) => /:assumed-role\/firebreak-(?!worker-)/.test(principal)).length;
  const units = writes.map(({ dynamodb }) => {
    const { OldImage: before, NewImage: after } = dynamodb ?? {};
    const base = writeUnits(before, after);
    // Headers alone have the keys of the index, which has all of their attributes.
    return after?.day ? 2 * base : base;
  });
  return {
    // Delivered by EventBridge, received and deleted by Lambda's poller; what the worker sends is counted as it is.
    sqsRequests: Math.ceil(eventBytes / 65_536) + 2 * deletes + sent,
    invocations: invocations.length,
    measuredMs: invocations.reduce((total, ms) => total + ms, 0),
    assumedMs:
      resource * ASSUMED.resource +
      of('sts').length * ASSUMED.sts +
      (table.length + sent) * ASSUMED.own +
      invocations.length * ASSUMED.coldShare * ASSUMED.coldStart,
    writeUnits: units.reduce((total, unit) => total + unit, failed),
    readUnits: table.filter(isRead).length,
    logBytes:
      lines.reduce((total, line) => total + Buffer.byteLength(line) + LINE_OVERHEAD, 0) +
      invocations.length * (PLATFORM_LINES.bytes + PLATFORM_LINES.count * LINE_OVERHEAD),
  };
}

/** Dollars for a million, by service. */
function costs(usage: Usage): Record<'Lambda' | 'SQS' | 'DynamoDB' | 'EventBridge' | 'Logs', number> {
  const seconds = (usage.measuredMs + usage.assumedMs) / 1_000;
  const gigabyteSeconds = (seconds * MEMORY_MB) / 1_024;
  return {
    Lambda: MILLION * (usage.invocations * PRICES.lambdaRequest + gigabyteSeconds * PRICES.lambdaGigabyteSecond),
    SQS: MILLION * usage.sqsRequests * PRICES.sqsRequest,
    DynamoDB: MILLION * (usage.writeUnits * PRICES.dynamodbWriteUnit + usage.readUnits * PRICES.dynamodbReadUnit),
    EventBridge: MILLION * PRICES.eventbridgeCrossAccount,
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
    const event = tell(await expose());
    const trace = await path.tell(event);
    expectOutcome(each, trace, 'verified');
    if (round > 0) traces.push(trace);
    if (round === ROUNDS) {
      again = await path.tell(event);
      expectOutcome(each, again, 'compliant');
    }
  }
  if (!again) throw new Error('nothing was measured');
  const usages = traces.map(usageOf);
  const middle = usages.find(({ measuredMs }) => measuredMs === median(usages.map((usage) => usage.measuredMs)));
  if (!middle) throw new Error('nothing was measured');
  const most = (of: (usage: Usage) => number): number => quantile(usages.map(of), 1);
  const fixed = { ...middle, writeUnits: most((usage) => usage.writeUnits), logBytes: most((usage) => usage.logBytes) };
  return { name: each.name, fixed, compliant: usageOf(again) };
}

function expectOutcome({ name }: Case, { responses }: Trace, outcome: string): void {
  const [response, ...others] = responses;
  if (response?.outcome !== outcome || others.length > 0)
    throw new Error(`${name}: expected one response, ${outcome}, got ${response?.outcome}: ${response?.reason}`);
}

const dollars = (value: number): string => `$${value.toFixed(2)}`;

/** What a million findings cost at list prices, from what the deployed path used. */
export const cost: Measurement = {
  name: 'cost',
  about: 'cost of a million findings at list prices, from counted calls',
  page: 'cost',
  async measure(bench) {
    const path = await DeployedPath.watch(bench);
    const found: Costed[] = [];
    for (const each of CASES) {
      bench.progress(`counting what a finding uses: ${each.name}`);
      found.push(await costOf(bench, path, each));
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
            'measured',
            'assumed of AWS',
            'SQS requests',
            'write units',
            'read units',
            'log bytes',
          ],
          rows: found.map(({ name, fixed }) => [
            name,
            String(fixed.invocations),
            `${fixed.measuredMs.toFixed(0)} ms`,
            `${fixed.assumedMs.toFixed(0)} ms`,
            String(fixed.sqsRequests),
            String(fixed.writeUnits),
            String(fixed.readUnits),
            String(fixed.logBytes),
          ]),
        },
        METHOD,
        {
          head: ['price', 'dollars'],
          rows: [
            ['Lambda, arm64, a million requests', dollars(MILLION * PRICES.lambdaRequest)],
            ['Lambda, arm64, a GB-second', `$${PRICES.lambdaGigabyteSecond}`],
            ['SQS, a million requests of up to 64 kB', dollars(MILLION * PRICES.sqsRequest)],
            ['DynamoDB, a million write units', `$${MILLION * PRICES.dynamodbWriteUnit}`],
            ['DynamoDB, a million read units', `$${MILLION * PRICES.dynamodbReadUnit}`],
            [
              'EventBridge, a million events from account to account',
              dollars(MILLION * PRICES.eventbridgeCrossAccount),
            ],
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

- **Lambda**: requests + (measured + assumed) seconds x ${MEMORY_MB} MB. Measured is the median of ${ROUNDS} warm invocations on this machine, with the embedded cloud's own time in it. Assumed for AWS, one call after the other though some run side by side: ${ASSUMED.resource} ms for each call on a resource, ${ASSUMED.sts} ms for each of STS, ${ASSUMED.own} ms for each of DynamoDB and SQS, and a cold start of ${ASSUMED.coldStart} ms in every ${1 / ASSUMED.coldShare}th invocation (its start is billed too).
- **SQS**: one request to deliver, one to receive, one to delete, and what the worker sends. Batches of several messages would take fewer.
- **DynamoDB**: of each write in the table's stream the size, as DynamoDB counts it, of the item before or after, whichever is larger, in units of 1 kB; headers twice, for the index. Readers of the stream that are Lambdas pay nothing.
- **EventBridge**: one event from another account, as forwarded findings are; those that a delegated administrator's service emits in the security account are free.
- **Logs**: the bytes that functions wrote, ${LINE_OVERHEAD} more for each line, and Lambda's own ${PLATFORM_LINES.count} lines.

Prices in US dollars, us-east-1, no free tier, as of November 2026:`;

const STANDING =
  'Not by finding, and so not in it: polling of empty queues (at 5 pollers with 20 s each, about $0.26 a month and worker), metrics ($0.30 a month for each combination of remediation and outcome that occurs), storage of the ledger and its recovery points, the sweep ($1.10 to $3.00 for a million responses, and less than a cent a day: [0009](adr/0009-the-sweep-remembers-nothing.md)), and whatever GuardDuty, Security Hub and the others cost themselves.';
