import type { Finding } from '../engine/findings/finding.ts';
import type { Action, Target } from '../engine/remediation.ts';
import type { Caller } from './caller.ts';

/** A person's request in the form of a finding, so that a run and a finding take the same way. */
export const asked = (action: Action, target: Target, message: string, caller: Caller): Finding => {
  const { type, id, arn, account, region, partition } = target;
  const now = new Date().toISOString();
  return {
    source: 'operator',
    type: 'run',
    id: message,
    title: `firebreak run ${action.id}`,
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
      id: message,
      source: 'firebreak',
      detailType: 'Firebreak Run',
      account: caller.account,
      region: caller.region,
      time: now,
    },
  };
};
