import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import type { Permission } from '../../engine/remediation.ts';
import type { Kind } from '../../simulations/kinds/kind.ts';
import { defineScenario, type Scenario } from '../../simulations/scenario.ts';
import { MANAGED_POLICY_CHARACTERS, sandboxTemplate } from './sandbox.ts';

interface Resource {
  readonly Type: string;
  readonly Properties: { readonly PolicyDocument: { readonly Statement: readonly object[] } };
}

const queue: Kind = {
  type: 'AWS::SQS::Queue',
  permissions: {
    read: ['sqs:ListQueues'],
    own: (run, { partition, region, account }) => [
      { actions: ['sqs:DeleteQueue'], resources: [`arn:${partition}:sqs:${region}:${account}:firebreak-sim-${run}-*`] },
    ],
  },
  inventory: async () => ({}),
  left: async () => [],
  remove: async () => {},
};

const scenario = (...permissions: Permission[]): Scenario =>
  defineScenario({
    id: 'impact.queue',
    title: '',
    story: '',
    attack: [],
    csf: [],
    safety: 'inert',
    cost: 0,
    minutes: {},
    objectives: {},
    kinds: [queue],
    permissions: () => permissions,
    parameters: z.strictObject({}),
    findings: [],
    responses: [],
    warmUp: async () => ({}),
    inject: async () => {},
    expect: async () => true,
  });

const policiesOf = (scenarios: readonly Scenario[]): (readonly object[])[] =>
  Object.values((parse(sandboxTemplate(scenarios)) as { Resources: Record<string, Resource> }).Resources)
    .filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy')
    .map(({ Properties }) => Properties.PolicyDocument.Statement);

test('permissions of scenarios that share a kind are the kind’s once, and what each needs beside', () => {
  const finds: Permission = { actions: ['sqs:GetQueueUrl'], resources: ['*'] };
  const sends = (name: string): Permission => ({
    actions: ['sqs:SendMessage'],
    resources: [`arn:aws:sqs:*:*:${name}`],
  });
  expect(policiesOf([scenario(finds, sends('a')), scenario(finds, sends('b'))])).toEqual([
    [
      { Effect: 'Allow', Action: ['sqs:GetQueueUrl', 'sqs:ListQueues'], Resource: ['*'] },
      {
        Effect: 'Allow',
        Action: ['sqs:DeleteQueue'],
        Resource: [{ 'Fn::Sub': 'arn:${AWS::Partition}:sqs:*:${AWS::AccountId}:firebreak-sim-*-*' }],
      },
      { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: ['arn:aws:sqs:*:*:a'] },
      { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: ['arn:aws:sqs:*:*:b'] },
    ],
  ]);
});

test('what asks GuardDuty for samples is there where a scenario does', () => {
  const [sampled] = policiesOf([{ ...scenario(), minutes: { 'sample-finding': 20 } }]);
  expect(sampled).toContainEqual({
    Effect: 'Allow',
    Action: ['guardduty:CreateSampleFindings', 'guardduty:ListDetectors', 'sqs:ListQueues'],
    Resource: ['*'],
  });
});

test('what one policy has no room for goes into the next, and nothing is lost', () => {
  const permissions = Array.from({ length: 150 }, (_, index) => ({
    actions: ['sqs:SendMessage'],
    resources: [`arn:aws:sqs:*:*:queue-${index}`],
  }));
  const policies = policiesOf([scenario(...permissions)]);
  expect(policies.length).toBeGreaterThan(1);
  expect(policies.flat()).toHaveLength(152);
  for (const policy of policies) expect(JSON.stringify(policy).length).toBeLessThan(MANAGED_POLICY_CHARACTERS);
});

test('more than a role can have is told when it is generated', () => {
  const permissions = Array.from({ length: 2_000 }, (_, index) => ({
    actions: ['sqs:SendMessage'],
    resources: [`arn:aws:sqs:*:*:queue-${index}`],
  }));
  expect(() => sandboxTemplate([scenario(...permissions)])).toThrow('too many for one role');
});
