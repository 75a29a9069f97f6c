import * as z from 'zod/mini';
import { type Place, parseArn } from '../arn.ts';
import type { Finding, Severity } from './finding.ts';
import { accountId, instant, maybe, name, partitionOf, reader, region, regionalArn, shape } from './reader.ts';
import { distinct, resource } from './resources.ts';
import { controlOr } from './securityhub.ts';
import { scoreOf } from './severity.ts';

/** OCSF `severity_id` less Unknown (0) and Other (99), which say nothing. https://schema.ocsf.io/ */
const SEVERITY: readonly Severity[] = [
  'INFORMATIONAL',
  'INFORMATIONAL',
  'LOW',
  'MEDIUM',
  'HIGH',
  'CRITICAL',
  'CRITICAL',
];

const COMPLIANCE_FINDING = 2003;

/** https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-v2-eventbridge-integration.html */
const ocsfFinding = shape(() =>
  z.object({
    class_uid: z.int(),
    activity_id: maybe(z.int()),
    severity_id: z.int(),
    status_id: maybe(z.int()),
    cloud: z.object({ account: z.object({ uid: accountId }), region }),
    compliance: maybe(z.object({ control: maybe(z.string()), status: maybe(z.string()), status_id: maybe(z.int()) })),
    finding_info: z.object({
      uid: name,
      title: z.string(),
      types: maybe(z.array(z.string())),
      modified_time_dt: maybe(instant),
    }),
    metadata: z.object({
      product: z.object({ uid: regionalArn('securityhub', 'productv2/') }),
    }),
    resources: z.array(
      z.object({
        type: maybe(z.string()),
        uid: maybe(z.string()),
        uid_alt: maybe(z.string()),
        owner: maybe(z.object({ account: maybe(z.object({ uid: maybe(z.string()) })) })),
      }),
    ),
  }),
);
type OcsfFinding = z.output<ReturnType<typeof ocsfFinding>>;

const findings = shape(() => z.object({ findings: z.array(ocsfFinding()).check(z.minLength(1, 'is empty')) }));

/** A finding of the new Security Hub, in OCSF. Its `productArn` and `id` are what BatchUpdateFindingsV2 takes. */
export const ocsf = reader(findings, (detail, envelope) =>
  detail.findings.map((finding): Finding => {
    const { account, region } = finding.cloud;
    const place = { account: account.uid, region, partition: partitionOf(region) };
    const severity = SEVERITY[finding.severity_id] ?? 'INFORMATIONAL';
    return {
      source: 'securityhub',
      type: typeOf(finding),
      id: finding.finding_info.uid,
      productArn: finding.metadata.product.uid,
      title: finding.finding_info.title,
      severity,
      score: scoreOf(severity),
      ...place,
      resources: distinct(finding.resources.map((given) => resourceOf(given, place))),
      updatedAt: finding.finding_info.modified_time_dt ?? envelope.time,
      status: statusOf(finding),
      sample: finding.finding_info.title.startsWith('[SAMPLE]'),
      requested: false,
      envelope,
    };
  }),
);

/**
 * `uid` is the id that AWS Config has for the resource and `uid_alt` its ARN. For a user that id is not the name but looks
 * like one, so a user is known by the ARN alone.
 */
function resourceOf({ type, uid, uid_alt, owner }: OcsfFinding['resources'][number], place: Place) {
  const arn = [uid_alt, uid].find((text) => text && parseArn(text));
  const named = type === 'AWS::::Account' ? uid : (arn ?? (type === 'AWS::IAM::User' ? undefined : uid));
  const foreign = owner?.account?.uid && owner.account.uid !== place.account;
  return type && named && !foreign ? resource(type, named, place) : undefined;
}

function typeOf({ class_uid, compliance, finding_info, metadata }: OcsfFinding): string {
  const control = class_uid === COMPLIANCE_FINDING ? compliance?.control : undefined;
  return controlOr(metadata.product.uid, control, finding_info.types?.[0] ?? finding_info.title);
}

/** `status_id` 1 New, 2 In Progress, 3 Suppressed, 4 Resolved, 5 Archived; `activity_id` 3 Close. */
function statusOf({ status_id, activity_id, compliance }: OcsfFinding): Finding['status'] {
  if (status_id === 3 || status_id === 5) return 'suppressed';
  const passed = compliance?.status_id === 1 || compliance?.status === 'Pass';
  return passed || status_id === 4 || activity_id === 3 ? 'resolved' : 'active';
}
