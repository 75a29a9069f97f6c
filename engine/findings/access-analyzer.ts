import * as z from 'zod/mini';
import { accountId, instant, maybe, name, partitionOf, reader, region, shape } from './reader.ts';
import { distinct, resource } from './resources.ts';
import { scoreOf } from './severity.ts';

const finding = shape(() =>
  z.object({
    id: name,
    status: z.enum(['ACTIVE', 'ARCHIVED', 'RESOLVED']),
    resourceType: name,
    resource: name,
    accountId,
    region,
    isPublic: maybe(z.boolean()),
    isDeleted: maybe(z.boolean()),
    error: maybe(z.unknown()),
    updatedAt: instant,
  }),
);

/**
 * An external access finding of IAM Access Analyzer. It has no severity of its own: public is HIGH, shared with an
 * account outside the zone of trust is MEDIUM. A finding with `error` says that the resource could not be analysed, which
 * is no statement about access: it is suppressed.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-eventbridge.html
 */
export const accessAnalyzer = reader(finding, (detail, envelope) => {
  const place = { account: detail.accountId, region: detail.region, partition: partitionOf(detail.region) };
  const severity = detail.isPublic ? 'HIGH' : 'MEDIUM';
  return [
    {
      source: 'access-analyzer',
      type: detail.resourceType,
      id: detail.id,
      title: `${detail.resourceType} is ${detail.isPublic ? 'public' : 'shared outside the zone of trust'}`,
      severity,
      score: scoreOf(severity),
      ...place,
      resources: distinct([resource(detail.resourceType, detail.resource, place)]),
      updatedAt: detail.updatedAt,
      status: statusOf(detail),
      sample: false,
      requested: false,
      envelope,
    },
  ];
});

function statusOf({ status, isDeleted, error }: z.output<ReturnType<typeof finding>>) {
  if (isDeleted || status === 'RESOLVED') return 'resolved';
  return status === 'ARCHIVED' || (error !== undefined && error !== null) ? 'suppressed' : 'active';
}
