import { sessionConfig } from '../engine/aws/session.ts';
import { AssumedSessions } from '../engine/aws/sessions.ts';
import { DynamoDbLedger } from '../engine/ledger/dynamodb.ts';
import { DynamoDbHolds } from '../engine/ledger/holds.ts';
import { policySchema } from '../engine/policy-schema.ts';
import type { Action } from '../engine/remediation.ts';
import type { UndoHouse } from '../engine/undo.ts';
import { type Connection, HOME_REGION, LEDGER_TABLE, SECURITY_ACCOUNT } from './connection.ts';

/**
 * The house of a deployed worker, in this process: its execution role assumes the members' roles, IAM is enforced, and the
 * ledger is the deployed one. The remediation runs without approval.
 * Sets the endpoint and the worker's credentials in the environment, as Lambda does.
 */
export async function deployedHouse(
  cloud: Connection,
  action: Action,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<UndoHouse> {
  const worker = action.id.slice(0, action.id.indexOf('.'));
  const home = { account: SECURITY_ACCOUNT, region: HOME_REGION };
  const credentials = await cloud.doors.assumeAsService(
    'lambda.amazonaws.com',
    `arn:aws:iam::${home.account}:role/firebreak-worker-${worker}`,
    `firebreak-${worker}`,
    `arn:aws:lambda:${home.region}:${home.account}:function:firebreak-${worker}`,
  );
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  });
  const session = sessionConfig(home.account, home.region);
  return {
    ledger: new DynamoDbLedger(session, LEDGER_TABLE),
    holds: new DynamoDbHolds(session, LEDGER_TABLE),
    sessions: new AssumedSessions(home, worker, action.permissions.read),
    policy: policySchema.parse({ version: 1, remediations: { [action.id]: { mode: 'automatic', parameters } } }),
    home,
  };
}
