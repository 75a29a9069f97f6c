import {
  CreateAccessKeyCommand,
  CreateLoginProfileCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  GetRolePolicyCommand,
  GetUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListRolePoliciesCommand,
  ListUserPoliciesCommand,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import { sharedCloud } from '../../local/contract.ts';
import { RunbookAccount } from '../../local/runbook-account.ts';

const REAL = { DryRun: 'false', Incident: 'inc-0123456789' };
let house: RunbookAccount;
let iam: IAMClient;
beforeAll(async () => {
  house = await RunbookAccount.open(sharedCloud(), 'contain-iam-user');
  iam = new IAMClient(house.account.client);
});

/** A user with an active key, one that was inactive before, a password and a policy; and a role that it assumed. */
async function user(name: string) {
  await iam.send(new CreateUserCommand({ UserName: name }));
  const { AccessKey: active } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  const { AccessKey: inactive } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  const AccessKeyId = inactive?.AccessKeyId ?? '';
  await iam.send(new UpdateAccessKeyCommand({ UserName: name, AccessKeyId, Status: 'Inactive' }));
  await iam.send(new CreateLoginProfileCommand({ UserName: name, Password: 'Nothing-2-see' }));
  const own = { Effect: 'Allow', Action: '*', Resource: '*' };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [own] });
  await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'own', PolicyDocument }));
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${house.account.id}:root` },
    Action: 'sts:AssumeRole',
  };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await iam.send(new CreateRoleCommand({ RoleName: `${name}-role`, AssumeRolePolicyDocument }));
  return {
    name,
    role: `${name}-role`,
    inactive: AccessKeyId,
    credentials: { accessKeyId: active?.AccessKeyId ?? '', secretAccessKey: active?.SecretAccessKey ?? '' },
  };
}

/** All about a user and its role, read as the account's administrator. */
async function look(name: string) {
  const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName: name }));
  const { PolicyNames = [] } = await iam.send(new ListUserPoliciesCommand({ UserName: name }));
  const { PolicyNames: ofRole = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName: `${name}-role` }));
  const statements = async (document: string | undefined) =>
    JSON.parse(decodeURIComponent(document ?? '')).Statement as readonly Record<string, unknown>[];
  const policies = PolicyNames.map(async (PolicyName) => {
    const { PolicyDocument } = await iam.send(new GetUserPolicyCommand({ UserName: name, PolicyName }));
    return [PolicyName, await statements(PolicyDocument)] as const;
  });
  const rolePolicies = ofRole.map(async (PolicyName) => {
    const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName: `${name}-role`, PolicyName }));
    return [PolicyName, await statements(PolicyDocument)] as const;
  });
  return {
    keys: Object.fromEntries(AccessKeyMetadata.map(({ AccessKeyId = '', Status }) => [AccessKeyId, Status])),
    policies: Object.fromEntries(await Promise.all(policies)),
    rolePolicies: Object.fromEntries(await Promise.all(rolePolicies)),
  };
}

const isDenied = async (credentials: { accessKeyId: string; secretAccessKey: string }) => {
  const { region, endpoint } = house.account.client;
  const as = new IAMClient({ region, endpoint, credentials });
  return as.send(new ListAccessKeysCommand({})).then(
    () => false,
    ({ name }: Error) => name,
  );
};

test('a dry run says what there is to do, and changes nothing', async () => {
  const { name, credentials } = await user('planned');
  const before = await look(name);
  const { status, outputs, failure } = await house.run({ UserName: name, Roles: ['planned-role'] });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  expect(outputs['Plan.Plan']?.[0]).toMatch(
    new RegExp(
      `deny everything by the inline policy FirebreakContain-.*deactivate the access keys ${credentials.accessKeyId}`,
      's',
    ),
  );
  expect(await house.changes()).toEqual([]);
  expect(await look(name)).toEqual(before);
});

test('a user is denied everything first, then its keys are inactive; and it goes back as it was', async () => {
  const { name, credentials, inactive, role } = await user('taken');
  const before = await look(name);
  const since = (await house.calls()).length;
  expect(await isDenied(credentials)).toBe(false);

  const contained = await house.run({ ...REAL, UserName: name, Roles: [role] });
  expect(contained).toMatchObject({ status: 'Success', failure: '' });
  expect(await house.changes(since)).toEqual(['PutUserPolicy', 'UpdateAccessKey', 'PutRolePolicy']);
  expect(await isDenied(credentials)).not.toBe(false);
  const now = await look(name);
  expect(now.keys).toEqual({ [credentials.accessKeyId]: 'Inactive', [inactive]: 'Inactive' });
  const policy = `FirebreakContain-${contained.execution}`;
  expect(now.policies).toEqual({
    ...before.policies,
    [policy]: [{ Sid: 'Contained', Effect: 'Deny', Action: '*', Resource: '*' }],
  });
  const [revoked] = now.rolePolicies[`FirebreakRevoke-${contained.execution}`] ?? [];
  expect(revoked).toMatchObject({ Effect: 'Deny', Action: '*', Resource: '*' });
  expect(revoked?.Condition).toEqual({ DateLessThan: { 'aws:TokenIssueTime': expect.stringMatching(/^\d{4}-.*Z$/) } });

  const kept = await house.evidence(contained.execution);
  expect(kept['before.json']).toMatchObject({
    before: { keys: before.keys },
    incident: REAL.Incident,
    continues: null,
  });
  expect(kept['custody.json']).toMatchObject({
    startedBy: expect.stringContaining(`:${house.account.id}:assumed-role/OrganizationAccountAccessRole/`),
    action: 'Contain',
    target: name,
    approvals: [{ ApprovalStatus: ['Approved'] }],
    evidence: [{ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
  });

  const restore = { ...REAL, UserName: name, Action: 'Restore', Execution: contained.execution };
  expect(await house.run(restore)).toMatchObject({ status: 'Success', failure: '' });
  expect(await look(name)).toEqual({ ...before, keys: now.keys });
  expect(await house.run({ ...restore, ActivateKeys: 'true' })).toMatchObject({ status: 'Success', failure: '' });
  expect(await look(name)).toEqual(before);
});

test('a rejected approval changes nothing', async () => {
  const { name } = await user('rejected');
  const before = await look(name);
  const { status, execution } = await house.run({ ...REAL, UserName: name }, 'Reject');
  expect(status).toBe('Failed');
  expect(await look(name)).toEqual(before);
  expect(await house.evidence(execution)).toEqual({});
});

test('what was changed since is said, and nothing is taken back', async () => {
  const { name, credentials } = await user('changed');
  const { execution } = await house.run({ ...REAL, UserName: name });
  const PolicyName = `FirebreakContain-${execution}`;
  const allow = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
  await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName, PolicyDocument: allow }));
  await iam.send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId: credentials.accessKeyId }));
  const before = await look(name);
  const parameters = { UserName: name, Action: 'Restore', Execution: execution, ActivateKeys: 'true' };
  const { status, failure } = await house.run(parameters);
  expect(status).toBe('Failed');
  expect(failure).toContain(`the inline policy ${PolicyName} does not say what it said`);
  expect(failure).toContain(`the access key ${credentials.accessKeyId} does not exist any more`);
  expect(await look(name)).toEqual(before);
});

test('an execution that was ended half-way is gone on with, and the way back is to how it was before that', async () => {
  const { name } = await user('interrupted');
  const before = await look(name);
  const { doors } = sharedCloud();
  const refused = { service: 'iam', operation: 'UpdateAccessKey', account: house.account.id, deny: true } as const;
  await doors.setFaults([refused]);
  const first = await house.run({ ...REAL, UserName: name }).finally(() => doors.setFaults([]));
  expect(first.status).toBe('Failed');
  const verify = first.steps.find(({ StepName }) => StepName === 'Verify');
  expect(verify?.FailureMessage).toContain('is Active');
  const second = await house.run({ ...REAL, UserName: name });
  expect(second).toMatchObject({ status: 'Success', failure: '' });
  expect(Object.keys((await look(name)).policies).sort()).toEqual([`FirebreakContain-${first.execution}`, 'own']);
  expect((await house.evidence(second.execution))['before.json']).toMatchObject({
    continues: first.execution,
    before: { keys: before.keys },
  });
  const restore = { ...REAL, UserName: name, Action: 'Restore', Execution: second.execution, ActivateKeys: 'true' };
  expect(await house.run(restore)).toMatchObject({ status: 'Success', failure: '' });
  expect(await look(name)).toEqual(before);
});

test.each([
  ['no user', { UserName: 'root' }, 'There is no IAM user root'],
  ['a protected user', { UserName: 'taken', Protected: ['break-glass', 'taken'] }, 'taken is protected'],
  ['its own role', { UserName: 'taken', Roles: ['firebreak-runbook-contain-iam-user'] }, 'is a role of Firebreak'],
  ['nobody to approve', { UserName: 'taken', DryRun: 'false', Approvers: [] }, 'Approvers must name who may approve'],
])('refuses %s', async (_, parameters, reason) => {
  const execution = await house.start(parameters);
  const { status, failure } = await house.ended(execution);
  expect(status).toBe('Failed');
  expect(failure).toContain(reason);
});

test('its role may do what the runbook does, and nothing else', async () => {
  const { declared, used } = await house.actions();
  expect(used).toEqual(declared);
  expect((await house.calls()).filter(({ decision, error }) => decision === 'denied' && error === null)).toEqual([]);
});
