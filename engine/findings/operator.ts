import type { Place } from '../arn.ts';
import type { Target } from '../remediation.ts';
import { responseId } from '../targets.ts';
import type { Asked, Finding } from './finding.ts';

/** The id of the response to a request. @param once what is asked, once */
export const runId = (remediation: string, target: Target, once: string): string =>
  responseId(remediation, target, `run ${once}`);

/**
 * A request in the form of a finding, so that a run and a finding take the same way.
 * @param id what is asked, once
 * @param from account and Region of whoever asks
 */
export function askedFor(
  { type, id, arn, account, region, partition }: Target,
  request: {
    readonly id: string;
    readonly title: string;
    readonly from: Pick<Place, 'account' | 'region'>;
    readonly asked?: Asked | undefined;
  },
): Finding {
  const now = new Date().toISOString();
  const { asked } = request;
  return {
    source: 'operator',
    type: 'run',
    id: request.id,
    title: request.title,
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
    ...(asked && { asked }),
    envelope: {
      id: asked?.execution ?? request.id,
      source: 'firebreak',
      detailType: 'Firebreak Run',
      account: request.from.account,
      region: request.from.region,
      time: now,
    },
  };
}
