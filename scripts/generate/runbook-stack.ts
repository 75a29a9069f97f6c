import { type Runbook, runbookRole } from '../runbooks.ts';
import { document, sub } from './roles.ts';
import { yaml } from './yaml.ts';

const BUCKET = 'firebreak-evidence-${AWS::AccountId}-${AWS::Region}';
/** Those of an account in all Regions: its roles are global. */
const BUCKETS = 'firebreak-evidence-${AWS::AccountId}-*';

/** organization/runbooks.yml: the hand-written runbooks, what each may do, and where they keep what they found. */
export function runbookStack(runbooks: readonly Runbook[]): string {
  return yaml('runbooks/', {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      'Firebreak in an account: the runbooks that people start there, their roles, and the bucket for evidence',
    Parameters: { HomeRegion: { Type: 'String', Description: 'The Region that Firebreak is deployed in' } },
    Conditions: {
      // Roles are global: one Region of an account creates them.
      InHomeRegion: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, { Ref: 'HomeRegion' }] },
    },
    Resources: {
      EvidenceBucket: BUCKET_RESOURCE,
      EvidenceBucketPolicy: {
        Type: 'AWS::S3::BucketPolicy',
        Properties: { Bucket: { Ref: 'EvidenceBucket' }, PolicyDocument: document(BUCKET_STATEMENTS) },
      },
      ...Object.fromEntries(
        runbooks.flatMap((runbook) => [
          [logicalId(runbook, ''), automation(runbook)],
          [logicalId(runbook, 'Role'), role(runbook)],
        ]),
      ),
    },
  });
}

const logicalId = ({ document }: Runbook, what: string): string => `${document.replace('Firebreak-', '')}${what}`;

const BUCKET_RESOURCE = {
  Type: 'AWS::S3::Bucket',
  DeletionPolicy: 'Retain',
  UpdateReplacePolicy: 'Retain',
  Properties: {
    BucketName: sub(BUCKET),
    VersioningConfiguration: { Status: 'Enabled' },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  },
};

/** What nobody may, the account's administrators neither. What Restore goes by is written by the runbooks alone. */
const BUCKET_STATEMENTS = [
  {
    Sid: 'WithoutTLS',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [sub(`arn:\${AWS::Partition}:s3:::${BUCKET}`), sub(`arn:\${AWS::Partition}:s3:::${BUCKET}/*`)],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  },
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
  {
    Sid: 'OverWhatIsThere',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    Resource: sub(`arn:\${AWS::Partition}:s3:::${BUCKET}/*`),
    Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
  },
  {
    Sid: 'ByOthersThanRunbooks',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObject',
    NotResource: sub(`arn:\${AWS::Partition}:s3:::${BUCKET}/incidents/*`),
    Condition: {
      ArnNotLike: { 'aws:PrincipalArn': sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:role/firebreak-runbook-*') },
    },
  },
  {
    Sid: 'WhatIsKept',
    Effect: 'Deny',
    Principal: '*',
    Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
    Resource: sub(`arn:\${AWS::Partition}:s3:::${BUCKET}/*`),
  },
];

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ssm-document.html */
const automation = ({ document: Name, text }: Runbook) => ({
  Type: 'AWS::SSM::Document',
  Properties: {
    Name,
    DocumentType: 'Automation',
    DocumentFormat: 'YAML',
    // A new version is the default at once: nobody contains anything by an old one.
    UpdateMethod: 'NewVersion',
    Content: sub(text),
  },
});

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-iam.html */
const role = ({ file, document: name, permissions }: Runbook) => ({
  Type: 'AWS::IAM::Role',
  Condition: 'InHomeRegion',
  Properties: {
    RoleName: runbookRole(file),
    Description: `The runbook ${name} acts in this role`,
    AssumeRolePolicyDocument: document([
      {
        Effect: 'Allow',
        Principal: { Service: 'ssm.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]),
    Policies: [
      {
        PolicyName: 'runbook',
        PolicyDocument: document([
          {
            Sid: 'Evidence',
            Effect: 'Allow',
            Action: ['s3:GetObject', 's3:PutObject'],
            Resource: sub(`arn:\${AWS::Partition}:s3:::${BUCKETS}/${file}/*`),
          },
          // Without this S3 says of an object that does not exist that it may not be read.
          {
            Sid: 'NoEvidence',
            Effect: 'Allow',
            Action: 's3:ListBucket',
            Resource: sub(`arn:\${AWS::Partition}:s3:::${BUCKETS}`),
          },
          {
            Sid: 'Custody',
            Effect: 'Allow',
            Action: 'ssm:GetAutomationExecution',
            Resource: sub('arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:automation-execution/*'),
          },
          ...permissions.map(({ Resource, ...statement }) => ({
            Effect: 'Allow',
            ...statement,
            Resource: typeof Resource === 'string' ? sub(Resource) : Resource.map(sub),
          })),
        ]),
      },
    ],
  },
});
