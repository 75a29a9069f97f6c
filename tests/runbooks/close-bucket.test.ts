import {
  DeleteBucketPolicyCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetPublicAccessBlockCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { changing } from '../../local/deployed.ts';
import { createOpenBucket, grantTo, readableBy, readableByEverybody } from '../../local/exposures/buckets.ts';
import { RunbookAccount } from '../../local/runbook-account.ts';

// Each execution runs some scripts, which take seconds on a busy machine.
jest.setTimeout(300_000);

const REAL = { DryRun: 'false', Incident: 'inc-0123456789' };
const [PARTNER] = MEMBER_ACCOUNTS;
const BLOCKED = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };

let house: RunbookAccount;
let s3: S3Client;
beforeAll(async () => {
  house = await RunbookAccount.open(sharedCloud(), 'close-bucket');
  s3 = new S3Client({ ...house.account.client, forcePathStyle: true });
});

/** A bucket that everybody reads by its policy and by its ACL, and a partner by its policy. */
async function openBucket(suffix: string): Promise<string> {
  const name = `firebreak-close-${house.account.id}-${suffix}`;
  await createOpenBucket(house.account, name, {
    statements: [readableByEverybody(name), readableBy(name, PARTNER)],
    grants: [grantTo('AllUsers', 'READ')],
  });
  return name;
}

const orNone = async <T>(asked: Promise<T>, named: string): Promise<T | undefined> =>
  asked.catch((error: Error) => {
    if (error.name !== named) throw error;
    return undefined;
  });

/** All that opens or closes a bucket, read as the account's administrator. */
async function look(Bucket: string) {
  const named = 'NoSuchPublicAccessBlockConfiguration';
  const block = await orNone(s3.send(new GetPublicAccessBlockCommand({ Bucket })), named);
  const policy = await orNone(s3.send(new GetBucketPolicyCommand({ Bucket })), 'NoSuchBucketPolicy');
  const { Grants = [] } = await s3.send(new GetBucketAclCommand({ Bucket }));
  return {
    block: block?.PublicAccessBlockConfiguration,
    policy: policy?.Policy && JSON.parse(policy.Policy),
    grants: Grants.map(({ Grantee, Permission }) => `${Grantee?.URI ?? 'owner'} ${Permission}`),
  };
}

/** How often the runbook's role changed a bucket so far. */
const changed = async () =>
  (await house.calls()).filter((call) => changing(call) && call.operation !== 'PutObject').length;

/** Whether everybody reads what is in the bucket. */
const isRead = async (bucket: string): Promise<boolean> => {
  const { endpoint } = house.account.client;
  return (await fetch(`${endpoint}/${bucket}/report.txt`)).ok;
};

test('a dry run says what there is to do, and changes nothing', async () => {
  const Bucket = await openBucket('planned');
  const before = await look(Bucket);
  const { status, failure, outputs } = await house.run({ Bucket });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  const [title, ...lines] = outputs['Plan.Plan']?.[0]?.split('\n') ?? [];
  expect(title).toBe(`Close ${Bucket}:`);
  expect(lines).toEqual([
    expect.stringMatching(/^- take out of the policy: \{.*"PublicRead"/),
    '- take out of the ACL: READ of AllUsers',
    '- block public access, all four settings',
  ]);
  expect(await changed()).toBe(0);
  expect(await look(Bucket)).toEqual(before);
});

test('a bucket is closed to the public and to nobody else; and is opened again as it was', async () => {
  const Bucket = await openBucket('closed');
  const before = await look(Bucket);
  expect(await isRead(Bucket)).toBe(true);

  const contained = await house.run({ ...REAL, Bucket });
  expect(contained).toMatchObject({ status: 'Success', failure: '' });
  expect(await isRead(Bucket)).toBe(false);
  expect(await look(Bucket)).toEqual({
    block: BLOCKED,
    policy: { ...before.policy, Statement: [readableBy(Bucket, PARTNER)] },
    grants: ['owner FULL_CONTROL'],
  });
  const kept = await house.evidence(contained.execution);
  expect(kept['before.json']).toMatchObject({
    before: { policy: before.policy, block: null },
    incident: REAL.Incident,
  });
  expect(kept['custody.json']).toMatchObject({ target: Bucket, approvals: [{ ApprovalStatus: ['Approved'] }] });

  const restored = await house.run({ ...REAL, Bucket, Action: 'Restore', Execution: contained.execution });
  expect(restored).toMatchObject({ status: 'Success', failure: '' });
  expect(await look(Bucket)).toEqual(before);
  expect(await isRead(Bucket)).toBe(true);
});

test('a policy of nothing but public statements is deleted, and comes back', async () => {
  const Bucket = `firebreak-close-${house.account.id}-only`;
  await createOpenBucket(house.account, Bucket, { statements: [readableByEverybody(Bucket)] });
  await s3.send(
    new PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: { ...BLOCKED, BlockPublicPolicy: false, RestrictPublicBuckets: false },
    }),
  );
  const before = await look(Bucket);
  const { execution } = await house.run({ ...REAL, Bucket });
  expect(await look(Bucket)).toMatchObject({ block: BLOCKED, policy: undefined });
  await house.run({ ...REAL, Bucket, Action: 'Restore', Execution: execution });
  expect(await look(Bucket)).toEqual(before);
});

test('where conditions decide, the statement stays and the block cuts off who is public by it', async () => {
  const Bucket = `firebreak-close-${house.account.id}-wide`;
  const wide = { ...readableByEverybody(Bucket), Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } };
  await createOpenBucket(house.account, Bucket, { statements: [wide] });
  expect(await isRead(Bucket)).toBe(true);
  const { outputs } = await house.run({ Bucket });
  expect(outputs['Plan.Plan']?.[0]).toContain('S3 may still call the policy public');
  expect(await house.run({ ...REAL, Bucket })).toMatchObject({ status: 'Success', failure: '' });
  expect((await look(Bucket)).policy.Statement).toEqual([wide]);
  expect(await isRead(Bucket)).toBe(false);
});

test('a rejected approval changes nothing', async () => {
  const Bucket = await openBucket('rejected');
  const before = await look(Bucket);
  const changes = await changed();
  const { status, execution } = await house.run({ ...REAL, Bucket }, 'Reject');
  expect(status).toBe('Failed');
  expect(await changed()).toBe(changes);
  expect(await look(Bucket)).toEqual(before);
  expect(await house.evidence(execution)).toEqual({});
});

test('what cannot be taken out keeps the block from nothing, and is not claimed', async () => {
  const Bucket = await openBucket('refused');
  const { doors } = sharedCloud();
  const refused = { service: 's3', operation: 'PutBucketPolicy', account: house.account.id, deny: true } as const;
  await doors.setFaults([refused]);
  const { status, steps } = await house.run({ ...REAL, Bucket }).finally(() => doors.setFaults([]));
  expect(status).toBe('Failed');
  expect(steps.find(({ StepName }) => StepName === 'Verify')?.FailureMessage).toContain(
    'Not as it should be: its policy',
  );
  expect((await look(Bucket)).block).toEqual(BLOCKED);
  expect(await isRead(Bucket)).toBe(false);
});

test('what was changed since is said, and nothing is opened', async () => {
  const Bucket = await openBucket('changed');
  const { execution } = await house.run({ ...REAL, Bucket });
  await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
  const before = await look(Bucket);
  const { status, failure } = await house.run({ Bucket, Action: 'Restore', Execution: execution });
  expect(status).toBe('Failed');
  expect(failure).toContain('its policy is null');
  expect(await look(Bucket)).toEqual(before);
});

test('a bucket of another account is left alone', async () => {
  const other = await sharedCloud().account(PARTNER, house.account.region);
  const Bucket = `firebreak-close-${house.account.id}-elsewhere`;
  await createOpenBucket(other, Bucket);
  const { status, failure } = await house.run({ Bucket });
  expect(status).toBe('Failed');
  expect(failure).toContain('AccessDenied');
});

test('its role may do what the runbook does, and nothing else', async () => {
  const { declared, used } = await house.actions();
  expect(used).toEqual(declared);
});
