import { stringify } from 'yaml';
import type { Action } from '../../engine/remediation.ts';
import { PREFIX, type Step } from '../../functions/runbooks/automation.ts';
import type { Worker } from '../workers.ts';

/** The generated runbooks: a folder of which every file is generated. */
export const RUNBOOKS = 'runbooks/remediations';

/** Seconds that Automation waits for our Lambda at most. https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-lamb.html */
const LONGEST_CALL = 300;
/** Calls of that length while a worker tries again what fails for a passing reason: it gives up before. */
const CALLS = 3;
/** Seconds for an approval: no longer than plans wait, unless response-policy.yml says otherwise. */
const APPROVAL = 86_400;

const actionsOf = (workers: readonly Worker[]): readonly Action[] =>
  workers.flatMap(({ remediations }) => remediations);

/** runbooks/remediations/<remediation>.yml: for each remediation a runbook that plans it, asks for approval, applies, verifies; and takes it back. */
export const remediationRunbooks = (workers: readonly Worker[]): Readonly<Record<string, string>> =>
  Object.fromEntries(actionsOf(workers).map((action) => [`${RUNBOOKS}/${action.id}.yml`, document(action)]));

/** functions/runbooks/documents.json: what serverless.yml pulls in to deploy them. */
export const runbookDocuments = (workers: readonly Worker[]): object => ({
  Resources: Object.fromEntries(actionsOf(workers).map((action) => [logicalId(action.id), resource(action)])),
});

/** functions/runbooks/remediations.json: what their Lambda knows of remediations. */
export const runbookRemediations = (workers: readonly Worker[]): object =>
  Object.fromEntries(actionsOf(workers).map(({ id, title, resource }) => [id, { title, resource }]));

const logicalId = (id: string): string =>
  `Runbook${id.replaceAll(/(?:^|[^a-z0-9])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}`;

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-document.html */
const resource = (action: Action): object => ({
  Type: 'AWS::SSM::Document',
  Properties: {
    Name: `${PREFIX}${action.id}`,
    DocumentType: 'Automation',
    DocumentFormat: 'YAML',
    // A new version is the default at once.
    UpdateMethod: 'NewVersion',
    Content: { 'Fn::Sub': document(action) },
  },
});

const text = (description: string, pattern: string, fallback = '') => ({
  type: 'String',
  description,
  allowedPattern: pattern,
  default: fallback,
});

const parameters = {
  Action: {
    type: 'String',
    description: 'Apply fixes a resource; Restore takes a response back.',
    allowedValues: ['Apply', 'Restore'],
    default: 'Apply',
  },
  DryRun: {
    type: 'String',
    description: 'true shows the plan and changes nothing.',
    allowedValues: ['true', 'false'],
    default: 'true',
  },
  Target: text('Apply: the ARN of the resource.', '^(arn:[\\w+=,.@:/-]{1,507})?$'),
  Account: text(
    'Apply: the account of the resource, where its ARN does not say it (buckets, snapshots).',
    '^(\\d{12})?$',
  ),
  Region: text(
    "Apply: the Region of the resource, where its ARN does not say it. Empty: the runbook's own.",
    '^[a-z0-9-]{0,30}$',
  ),
  Response: text('Restore: the id of the response to take back.', '^[a-z0-9-]{0,60}$'),
  Reason: text('Why, for whoever is asked to approve it and reads of it later.', '^[^{}]{0,200}$'),
  Approvers: {
    type: 'StringList',
    description: 'ARNs of the IAM users and roles of which one has to approve it. Needed unless it is a dry run.',
    default: [],
  },
  AutomationAssumeRole: {
    type: 'AWS::IAM::Role::Arn',
    description: 'The role that the runbook acts in.',
    default: 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/firebreak-automation',
  },
};

const step = (name: Step, description: string) => ({
  name,
  description,
  action: 'aws:invokeLambdaFunction',
  timeoutSeconds: LONGEST_CALL,
  inputs: {
    FunctionName: 'firebreak-runbooks',
    InputPayload: { do: name, execution: '{{ automation:EXECUTION_ID }}' },
  },
});

const TOLD = ['response', 'outcome', 'reason', 'next', 'gist'] as const;

/** A step that tells what came of it. @param names of what its runbook needs of that */
const telling = (name: Step, description: string, names: readonly (typeof TOLD)[number][]) => ({
  ...step(name, description),
  // What has not ended in the time of one call is waited for by another.
  maxAttempts: CALLS,
  outputs: names.map((output) => ({ Name: output, Selector: `$.Payload.${output}`, Type: 'String' })),
});

const mainSteps = [
  telling('plan', 'The worker reads the resource and plans. Nothing is changed.', TOLD),
  {
    name: 'whatNext',
    description: 'A plan that waits for an approval gets one; what has ended is told.',
    action: 'aws:branch',
    inputs: {
      Choices: [{ Variable: '{{ plan.next }}', StringEquals: 'approve', NextStep: 'approve' }],
      Default: 'verify',
    },
  },
  {
    name: 'approve',
    description: 'Somebody looks at the plan, and decides.',
    action: 'aws:approve',
    timeoutSeconds: APPROVAL,
    onFailure: 'step:deny',
    inputs: {
      NotificationArn: 'arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:Automation-firebreak',
      Message: '{{ plan.gist }}',
      MinRequiredApprovals: 1,
      Approvers: '{{ Approvers }}',
    },
  },
  {
    ...step('apply', 'The ledger keeps who approved, and the worker goes on with the plan.'),
    nextStep: 'verify',
  },
  step('deny', 'The ledger keeps who rejected the plan.'),
  telling('verify', 'The worker has changed the resource, and read it again.', ['response', 'outcome', 'reason']),
  { ...step('result', 'Fails when it did not end as was meant, and says why.'), isEnd: true },
];

function document({ id, title, risk, resource: types, undo }: Action): string {
  const back = undo === 'irreversible' ? 'It cannot be taken back.' : 'Restore takes it back.';
  const content = {
    schemaVersion: '0.3',
    description: `${title}: \`${id}\`, on ${types.join(' or ')}. It is ${risk}. ${back} A dry run unless DryRun is false.`,
    assumeRole: '{{ AutomationAssumeRole }}',
    parameters,
    mainSteps,
    outputs: ['verify.response', 'verify.outcome', 'verify.reason'],
  };
  const head = '# Generated by npm run generate from the remediation. Do not edit.';
  return `${head}\n${stringify(content, { lineWidth: 120, aliasDuplicateObjects: false })}`;
}
