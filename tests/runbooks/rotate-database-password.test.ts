import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { sharedCloud } from '../../local/contract.ts';
import { RunbookAccount } from '../../local/runbook-account.ts';

// Each execution runs some scripts, which take seconds on a busy machine.
jest.setTimeout(300_000);

const REAL = { DryRun: 'false', Incident: 'inc-0123456789' };
const OWN = { MasterUsername: 'root', MasterUserPassword: 'no-secret-1' };
const MANAGED = { MasterUsername: 'root', ManageMasterUserPassword: true };

/** What RDS asks for in the name of whoever has it manage a password. This cloud's does not. */
const FOR_RDS = ['kms:DescribeKey', 'secretsmanager:RotateSecret', 'secretsmanager:TagResource'];

let house: RunbookAccount;
let rds: RDSClient;
let secrets: SecretsManagerClient;
beforeAll(async () => {
  house = await RunbookAccount.open(sharedCloud(), 'rotate-database-password');
  rds = new RDSClient(house.account.client);
  secrets = new SecretsManagerClient(house.account.client);
});

const instance = (DBInstanceIdentifier: string, password: typeof OWN | typeof MANAGED, Engine = 'postgres') =>
  rds.send(
    new CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier, DBInstanceClass: 'db.t4g.micro', Engine, AllocatedStorage: 20 },
      ...password,
    }),
  );
const cluster = (DBClusterIdentifier: string, password: typeof OWN | typeof MANAGED) =>
  rds.send(new CreateDBClusterCommand({ DBClusterIdentifier, Engine: 'aurora-postgresql', ...password }));

/** The secret that RDS keeps the password in, and its value. */
async function managed(database: string) {
  const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}));
  const { DBClusters = [] } = await rds.send(new DescribeDBClustersCommand({}));
  const { MasterUserSecret } =
    DBInstances.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === database) ??
    DBClusters.find(({ DBClusterIdentifier }) => DBClusterIdentifier === database) ??
    {};
  const SecretId = MasterUserSecret?.SecretArn;
  if (!SecretId) return undefined;
  return { SecretId, value: (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString };
}

/** The passwords that secrets of the account hold. */
async function passwords(): Promise<string[]> {
  const { SecretList = [] } = await secrets.send(new ListSecretsCommand({}));
  const values = SecretList.map(({ ARN }) => secrets.send(new GetSecretValueCommand({ SecretId: ARN })));
  return (await Promise.all(values)).map(({ SecretString = '' }) => JSON.parse(SecretString).password);
}

test('a dry run says what there is to do, and changes nothing', async () => {
  await instance('planned', OWN);
  const { status, failure, outputs } = await house.run({ Database: 'planned' });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  expect(outputs['Plan.Plan']?.[0]).toContain('have RDS make a new password, and manage it in Secrets Manager');
  expect(await house.changes()).toEqual([]);
  expect(await managed('planned')).toBeUndefined();
});

test.each([
  ['instance', instance],
  ['cluster', cluster],
])('the password of %s that RDS manages is rotated, and there is nothing to take back', async (kind, create) => {
  const Database = `managed-${kind}`;
  await create(Database, MANAGED);
  const before = await managed(Database);
  const { execution, status, failure } = await house.run({ ...REAL, Database });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  const after = await managed(Database);
  expect(after && { ...after, value: '' }).toEqual(before && { ...before, value: '' });
  expect(after?.value).not.toBe(before?.value);

  const restored = await house.run({ Database, Action: 'Restore', Execution: execution });
  expect(restored.status).toBe('Failed');
  expect(restored.failure).toContain('there is nothing to take back. To replace it, rotate again');
});

test.each([
  ['instance', instance],
  ['cluster', cluster],
])(
  'where RDS does not manage the password of %s it does from then on; and no more, with another',
  async (kind, create) => {
    const Database = `own-${kind}`;
    await create(Database, OWN);
    const rotated = await house.run({ ...REAL, Database });
    expect(rotated).toMatchObject({ status: 'Success', failure: '' });
    const now = await managed(Database);
    expect(rotated.outputs['Verify.Report']?.[0]).toContain(`in the secret ${now?.SecretId}`);
    expect((await house.evidence(rotated.execution))['before.json']).toMatchObject({
      ...{ incident: REAL.Incident, before: { kind, secret: null, user: 'root' } },
    });

    const restored = await house.run({ ...REAL, Database, Action: 'Restore', Execution: rotated.execution });
    expect(restored).toMatchObject({ status: 'Success', failure: '' });
    expect(await managed(Database)).toBeUndefined();
    const SecretId = `firebreak/${Database}/${restored.execution}`;
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    expect(JSON.parse(SecretString)).toEqual({
      username: 'root',
      password: expect.stringMatching(/^[A-Za-z0-9]{30}$/),
    });
    expect(restored.outputs['Verify.Report']?.[0]).toContain(`in the secret ${SecretId}`);

    const again = await house.run({ ...REAL, Database, Action: 'Restore', Execution: rotated.execution });
    expect(again.outputs['Verify.Report']?.[0]).toContain('has the password it had: nothing was left to do');
  },
);

test('no password is in what a runbook tells, keeps or is asked', async () => {
  await instance('told', OWN);
  const rotated = await house.run({ ...REAL, Database: 'told' });
  const made = await passwords();
  const restored = await house.run({ ...REAL, Database: 'told', Action: 'Restore', Execution: rotated.execution });
  const told = JSON.stringify([
    ...[rotated, restored],
    ...[await house.evidence(rotated.execution), await house.evidence(restored.execution)],
  ]);
  for (const password of [...made, ...(await passwords())]) expect(told).not.toContain(password);
});

test('a rejected approval changes nothing', async () => {
  await instance('rejected', OWN);
  expect((await house.run({ ...REAL, Database: 'rejected' }, 'Reject')).status).toBe('Failed');
  expect(await managed('rejected')).toBeUndefined();
});

test('a member of a cluster is refused, and what is not there', async () => {
  await cluster('owner', OWN);
  await rds.send(
    new CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier: 'member', DBClusterIdentifier: 'owner' },
      ...{ DBInstanceClass: 'db.r6g.large', Engine: 'aurora-postgresql' },
    }),
  );
  expect((await house.run({ Database: 'member' })).failure).toContain('has the password of its cluster: name owner');
  expect((await house.run({ Database: 'missing' })).failure).toContain('DBClusterNotFoundFault');
});

test('its role may do what the runbook does, and nothing else', async () => {
  const { declared, used } = await house.actions();
  expect(used).toEqual(declared.filter((action) => !FOR_RDS.includes(action)));
  expect((await house.calls()).filter(({ decision, error }) => decision === 'denied' && error === null)).toEqual([]);
});
