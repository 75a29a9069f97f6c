import { CreateSampleFindingsCommand, GuardDutyClient, ListDetectorsCommand } from '@aws-sdk/client-guardduty';
import type { Place } from '../engine/arn.ts';
import type { SessionConfig } from '../engine/aws/session.ts';
import type { Permission } from '../engine/remediation.ts';
import { expectedOf } from './expected.ts';
import type { Moment } from './run.ts';
import type { Scenario } from './scenario.ts';

/**
 * What it takes to ask for sample findings. IAM has no resource for either action.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonguardduty.html
 */
export const SAMPLE_PERMISSIONS: readonly Permission[] = [
  { actions: ['guardduty:CreateSampleFindings', 'guardduty:ListDetectors'], resources: ['*'] },
];

/**
 * Has GuardDuty tell of samples of a scenario's findings: it emits each as it does a finding.
 * https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateSampleFindings.html
 * @returns the injection: from when it was asked on, since it may tell of a sample before it answers
 * @throws when GuardDuty is not on there
 */
export async function askForSamples(scenario: Scenario, place: Place, session: SessionConfig): Promise<Moment> {
  const guardDuty = new GuardDutyClient(session);
  // An account has one in a Region, or none.
  const { DetectorIds: [DetectorId] = [] } = await guardDuty.send(new ListDetectorsCommand({}));
  if (!DetectorId) {
    throw new Error(
      `GuardDuty has no detector in account ${place.account}, ${place.region}: turn it on there, or choose another fidelity`,
    );
  }
  const FindingTypes = expectedOf(scenario, 'sample-finding').findings.map(({ type }) => type);
  const at = new Date().toISOString();
  await guardDuty.send(new CreateSampleFindingsCommand({ DetectorId, FindingTypes }));
  return {
    at,
    what: 'injected',
    detail: `GuardDuty asked for samples of ${FindingTypes.join(', ')}`,
    source: 'simulator',
  };
}
