/** The parts of an Amazon Resource Name. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  /** Empty for global resources (IAM) and buckets. */
  readonly region: string;
  /** Twelve digits, or empty where the service leaves it out (S3 buckets, EC2 snapshots). */
  readonly account: string;
  readonly resource: string;
}

const ARN = /^arn:(aws|aws-cn|aws-us-gov):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):([\w+=,.@:/-]{1,1024})$/;

/** Twelve digits: an AWS account id. */
export const ACCOUNT_ID = /^\d{12}$/;

/**
 * Reads an ARN strictly: known partition, twelve-digit account, no wildcard, no white space, no `..`.
 * A finding is attacker-controlled, so what is not plainly an ARN is not read as one.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
export function parseArn(text: string): Arn | undefined {
  const match = ARN.exec(text);
  if (!match || text.includes('..')) return undefined;
  const [, partition = '', service = '', region = '', account = '', resource = ''] = match;
  return { partition, service, region, account, resource };
}

/** Where a resource is: what its ARN needs beside its own id. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

interface ResourceType {
  /** The shape of an id as AWS gives it. */
  readonly id: RegExp;
  readonly arn: (place: Place, id: string) => string;
  /** The id within an ARN's service and resource part. */
  readonly fromArn: RegExp;
}

const ec2 = (kind: string, prefix: string, owned = true): ResourceType => ({
  id: new RegExp(`^${prefix}-[0-9a-f]{8,17}$`),
  arn: ({ partition, region, account }, id) => `arn:${partition}:ec2:${region}:${owned ? account : ''}:${kind}/${id}`,
  fromArn: new RegExp(`^ec2:${kind}/(.+)$`),
});

const rds = (kind: string): ResourceType => ({
  id: /^(?:[a-z]+:)?[A-Za-z][A-Za-z0-9-]{0,254}$/,
  arn: ({ partition, region, account }, id) => `arn:${partition}:rds:${region}:${account}:${kind}:${id}`,
  fromArn: new RegExp(`^rds:${kind}:(.+)$`),
});

/**
 * The resource types that Firebreak responds about, by their CloudFormation names.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
const RESOURCE_TYPES: Readonly<Record<string, ResourceType>> = {
  'AWS::S3::Bucket': {
    id: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    arn: ({ partition }, id) => `arn:${partition}:s3:::${id}`,
    fromArn: /^s3:([^/]+)$/,
  },
  'AWS::EC2::Snapshot': ec2('snapshot', 'snap', false),
  'AWS::EC2::Instance': ec2('instance', 'i'),
  'AWS::EC2::SecurityGroup': ec2('security-group', 'sg'),
  'AWS::RDS::DBSnapshot': rds('snapshot'),
  'AWS::RDS::DBClusterSnapshot': rds('cluster-snapshot'),
  'AWS::IAM::User': {
    id: /^[\w+=,.@-]{1,64}$/,
    arn: ({ partition, account }, id) => `arn:${partition}:iam::${account}:user/${id}`,
    fromArn: /^iam:user\/(?:.+\/)?([^/]+)$/,
  },
};

/** True for a resource type whose ids and ARNs are known here. */
export const isKnownType = (type: string): boolean => Object.hasOwn(RESOURCE_TYPES, type);

/** The ARN of a resource of a known type, or undefined when the type is unknown or the id is not one AWS would give. */
export function arnOf(type: string, place: Place, id: string): string | undefined {
  const known = isKnownType(type) ? RESOURCE_TYPES[type] : undefined;
  return known?.id.test(id) && !id.includes('..') ? known.arn(place, id) : undefined;
}

/** What matches the ARN of any resource of a known type, as IAM policies write it. @throws when the type is unknown */
export function anyArn(type: string, place: Place): string {
  const known = isKnownType(type) ? RESOURCE_TYPES[type] : undefined;
  if (!known) throw new Error(`engine/arn.ts does not know the resource type ${type}`);
  return known.arn(place, '*');
}

/** The id of a resource of `type` that `arn` names, or undefined when it names something else. */
export function idFromArn(type: string, arn: string): string | undefined {
  const parsed = parseArn(arn);
  const known = isKnownType(type) ? RESOURCE_TYPES[type] : undefined;
  const id = parsed && known?.fromArn.exec(`${parsed.service}:${parsed.resource}`)?.[1];
  return id !== undefined && known?.id.test(id) ? id : undefined;
}
