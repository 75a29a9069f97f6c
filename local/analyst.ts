import { randomUUID } from 'node:crypto';
import { AttachRolePolicyCommand, CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { type Connection, HOME_REGION, ROOT, SECURITY_ACCOUNT } from './connection.ts';
import type { Credentials } from './lambda-environment.ts';

/** A statement that lets somebody do something, or denies it. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A person who works with Firebreak, as IAM knows people who sign in: by the session of a role. */
export interface Analyst {
  /** `arn:aws:sts::111122223333:assumed-role/{name}/{name}` */
  readonly arn: string;
  readonly credentials: Credentials;
}

/**
 * Makes a role in the security account, and signs somebody in with it.
 * @param statements what it may do
 * @param policies names of the deployed policies that it has too
 */
export async function analyst(
  { endpoint }: Pick<Connection, 'endpoint'>,
  name: string,
  statements: readonly Statement[],
  policies: readonly string[] = [],
): Promise<Analyst> {
  const config = { region: HOME_REGION, endpoint, credentials: ROOT };
  const iam = new IAMClient(config);
  const document = (statement: readonly object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statement });
  const trust = { Effect: 'Allow', Principal: { AWS: SECURITY_ACCOUNT }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: document([trust]) }),
  );
  if (statements.length > 0) {
    await iam.send(
      new PutRolePolicyCommand({ RoleName: name, PolicyName: 'analyst', PolicyDocument: document(statements) }),
    );
  }
  for (const policy of policies) {
    const PolicyArn = `arn:aws:iam::${SECURITY_ACCOUNT}:policy/${policy}`;
    await iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn }));
  }
  const { Credentials: given, AssumedRoleUser: user } = await new STSClient(config).send(
    new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: name }),
  );
  if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !user?.Arn) {
    throw new Error(`no credentials for ${name}`);
  }
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = given;
  return { arn: user.Arn, credentials: { accessKeyId, secretAccessKey, sessionToken } };
}

/** Somebody who signs in by a role of their own, as the command knows its caller. @param policies names of deployed policies */
export async function signIn(cloud: Pick<Connection, 'endpoint'>, name: string, ...policies: readonly string[]) {
  const { arn, credentials } = await analyst(cloud, `${name}-${randomUUID().slice(0, 8)}`, [], policies);
  const home = { account: SECURITY_ACCOUNT, partition: 'aws', region: HOME_REGION };
  return { ...home, arn, credentials: async () => credentials };
}
