import type { AwsCredentialIdentity } from '@smithy/types';
import { ADMINISTRATOR_ROLE, HOME_REGION, MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT, ROOT } from './connection.ts';

/** Who calls, with the AWS CLI or an SDK. */
export interface Identity {
  /** In the security account. */
  readonly credentials: AwsCredentialIdentity;
  /** The role that is taken on in another account. */
  readonly role: string;
}

/** A configuration file for the AWS CLI and SDKs: the security account by default, and a profile for each other by its account id. */
export function awsConfig(
  endpoint: string,
  { credentials, role }: Identity = { credentials: ROOT, role: ADMINISTRATOR_ROLE },
): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const profiles = [
    `[default]`,
    `endpoint_url = ${endpoint}`,
    `region = ${HOME_REGION}`,
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
    ...(sessionToken === undefined ? [] : [`aws_session_token = ${sessionToken}`]),
  ];
  for (const account of [...MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT]) {
    profiles.push(
      ``,
      `[profile ${account}]`,
      `endpoint_url = ${endpoint}`,
      `region = ${HOME_REGION}`,
      `role_arn = arn:aws:iam::${account}:role/${role}`,
      `source_profile = default`,
      // The AWS CLI keeps sessions by name, also those of a cloud that is gone.
      `role_session_name = cloud-${Date.now()}`,
    );
  }
  return `${profiles.join('\n')}\n`;
}
