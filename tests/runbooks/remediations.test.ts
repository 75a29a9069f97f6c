import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AttachUserPolicyCommand, CreateAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeDocumentCommand,
  GetDocumentCommand,
  SSMClient,
  StartAutomationExecutionCommand,
  UpdateDocumentCommand,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { callDoor } from '../../cli/door.ts';
import { sessionConfig } from '../../engine/aws/session.ts';
import type { DynamoDbLedger } from '../../engine/ledger/dynamodb.ts';
import { signIn } from '../../local/analyst.ts';
import { deployDocument, ended, signal, startAutomation, waitingFor } from '../../local/automation.ts';
import { deployedLedger, OpenDesktop } from '../../local/cases.ts';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { aimedAt, endOf, RunbookDesk } from '../../local/runbook-contract.ts';
import { loadWorkers } from '../../scripts/workers.ts';

const REMEDIATION = 'network.close-open-ingress';
const environment = { ...process.env };
const cloud = sharedCloud();
const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
const ssm = new SSMClient(config);
let ledger: DynamoDbLedger;
let desk: RunbookDesk;

beforeAll(async () => {
  process.env.AWS_ENDPOINT_URL = cloud.endpoint;
  ledger = deployedLedger(cloud);
  desk = await RunbookDesk.open(cloud, REMEDIATION);
});
afterAll(() => {
  process.env = environment;
});

const recordOf = async (id: string) => {
  const record = await ledger.get(id);
  if (!record) throw new Error(`there is no response ${id}`);
  return record;
};
/** The response whose approval an execution waits for. */
const askedAbout = async (execution: string): Promise<string> => {
  const { StepExecutions = [] } = await waitingFor(config, execution, 'approve');
  return StepExecutions.find(({ StepName }) => StepName === 'plan')?.Outputs?.response?.[0] ?? '';
};
/** Invokes the function as a runbook's step would. @returns what it says went wrong */
const forge = async (payload: object): Promise<string> => {
  const { Payload } = await new LambdaClient(config).send(
    new InvokeCommand({ FunctionName: 'firebreak-runbooks', Payload: JSON.stringify(payload) }),
  );
  return JSON.parse(Payload?.transformToString() ?? '{}').errorMessage;
};

test('every remediation has its runbook deployed, as it is generated', async () => {
  const ids = (await loadWorkers()).flatMap(({ remediations }) => remediations.map(({ id }) => id));
  for (const id of ids) {
    const Name = `Firebreak-${id}`;
    const { Document } = await ssm.send(new DescribeDocumentCommand({ Name }));
    expect(Document).toMatchObject({ DocumentType: 'Automation', Owner: SECURITY_ACCOUNT, Status: 'Active' });
    const { Content } = await ssm.send(new GetDocumentCommand({ Name, DocumentVersion: '1', DocumentFormat: 'YAML' }));
    const generated = readFileSync(`runbooks/remediations/${id}.yml`, 'utf8')
      .replaceAll('${AWS::Partition}', 'aws')
      .replaceAll('${AWS::Region}', HOME_REGION)
      .replaceAll('${AWS::AccountId}', SECURITY_ACCOUNT);
    expect(parse(Content ?? '')).toEqual(parse(generated));
  }
});

describe('a runbook', () => {
  test('ends at once where there is nothing to do', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const first = await desk.ask(aimedAt(desktop.target));
    const fixed = await desk.decide(first, 'Approve', 'the move is over');
    const { orders, response } = await recordOf(endOf(fixed).response);
    expect(orders).toMatchObject([{ verb: 'approve', by: desk.approver.arn, reason: 'the move is over' }]);
    expect(response).toMatchObject({ by: desk.starter.arn, correlation: first });
    const again = { ...aimedAt(desktop.target), DryRun: 'false', Approvers: [desk.approver.arn] };
    expect(endOf(await desk.run(again))).toMatchObject({ status: 'Success', outcome: 'compliant' });
    expect(await desktop.rules()).toEqual(['443 0.0.0.0/0 ']);
  });

  test('tells whoever is asked what it is about', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const execution = await desk.ask(aimedAt(desktop.target));
    const { StepExecutions = [] } = await waitingFor(config, execution, 'approve');
    const { Inputs = {} } = StepExecutions.find(({ StepName }) => StepName === 'approve') ?? {};
    const id = await askedAbout(execution);
    expect(Inputs.Message).toContain('Close ports that a security group opens to everybody');
    expect(Inputs.Message).toContain(desktop.target.id);
    expect(Inputs.Message).toContain(`The whole plan: firebreak show ${id}`);
    await desk.decide(execution, 'Reject');
  });

  test('that is rejected denies the response, and says who did', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const execution = await desk.ask(aimedAt(desktop.target));
    const { status, failure, outputs } = await desk.decide(execution, 'Reject', 'it is meant to be so');
    expect([status, failure]).toEqual(['Failed', expect.stringContaining(desk.approver.arn)]);
    expect(outputs['verify.outcome']).toEqual(['denied']);
    const { response, orders } = await recordOf(outputs['verify.response']?.[0] ?? '');
    expect(response.reason).toBe(`denied by ${desk.approver.arn}: it is meant to be so`);
    expect(orders).toMatchObject([{ verb: 'deny', by: desk.approver.arn }]);
    expect(await desktop.rules()).toHaveLength(3);
  });

  test('follows what somebody decided elsewhere meanwhile', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const execution = await desk.ask(aimedAt(desktop.target));
    const id = await askedAbout(execution);
    const ben = await signIn(cloud, 'ben', 'firebreak-approver');
    await callDoor(ben, { method: 'POST', path: `/responses/${id}/approve` });
    expect(endOf(await desk.decide(execution, 'Approve'))).toEqual({
      ...{ status: 'Success', outcome: 'verified', response: id },
    });
    expect((await recordOf(id)).orders).toMatchObject([{ verb: 'approve', by: ben.arn }]);
  });

  test('fails with the reason when it does not come to what was asked for', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const waiting = await desktop.tell();
    const said = { ...aimedAt(desktop.target), DryRun: 'false', Approvers: [desk.approver.arn] };
    const { status, failure, outputs } = await desk.run(said);
    expect([status, outputs['verify.outcome']]).toEqual(['Failed', ['excepted']]);
    expect(failure).toContain(`${waiting.id} waits for the approval of the same plan`);
    // To see the plan is no second one.
    expect(endOf(await desk.run(aimedAt(desktop.target)))).toMatchObject({ status: 'Success', outcome: 'observed' });
  });

  test.each<[string, Record<string, string>, string]>([
    ['a resource of another kind', { Target: 'arn:aws:s3:::some-bucket', Account: SECURITY_ACCOUNT }, 'Target: is not'],
    ['no resource', {}, 'Target: is not the ARN of AWS::EC2::SecurityGroup'],
    ['nobody to approve it', { DryRun: 'false' }, 'Approvers: name who may approve it'],
    ['another account than the ARN', { Account: '999900001111' }, 'Account: the ARN says another'],
    ['a response that there is not', { Action: 'Restore', Response: 'network-aaaaaaaaaa' }, 'no such response'],
  ])('fails with %s', async (what, said, why) => {
    const Target = `arn:aws:ec2:${HOME_REGION}:${SECURITY_ACCOUNT}:security-group/sg-0123456789abcdef0`;
    const given = what === 'no resource' ? said : { Target, ...said };
    const { status, failure } = await desk.run(given);
    expect([status, failure]).toEqual(['Failed', expect.stringContaining(why)]);
  });

  test('takes no response of another remediation back', async () => {
    const snapshots = await RunbookDesk.open(cloud, 'snapshots.privatize-ebs-snapshot');
    const { id } = await (await OpenDesktop.make(cloud)).tell();
    const { failure } = await snapshots.run({ Action: 'Restore', Response: id });
    expect(failure).toContain(`${id} is a response of ${REMEDIATION}`);
  });
});

describe('whom it is about', () => {
  test('does not approve it, and somebody else still can', async () => {
    const account = await cloud.account(SECURITY_ACCOUNT, HOME_REGION);
    const name = `eve-${randomUUID().slice(0, 8)}`;
    const arn = await createUser(account, name, { path: '/people/' });
    await createAccessKey(account, name, { created: 400, used: null });
    const iam = new IAMClient(config);
    const PolicyArn = `arn:aws:iam::${SECURITY_ACCOUNT}:policy/firebreak-runbook-approver`;
    await iam.send(new AttachUserPolicyCommand({ UserName: name, PolicyArn }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    };
    const eve = { region: HOME_REGION, endpoint: cloud.endpoint, credentials };

    const keys = await RunbookDesk.open(cloud, 'identity.deactivate-old-access-keys');
    const execution = await keys.start({ Target: arn, DryRun: 'false', Approvers: [arn] });
    const id = await askedAbout(execution);
    await signal(eve, execution, 'Approve');
    const { status, failure } = await keys.end(execution);
    expect([status, failure]).toEqual(['Failed', expect.stringContaining(`the finding of ${id} is about ${arn}`)]);
    expect(await recordOf(id)).toMatchObject({ response: { outcome: 'awaiting-approval' }, orders: [] });
    const ben = await signIn(cloud, 'ben', 'firebreak-approver');
    const denial = { method: 'POST', path: `/responses/${id}/deny` } as const;
    expect(await callDoor(ben, denial)).toMatchObject({ status: 202 });
  });
});

describe('who may start it', () => {
  test('may not approve it, and nobody else may start it', async () => {
    const desktop = await OpenDesktop.make(cloud);
    const said = { ...aimedAt(desktop.target), DryRun: 'false', Approvers: [desk.starter.arn, desk.approver.arn] };
    const execution = await desk.start(said);
    await waitingFor(config, execution, 'approve');
    await expect(signal(desk.as(desk.starter), execution, 'Approve')).rejects.toThrow(/not authorized/);
    await desk.decide(execution, 'Reject');
    await expect(startAutomation(desk.as(desk.approver), desk.document, said)).rejects.toThrow(/not authorized/);
  });
});

describe('the function', () => {
  /** An execution of somebody else's document, with a step of our name that waits. */
  const foreign = async (Name: string): Promise<string> => {
    const Approvers = [`arn:aws:iam::${SECURITY_ACCOUNT}:user/nobody`];
    const step = { name: 'plan', action: 'aws:approve', inputs: { Approvers } };
    await deployDocument(config, Name, stringify({ schemaVersion: '0.3', mainSteps: [step] }));
    return startAutomation(config, Name);
  };

  test('does nothing for an execution that is none of ours, has ended, or is elsewhere', async () => {
    const stranger = await foreign(`Firebreak-stranger-${randomUUID().slice(0, 8)}`);
    expect(await forge({ do: 'plan', execution: stranger })).toMatch(/is no execution of a runbook for a remediation/);
    const desktop = await OpenDesktop.make(cloud);
    const over = await desk.start(aimedAt(desktop.target));
    await desk.end(over);
    expect(await forge({ do: 'plan', execution: over })).toMatch(/is not at its step plan/);
    const waiting = await desk.ask(aimedAt(desktop.target));
    for (const step of ['plan', 'apply', 'deny', 'verify', 'result']) {
      expect(await forge({ do: step, execution: waiting })).toMatch(`is not at its step ${step}`);
    }
    const id = await askedAbout(waiting);
    expect((await recordOf(id)).orders).toEqual([]);
    await desk.decide(waiting, 'Reject');
    expect(await forge({ do: 'plan', execution: randomUUID() })).toMatch(/does not exist/);
  });

  test.each([
    { remediation: 'storage.block-public-bucket' },
    { by: 'arn:aws:iam::111122223333:user/boss' },
    { response: 'network-aaaaaaaaaa' },
    { do: 'approve' },
    { execution: '../x' },
  ])('takes nothing but a step and an execution: not %j', async (more) => {
    expect(await forge({ do: 'plan', execution: randomUUID(), ...more })).toMatch(/unrecognized|invalid/i);
  });

  test('believes nobody but SSM who approved: no step that only has the name', async () => {
    const { Content = '' } = await ssm.send(new GetDocumentCommand({ Name: desk.document, DocumentFormat: 'YAML' }));
    const content = parse(Content) as { mainSteps: { name: string }[] };
    const boss = JSON.stringify({ Approver: `arn:aws:iam::${SECURITY_ACCOUNT}:user/boss`, Decision: 'Approve' });
    const forged = {
      name: 'approve',
      action: 'aws:executeScript',
      inputs: {
        Runtime: 'python3.12',
        Handler: 'handle',
        Script: `def handle(events, context):\n  return {'status': 'Approved', 'said': ['${boss}']}\n`,
      },
      outputs: [
        { Name: 'ApprovalStatus', Selector: '$.Payload.status', Type: 'String' },
        { Name: 'ApproverDecisions', Selector: '$.Payload.said', Type: 'StringList' },
      ],
    };
    content.mainSteps = content.mainSteps.map((step) => (step.name === 'approve' ? forged : step));
    const { DocumentDescription } = await ssm.send(
      new UpdateDocumentCommand({
        ...{ Name: desk.document, Content: stringify(content), DocumentVersion: '$LATEST', DocumentFormat: 'YAML' },
      }),
    );
    const desktop = await OpenDesktop.make(cloud);
    const { AutomationExecutionId: execution = '' } = await ssm.send(
      new StartAutomationExecutionCommand({
        DocumentName: desk.document,
        DocumentVersion: DocumentDescription?.DocumentVersion,
        Parameters: {
          ...Object.fromEntries(Object.entries(aimedAt(desktop.target)).map(([name, value]) => [name, [value].flat()])),
          DryRun: ['false'],
          Approvers: [desk.approver.arn],
        },
      }),
    );
    const { status, failure } = await ended(config, execution);
    expect([status, failure]).toEqual(['Failed', expect.stringContaining('nobody has approved it')]);
    expect(await desktop.rules()).toHaveLength(3);
  });
});
