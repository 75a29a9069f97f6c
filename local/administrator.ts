import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { ADMINISTRATOR_ROLE, HOME_REGION, ROOT, SECURITY_ACCOUNT } from './connection.ts';

/** The access role, as AWS Organizations makes it in each account that it creates. */
export async function createAdministrator(account: string, endpoint: string): Promise<void> {
  const iam = new IAMClient({ region: HOME_REGION, endpoint, credentials: ROOT });
  iam.middlewareStack.add(
    (next) => (step) => {
      // The embedded cloud takes ROOT for the root of the account that this header names.
      Object.assign((step.request as { headers: Record<string, string> }).headers, { 'x-moto-account-id': account });
      return next(step);
    },
    { step: 'build' },
  );
  const administers = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${SECURITY_ACCOUNT}:root` },
    Action: 'sts:AssumeRole',
  };
  await iam.send(
    new CreateRoleCommand({
      RoleName: ADMINISTRATOR_ROLE,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [administers] }),
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
