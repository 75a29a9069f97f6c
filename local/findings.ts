import { randomUUID } from 'node:crypto';
import type { Finding, Source } from '../engine/findings/finding.ts';
import { scoreOf } from '../engine/findings/severity.ts';
import type { Target } from '../engine/remediation.ts';
import type { Account } from './specimen.ts';

/** A finding about resources of an account, as the normaliser of its source makes it. */
export function findingAbout(
  { id: account, region }: Pick<Account, 'id' | 'region'>,
  about: Pick<Finding, 'source' | 'type' | 'resources'> & Partial<Finding>,
): Finding {
  const id = randomUUID();
  const now = new Date().toISOString();
  return {
    id,
    title: `${about.type} in account ${account}`,
    severity: 'HIGH',
    score: scoreOf('HIGH'),
    account,
    region,
    partition: 'aws',
    updatedAt: now,
    status: 'active',
    sample: false,
    requested: false,
    ...(about.source === 'securityhub' && { productArn: `arn:aws:securityhub:${region}::product/aws/securityhub` }),
    ...about,
    envelope: { id, source: `aws.${about.source}`, detailType: about.type, account, region, time: now },
  };
}

/** A finding about one resource. */
export const findingOn = (target: Target, source: Source, type: string, more: Partial<Finding> = {}): Finding =>
  findingAbout(
    { id: target.account, region: target.region },
    { source, type, resources: [{ type: target.type, id: target.id, arn: target.arn }], ...more },
  );
