import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { SessionConfig } from '../engine/aws/session.ts';
import { pythonCommand } from './python.ts';

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

/** Makes a role that a service may assume, Lambda by default. Answers its ARN. */
export async function makeExecutionRole(
  config: SessionConfig,
  RoleName: string,
  statements: readonly Statement[],
  Service = 'lambda.amazonaws.com',
): Promise<string> {
  const iam = new IAMClient(config);
  const document = (statement: readonly object[]) =>
    JSON.stringify({ Version: '2012-10-17', Statement: statement.map((each) => ({ Effect: 'Allow', ...each })) });
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: document([{ Principal: { Service }, Action: 'sts:AssumeRole' }]),
    }),
  );
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'execution', PolicyDocument: document(statements) }));
  return Role?.Arn ?? '';
}

/** Makes a function of one module, given as text; it has 2 seconds. `folder` is for its package. */
export async function makeFunction(
  config: SessionConfig,
  FunctionName: string,
  Role: string,
  module: string,
  folder: string,
  Variables: Readonly<Record<string, string>>,
): Promise<void> {
  writeFileSync(path.join(folder, 'index.mjs'), module);
  execFileSync(pythonCommand(), ['-m', 'zipfile', '-c', 'package.zip', 'index.mjs'], { cwd: folder });
  await new LambdaClient(config).send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role,
      Timeout: 2,
      MemorySize: 256,
      Environment: { Variables },
      Code: { ZipFile: readFileSync(path.join(folder, 'package.zip')) },
    }),
  );
}
