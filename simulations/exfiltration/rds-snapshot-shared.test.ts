import { CreateDBInstanceCommand, CreateDBSnapshotCommand, RDSClient } from '@aws-sdk/client-rds';
import { expect, test } from '@jest/globals';
import { MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import type { Account } from '../../local/specimen.ts';
import { openStage, sandboxAccount } from '../../local/stage.ts';
import rdsSnapshotShared from './rds-snapshot-shared.ts';

/** As the sandbox's set-up leaves it. */
async function makeGoldenSnapshot({ client }: Account): Promise<void> {
  const rds = new RDSClient(client);
  const DBInstanceIdentifier = 'golden';
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier,
      DBInstanceClass: 'db.t4g.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      MasterUsername: 'rehearsal',
      MasterUserPassword: 'no-secret-1',
    }),
  );
  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier, DBSnapshotIdentifier: 'firebreak-golden' }));
}

scenarioContract(rdsSnapshotShared, { prepare: makeGoldenSnapshot });

test('without the golden snapshot it says what to do', async () => {
  const cloud = sharedCloud();
  const environment = { ...process.env };
  const stage = await openStage(cloud, await sandboxAccount(cloud), MEMBER_ACCOUNTS[1], rdsSnapshotShared);
  const started = rdsSnapshotShared.warmUp(stage, rdsSnapshotShared.parameters.parse({}));
  await expect(started).rejects.toThrow(
    /no manual DB snapshot firebreak-golden in account \d{12}, eu-west-1: make one/,
  );
  await stage.cleanUp();
  process.env = environment;
});
