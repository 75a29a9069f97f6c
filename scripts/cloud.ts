import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { Terminal } from '../cli/terminal.ts';
import { OUTCOMES } from '../engine/response.ts';
import { awsConfig } from '../local/aws-config.ts';
import { type Cloud, STATE_FOLDER, startCloud } from '../local/cloud.ts';
import {
  ADMINISTRATOR_ROLE,
  HOME_REGION,
  LEDGER_TABLE,
  MEMBER_ACCOUNTS,
  OUTSIDE_ACCOUNT,
  REGIONS,
  ROOT,
  SECURITY_ACCOUNT,
} from '../local/connection.ts';
import { SHIPPED_POLICY } from './response-policy.ts';

const HELP = `npm run cloud -- [--policy ${SHIPPED_POLICY}] [--port n] [--json]

Starts the embedded cloud with the service deployed, and leaves it up until Ctrl-C. Prints how to reach it, then one line
for each response as it ends. What other programs need to know is in .firebreak/cloud.json while it is up.

  --policy <file>  response policy to deploy; local/demo-policy.yml lets everything happen by itself
  --port <n>       port of the endpoint on 127.0.0.1 (default: a free one)
  --json           the same as JSON, one document a line`;

const DESCRIPTION = path.join(STATE_FOLDER, 'cloud.json');
const AWS_CONFIG = path.join(STATE_FOLDER, 'aws-config');

const { values } = parseArgs({
  options: {
    policy: { type: 'string' },
    port: { type: 'string', default: '0' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const out = new Terminal(process.stdout);
const err = new Terminal(process.stderr);
const started = performance.now();

async function serve(): Promise<void> {
  const cloud = await startCloud({
    port: Number(values.port),
    runbooks: true,
    registers: ['opscenter', 'incident-manager'],
    ...(values.policy !== undefined && { policy: values.policy }),
    progress: (step) =>
      err.line(['dim', `${((performance.now() - started) / 1_000).toFixed(1).padStart(5)} s  ${step}`]),
    log: ({ line }) => tell(line),
    complain: (problem) => err.line(['yellow', problem]),
  });
  try {
    const description = await describe(cloud);
    writeFileSync(DESCRIPTION, `${JSON.stringify(description, null, 2)}\n`);
    writeFileSync(AWS_CONFIG, awsConfig(cloud.endpoint));
    if (values.json) console.log(JSON.stringify(description));
    else introduce(description);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    });
    err.line(['dim', 'stopping']);
  } finally {
    await cloud.stop();
    rmSync(DESCRIPTION, { force: true });
    rmSync(AWS_CONFIG, { force: true });
  }
}

type Description = Awaited<ReturnType<typeof describe>>;

async function describe({ endpoint, runner }: Cloud) {
  const sqs = new SQSClient({ region: HOME_REGION, endpoint, credentials: ROOT });
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const queues = await Promise.all(
    QueueUrls.map(async (url) => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
      );
      return { url, arn: Attributes?.QueueArn ?? '' };
    }),
  );
  return {
    endpoint,
    pid: process.pid,
    homeRegion: HOME_REGION,
    regions: REGIONS,
    accounts: { security: SECURITY_ACCOUNT, members: MEMBER_ACCOUNTS, outside: OUTSIDE_ACCOUNT },
    administratorRole: ADMINISTRATOR_ROLE,
    bus: `arn:aws:events:${HOME_REGION}:${SECURITY_ACCOUNT}:event-bus/default`,
    functions: runner.functions.map(({ deployed }) => deployed.arn),
    queues,
    table: LEDGER_TABLE,
    awsConfig: AWS_CONFIG,
  };
}

function introduce({ endpoint, accounts, functions, queues, regions }: Description): void {
  const [member] = accounts.members;
  out.line('');
  out.line(['bold', `Firebreak is deployed on the embedded cloud: ${endpoint}`]);
  out.table(
    [
      [
        'security account',
        `${accounts.security}, Region ${HOME_REGION}: ${functions.length} workers, ${queues.length} queues, table ${LEDGER_TABLE}`,
      ],
      ['member accounts', `${accounts.members.join(', ')}, Regions ${regions.join(', ')}`],
      ['outside account', accounts.outside],
      ['response policy', values.policy ?? SHIPPED_POLICY],
    ],
    '  ',
  );
  out.line('');
  out.line('The AWS CLI and every SDK reach it as the administrator of the security account by');
  out.line(
    `  export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${HOME_REGION} AWS_ACCESS_KEY_ID=${ROOT.accessKeyId} AWS_SECRET_ACCESS_KEY=${ROOT.secretAccessKey}`,
  );
  out.line('and the AWS CLI as the administrator of any account by its profile:');
  out.line(`  export AWS_CONFIG_FILE=${AWS_CONFIG}`);
  out.line(`  aws --profile ${member} sts get-caller-identity`);
  out.line("An AWS service tells of something on an account's bus by");
  out.line(
    `  curl ${endpoint}/firebreak/events -H 'content-type: application/json' -d '{"account": "${member}", "region": "${HOME_REGION}",`,
  );
  out.line(
    `    "entries": [{"source": "aws.access-analyzer", "detailType": "Access Analyzer Finding", "detail": { ... }}]}'`,
  );
  out.line('');
  out.line('Responses as they end; Ctrl-C stops the cloud.');
}

/** What a worker logs at the end of a response. */
const ended = z.object({
  message: z.literal('response ended'),
  timestamp: z.string(),
  response: z.string(),
  remediation: z.string(),
  resource: z.string(),
  outcome: z.enum(OUTCOMES),
  reason: z._default(z.string(), ''),
});

function tell(line: string): void {
  const { data: logged } = z.safeParse(ended, fromJson(line));
  if (!logged) return;
  const { response, remediation, resource, outcome, reason, timestamp } = logged;
  if (values.json) {
    console.log(JSON.stringify({ response, remediation, resource, outcome, reason, at: timestamp }));
    return;
  }
  const style = outcome === 'verified' || outcome === 'compliant' ? 'green' : 'yellow';
  out.line(timestamp.slice(11, 19), '  ', [style, outcome], `  ${remediation}  ${resource}  ${reason}  (${response})`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

if (values.help) out.text(HELP);
else {
  await serve().catch((error: unknown) => {
    err.line(['red', error instanceof Error ? error.message : String(error)]);
    process.exitCode = 1;
  });
}
