import { CopyDBSnapshotCommand, ModifyDBSnapshotAttributeCommand, RDSClient } from '@aws-sdk/client-rds';
import { OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { kindContract } from '../../local/kind-contract.ts';
import { rdsSnapshot } from './rds-snapshot.ts';
import { tagList } from './tags.ts';

let made = 0;

kindContract(rdsSnapshot, {
  /** Of the one that `makeForeign` made first. */
  async make(stage) {
    const TargetDBSnapshotIdentifier = stage.name('tried');
    const command = new CopyDBSnapshotCommand({
      SourceDBSnapshotIdentifier: 'firebreak-foreign-1',
      TargetDBSnapshotIdentifier,
      Tags: tagList(stage.tags),
    });
    await stage.make(rdsSnapshot, 'a DB snapshot', () => new RDSClient(stage.session).send(command));
    return TargetDBSnapshotIdentifier;
  },
  async copy({ client }, SourceDBSnapshotIdentifier) {
    const TargetDBSnapshotIdentifier = 'evidence';
    const rds = new RDSClient(client);
    await rds.send(
      new CopyDBSnapshotCommand({ SourceDBSnapshotIdentifier, TargetDBSnapshotIdentifier, CopyTags: true }),
    );
    return TargetDBSnapshotIdentifier;
  },
  async makeForeign(account) {
    made += 1;
    return (await shareDbSnapshot(account, `firebreak-foreign-${made}`, [])).id;
  },
  async alter({ client }, DBSnapshotIdentifier) {
    const sharing = { DBSnapshotIdentifier, AttributeName: 'restore', ValuesToAdd: [OUTSIDE_ACCOUNT] };
    await new RDSClient(client).send(new ModifyDBSnapshotAttributeCommand(sharing));
  },
});
