import * as z from 'zod/mini';
import type { PortRange } from './finding.ts';
import { actor, identity } from './identity.ts';
import { ingress, openPorts } from './ports.ts';
import {
  accountId,
  instant,
  maybe,
  name,
  partitionOf,
  type Reader,
  read,
  region,
  type Shape,
  shape,
} from './reader.ts';
import { distinct, resource } from './resources.ts';
import { scoreOf } from './severity.ts';

/** https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
const call = shape(() =>
  z.object({
    eventID: name,
    eventTime: instant,
    eventSource: z.string().check(z.regex(/^[a-z0-9-]+\.amazonaws\.com$/, 'is not the endpoint of a service')),
    eventName: z.string().check(z.regex(/^\w{1,128}$/, 'is not the name of an API call')),
    awsRegion: region,
    recipientAccountId: accountId,
    errorCode: maybe(z.string()),
    userIdentity: identity(),
    requestParameters: z.unknown(),
    responseElements: z.unknown(),
  }),
);
type Call = z.output<ReturnType<typeof call>>;

/** What a call was about: type and id of its resource, and the ports it opened to the world. */
interface Subject {
  readonly resource?: readonly [type: string, id: string];
  readonly ports?: readonly PortRange[];
  readonly rejection?: string;
}

/** The parameters of a call that a response acts on are read strictly, and only those. */
const parameters =
  <T>(shape: Shape<T>, subject: (parameters: T, call: Call) => Subject) =>
  (call: Call): Subject => {
    const { data, rejection } = read(shape, call.requestParameters, 'detail.requestParameters');
    return rejection === undefined ? subject(data, call) : { rejection };
  };

const bucket = parameters(
  shape(() => z.object({ bucketName: name })),
  ({ bucketName }) => ({
    resource: ['AWS::S3::Bucket', bucketName],
  }),
);

/** RDS stores identifiers in lower case and takes them in any. */
const SUBJECTS: ReadonlyMap<string, (call: Call) => Subject> = new Map([
  [
    'ec2:ModifySnapshotAttribute',
    parameters(
      shape(() => z.object({ snapshotId: name })),
      ({ snapshotId }) => ({ resource: ['AWS::EC2::Snapshot', snapshotId] }),
    ),
  ],
  [
    'rds:ModifyDBSnapshotAttribute',
    parameters(
      shape(() => z.object({ dBSnapshotIdentifier: name })),
      ({ dBSnapshotIdentifier }) => ({
        resource: ['AWS::RDS::DBSnapshot', dBSnapshotIdentifier.toLowerCase()],
      }),
    ),
  ],
  [
    'rds:ModifyDBClusterSnapshotAttribute',
    parameters(
      shape(() => z.object({ dBClusterSnapshotIdentifier: name })),
      ({ dBClusterSnapshotIdentifier }) => ({
        resource: ['AWS::RDS::DBClusterSnapshot', dBClusterSnapshotIdentifier.toLowerCase()],
      }),
    ),
  ],
  [
    'ec2:AuthorizeSecurityGroupIngress',
    parameters(
      shape(() => z.object({ groupId: maybe(name), ...ingress() })),
      (parameters, call) => {
        const groupId = parameters.groupId ?? authorisedGroup(call);
        return {
          ports: openPorts(parameters),
          ...(groupId && { resource: ['AWS::EC2::SecurityGroup', groupId] }),
        };
      },
    ),
  ],
  ['s3:PutBucketAcl', bucket],
  ['s3:PutBucketPolicy', bucket],
  ['s3:PutBucketPublicAccessBlock', bucket],
  ['s3:DeleteBucketPublicAccessBlock', bucket],
]);

const response = shape(() =>
  z.object({
    securityGroupRuleSet: z.object({ items: z.array(z.object({ groupId: name })) }),
  }),
);

/** A group of the default VPC may be called by its name; then only the response has its id. */
const authorisedGroup = ({ responseElements }: Call): string | undefined =>
  response().safeParse(responseElements).data?.securityGroupRuleSet.items[0]?.groupId;

/**
 * A management event that CloudTrail recorded. Its account is the one that holds the resource, which in a call across
 * accounts is not the caller's. A call that failed changed nothing: it is resolved. CloudTrail judges nothing; since only
 * calls that can open something are routed here, all are HIGH.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export const cloudTrail: Reader = (detail, envelope) => {
  const { data, rejection } = read(call, detail, 'detail');
  if (rejection !== undefined) return { rejection };
  const service = data.eventSource.replace('.amazonaws.com', '');
  if (envelope.source !== `aws.${service}`) return { rejection: 'detail.eventSource: is not the source of the event' };
  const type = `${service}:${data.eventName}`;
  const subject = data.errorCode ? {} : (SUBJECTS.get(type)?.(data) ?? {});
  if (subject.rejection !== undefined) return { rejection: subject.rejection };
  const place = {
    account: data.recipientAccountId,
    region: data.awsRegion,
    partition: partitionOf(data.awsRegion),
  };
  return {
    findings: [
      {
        source: 'cloudtrail',
        type,
        id: data.eventID,
        title: `${type} was called`,
        severity: 'HIGH',
        score: scoreOf('HIGH'),
        ...place,
        resources: distinct(subject.resource ? [resource(...subject.resource, place)] : []),
        updatedAt: data.eventTime,
        status: data.errorCode ? 'resolved' : 'active',
        sample: false,
        requested: false,
        ...actor(data.userIdentity),
        ...(subject.ports && { ports: subject.ports }),
        envelope,
      },
    ],
  };
};
