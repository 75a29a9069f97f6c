import {
  CreateDBClusterCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  ModifyDBClusterSnapshotAttributeCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import type { Target } from '../../engine/remediation.ts';
import { targetOf } from '../../engine/targets.ts';
import type { Account } from '../specimen.ts';
import { tagList } from './tags.ts';

/** Makes a manual snapshot of a database instance that may be restored by `sharedWith` (account ids, or `all`). */
export async function shareDbSnapshot(
  account: Account,
  name: string,
  sharedWith: readonly string[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const rds = new RDSClient(account.client);
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: `${name}-db`,
      DBInstanceClass: 'db.t4g.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      MasterUsername: 'rehearsal',
      MasterUserPassword: 'no-secret-1',
    }),
  );
  await rds.send(
    new CreateDBSnapshotCommand({
      DBInstanceIdentifier: `${name}-db`,
      DBSnapshotIdentifier: name,
      Tags: tagList(tags),
    }),
  );
  await rds.send(
    new ModifyDBSnapshotAttributeCommand({
      DBSnapshotIdentifier: name,
      AttributeName: 'restore',
      ValuesToAdd: [...sharedWith],
    }),
  );
  return snapshot('AWS::RDS::DBSnapshot', account, name);
}

/** The same of a database cluster. */
export async function shareDbClusterSnapshot(
  account: Account,
  name: string,
  sharedWith: readonly string[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const rds = new RDSClient(account.client);
  await rds.send(
    new CreateDBClusterCommand({
      DBClusterIdentifier: `${name}-cluster`,
      Engine: 'aurora-postgresql',
      MasterUsername: 'rehearsal',
      MasterUserPassword: 'no-secret-1',
    }),
  );
  await rds.send(
    new CreateDBClusterSnapshotCommand({
      DBClusterIdentifier: `${name}-cluster`,
      DBClusterSnapshotIdentifier: name,
      Tags: tagList(tags),
    }),
  );
  await rds.send(
    new ModifyDBClusterSnapshotAttributeCommand({
      DBClusterSnapshotIdentifier: name,
      AttributeName: 'restore',
      ValuesToAdd: [...sharedWith],
    }),
  );
  return snapshot('AWS::RDS::DBClusterSnapshot', account, name);
}

function snapshot(type: string, account: Account, id: string): Target {
  const target = targetOf(type, { account: account.id, region: account.region, partition: 'aws' }, id);
  if (!target) throw new Error(`${id} is no name for ${type}`);
  return target;
}
