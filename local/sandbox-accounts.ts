import { CreateDetectorCommand, GuardDutyClient } from '@aws-sdk/client-guardduty';
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  RDSClient,
  type RDSClientConfig,
} from '@aws-sdk/client-rds';
import { createAdministrator } from './administrator.ts';
import {
  type Connection,
  HOME_REGION,
  ORGANIZATION,
  REGIONS,
  SANDBOX_ACCOUNTS,
  SECURITY_ACCOUNT,
} from './connection.ts';
import { deployMember, deploySandbox } from './deployment.ts';

/**
 * Sets up the sandbox accounts as an organisation does: the first with the roles of responses and of simulations, the network,
 * the golden snapshot and GuardDuty's detector, in each Region; the second has nothing, since all that it does is to be shared with.
 */
export async function setUpSandboxes(connection: Connection): Promise<void> {
  await Promise.all(SANDBOX_ACCOUNTS.map((account) => createAdministrator(account, connection.endpoint)));
  const parameters = { SecurityAccount: SECURITY_ACCOUNT, HomeRegion: HOME_REGION };
  await Promise.all(
    REGIONS.map(async (region) => {
      const { client } = await connection.account(SANDBOX_ACCOUNTS[0], region);
      await Promise.all([
        deployMember(client, parameters),
        deploySandbox(client, { ...parameters, Organization: ORGANIZATION }),
        makeGoldenSnapshot(client),
        new GuardDutyClient(client).send(new CreateDetectorCommand({ Enable: true })),
      ]);
    }),
  );
}

/** The DB snapshot without data of which scenarios make copies: a database takes AWS ten minutes, a copy of 20 GB seconds. */
async function makeGoldenSnapshot(config: RDSClientConfig): Promise<void> {
  const rds = new RDSClient(config);
  const database = { DBInstanceIdentifier: 'firebreak-golden' };
  await rds.send(
    new CreateDBInstanceCommand({
      ...database,
      DBInstanceClass: 'db.t4g.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      StorageEncrypted: false,
      MasterUsername: 'rehearsal',
      MasterUserPassword: 'no-secret-1',
    }),
  );
  await rds.send(new CreateDBSnapshotCommand({ ...database, DBSnapshotIdentifier: 'firebreak-golden' }));
  await rds.send(new DeleteDBInstanceCommand({ ...database, SkipFinalSnapshot: true }));
}
