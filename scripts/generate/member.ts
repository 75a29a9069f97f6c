import { anyTarget } from '../../engine/targets.ts';
import { SWEEP_READS } from '../../functions/sweep/unused-groups.ts';
import type { Worker } from '../workers.ts';
import { document, role, statements, sub } from './roles.ts';
import { logicalId, type Rule } from './rules.ts';
import { yaml } from './yaml.ts';

/** Sources whose findings stay in the account where they arise; the others reach the administrator by themselves. */
const NOT_AGGREGATED = new Set(['cloudtrail', 'access-analyzer']);

/** organization/member.yml: what every account needs, deployed in each Region. */
export function memberTemplate(workers: readonly Worker[], rules: readonly Rule[]): string {
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'Firebreak in an account: the roles its workers act with, and the events it must see',
    Parameters: {
      SecurityAccount: {
        Type: 'String',
        AllowedPattern: '\\d{12}',
        Description: 'The account that Firebreak is deployed in',
      },
      HomeRegion: { Type: 'String', Description: 'The Region that Firebreak is deployed in' },
      Administrator: {
        Type: 'String',
        AllowedValues: ['yes', 'no'],
        Default: 'no',
        Description:
          'Whether this account, though not the security account, is a delegated administrator of GuardDuty, Macie, Inspector or Security Hub',
      },
    },
    Conditions: {
      // Roles are global: one Region of an account creates them.
      InHomeRegion: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, { Ref: 'HomeRegion' }] },
      InSecurityAccount: { 'Fn::Equals': [{ Ref: 'AWS::AccountId' }, { Ref: 'SecurityAccount' }] },
      // Firebreak's own bus has the rules that deliver; from everywhere else events are forwarded to it.
      Forwards: { 'Fn::Not': [{ 'Fn::And': [{ Condition: 'InHomeRegion' }, { Condition: 'InSecurityAccount' }] }] },
      // The administrator of the aggregating services sees the members' findings, in each Region.
      InAdministrator: {
        'Fn::Or': [{ Condition: 'InSecurityAccount' }, { 'Fn::Equals': [{ Ref: 'Administrator' }, 'yes'] }],
      },
      ForwardsAll: { 'Fn::And': [{ Condition: 'Forwards' }, { Condition: 'InAdministrator' }] },
    },
    Resources: {
      ...Object.fromEntries(workers.map((worker) => [logicalId(worker.name, 'role'), workerRole(worker)])),
      [logicalId('sweep', 'role')]: sweepRole(),
      ForwardingRole: {
        Type: 'AWS::IAM::Role',
        Condition: 'InHomeRegion',
        Properties: {
          RoleName: 'firebreak-forward-events',
          Description: "Lets EventBridge forward events to Firebreak's bus",
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { Service: 'events.amazonaws.com' },
                Action: 'sts:AssumeRole',
                Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
              },
            ],
          },
          Policies: [
            {
              PolicyName: 'forward',
              PolicyDocument: {
                Version: '2012-10-17',
                Statement: [{ Effect: 'Allow', Action: 'events:PutEvents', Resource: sub(BUS) }],
              },
            },
          ],
        },
      },
      ...Object.fromEntries(rules.map((rule) => [`Forward${rule.logicalId}`, forward(rule)])),
    },
  };
  return yaml("the remediations' declarations", template);
}

const BUS = 'arn:${AWS::Partition}:events:${HomeRegion}:${SecurityAccount}:event-bus/default';

const forward = ({ name, source, pattern }: Rule) => ({
  Type: 'AWS::Events::Rule',
  Condition: NOT_AGGREGATED.has(source) ? 'Forwards' : 'ForwardsAll',
  Properties: {
    Name: name.replace('firebreak-', 'firebreak-forward-'),
    EventPattern: pattern,
    Targets: [
      {
        Id: 'firebreak',
        Arn: sub(BUS),
        RoleArn: sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/firebreak-forward-events'),
      },
    ],
  },
});

function workerRole({ name, remediations }: Worker) {
  const reads = [...new Set(remediations.flatMap(({ permissions }) => permissions.read))].sort();
  const writes = remediations.flatMap(({ resource, permissions }) =>
    resource.flatMap((type) => permissions.write(anyTarget(type))),
  );
  return role(
    name,
    `Firebreak's ${name} worker acts with this role, narrowed to one resource by a session policy`,
    inline('remediations', [read(reads), ...statements(writes)]),
  );
}

const sweepRole = () =>
  role('sweep', "Firebreak's sweep looks with this role, and writes nothing", inline('sweep', [read(SWEEP_READS)]));

const read = (Action: readonly string[]) => ({ Sid: 'Read', Effect: 'Allow', Action, Resource: '*' });

const inline = (PolicyName: string, statements: readonly object[]) => ({
  Policies: [{ PolicyName, PolicyDocument: document(statements) }],
});
