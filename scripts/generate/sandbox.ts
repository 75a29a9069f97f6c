import type { Permission } from '../../engine/remediation.ts';
import { SAMPLE_PERMISSIONS } from '../../simulations/samples.ts';
import type { Scenario } from '../../simulations/scenario.ts';
import { document, role, statements } from './roles.ts';
import { yaml } from './yaml.ts';

/**
 * Characters of a managed policy, without its spaces; ours is longer here than it is when CloudFormation has filled in names.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
export const MANAGED_POLICY_CHARACTERS = 6_144;
/** Managed policies of one role, without asking AWS for more. */
export const MANAGED_POLICIES = 10;

/** Where a run may be: anywhere in the account that the template is deployed in. */
const ANYWHERE = { account: '${AWS::AccountId}', region: '*', partition: '${AWS::Partition}' };

/** organization/sandbox.yml: what accounts need in which simulations run, deployed in each Region where they do. */
export function sandboxTemplate(scenarios: readonly Scenario[]): string {
  const policies = split(statements(permissionsOf(scenarios))).map(
    (policy, index) => [`SimulatePolicy${index + 1}`, managed(`firebreak-simulate-${index + 1}`, policy)] as const,
  );
  return yaml("the simulations' declarations", {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      "Firebreak's simulations in a sandbox account: the role they act with, and a network without a way out",
    Parameters: {
      SecurityAccount: {
        Type: 'String',
        AllowedPattern: '\\d{12}',
        Description: 'The account that Firebreak is deployed in. Nothing is made there',
      },
      HomeRegion: { Type: 'String', Description: 'The Region that Firebreak is deployed in' },
      Organization: {
        Type: 'String',
        AllowedPattern: 'o-[a-z0-9]{10,32}',
        Description: 'The organisation that the security account has to be in',
      },
    },
    Conditions: {
      InSandbox: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AWS::AccountId' }, { Ref: 'SecurityAccount' }] }] },
      // Roles are global: one Region of an account creates them.
      InHomeRegion: {
        'Fn::And': [{ Condition: 'InSandbox' }, { 'Fn::Equals': [{ Ref: 'AWS::Region' }, { Ref: 'HomeRegion' }] }],
      },
    },
    Resources: {
      ...Object.fromEntries(policies),
      SimulateRole: role(
        'simulate',
        "Firebreak's simulator acts with this role, narrowed to one run by a session policy",
        { ManagedPolicyArns: policies.map(([id]) => ({ Ref: id })) },
        { StringEquals: { 'aws:PrincipalOrgID': { Ref: 'Organization' } } },
      ),
      // No gateway, no endpoint, no peer: what runs in it reaches nothing but the VPC's own resolver.
      Network: {
        Type: 'AWS::EC2::VPC',
        Condition: 'InSandbox',
        Properties: { CidrBlock: CIDR, EnableDnsSupport: true, EnableDnsHostnames: false, Tags: TAGS },
      },
      Subnet: {
        Type: 'AWS::EC2::Subnet',
        Condition: 'InSandbox',
        Properties: { VpcId: { Ref: 'Network' }, CidrBlock: CIDR, MapPublicIpOnLaunch: false, Tags: TAGS },
      },
    },
  });
}

const CIDR = '10.0.0.0/24';
const TAGS = [
  { Key: 'Name', Value: 'firebreak-sandbox' },
  { Key: 'firebreak:sandbox', Value: 'network' },
];

/** What runs of all scenarios need, whichever run it is. */
const permissionsOf = (scenarios: readonly Scenario[]): readonly Permission[] => {
  const kinds = [...new Set(scenarios.flatMap((scenario) => scenario.kinds))];
  return [
    { actions: kinds.flatMap(({ permissions }) => permissions.read), resources: ['*'] },
    ...kinds.flatMap(({ permissions }) => permissions.own('*', ANYWHERE)),
    ...scenarios.flatMap((scenario) => scenario.permissions('*', ANYWHERE)),
    ...scenarios.flatMap(({ minutes }) => ('sample-finding' in minutes ? SAMPLE_PERMISSIONS : [])),
  ];
};

const managed = (ManagedPolicyName: string, policy: readonly object[]) => ({
  Type: 'AWS::IAM::ManagedPolicy',
  Condition: 'InHomeRegion',
  Properties: {
    ManagedPolicyName,
    Description: 'What simulations may read, make and remove in a sandbox account',
    PolicyDocument: document(policy),
  },
});

/** Statements in as few policies as have room for them, in order. @throws when they are too many for one role */
function split(all: readonly object[]): readonly (readonly object[])[] {
  const policies: object[][] = [];
  for (const statement of all) {
    const last = policies.at(-1) ?? [];
    const fits = JSON.stringify(document([...last, statement])).length <= MANAGED_POLICY_CHARACTERS;
    if (last.length > 0 && fits) last.push(statement);
    else policies.push([statement]);
  }
  if (policies.length > MANAGED_POLICIES) throw new Error(`${policies.length} policies are too many for one role`);
  return policies;
}
