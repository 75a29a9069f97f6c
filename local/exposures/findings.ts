import type { Finding, Source } from '../../engine/findings/finding.ts';
import type { Target } from '../../engine/remediation.ts';

/** A finding about one resource, as a normaliser would make it. */
export const findingAbout = (target: Target, source: Source, type: string, more: Partial<Finding> = {}): Finding => ({
  source,
  type,
  id: `${source}/${type}/${target.arn}`,
  title: `${type} about ${target.id}`,
  severity: 'HIGH',
  score: 8,
  account: target.account,
  region: target.region,
  partition: target.partition,
  resources: [{ type: target.type, id: target.id, arn: target.arn }],
  updatedAt: new Date().toISOString(),
  status: 'active',
  sample: false,
  requested: false,
  envelope: {
    id: `event-${target.id}`,
    source: `aws.${source}`,
    detailType: 'Finding',
    account: target.account,
    region: target.region,
    time: new Date().toISOString(),
  },
  ...more,
});
