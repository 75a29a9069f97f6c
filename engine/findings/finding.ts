import type { Judgement } from '../rehearsal.ts';

/** The services whose findings and events Firebreak understands. */
export const SOURCES = ['access-analyzer', 'cloudtrail', 'guardduty', 'inspector', 'macie', 'securityhub'] as const;
/** Where a finding came from; `operator` is a person who asks for a remediation by name. */
export type Source = (typeof SOURCES)[number] | 'operator';

export const SEVERITIES = ['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A resource that a finding names. `type` is the CloudFormation name; `id` is what the service's own API takes. */
export interface FindingResource {
  readonly type: string;
  readonly id: string;
  /** As the finding gave it, when it did and it reads strictly as an ARN. */
  readonly arn?: string;
}

/** Ports as a finding names them; `protocol` is an IP protocol name in lower case, or '-1' for all. */
export interface PortRange {
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
}

/** Who asked for a remediation, and what it may come to at most. */
export interface Asked {
  /** ARN of the person, as IAM knows them. */
  readonly by: string;
  /** `observe`: only a plan. `approval`: no change before somebody approves it, also where the policy would let it happen. */
  readonly mode: 'observe' | 'approval';
  /** Id of the execution of a runbook that they started for it. */
  readonly execution: string;
}

/**
 * One finding, whatever service told it. Every string in it was written by somebody else: nothing here is trusted
 * until a guard or a strict parser has looked at it.
 */
export interface Finding {
  readonly source: Source;
  /**
   * What a remediation's triggers name: a control id (`S3.2`), a finding type (`Policy:S3/BucketPublicAccessGranted`,
   * `NETWORK_REACHABILITY`), the resource type for Access Analyzer (`AWS::RDS::DBSnapshot`), or service and event
   * for CloudTrail (`rds:ModifyDBSnapshotAttribute`).
   */
  readonly type: string;
  /** The same over all updates of one finding. */
  readonly id: string;
  /** Security Hub only: with `id`, what BatchUpdateFindings takes. */
  readonly productArn?: string;
  readonly title: string;
  readonly severity: Severity;
  /** 0 to 10 on GuardDuty's scale: LOW from 1, MEDIUM from 4, HIGH from 7, CRITICAL from 9. */
  readonly score: number;
  /** What the source rated it, where the policy rates it higher. */
  readonly rated?: { readonly severity: Severity; readonly score: number };
  /** The account and Region that the finding is about, which need not be the envelope's. */
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly resources: readonly FindingResource[];
  /** ISO 8601, UTC. */
  readonly updatedAt: string;
  /**
   * Only an active finding is acted on; the others are recorded by nobody and cost one read of the message. `noted`: nothing
   * happened to it but our own note.
   */
  readonly status: 'active' | 'resolved' | 'suppressed' | 'noted';
  /** True for the services' sample findings, which name resources that do not exist. */
  readonly sample: boolean;
  /** True when a person chose a Security Hub custom action on it. */
  readonly requested: boolean;
  /** ARN of the principal that did what the finding tells, where the source says. */
  readonly principal?: string;
  /** ARN of the role behind a principal that is an assumed-role session: with its path, without the session's name. */
  readonly sessionIssuer?: string;
  /** GuardDuty: whether the resource acted or was acted on. */
  readonly role?: 'actor' | 'target';
  /** The ports in question, where the source names them. */
  readonly ports?: readonly PortRange[];
  /** Only where a person asked for a remediation by name and not with credentials of their own. No service says so. */
  readonly asked?: Asked;
  /** Only where a simulation's event was replayed: by which parameters the run's own resource is judged. No service says so. */
  readonly judgedBy?: Judgement;
  readonly envelope: Envelope;
}

/** What EventBridge itself wrote on the event; only `source` proves where it came from. */
export interface Envelope {
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly account: string;
  readonly region: string;
  readonly time: string;
}

/** What a message turned out to be: one or more findings (a custom action may carry several), or the reason it is none. */
export type Normalised =
  | { readonly findings: readonly Finding[]; readonly rejection?: never }
  | { readonly findings?: never; readonly rejection: string };
