import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AwsCredentialIdentity } from '@smithy/types';
import { sessionConfig } from '../engine/aws/session.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import { bundleAll } from '../scripts/bundle.ts';
import { SHIPPED_POLICY } from '../scripts/response-policy.ts';
import { createAdministrator } from './administrator.ts';
import {
  Connection,
  HOME_REGION,
  LEDGER_TABLE,
  MEMBER_ACCOUNTS,
  ORGANIZATION,
  OUTSIDE_ACCOUNT,
  REGIONS,
  ROOT,
  SANDBOX_ACCOUNTS,
  SECURITY_ACCOUNT,
} from './connection.ts';
import { copyService, deployMember, deployRunbooks, serverlessDeploy } from './deployment.ts';
import type { Doors } from './doors.ts';
import type { LogLine } from './lambda-environment.ts';
import { type AwsServer, startAwsServer } from './python.ts';
import type { Left } from './queue-poller.ts';
import { createResponsePlan, RESPONSE_PLAN } from './response-plan.ts';
import { Runner } from './runner.ts';
import { setUpSandboxes } from './sandbox-accounts.ts';
import type { Account } from './specimen.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
/** What the project writes on this machine, kept out of version control. */
export const STATE_FOLDER = path.join(PROJECT, '.firebreak');

export interface CloudOptions {
  /** Path of the response policy to deploy; the shipped one by default. */
  readonly policy?: string;
  /** Whether it has sandbox accounts for simulations. */
  readonly sandbox?: boolean;
  /** Whether people can start the hand-written runbooks in the member accounts. */
  readonly runbooks?: boolean;
  /** Where incidents are kept beside the record; by default nowhere: a dozen calls for each, which where nobody looks only take time. */
  readonly registers?: readonly ('opscenter' | 'incident-manager')[];
  /** Of the endpoint; a free one by default. */
  readonly port?: number;
  /** Is told each step as it begins. */
  readonly progress?: (step: string) => void;
  /** Is told each line that a function writes. */
  readonly log?: (line: LogLine) => void;
  /** Is told what goes wrong with the embedded cloud itself; standard error by default. */
  readonly complain?: (problem: string) => void;
  /** Is told of messages whose function failed as a whole, before they come back. */
  readonly left?: Left;
}

/** The service's AWS on this machine: deployed, with its members set up and its functions running. */
export interface Cloud {
  readonly endpoint: string;
  readonly connection: Connection;
  readonly runner: Runner;
  readonly ledger: DynamoDbLedger;
  /** Puts events of AWS services on the default bus of an account, and has the queues looked at. */
  emit: Doors['emit'];
  stop(): Promise<void>;
}

/**
 * Starts the embedded cloud with the service deployed. What it started ends with `stop`, and with this process.
 * @throws when a step fails; nothing is left running then
 */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const {
    policy = path.join(PROJECT, SHIPPED_POLICY),
    port = 0,
    sandbox = false,
    runbooks = false,
    registers = [],
    progress = () => {},
    log = () => {},
  } = options;
  const { complain = (problem) => console.error(problem) } = options;
  const folder = workFolder();
  let server: AwsServer | undefined;
  let runner: Runner | undefined;
  const end = () => {
    runner?.kill();
    server?.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);
  const stop = async (): Promise<void> => {
    await runner?.stop();
    end();
    process.off('exit', end);
  };
  try {
    progress('starting AWS, bundling the workers');
    const bundling = bundleAll(policy, path.join(folder, 'dist'));
    // A failure of either is told when its turn comes.
    bundling.catch(() => {});
    server = await startAwsServer(port, complain);
    const { endpoint } = server;
    await bundling;
    await copyService(folder);
    progress('serverless deploy, into the security account');
    const config = (credentials: AwsCredentialIdentity = ROOT) => ({
      ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, credentials),
      endpoint,
    });
    const parameters = {
      organization: ORGANIZATION,
      incidents: registers.join(',') || 'none',
      ...(registers.includes('incident-manager') && {
        responsePlan: await createResponsePlan(config(), RESPONSE_PLAN),
      }),
      ...(sandbox && { sandboxes: SANDBOX_ACCOUNTS.join(','), fidelities: 'bus-replay,handler-replay,sample-finding' }),
    };
    await serverlessDeploy(folder, { endpoint, region: HOME_REGION, parameters, home: folder });
    progress('deploying organization/member.yml into every account and Region');
    const connection = new Connection(endpoint);
    await setUpAccounts(connection);
    if (runbooks) {
      progress('deploying organization/runbooks.yml into the members');
      await inEach(connection, MEMBER_ACCOUNTS, (client) => deployRunbooks(client, { HomeRegion: HOME_REGION }));
    }
    if (sandbox) {
      progress('setting up the sandbox accounts');
      await setUpSandboxes(connection);
    }
    progress('starting the workers');
    const { doors } = connection;
    const started = await Runner.start({
      endpoint,
      doors,
      config,
      folder: path.join(folder, 'functions'),
      log,
      complain,
      left: options.left,
    });
    runner = started;
    return {
      endpoint,
      connection,
      runner,
      ledger: new DynamoDbLedger(config(), LEDGER_TABLE),
      async emit(account, region, entries) {
        const events = await doors.emit(account, region, entries);
        started.wake();
        return events;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A folder for one embedded cloud, named by its process; those of processes that were killed are cleared away. */
function workFolder(): string {
  mkdirSync(STATE_FOLDER, { recursive: true });
  for (const name of readdirSync(STATE_FOLDER)) {
    const pid = Number(/^cloud-(\d+)-/.exec(name)?.[1]);
    if (pid && !isAlive(pid)) rmSync(path.join(STATE_FOLDER, name), { recursive: true, force: true });
  }
  return mkdtempSync(path.join(STATE_FOLDER, `cloud-${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Makes the accounts' administrators, and deploys what Firebreak needs in an account of the organisation. */
async function setUpAccounts(connection: Connection): Promise<void> {
  await Promise.all(
    [...MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT].map((account) => createAdministrator(account, connection.endpoint)),
  );
  const parameters = { SecurityAccount: SECURITY_ACCOUNT, HomeRegion: HOME_REGION };
  await inEach(connection, [SECURITY_ACCOUNT, ...MEMBER_ACCOUNTS], (client) => deployMember(client, parameters));
}

/** Does something as the administrator of each account in each Region. */
async function inEach(
  connection: Connection,
  accounts: readonly string[],
  work: (client: Account['client']) => Promise<void>,
): Promise<void> {
  const places = accounts.flatMap((account) => REGIONS.map((region) => ({ account, region })));
  await Promise.all(
    places.map(async ({ account, region }) => work((await connection.account(account, region)).client)),
  );
}
