import {
  DescribeSnapshotAttributeCommand,
  DisableSnapshotBlockPublicAccessCommand,
  EC2Client,
  GetSnapshotBlockPublicAccessStateCommand,
} from '@aws-sdk/client-ec2';
import {
  DeleteDBSnapshotCommand,
  DescribeDBClusterSnapshotAttributesCommand,
  DescribeDBSnapshotAttributesCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { beforeEach, expect, jest, test } from '@jest/globals';
import { MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { allowEbsSnapshot, shareEbsSnapshot } from '../../local/exposures/ebs-snapshots.ts';
import { shareDbClusterSnapshot, shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { RunbookAccount } from '../../local/runbook-account.ts';

// Each execution runs some scripts, which take seconds on a busy machine.
jest.setTimeout(300_000);

const REAL = { DryRun: 'false', Incident: 'inc-0123456789' };
const [PARTNER] = MEMBER_ACCOUNTS;

let house: RunbookAccount;
let ec2: EC2Client;
let rds: RDSClient;
/** What is there: the ids of EBS snapshots. */
let ebs: { readonly public: string; readonly shared: string; readonly allowed: string; readonly own: string };

/** All snapshots of an account are meant, so each test has an account of its own. */
beforeEach(async () => {
  house = await RunbookAccount.open(sharedCloud(), 'privatize-snapshots');
  ec2 = new EC2Client(house.account.client);
  rds = new RDSClient(house.account.client);
  const share = async (who: readonly string[]) => (await shareEbsSnapshot(house.account, who)).id;
  ebs = {
    public: await share(['all', PARTNER]),
    shared: await share([OUTSIDE_ACCOUNT]),
    allowed: await share([PARTNER]),
    own: await share([]),
  };
  await shareDbSnapshot(house.account, 'orders', ['all', OUTSIDE_ACCOUNT]);
  await shareDbClusterSnapshot(house.account, 'ledger', [OUTSIDE_ACCOUNT, PARTNER]);
});

const ebsSharedWith = async (SnapshotId: string) => {
  const asked = new DescribeSnapshotAttributeCommand({ SnapshotId, Attribute: 'createVolumePermission' });
  const { CreateVolumePermissions = [] } = await ec2.send(asked);
  return CreateVolumePermissions.map(({ Group, UserId }) => Group ?? UserId).sort();
};
const dbSharedWith = async (DBSnapshotIdentifier: string) => {
  const { DBSnapshotAttributesResult } = await rds.send(
    new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier }),
  );
  return (DBSnapshotAttributesResult?.DBSnapshotAttributes ?? [])
    .flatMap(({ AttributeValues = [] }) => AttributeValues)
    .sort();
};
const clusterSharedWith = async (DBClusterSnapshotIdentifier: string) => {
  const asked = new DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier });
  const { DBClusterSnapshotAttributesResult: result } = await rds.send(asked);
  return (result?.DBClusterSnapshotAttributes ?? []).flatMap(({ AttributeValues = [] }) => AttributeValues).sort();
};
const blockState = async () => (await ec2.send(new GetSnapshotBlockPublicAccessStateCommand({}))).State;

/** Whom each snapshot is shared with, and what of it is blocked. */
async function look() {
  return {
    public: await ebsSharedWith(ebs.public),
    shared: await ebsSharedWith(ebs.shared),
    allowed: await ebsSharedWith(ebs.allowed),
    own: await ebsSharedWith(ebs.own),
    orders: await dbSharedWith('orders'),
    ledger: await clusterSharedWith('ledger'),
    block: await blockState(),
  };
}

test('a dry run says what there is to do, and changes nothing', async () => {
  const before = await look();
  const { status, failure, outputs } = await house.run({ AllowedAccounts: [PARTNER], BlockPublicAccess: 'true' });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  const [title, ...lines] = outputs['Plan.Plan']?.[0]?.split('\n') ?? [];
  expect(title).toBe(`Make private: 4 snapshots of ${house.account.id} in ${house.account.region}`);
  expect(lines.sort()).toEqual(
    [
      '- block public access for EBS snapshots: unblocked -> block-all-sharing',
      ...[`- ${ebs.public}: from all`, `- ${ebs.shared}: from ${OUTSIDE_ACCOUNT}`],
      ...[`- orders: from ${OUTSIDE_ACCOUNT}, all`, `- ledger: from ${OUTSIDE_ACCOUNT}`],
    ].sort(),
  );
  expect(await house.changes()).toEqual([]);
  expect(await look()).toEqual(before);
});

test('all snapshots become private but for allowed accounts; and are shared again as they were', async () => {
  const before = await look();
  const contained = await house.run({ ...REAL, AllowedAccounts: [PARTNER], BlockPublicAccess: 'true' });
  expect(contained).toMatchObject({ status: 'Success', failure: '' });
  expect(await look()).toEqual({
    ...{ public: [PARTNER], shared: [], allowed: [PARTNER], own: [], orders: [], ledger: [PARTNER] },
    block: 'block-all-sharing',
  });
  const kept = await house.evidence(contained.execution);
  expect(kept['before.json']).toMatchObject({
    ...{ turns: 3, incident: REAL.Incident },
    block: { before: 'unblocked', after: 'block-all-sharing' },
  });
  expect(kept['before-2.json']).toEqual({
    kind: 'db',
    snapshots: [{ kind: 'db', name: 'orders', before: [OUTSIDE_ACCOUNT, 'all'], after: [] }],
  });
  expect(kept['custody.json']).toMatchObject({ approvals: [{ ApprovalStatus: ['Approved'] }], did: { snapshots: 4 } });

  const restored = await house.run({ ...REAL, Action: 'Restore', Execution: contained.execution });
  expect(restored).toMatchObject({ status: 'Success', failure: '' });
  expect(await look()).toEqual(before);

  const { declared, used } = await house.actions();
  expect(used).toEqual(declared);
});

test('a rejected approval changes nothing', async () => {
  const before = await look();
  expect((await house.run(REAL, 'Reject')).status).toBe('Failed');
  expect(await house.changes()).toEqual([]);
  expect(await look()).toEqual(before);
});

test('what is shared otherwise since is said, and nothing is shared again', async () => {
  const { execution } = await house.run(REAL);
  await allowEbsSnapshot(house.account, ebs.shared, [PARTNER]);
  const before = await look();
  const { status, failure } = await house.run({ Action: 'Restore', Execution: execution });
  expect(status).toBe('Failed');
  expect(failure).toContain(`${ebs.shared} is shared with ${PARTNER}`);
  expect(await look()).toEqual(before);
});

test('one that is shared meanwhile is not claimed to be private, one that cannot be changed keeps no other', async () => {
  const { doors } = sharedCloud();
  const refused = {
    service: 'rds',
    operation: 'ModifyDBSnapshotAttribute',
    account: house.account.id,
    deny: true,
  } as const;
  await doors.setFaults([refused]);
  const { status, failure } = await house.run(REAL).finally(() => doors.setFaults([]));
  expect(status).toBe('Failed');
  expect(failure).toContain(`orders is shared with ${OUTSIDE_ACCOUNT}, all`);
  expect(await look()).toMatchObject({ public: [], shared: [], orders: [OUTSIDE_ACCOUNT, 'all'], ledger: [] });
});

test('a snapshot that does not exist any more is left out, and what is as before already is left', async () => {
  const { execution } = await house.run({ ...REAL, BlockPublicAccess: 'true' });
  await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'orders' }));
  await ec2.send(new DisableSnapshotBlockPublicAccessCommand({}));
  const restored = await house.run({ ...REAL, Action: 'Restore', Execution: execution });
  expect(restored).toMatchObject({ status: 'Success', failure: '' });
  expect(restored.outputs['Verify.Report']?.[0]).toContain('4 snapshots are shared again, 1 do not exist any more');
  expect(await blockState()).toBe('unblocked');
});

test('nothing is restored from an execution that kept nothing', async () => {
  const Execution = '00000000-0000-0000-0000-000000000000';
  const { status, failure } = await house.run({ Action: 'Restore', Execution });
  expect(status).toBe('Failed');
  expect(failure).toContain('kept nothing');
});
