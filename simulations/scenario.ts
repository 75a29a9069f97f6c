import type * as z from 'zod/mini';
import type { Place } from '../engine/arn.ts';
import type { SessionConfig } from '../engine/aws/session.ts';
import type { Source } from '../engine/findings/finding.ts';
import type { Replay } from '../engine/messages.ts';
import type { Permission } from '../engine/remediation.ts';
import type { Outcome } from '../engine/response.ts';
import type { Kind } from './kinds/kind.ts';

/**
 * How much of the way is real, from least to most; what is told of a run tells this too, and figures of two are never put
 * together.
 *
 * - `tabletop`: people talk a story through; nothing is made.
 * - `handler-replay`: the resource is real, and the worker is handed the event that the service would emit.
 * - `bus-replay`: the resource is real, and that event comes by EventBridge. Only the embedded cloud can: on AWS nobody puts an
 *   event of an `aws.*` source on a bus.
 * - `sample-finding`: GuardDuty is asked for a sample finding: real way, no resource, and nothing is fixed.
 * - `live`: the resource is real, and so is the service that has to notice.
 */
export const FIDELITIES = ['tabletop', 'handler-replay', 'bus-replay', 'sample-finding', 'live'] as const;
export type Fidelity = (typeof FIDELITIES)[number];

/** What could go wrong with what a run makes, when all else fails. */
export type Safety =
  /** Nothing is made. */
  | 'paper'
  /** It reaches nothing, nobody outside reaches it, and there is nothing in it. */
  | 'inert'
  /** Something runs or stands open, within the sandbox account. */
  | 'contained';

/** Times by which a scenario is judged, in seconds; what it does not name is measured and not judged. */
export interface Objectives {
  /** From the injection until the finding's event. */
  readonly detect?: number;
  /** From the page until somebody approves or denies. */
  readonly acknowledge?: number;
  /** From the finding's event until the first change. */
  readonly respond?: number;
  /** From the finding's event until the resource reads back as it shall be. */
  readonly contain?: number;
  /** From the finding's event until what the resource is for works again. */
  readonly recover?: number;
}

/** What a warm-up made, by names of the scenario's own: ids of resources. Kept with the run, so that another process can go on. */
export type Things = Readonly<Record<string, string>>;

/** Where a run is and what it may call its own: what the verbs of a scenario are given. */
export interface Stage {
  /** Id of the run. */
  readonly run: string;
  readonly place: Place;
  /** A second sandbox account, for what is shared outside. */
  readonly partner: string;
  /** For clients: may read, and may change what is the run's. */
  readonly session: SessionConfig;
  /** Tags of all that is made. */
  readonly tags: Readonly<Record<string, string>>;
  /** A name for something that is made: lower case letters, digits and hyphens, 63 characters at most. */
  name(what: string): string;
  /**
   * Makes something. The journal has it before the call is made, so that it is found and removed whatever happens then.
   * @param what in words, for the timeline
   */
  make<T>(kind: Kind, what: string, call: () => Promise<T>): Promise<T>;
  /** Changes something that the run made; it goes when that goes. @param what in words, for the timeline */
  change<T>(what: string, call: () => Promise<T>): Promise<T>;
}

/** A finding that a service should come to. */
export interface ServiceFinding<T extends Things = Things> {
  readonly source: Exclude<Source, 'operator'>;
  /** As the normalised finding has it. */
  readonly type: string;
  /**
   * The event by which the service tells it: one of events/samples. Its account, its Region, the security account, its times and
   * its ids become those of the run; other names become what `names` says.
   */
  readonly sample: object;
  names(things: T, place: Place): Readonly<Record<string, string>>;
  /** How often it is told; once when absent. */
  readonly times?: number;
}

/** What no service finds: the simulator asks for a remediation by name, as the sweep does. */
export interface AskedFor<T extends Things = Things> {
  readonly source: 'operator';
  readonly type: 'run';
  readonly remediation: string;
  /** ARN of the resource. */
  target(things: T, place: Place): string;
}

export type ExpectedFinding<T extends Things = Things> = ServiceFinding<T> | AskedFor<T>;

/** Whether the simulator has to ask for it. */
export const isAskedFor = <T extends Things>(finding: ExpectedFinding<T>): finding is AskedFor<T> =>
  finding.source === 'operator';

/** A response that should come of it. */
export interface ExpectedResponse<T extends Things = Things> {
  readonly remediation: string;
  readonly outcome: Outcome;
  /** ARN of the resource. */
  target(things: T, place: Place): string;
  /** Text that the reason has in it. */
  readonly because?: string;
}

/** Something that goes wrong on purpose, and what should come of it: a file below simulations/, reviewed like code. */
export interface Scenario<P = unknown, T extends Things = Things> {
  /** Folder and file below simulations/: `exfiltration.rds-snapshot-shared`. */
  readonly id: string;
  readonly title: string;
  /** What happens, in a few sentences for people. */
  readonly story: string;
  /** Ids of MITRE ATT&CK techniques: https://attack.mitre.org/matrices/enterprise/cloud/ */
  readonly attack: readonly string[];
  /** Outcomes of NIST CSF 2.0 that it exercises: https://www.nist.gov/cyberframework */
  readonly csf: readonly string[];
  readonly safety: Safety;
  /** The most that a run costs at list prices, in US dollars. */
  readonly cost: number;
  /** The most that a run takes, in minutes, by fidelity: then it is cleaned up whatever it waits for. */
  readonly minutes: Readonly<Partial<Record<Fidelity, number>>>;
  readonly objectives: Objectives;
  /** All that it makes. */
  readonly kinds: readonly Kind[];
  /** What its verbs need beyond the reads and removals of its kinds; `run` is the id of a run, or `*` for the role's own policy. */
  permissions(run: string, place: Place): readonly Permission[];
  /** A closed schema with a default for everything. */
  readonly parameters: z.ZodMiniType<P>;
  /** Names of parameters that have no default and have to be given: a schedule leaves the scenario out. */
  readonly asksFor?: readonly string[];
  /** Accounts beside the partner that it shares something with: they have to be allowed to by the policy of its responses. */
  sharesWith?(parameters: P): readonly string[];
  readonly findings: readonly ExpectedFinding<T>[];
  readonly responses: readonly ExpectedResponse<T>[];
  /**
   * Parameters with which the run's own resources are judged, by remediation, where the policy's own could not be met: a key
   * cannot be made old. The report says so.
   */
  readonly judgedBy?: NonNullable<Replay['judgedBy']>;
  /** The process that cleans up is killed after it removed the first thing, once: another has to end what it began. */
  readonly killedInCleanUp?: true;
  /** Makes what is to be misused, as it should be. */
  warmUp(stage: Stage, parameters: P): Promise<T>;
  /** Makes it wrong. */
  inject(stage: Stage, things: T, parameters: P): Promise<void>;
  /**
   * Whether the resource is as it shall be in the end, read without the remediation: mended, or, where the response expected is to
   * change nothing, as it was made wrong.
   */
  expect(stage: Stage, things: T, parameters: P): Promise<boolean>;
  /** Whether what the resource is for works, after all. */
  recovered?(stage: Stage, things: T, parameters: P): Promise<boolean>;
}

/** Declares a scenario. Its clean-up is not its own: a process that died would not do it. The journal's kinds know how. */
export const defineScenario = <P, T extends Things>(scenario: Scenario<P, T>): Scenario =>
  scenario as unknown as Scenario;
