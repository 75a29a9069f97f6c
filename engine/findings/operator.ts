import type { Place } from '../arn.ts';
import type { Target } from '../remediation.ts';
import type { Finding } from './finding.ts';

/**
 * A request in the form of a finding, so that a run and a finding take the same way.
 * @param id what is asked, once
 * @param from account and Region of whoever asks
 */
export function askedFor(
  { type, id, arn, account, region, partition }: Target,
  asked: {
    readonly id: string;
    readonly title: string;
    readonly from: Pick<Place, 'account' | 'region'>;
  },
): Finding {
  const now = new Date().toISOString();
  return {
    source: 'operator',
    type: 'run',
    id: asked.id,
    title: asked.title,
    severity: 'INFORMATIONAL',
    score: 0,
    account,
    region,
    partition,
    resources: [{ type, id, arn }],
    updatedAt: now,
    status: 'active',
    sample: false,
    requested: true,
    envelope: {
      id: asked.id,
      source: 'firebreak',
      detailType: 'Firebreak Run',
      account: asked.from.account,
      region: asked.from.region,
      time: now,
    },
  };
}
