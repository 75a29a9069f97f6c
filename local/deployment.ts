import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  CreateStackCommand,
  type CreateStackCommandInput,
  DescribeStackEventsCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SERVERLESS = path.join(ROOT, 'node_modules/serverless/bin/serverless.js');
/** Milliseconds between two looks at a stack: the Serverless Framework waits 5 seconds for AWS, which is long for this cloud. */
const LOOK_MS = 100;

/** A copy of serverless.yml and the files that it pulls in, so that several deployments do not share a folder. */
export async function copyService(folder: string): Promise<void> {
  const service = await readFile(path.join(ROOT, 'serverless.yml'), 'utf8');
  const files = [...service.matchAll(/\$\{file\(([^)]+)\)/g)].map(([, file = '']) => file);
  for (const file of new Set(['serverless.yml', ...files])) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await cp(path.join(ROOT, file), path.join(folder, file));
  }
}

/** `serverless deploy` of the service in a folder, which already holds the bundles. @throws with what it wrote */
export async function serverlessDeploy(
  folder: string,
  {
    endpoint,
    region,
    parameters,
    home,
  }: {
    endpoint: string;
    region: string;
    parameters: Readonly<Record<string, string>>;
    home: string;
  },
): Promise<void> {
  const given = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  const child = spawn(process.execPath, [SERVERLESS, 'deploy', '--region', region, ...given], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      CI: 'true',
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: region,
      AWS_EC2_METADATA_DISABLED: 'true',
      SLS_AWS_MONITORING_FREQUENCY: String(LOOK_MS),
      SLS_NOTIFICATIONS_MODE: 'off',
      SLS_TELEMETRY_DISABLED: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const [out, error, code] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
  ]);
  process.off('exit', end);
  if (code !== 0) throw new Error(`serverless deploy failed:\n${Buffer.concat([...out, ...error]).toString()}`);
}

/** Deploys organization/member.yml in an account and Region. @throws with the stack's first error */
export const deployMember = (config: CloudFormationClientConfig, parameters: Readonly<Record<string, string>>) =>
  deploy('member', config, parameters);

/** Deploys organization/sandbox.yml in an account and Region. @throws with the stack's first error */
export const deploySandbox = (config: CloudFormationClientConfig, parameters: Readonly<Record<string, string>>) =>
  deploy('sandbox', config, parameters);

/** Deploys organization/runbooks.yml in an account and Region. @throws with the stack's first error */
export const deployRunbooks = (config: CloudFormationClientConfig, parameters: Readonly<Record<string, string>>) =>
  deploy('runbooks', config, parameters);

/**
 * Characters of a template in a call; a longer one CloudFormation fetches from a bucket.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
const LONGEST_BODY = 51_200;

/** A template as CreateStack takes it: itself, or where it was put. */
async function template(
  text: string,
  config: CloudFormationClientConfig,
): Promise<Pick<CreateStackCommandInput, 'TemplateBody' | 'TemplateURL'>> {
  if (text.length <= LONGEST_BODY) return { TemplateBody: text };
  // In the Region in which a bucket needs no location.
  const s3 = new S3Client({ ...(config as object), region: 'us-east-1', forcePathStyle: true });
  const Bucket = `firebreak-templates-${randomUUID()}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'template.yml', Body: text }));
  return { TemplateURL: `https://${Bucket}.s3.amazonaws.com/template.yml` };
}

async function deploy(
  name: string,
  config: CloudFormationClientConfig,
  parameters: Readonly<Record<string, string>>,
): Promise<void> {
  const client = new CloudFormationClient(config);
  const StackName = `firebreak-${name}`;
  const file = `organization/${name}.yml`;
  await client.send(
    new CreateStackCommand({
      StackName,
      ...(await template(await readFile(path.join(ROOT, file), 'utf8'), config)),
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
  );
  const { state } = await waitUntilStackCreateComplete(
    { client, maxWaitTime: 30, minDelay: 0.1, maxDelay: 0.2 },
    { StackName },
  );
  if (state === 'SUCCESS') return;
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
  const failed = StackEvents.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
  throw new Error(`${file}: ${failed?.LogicalResourceId} ${failed?.ResourceStatusReason ?? state}`);
}
