import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { signal, waitingFor } from '../../local/automation.ts';
import { sharedCloud } from '../../local/contract.ts';
import { RunbookAccount } from '../../local/runbook-account.ts';

// Each execution runs some scripts, which take seconds on a busy machine.
jest.setTimeout(300_000);

const REAL = { DryRun: 'false', Incident: 'inc-0123456789' };
let house: RunbookAccount;
let secrets: SecretsManagerClient;
/** ARN of a rotation function. What it does is in `rotate`: this cloud runs the functions of the security account alone. */
let RotationLambdaARN: string;

beforeAll(async () => {
  house = await RunbookAccount.open(sharedCloud(), 'rotate-secret');
  secrets = new SecretsManagerClient(house.account.client);
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  const role = new CreateRoleCommand({ RoleName: 'rotator', AssumeRolePolicyDocument });
  const { Role } = await new IAMClient(house.account.client).send(role);
  const { FunctionArn = '' } = await new LambdaClient(house.account.client).send(
    new CreateFunctionCommand({
      ...{ FunctionName: 'rotator', Runtime: 'nodejs24.x', Handler: 'index.handler', Role: Role?.Arn },
      Code: { ZipFile: EMPTY_ZIP },
    }),
  );
  RotationLambdaARN = FunctionArn;
});

/** The end of an archive, which is all that one of no files has. */
const EMPTY_ZIP = Buffer.from(`504b0506${'00'.repeat(18)}`, 'hex');

/** A secret with a value and a rotation function. */
async function secret(Name: string): Promise<string> {
  await secrets.send(new CreateSecretCommand({ Name, SecretString: 'first' }));
  await secrets.send(new RotateSecretCommand({ SecretId: Name, RotationLambdaARN, RotateImmediately: false }));
  return Name;
}

/** The value that is current, and the labels of all versions. */
async function look(SecretId: string) {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  const { SecretString, VersionId = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  return { value: SecretString, current: VersionId, stages: VersionIdsToStages };
}

/** What a rotation function does in its first and in its last step, for the version of an execution. */
async function rotate(SecretId: string, ClientRequestToken: string): Promise<void> {
  const { current } = await look(SecretId);
  const pending = { SecretId, ClientRequestToken, VersionStages: ['AWSPENDING'] };
  await secrets.send(new PutSecretValueCommand({ ...pending, SecretString: 'second' }));
  const moved = { VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current };
  await secrets.send(new UpdateSecretVersionStageCommand({ SecretId, ...moved }));
  const done = { VersionStage: 'AWSPENDING', RemoveFromVersionId: ClientRequestToken };
  await secrets.send(new UpdateSecretVersionStageCommand({ SecretId, ...done }));
}

/** Rotates by the runbook, with what the rotation function does meanwhile. Answers the execution's id. */
async function rotated(name: string): Promise<string> {
  const execution = await house.start({ ...REAL, Secret: name });
  await waitingFor(house.account.client, execution, 'Approve');
  await signal(house.account.client, execution, 'Approve');
  await waitingFor(house.account.client, execution, 'Verify');
  await rotate(name, execution);
  expect(await house.ended(execution)).toMatchObject({ status: 'Success', failure: '' });
  return execution;
}

test('a dry run says what there is to do, and changes nothing', async () => {
  const Secret = await secret('planned');
  const before = await look(Secret);
  const { status, failure, outputs } = await house.run({ Secret });
  expect({ status, failure }).toEqual({ status: 'Success', failure: '' });
  expect(outputs['Plan.Plan']?.[0]).toMatch(`have ${RotationLambdaARN} replace version ${before.current}`);
  expect(await house.changes()).toEqual([]);
  expect(await look(Secret)).toEqual(before);
});

test('a secret is rotated by its function; and its label moves back', async () => {
  const Secret = await secret('orders');
  const before = await look(Secret);
  const execution = await rotated(Secret);
  expect(await look(Secret)).toEqual({
    ...{ value: 'second', current: execution },
    stages: { [before.current]: ['AWSPREVIOUS'], [execution]: ['AWSCURRENT'] },
  });
  const kept = await house.evidence(execution);
  expect(kept['before.json']).toMatchObject({ current: before.current, incident: REAL.Incident });
  expect(JSON.stringify(kept)).not.toMatch(/first|second/);

  const restored = await house.run({ ...REAL, Secret, Action: 'Restore', Execution: execution });
  expect(restored).toMatchObject({ status: 'Success', failure: '' });
  expect(await look(Secret)).toEqual({
    ...{ value: 'first', current: before.current },
    stages: { [before.current]: ['AWSCURRENT'], [execution]: ['AWSPREVIOUS'] },
  });
});

test('a rejected approval changes nothing', async () => {
  const Secret = await secret('rejected');
  const before = await look(Secret);
  expect((await house.run({ ...REAL, Secret }, 'Reject')).status).toBe('Failed');
  expect(await look(Secret)).toEqual(before);
});

test('what was rotated since is said, and no label moves', async () => {
  const Secret = await secret('changed');
  const execution = await rotated(Secret);
  await secrets.send(new PutSecretValueCommand({ SecretId: Secret, SecretString: 'third' }));
  const before = await look(Secret);
  const { status, failure } = await house.run({ Secret, Action: 'Restore', Execution: execution });
  expect(status).toBe('Failed');
  expect(failure).toContain(`Changed since it was rotated: version ${before.current} is current`);
  expect(await look(Secret)).toEqual(before);
});

test('a secret without a rotation function is refused, and it says what to do', async () => {
  await secrets.send(new CreateSecretCommand({ Name: 'by-hand', SecretString: 'first' }));
  const { status, failure } = await house.run({ Secret: 'by-hand' });
  expect(status).toBe('Failed');
  expect(failure).toContain('has no rotation function. Change the password where it is used');
});

test('one whose rotation is not complete is refused', async () => {
  const Secret = await secret('pending');
  await secrets.send(new RotateSecretCommand({ SecretId: Secret }));
  const { status, failure } = await house.run({ Secret });
  expect(status).toBe('Failed');
  expect(failure).toContain('is not complete: look at the log of');
});

test('its role may do what the runbook does, and nothing else', async () => {
  const { declared, used } = await house.actions();
  // Secrets Manager asks for that in the name of who rotates. This cloud's does not.
  expect(used).toEqual(declared.filter((action) => action !== 'lambda:InvokeFunction'));
});
