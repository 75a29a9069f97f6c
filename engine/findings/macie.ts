import * as z from 'zod/mini';
import type { Severity } from './finding.ts';
import { actor, identity } from './identity.ts';
import { accountId, instant, maybe, name, partitionOf, reader, region, shape } from './reader.ts';
import { distinct, resource } from './resources.ts';
import { scoreOf } from './severity.ts';

const SEVERITY: Readonly<Record<'Low' | 'Medium' | 'High', Severity>> = { Low: 'LOW', Medium: 'MEDIUM', High: 'HIGH' };

/** https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html */
const finding = shape(() =>
  z.object({
    id: name,
    accountId,
    region,
    type: name,
    title: z.string(),
    severity: z.object({ description: z.enum(['Low', 'Medium', 'High']) }),
    updatedAt: instant,
    resourcesAffected: z.object({ s3Bucket: z.object({ arn: name, name }) }),
    policyDetails: maybe(
      z.object({
        actor: maybe(
          z.object({
            userIdentity: maybe(
              z.object({ assumedRole: identity(), iamUser: identity(), root: identity(), federatedUser: identity() }),
            ),
          }),
        ),
      }),
    ),
    sample: maybe(z.boolean()),
    archived: maybe(z.boolean()),
  }),
);

/** A finding of Macie, of the policy or the sensitive data kind; both are about a bucket. */
export const macie = reader(finding, (detail, envelope) => {
  const place = { account: detail.accountId, region: detail.region, partition: partitionOf(detail.region) };
  const severity = SEVERITY[detail.severity.description];
  const { assumedRole, iamUser, root, federatedUser } = detail.policyDetails?.actor?.userIdentity ?? {};
  return [
    {
      source: 'macie',
      type: detail.type,
      id: detail.id,
      title: detail.title,
      severity,
      score: scoreOf(severity),
      ...place,
      resources: distinct([resource('AWS::S3::Bucket', detail.resourcesAffected.s3Bucket.arn, place)]),
      updatedAt: detail.updatedAt,
      status: detail.archived ? 'suppressed' : 'active',
      sample: detail.sample === true || detail.title.startsWith('[SAMPLE]'),
      requested: false,
      ...actor(assumedRole ?? iamUser ?? root ?? federatedUser),
      envelope,
    },
  ];
});
