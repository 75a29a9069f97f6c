import {
  DescribeDBClusterSnapshotAttributesCommand,
  DescribeDBSnapshotAttributesCommand,
  ModifyDBClusterSnapshotAttributeCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { contract } from '../../local/contract.ts';
import { shareDbClusterSnapshot, shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { findingAbout } from '../../local/findings.ts';
import type { Specimen } from '../../local/specimen.ts';
import privatizeRdsSnapshot from './privatize-rds-snapshot.ts';

const [, allowed] = MEMBER_ACCOUNTS;
const SOMEBODY_ELSE = '888899990000';
const parameters = { allowedAccounts: [allowed] };

/** As many accounts as a manual snapshot can be shared with: 20 with the allowed one and `all`. */
const others = (size: 'usual' | 'largest'): string[] =>
  size === 'usual' ? [OUTSIDE_ACCOUNT] : Array.from({ length: 18 }, (_, index) => String(200_000_000_000 + index));

const instance: Specimen = {
  parameters,
  async expose(account, name, size) {
    const rds = new RDSClient(account.client);
    const tags = { team: 'data' };
    const target = await shareDbSnapshot(account, name, ['all', allowed, ...others(size)], tags);
    const sharedWith = async (): Promise<string[]> => {
      const { DBSnapshotAttributesResult: result } = await rds.send(
        new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: target.id }),
      );
      return (result?.DBSnapshotAttributes ?? []).flatMap(({ AttributeValues = [] }) => AttributeValues).sort();
    };
    return {
      target,
      tags,
      finding: findingAbout(account, { source: 'securityhub', type: 'RDS.1', resources: [target] }),
      observe: sharedWith,
      untouched: (observed) => (observed as string[]).filter((who) => who === allowed),
      closed: async () => (await sharedWith()).every((who) => who === allowed),
      async alter() {
        await rds.send(
          new ModifyDBSnapshotAttributeCommand({
            DBSnapshotIdentifier: target.id,
            AttributeName: 'restore',
            ValuesToAdd: [SOMEBODY_ELSE],
          }),
        );
      },
    };
  },
};

const cluster: Specimen = {
  parameters,
  async expose(account, name, size) {
    const rds = new RDSClient(account.client);
    const target = await shareDbClusterSnapshot(account, name, ['all', allowed, ...others(size)]);
    const sharedWith = async (): Promise<string[]> => {
      const { DBClusterSnapshotAttributesResult: result } = await rds.send(
        new DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier: target.id }),
      );
      return (result?.DBClusterSnapshotAttributes ?? []).flatMap(({ AttributeValues = [] }) => AttributeValues).sort();
    };
    return {
      target,
      finding: findingAbout(account, { source: 'access-analyzer', type: target.type, resources: [target] }),
      observe: sharedWith,
      untouched: (observed) => (observed as string[]).filter((who) => who === allowed),
      closed: async () => (await sharedWith()).every((who) => who === allowed),
      async alter() {
        await rds.send(
          new ModifyDBClusterSnapshotAttributeCommand({
            DBClusterSnapshotIdentifier: target.id,
            AttributeName: 'restore',
            ValuesToAdd: [SOMEBODY_ELSE],
          }),
        );
      },
    };
  },
};

contract(privatizeRdsSnapshot, instance, cluster);
