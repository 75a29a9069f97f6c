import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, parseDocument, stringify } from 'yaml';
import { loadRunbooks } from '../runbooks.ts';
import { lint } from './lint.ts';
import type { Allowed } from './rules.ts';

/** A runbook with a bit of everything, which nothing is wrong with. */
const GOOD = `
schemaVersion: '0.3'
description: Closes a bucket
assumeRole: '{{ AutomationAssumeRole }}'
parameters:
  Bucket: { type: String, allowedPattern: '^[a-z0-9.-]{3,63}$' }
  Action: { type: String, allowedValues: [Contain, Restore], default: Contain }
  DryRun: { type: String, allowedValues: ['true', 'false'], default: 'true' }
  Incident: { type: String, allowedPattern: '^[a-z]*$', default: '' }
  Approvers: { type: StringList, default: [] }
  AutomationAssumeRole: { type: 'AWS::IAM::Role::Arn', default: 'arn:aws:iam::444455556666:role/r' }
variables:
  Turn: { type: String, default: '1' }
outputs: [Close.Said]
mainSteps:
  - name: Look
    action: aws:loop
    inputs:
      MaxIterations: 3
      LoopCondition: { Variable: '{{ LookOnce.More }}', StringEquals: 'true' }
      Steps:
        - name: LookOnce
          action: aws:executeScript
          inputs:
            Runtime: python3.11
            Handler: look
            InputPayload: { turn: '{{ variable:Turn }}', incident: '{{ Incident }}', execution: '{{ automation:EXECUTION_ID }}' }
            Script: |
              import boto3
              def look(events, context):
                  s3 = boto3.client('s3')
                  s3.get_bucket_policy(Bucket='b')
                  return {'More': 'false'}
          outputs:
            - { Name: More, Selector: $.Payload.More, Type: String }
        - name: Next
          action: aws:updateVariable
          inputs: { Name: 'variable:Turn', Value: '{{ LookOnce.More }}' }
  - name: Read
    action: aws:executeAwsApi
    inputs: { Service: s3, Api: GetBucketAcl, Bucket: '{{ Bucket }}' }
    outputs:
      - { Name: Owner, Selector: $.Owner.ID, Type: String }
  - name: DryRunOrNot
    action: aws:branch
    inputs:
      Choices:
        - { Variable: '{{ DryRun }}', StringEquals: 'false', NextStep: Approve }
      Default: Nothing
  - name: Nothing
    action: aws:sleep
    isEnd: true
    inputs: { Duration: PT1S }
  - name: Approve
    action: aws:approve
    inputs: { Approvers: '{{ Approvers }}', Message: 'Of {{ Read.Owner }}', MinRequiredApprovals: 1 }
  - name: ContainOrRestore
    action: aws:branch
    inputs:
      Choices:
        - And:
            - { Variable: '{{ Action }}', StringEquals: Restore }
            - Not: { Variable: '{{ DryRun }}', StringEquals: 'true' }
          NextStep: Reopen
      Default: Close
  - name: Close
    action: aws:executeAwsApi
    onFailure: Abort
    isEnd: true
    inputs:
      Service: s3
      Api: PutPublicAccessBlock
      Bucket: '{{ Bucket }}'
      PublicAccessBlockConfiguration: { BlockPublicAcls: true }
    outputs:
      - { Name: Said, Selector: $.Said, Type: String }
  - name: Reopen
    action: aws:executeAwsApi
    onFailure: Abort
    inputs: { Service: s3, Api: DeletePublicAccessBlock, Bucket: '{{ Bucket }}' }
`;
const permissions: Allowed[] = [{ Action: ['s3:GetBucket*', 's3:PutBucketPublicAccessBlock'] }];
const said = (text: string): string[] => lint([{ file: 'r.yml', text, permissions }]);

/** GOOD with some text replaced, which must be there. */
function broken(from: string | RegExp, to: string): string {
  const text = GOOD.replace(from, () => to);
  if (text === GOOD) throw new Error(`there is no ${from}`);
  return text;
}

/** What is wrong with a runbook, the runbook, and what is said of it. */
type Case = readonly [wrong: string, text: string, expected: string];

test('what is good is not complained of', () => {
  expect(said(GOOD)).toEqual([]);
});

test('AWS accepts our runbooks', () => {
  expect(lint(loadRunbooks())).toEqual([]);
});

const REJECTED: readonly Case[] = [
  [
    'text that is no YAML',
    'a: b: c',
    'r.yml: line 1: Nested mappings are not allowed in compact mappings: write it as YAML takes it',
  ],
  ['a document that is no map', '- a', 'r.yml: document: it is no map: write schemaVersion, parameters and mainSteps'],
  ['another schema', broken("'0.3'", "'2.2'"), 'r.yml: schemaVersion: 2.2 is not known: write 0.3'],
  ['a document that is too long', `${GOOD}#${'x'.repeat(70_000)}`, 'bytes: write at most 65536'],
  ['YAML that may mean something else', broken('Closes a bucket', 'no'), 'YAML 1.1 reads it otherwise'],
  ['an unknown part', broken('outputs: [', 'results: ['), 'r.yml: document: results is not known: write'],
  [
    'an unknown action',
    broken('aws:sleep', 'aws:slep'),
    'r.yml: Nothing: action aws:slep is not known: write aws:sleep',
  ],
  [
    'an old runtime',
    broken('python3.11', 'python3.8'),
    'r.yml: LookOnce: inputs.Runtime python3.8 is not known: write python3.10',
  ],
  ['an unknown comparison', broken('StringEquals: Restore', 'StringIs: Restore'), 'StringIs is not known: write'],
  [
    'a condition that compares nothing',
    broken(', StringEquals: Restore', ''),
    'r.yml: ContainOrRestore: the condition {"Variable":"{{ Action }}"} is no comparison',
  ],
  [
    'a condition that says two things',
    broken('- Not: {', '- Or: []\n              Not: {'),
    'is no comparison: write a Variable and one operator',
  ],
  [
    'a loop without an end',
    broken('MaxIterations: 3', 'MaxIterations: 300'),
    'r.yml: Look: inputs.MaxIterations must be <= 100',
  ],
  ['a step without inputs', broken('inputs: { Duration: PT1S }', ''), 'r.yml: Nothing: has no inputs: write inputs'],
  ['a name with a space', broken('name: Nothing', 'name: No thing'), 'No thing: name No thing does not match'],
  ['two steps of a name', broken('name: Reopen', 'name: Next'), 'r.yml: Next: there is another step of that name'],
  [
    'a way to nowhere',
    broken('Default: Nothing', 'Default: Nowhere'),
    'r.yml: DryRunOrNot: it leads to Nowhere, which is not there',
  ],
  [
    'a failure to nowhere',
    broken('onFailure: Abort', 'onFailure: step:Tell'),
    'r.yml: Close: it leads to Tell, which is not there',
  ],
  ['a step that nothing leads to', broken('NextStep: Reopen', 'NextStep: Close'), 'r.yml: Reopen: nothing leads to it'],
  [
    'a circle',
    broken('    isEnd: true\n    inputs: { Duration', '    nextStep: Read\n    inputs: { Duration'),
    'it goes round: Read -> DryRunOrNot -> Nothing -> Read',
  ],
  [
    'an end that goes on',
    broken('isEnd: true', 'isEnd: true\n    nextStep: Approve'),
    'r.yml: Nothing: it ends, and has a nextStep',
  ],
  [
    'a parameter that is not there',
    broken("'{{ Bucket }}'", "'{{ Buckt }}'"),
    'r.yml: Read: {{ Buckt }} refers to nothing: write {{ Bucket }}',
  ],
  [
    'a variable that is not there',
    broken("'{{ variable:Turn }}'", "'{{ variable:Trn }}'"),
    'write {{ variable:Turn }}',
  ],
  [
    'a system variable that is not there',
    broken('automation:EXECUTION_ID', 'automation:ID'),
    '{{ automation:ID }} refers to nothing',
  ],
  [
    'an output that is not declared',
    broken('Read.Owner', 'Read.Owners'),
    '{{ Read.Owners }} refers to nothing: write {{ Read.Owner }}',
  ],
  ['an output of a step that comes later', broken('Read.Owner', 'Close.Said'), '{{ Close.Said }} is not there yet'],
  [
    'an output of a step that may have failed',
    broken(
      '    inputs: { Service: s3, Api: GetBucketAcl',
      '    onFailure: step:Approve\n    inputs: { Service: s3, Api: GetBucketAcl',
    ),
    '{{ Read.Owner }} is not there yet',
  ],
  [
    'an output of a turn beyond the loop',
    broken('Read.Owner', 'LookOnce.More'),
    '{{ LookOnce.More }} is not there yet',
  ],
  [
    'an output of the document that no step has',
    broken('[Close.Said]', '[Close.Word]'),
    'r.yml: outputs: {{ Close.Word }} refers to nothing',
  ],
  [
    'a reference in a script',
    broken("Bucket='b'", "Bucket='{{ Bucket }}'"),
    'r.yml: LookOnce: {{ Bucket }} would become code of the script',
  ],
  [
    'a service that is none',
    broken('Service: s3, Api: GetBucketAcl', 'Service: s3s, Api: GetBucketAcl'),
    'r.yml: Read: the SDK has no service s3s',
  ],
  [
    'an operation that is none',
    broken('GetBucketAcl', 'GetBucketACL'),
    'r.yml: Read: s3 has no operation GetBucketACL: write GetBucketAcl',
  ],
  ['a method in place of an operation', broken('GetBucketAcl', 'get_bucket_acl'), 'write GetBucketAcl'],
  ['an operation that streams', broken('Api: GetBucketAcl,', 'Api: GetObject, Key: k,'), 'GetObject streams'],
  [
    'a member that is none',
    broken('BlockPublicAcls: true', 'BlockPublicAcl: true'),
    'BlockPublicAcl is no member of PublicAccessBlockConfiguration: write BlockPublicAcls',
  ],
  [
    'a member that is missing',
    broken("GetBucketAcl, Bucket: '{{ Bucket }}'", 'GetBucketAcl'),
    'r.yml: Read: input has no Bucket: write Bucket',
  ],
  [
    'a member of another type',
    broken('BlockPublicAcls: true', 'BlockPublicAcls: perhaps'),
    'BlockPublicAcls is no boolean',
  ],
  [
    'a script that does not compile',
    broken("return {'More'", "return {{'More'"),
    'r.yml: LookOnce: its script does not compile',
  ],
  [
    'a handler that is not there',
    broken('Handler: look', 'Handler: lock'),
    'its script has no function lock: write def lock(events, context):',
  ],
  [
    'a method that is none',
    broken('s3.get_bucket_policy', 's3.get_bucket_polcy'),
    'line 4: s3 has no get_bucket_polcy: write get_bucket_policy',
  ],
  [
    'a client of nobody knows what',
    broken("boto3.client('s3')", 'boto3.client(events)'),
    'it does not say what boto3.client(events) is a client of',
  ],
  [
    'a default of another type',
    broken("'true', 'false'], default: 'true'", "'true', 'false'], default: true"),
    'parameter DryRun: its default is no String',
  ],
  [
    'a default that is not allowed',
    broken('default: Contain', 'default: Contian'),
    'parameter Action: its default Contian is not allowed',
  ],
  [
    'a default that does not match',
    broken("default: ''", "default: '1'"),
    "parameter Incident: its default '1' does not match",
  ],
  ['a pattern that is none', broken("'^[a-z]*$'", "'^[a-z*$'"), 'parameter Incident: ^[a-z*$ is no pattern'],
  ['a type that is none', broken('type: StringList', 'type: Strings'), 'Approvers.type Strings does not match'],
];

const NOT_OURS: readonly Case[] = [
  [
    'a runbook that is no dry run by default',
    broken("['true', 'false'], default: 'true'", "['true', 'false'], default: 'false'"),
    'parameter DryRun: it is not on by default',
  ],
  [
    'a runbook that changes something in a dry run',
    broken('Default: Nothing', 'Default: Close'),
    'r.yml: Close: it changes something in a dry run of Contain',
  ],
  [
    'a change without approval',
    broken('NextStep: Approve', 'NextStep: ContainOrRestore'),
    'r.yml: Close: it changes something without an approval: write an aws:approve before it',
  ],
  [
    'a change after a rejection',
    broken('action: aws:approve', 'action: aws:approve\n    onFailure: step:ContainOrRestore'),
    'r.yml: Close: it changes something without an approval',
  ],
  [
    'a script that changes something before the approval',
    broken('s3.get_bucket_policy', 's3.delete_bucket_policy'),
    'r.yml: Look: it changes something in a dry run',
  ],
  [
    'a runbook that takes nothing back',
    broken('allowedValues: [Contain, Restore]', 'allowedValues: [Contain]'),
    'parameter Action: it does not choose',
  ],
  [
    'a Restore that changes nothing',
    broken('Api: DeletePublicAccessBlock', 'Api: GetPublicAccessBlock'),
    'mainSteps: Restore takes nothing back',
  ],
  [
    'a change that does not say what follows when it fails',
    broken('    onFailure: Abort\n    isEnd', '    isEnd'),
    'r.yml: Close: it changes something, and does not say',
  ],
  [
    'an incident that is any text',
    broken("{ type: String, allowedPattern: '^[a-z]*$', default: '' }", "{ type: String, default: '' }"),
    'parameter Incident: any text passes',
  ],
  [
    'a parameter that nothing refers to',
    broken("incident: '{{ Incident }}', ", ''),
    'parameter Incident: nothing refers to it',
  ],
];

// The SDK takes a second to start, so all are asked about at once.
const told = Map.groupBy(
  lint([...REJECTED, ...NOT_OURS].map(([file, text]) => ({ file, text, permissions }))),
  (fault) => fault.slice(0, fault.indexOf(':')),
);
const tells = (file: string, expected: string): void => {
  expect(told.get(file)).toContainEqual(expect.stringContaining(expected.replace(/^r\.yml/, file)));
};

test.each(REJECTED)('AWS would reject %s', (file, _, expected) => tells(file, expected));

describe('we do not have', () => {
  test.each(NOT_OURS)('%s', (file, _, expected) => tells(file, expected));

  test('a call, of a step or a script, that the role may not make', () => {
    expect(lint([{ file: 'r.yml', text: GOOD, permissions: [{ Action: ['s3:PutBucketPublicAccessBlock'] }] }])).toEqual(
      [
        'r.yml: LookOnce: its role may not s3:GetBucketPolicy: write s3:GetBucketPolicy into runbooks/permissions.yml',
        'r.yml: Read: its role may not s3:GetBucketAcl: write s3:GetBucketAcl into runbooks/permissions.yml',
      ],
    );
  });
});

/** A document with some part of it replaced by anything. */
const mutated = fc.tuple(fc.infiniteStream(fc.nat()), fc.jsonValue({ maxDepth: 3 })).map(([choices, value]) => {
  const document: unknown = parse(GOOD);
  let at = document as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(at);
    const key = keys[(choices.next().value ?? 0) % Math.max(1, keys.length)];
    if (key === undefined) return stringify(document);
    const below = at[key];
    if (typeof below !== 'object' || below === null || (choices.next().value ?? 0) % 4 === 0) {
      at[key] = value;
      return stringify(document);
    }
    at = below as Record<string, unknown>;
  }
});

/** The ways to all parts of a value. */
const ways = (value: unknown): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, part]) => [[key], ...ways(part).map((way) => [key, ...way])])
    : [];

test.each([
  ['a map', { toString: false }],
  ['a list', [{ toString: false }]],
])('%s whose text cannot be asked for is told of wherever it stands', (_, value) => {
  const texts = ways(parse(GOOD)).map((way) => {
    const document = parseDocument(GOOD);
    document.setIn(way, document.createNode(value));
    return document.toString();
  });
  const faults = lint(texts.map((text, index) => ({ file: `${index}.yml`, text, permissions })));
  for (const fault of faults) expect(fault).toMatch(/^\d+\.yml: [\s\S]*: write /);
  expect(texts.length).toBeGreaterThan(50);
  expect(new Set(faults.map((fault) => Number.parseInt(fault, 10))).size).toBeGreaterThan(texts.length / 2);
});

test('it says something of any text, and never throws', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => stringify(value)),
    mutated,
  );
  fc.assert(
    fc.property(fc.array(anything, { minLength: 40, maxLength: 60 }), (texts) => {
      const faults = lint(texts.map((text, index) => ({ file: `${index}.yml`, text, permissions })));
      for (const fault of faults) expect(fault).toMatch(/^\d+\.yml: [\s\S]*: write /);
    }),
    { numRuns: 6 },
  );
}, 300_000);
