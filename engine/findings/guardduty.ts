import * as z from 'zod/mini';
import type { FindingResource } from './finding.ts';
import { isNamed } from './identity.ts';
import { accountId, instant, json, maybe, name, partitionOf, reader, region, shape } from './reader.ts';
import { ACCOUNT, distinct, resource } from './resources.ts';
import { severityOf } from './severity.ts';

const text = maybe(z.string());

/** https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Finding.html, less its capitals */
const finding = shape(() =>
  z.object({
    accountId,
    region,
    arn: name,
    type: name,
    title: maybe(z.string()),
    severity: z.number().check(z.gte(0, 'is below 0'), z.lte(10, 'is above 10')),
    updatedAt: instant,
    resource: z.object({
      resourceType: maybe(z.string()),
      accessKeyDetails: maybe(z.object({ userType: text, userName: text, principalId: text })),
      s3BucketDetails: maybe(z.array(z.object({ arn: text, name: text }))),
      instanceDetails: maybe(z.object({ instanceId: text })),
      ebsSnapshotDetails: maybe(z.object({ snapshotArn: text })),
      lambdaDetails: maybe(z.object({ functionArn: text })),
      rdsDbInstanceDetails: maybe(z.object({ dbInstanceArn: text })),
      eksClusterDetails: maybe(z.object({ arn: text })),
      ecsClusterDetails: maybe(z.object({ arn: text })),
    }),
    service: z.object({
      archived: maybe(z.boolean()),
      resourceRole: maybe(z.string()),
      action: maybe(
        z.object({
          awsApiCallAction: maybe(z.object({ remoteAccountDetails: maybe(z.object({ accountId: maybe(accountId) })) })),
        }),
      ),
      additionalInfo: maybe(z.object({ sample: maybe(z.boolean()), value: maybe(z.unknown()) })),
    }),
  }),
);
type Detail = z.output<ReturnType<typeof finding>>;

/**
 * A finding of GuardDuty. Its account and Region are those of the detail: with a delegated administrator the envelope has
 * the administrator's.
 * https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html
 */
export const guardDuty = reader(finding, (detail, envelope) => {
  const place = { account: detail.accountId, region: detail.region, partition: partitionOf(detail.region) };
  const principal = principalOf(detail, place.partition);
  const role = ROLES.get(detail.service.resourceRole ?? '');
  return [
    {
      source: 'guardduty',
      type: detail.type,
      id: detail.arn,
      title: detail.title ?? detail.type,
      severity: severityOf(detail.severity),
      score: detail.severity,
      ...place,
      resources: distinct(subjects(detail).map(([type, id]) => (id ? resource(type, id, place) : undefined))),
      updatedAt: detail.updatedAt,
      status: detail.service.archived ? 'suppressed' : 'active',
      sample: isSample(detail),
      requested: false,
      ...(principal && { principal }),
      ...(role && { role }),
      envelope,
    },
  ];
});

const ROLES: ReadonlyMap<string, 'actor' | 'target'> = new Map([
  ['ACTOR', 'actor'],
  ['TARGET', 'target'],
]);

type Subject = readonly [type: FindingResource['type'], id: string | null | undefined];

/**
 * What the finding is about, which is not all that it mentions: a finding on credentials or on a bucket also describes the
 * instance that the call came from, and one on S3 comes with the resource type AccessKey when it is about the call that
 * changed the bucket.
 */
function subjects({ type, accountId, resource }: Detail): readonly Subject[] {
  if (/^\w+:S3\//.test(type)) {
    const buckets = resource.s3BucketDetails ?? [];
    return type.includes('/Account')
      ? [[ACCOUNT, accountId]]
      : buckets.map(({ arn, name }) => ['AWS::S3::Bucket', arn ?? name]);
  }
  switch (resource.resourceType) {
    case 'AccessKey': {
      const key = resource.accessKeyDetails;
      return key?.userType === 'IAMUser' ? [['AWS::IAM::User', key.userName]] : [];
    }
    case 'Instance':
      return [['AWS::EC2::Instance', resource.instanceDetails?.instanceId]];
    case 'EBSSnapshot':
      return [['AWS::EC2::Snapshot', resource.ebsSnapshotDetails?.snapshotArn]];
    case 'Lambda':
      return [['AWS::Lambda::Function', resource.lambdaDetails?.functionArn]];
    case 'RDSDBInstance':
      return [['AWS::RDS::DBInstance', resource.rdsDbInstanceDetails?.dbInstanceArn]];
    case 'EKSCluster':
      return [['AWS::EKS::Cluster', resource.eksClusterDetails?.arn]];
    case 'ECSCluster':
      return [['AWS::ECS::Cluster', resource.ecsClusterDetails?.arn]];
    default:
      return [];
  }
}

/**
 * GuardDuty names the caller by parts: for a role its name and `role id:session`, and the account when it is another.
 * Together they are the ARN that CloudTrail has for it.
 */
function principalOf({ accountId, resource, service }: Detail, partition: string): string | undefined {
  const { userType, userName, principalId } = resource.accessKeyDetails ?? {};
  const account = service.action?.awsApiCallAction?.remoteAccountDetails?.accountId ?? accountId;
  const arns: Readonly<Record<string, string>> = {
    AssumedRole: `arn:${partition}:sts::${account}:assumed-role/${userName}/${principalId?.split(':')[1] ?? ''}`,
    IAMUser: `arn:${partition}:iam::${account}:user/${userName}`,
  };
  const arn = userName && userType && Object.hasOwn(arns, userType) ? arns[userType] : undefined;
  return arn && isNamed(arn) && !arn.endsWith('/') ? arn : undefined;
}

const written = shape(() => z.object({ sample: z.literal(true) }));

/** GuardDuty writes `additionalInfo` twice: as fields and, in `value`, as JSON text. */
function isSample({ title, service: { additionalInfo } }: Detail): boolean {
  if (additionalInfo?.sample || title?.startsWith('[SAMPLE]')) return true;
  const { value } = additionalInfo ?? {};
  return typeof value === 'string' && written().safeParse(json(value)).success;
}
