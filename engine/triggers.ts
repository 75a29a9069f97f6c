import type { Finding, Source } from './findings/finding.ts';

/**
 * What a remediation handles: finding types of one source. EventBridge rules are generated from triggers, and the engine
 * matches by the same triggers, so that a rule and the code behind it cannot disagree.
 */
export interface Trigger {
  readonly source: Source;
  readonly types: readonly string[];
  /** GuardDuty: only when the resource plays this part. */
  readonly role?: 'actor';
  /** More of the event's `detail` that the rule asks for, as an EventBridge pattern. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Security Hub controls, by control id: findings in ASFF and OCSF, and custom actions on them. */
export const securityHub = (...types: string[]): Trigger => ({ source: 'securityhub', types });

/** GuardDuty finding types. */
export const guardDuty = (...types: string[]): Trigger => ({ source: 'guardduty', types });

/** GuardDuty finding types, only about one type of resource (`Instance`): Runtime findings are also about containers. */
export const guardDutyOn = (resourceType: string, ...types: string[]): Trigger => ({
  source: 'guardduty',
  types,
  detail: { resource: { resourceType: [resourceType] } },
});

/** GuardDuty finding types, only when the resource is the one that acts (its own brute force against others). */
export const guardDutyActor = (...types: string[]): Trigger => ({ source: 'guardduty', types, role: 'actor' });

/** Macie finding types. */
export const macie = (...types: string[]): Trigger => ({ source: 'macie', types });

/** Amazon Inspector finding types. */
export const inspector = (...types: string[]): Trigger => ({ source: 'inspector', types });

/** IAM Access Analyzer external access findings, by the type of the resource. */
export const accessAnalyzer = (...types: string[]): Trigger => ({ source: 'access-analyzer', types });

/**
 * A management event that CloudTrail recorded, by service prefix and event name (`rds`, `ModifyDBSnapshotAttribute`).
 * @param requestParameters an EventBridge pattern on the call's parameters
 */
export const cloudTrail = (
  service: string,
  eventName: string,
  requestParameters?: Readonly<Record<string, unknown>>,
): Trigger => ({
  source: 'cloudtrail',
  types: [`${service}:${eventName}`],
  ...(requestParameters && { detail: { requestParameters } }),
});

/** True when the trigger names this finding. */
export const triggers = (trigger: Trigger, finding: Finding): boolean =>
  trigger.source === finding.source &&
  trigger.types.includes(finding.type) &&
  (trigger.role === undefined || trigger.role === finding.role);
