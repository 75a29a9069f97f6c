import { CreateRoleCommand, GetUserCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAdministrator } from './administrator.ts';
import { deployDocument, ended, signal, startAutomation, waitingFor } from './automation.ts';
import { Connection, HOME_REGION, ROOT } from './connection.ts';
import { type AwsServer, startAwsServer } from './python.ts';

const RUNBOOK = `
schemaVersion: '0.3'
assumeRole: '{{ AutomationAssumeRole }}'
parameters:
  AutomationAssumeRole: { type: 'AWS::IAM::Role::Arn' }
  User: { type: String, allowedPattern: '[a-z]+' }
  Approvers: { type: StringList }
mainSteps:
  - name: Approve
    action: aws:approve
    inputs: { Approvers: '{{ Approvers }}', Message: 'Make {{ User }}?' }
  - name: Make
    action: aws:executeAwsApi
    inputs: { Service: iam, Api: CreateUser, UserName: '{{ User }}' }
    outputs: [{ Name: Arn, Selector: $.User.Arn, Type: String }]
outputs: [Make.Arn]
`;
const ACCOUNT = '444455556666';

describe('an automation of the embedded cloud', () => {
  let server: AwsServer;
  let connection: Connection;
  let role = '';

  beforeAll(async () => {
    server = await startAwsServer(0, () => {});
    connection = new Connection(server.endpoint);
    await createAdministrator(ACCOUNT, server.endpoint);
    const { client } = await connection.account(ACCOUNT, HOME_REGION);
    const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: statement });
    const trust = { Effect: 'Allow', Principal: { Service: 'ssm.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const iam = new IAMClient(client);
    const { Role } = await iam.send(
      new CreateRoleCommand({ RoleName: 'runbook', AssumeRolePolicyDocument: document(trust) }),
    );
    const policy = document({ Effect: 'Allow', Action: 'iam:CreateUser', Resource: '*' });
    await iam.send(new PutRolePolicyCommand({ RoleName: 'runbook', PolicyName: 'runbook', PolicyDocument: policy }));
    role = Role?.Arn ?? '';
    await deployDocument(client, 'Make', RUNBOOK);
  });
  afterAll(() => {
    server.child.kill('SIGKILL');
  });

  const administrator = async () => (await connection.account(ACCOUNT, HOME_REGION)).client;
  const start = async (User: string) =>
    startAutomation(await administrator(), 'Make', {
      AutomationAssumeRole: role,
      User,
      Approvers: [`arn:aws:iam::${ACCOUNT}:role/OrganizationAccountAccessRole`],
    });

  test('waits for its approver, acts in its role, and says what it did', async () => {
    const config = await administrator();
    const execution = await start('ann');
    await waitingFor(config, execution, 'Approve');
    const root = { region: HOME_REGION, endpoint: server.endpoint, credentials: ROOT };
    await expect(signal(root, execution, 'Approve')).rejects.toThrow('does not exist');
    await signal(config, execution, 'Approve');
    const { status, outputs, steps } = await ended(config, execution);
    expect({ status, outputs }).toEqual({
      status: 'Success',
      outputs: { 'Make.Arn': [`arn:aws:iam::${ACCOUNT}:user/ann`] },
    });
    const [decision = '{}'] = steps[0]?.Outputs?.ApproverDecisions ?? [];
    expect(JSON.parse(decision).Approver).toContain('OrganizationAccountAccessRole/administrator');
    await new IAMClient(config).send(new GetUserCommand({ UserName: 'ann' }));
  });

  test('ends when it is rejected, and does nothing', async () => {
    const config = await administrator();
    const execution = await start('bob');
    await waitingFor(config, execution, 'Approve');
    await signal(config, execution, 'Reject');
    const { status, steps, failure } = await ended(config, execution);
    expect([status, ...steps.map(({ StepStatus }) => StepStatus)]).toEqual(['Failed', 'Failed', 'Pending']);
    expect(failure).toContain('rejected by');
    await expect(new IAMClient(config).send(new GetUserCommand({ UserName: 'bob' }))).rejects.toThrow('bob');
    await expect(waitingFor(config, execution, 'Approve')).rejects.toThrow('ended');
  });

  test('is refused with parameters that the document does not admit', async () => {
    await expect(start('Not A Name')).rejects.toThrow('allowed pattern');
  });
});
