import { memberRole } from '../../engine/aws/sessions.ts';
import { merged } from '../../engine/permissions.ts';
import type { Permission } from '../../engine/remediation.ts';

/** Text of a template in which CloudFormation fills in names. */
export const sub = (text: string) => (text.includes('${') ? { 'Fn::Sub': text } : text);

export const document = (Statement: readonly object[]) => ({ Version: '2012-10-17', Statement });

/** A role that one function's execution role may assume, and nobody else. @param trusted the condition under which */
export const role = (name: string, Description: string, permissions: object, trusted?: object) => ({
  Type: 'AWS::IAM::Role',
  Condition: 'InHomeRegion',
  Properties: {
    RoleName: memberRole(name),
    Description,
    MaxSessionDuration: 3_600,
    AssumeRolePolicyDocument: document([
      {
        Effect: 'Allow',
        Principal: { AWS: sub(`arn:\${AWS::Partition}:iam::\${SecurityAccount}:role/firebreak-worker-${name}`) },
        Action: 'sts:AssumeRole',
        ...(trusted && { Condition: trusted }),
      },
    ]),
    ...permissions,
  },
});

/** Permissions as statements: those on the same resources under the same condition are one. */
export const statements = (permissions: readonly Permission[]): object[] =>
  merged(permissions).map(({ actions, resources, condition }) => ({
    Effect: 'Allow',
    Action: actions,
    Resource: resources.map(sub),
    ...(condition && { Condition: condition }),
  }));
