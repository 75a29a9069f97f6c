import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { type SessionConfig, sessionConfig } from '../engine/aws/session.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import { bundleAll } from '../scripts/bundle.ts';
import { SHIPPED_POLICY } from '../scripts/response-policy.ts';
import { copyService, deployMember, serverlessDeploy } from './deployment.ts';
import { Doors } from './doors.ts';
import type { LogLine } from './lambda-environment.ts';
import { startAwsServer } from './python.ts';
import { Runner } from './runner.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const SECURITY_ACCOUNT = '111122223333';
export const MEMBER_ACCOUNTS = ['444455556666', '777788889999'] as const;
/** An account that belongs to nobody of ours. */
export const OUTSIDE_ACCOUNT = '999900001111';
export const HOME_REGION = 'eu-west-1';
export const OTHER_REGION = 'us-east-1';
const ORGANIZATION = 'o-firebreak0';
const LEDGER_TABLE = 'firebreak-ledger';
/** The role by which an organisation's management account administers an account that it created. */
export const ADMINISTRATOR_ROLE = 'OrganizationAccountAccessRole';

/** Where an SDK client finds an account of the embedded cloud, as its administrator. */
export interface CloudConfig extends SessionConfig {
  readonly endpoint: string;
}

export interface CloudOptions {
  /** Path of the response policy to deploy; the shipped one by default. */
  readonly policy?: string;
  /** Of the endpoint; a free one by default. */
  readonly port?: number;
  /** Is told each step as it begins. */
  readonly progress?: (step: string) => void;
  /** Is told each line that a function writes. */
  readonly log?: (line: LogLine) => void;
  /** Is told what goes wrong with the embedded cloud itself; standard error by default. */
  readonly complain?: (problem: string) => void;
}

/** The service's AWS on this machine: deployed, with its members set up and its functions running. */
export interface Cloud {
  readonly endpoint: string;
  readonly doors: Doors;
  readonly runner: Runner;
  readonly ledger: DynamoDbLedger;
  /** The configuration of SDK clients that act as an account's administrator. */
  as(account: string, region?: string): CloudConfig;
  /** Puts events of AWS services on the default bus of an account, and wakes the pollers. */
  emit: Doors['emit'];
  stop(): Promise<void>;
}

/**
 * Starts the embedded cloud with the service deployed. What it started ends with `stop`, and with this process.
 * @throws when a step fails; nothing is left running then
 */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { policy = path.join(ROOT, SHIPPED_POLICY), port = 0, progress = () => {} } = options;
  const { log = () => {}, complain = (problem) => console.error(problem) } = options;
  progress('starting AWS');
  const { endpoint, child } = await startAwsServer(port, complain);
  const folder = path.join(ROOT, '.firebreak', `cloud-${new URL(endpoint).port}`);
  const doors = new Doors(endpoint);
  let runner: Runner | undefined;
  const end = () => {
    runner?.kill();
    child.kill('SIGKILL');
  };
  process.once('exit', end);
  const stop = async (): Promise<void> => {
    await runner?.stop();
    end();
    process.off('exit', end);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    progress('bundling the workers');
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await copyService(folder);
    await bundleAll(policy, path.join(folder, 'dist'));
    progress('serverless deploy');
    await serverlessDeploy(folder, { endpoint, region: HOME_REGION, organization: ORGANIZATION, home: folder });
    progress('setting up the member accounts');
    const administrators = await createAdministrators(endpoint);
    const as = (account: string, region: string = HOME_REGION): CloudConfig => {
      const credentials = administrators.get(account);
      if (!credentials) throw new Error(`the embedded cloud has no account ${account}`);
      return { ...sessionConfig(account, region, credentials), endpoint };
    };
    const parameters = { SecurityAccount: SECURITY_ACCOUNT, HomeRegion: HOME_REGION };
    await Promise.all(
      [SECURITY_ACCOUNT, ...MEMBER_ACCOUNTS].flatMap((account) =>
        [HOME_REGION, OTHER_REGION].map((region) => deployMember(as(account, region), parameters)),
      ),
    );
    progress('starting the workers');
    const config = (credentials?: AwsCredentialIdentity): CloudConfig => ({
      ...as(SECURITY_ACCOUNT),
      ...(credentials && { credentials }),
    });
    const started = await Runner.start({ endpoint, doors, config, folder: path.join(folder, 'functions'), log, complain });
    runner = started;
    return {
      endpoint,
      doors,
      runner,
      ledger: new DynamoDbLedger(as(SECURITY_ACCOUNT), LEDGER_TABLE),
      as,
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

/** What `test` credentials act as: the root of the security account. */
const ROOT_CREDENTIALS: AwsCredentialIdentity = { accessKeyId: 'test', secretAccessKey: 'test' };
/** A working day, the longest that STS gives. */
const SESSION_SECONDS = 43_200;

/** Credentials by account: root's in the security account, elsewhere those of the organisation's access role. */
async function createAdministrators(endpoint: string): Promise<ReadonlyMap<string, AwsCredentialIdentity>> {
  const root = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT_CREDENTIALS), endpoint };
  const sts = new STSClient(root);
  const sessions = await Promise.all(
    [...MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT].map(async (account) => {
      await createAdministratorRole(account, root);
      const { Credentials: given } = await sts.send(
        new AssumeRoleCommand({
          RoleArn: `arn:aws:iam::${account}:role/${ADMINISTRATOR_ROLE}`,
          RoleSessionName: 'administrator',
          DurationSeconds: SESSION_SECONDS,
        }),
      );
      const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken: sessionToken = '' } = given ?? {};
      return [account, { accessKeyId, secretAccessKey, sessionToken }] as const;
    }),
  );
  return new Map<string, AwsCredentialIdentity>([[SECURITY_ACCOUNT, ROOT_CREDENTIALS], ...sessions]);
}

/** As AWS Organizations makes it in each account that it creates, and as the outside account has one for whoever owns it. */
async function createAdministratorRole(account: string, root: CloudConfig): Promise<void> {
  const iam = new IAMClient(root);
  iam.middlewareStack.add(
    (next) => (step) => {
      // The embedded cloud takes unsigned `test` credentials for the root of the account that this header names.
      Object.assign((step.request as { headers: Record<string, string> }).headers, { 'x-moto-account-id': account });
      return next(step);
    },
    { step: 'build' },
  );
  const trusted = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${SECURITY_ACCOUNT}:root` }, Action: 'sts:AssumeRole' };
  await iam.send(
    new CreateRoleCommand({
      RoleName: ADMINISTRATOR_ROLE,
      MaxSessionDuration: SESSION_SECONDS,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trusted] }),
    }),
  );
  const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: ADMINISTRATOR_ROLE,
      PolicyName: 'administrator',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [everything] }),
    }),
  );
}
