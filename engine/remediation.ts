import type * as z from 'zod/mini';
import type { SessionConfig } from './aws/session.ts';
import type { Finding } from './findings/finding.ts';
import type { Change, Json, State } from './state.ts';
import type { Trigger } from './triggers.ts';

/** What a fix may break: `safe` runs by itself; the others need approval until response-policy.yml says otherwise. */
export type Risk = 'safe' | 'disruptive' | 'destructive';

/** One resource that a response is about. */
export interface Target {
  readonly type: string;
  readonly id: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
}

/** IAM actions on resources, as a policy statement has them. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** IAM condition operators, keys and values. */
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** What a remediation knows beside the resource. */
export interface Context<P = unknown> {
  readonly finding: Finding;
  /** From response-policy.yml, checked by the remediation's schema. */
  readonly parameters: P;
  /** Id of the response, to tag what is created for it. */
  readonly response: string;
  /** When the response began; the same on every redelivery. */
  readonly now: Date;
  /** Adds an entry to the response's timeline and waits until it is stored: for what must be known before a call. */
  readonly record: (event: string, detail: Json) => Promise<void>;
}

/** What is, and what shall be. */
export interface Plan<S extends State = State, F extends object = object> {
  readonly before: S;
  readonly after: S;
  readonly facts: F;
}

/** The outcome of going back: what would be written, and the parts that somebody changed since. */
export interface UndoPlan extends Plan {
  readonly changedSince: readonly Change[];
}

/** Why a response ends without a change that only the remediation can know. */
export interface Declined {
  readonly outcome: 'refused' | 'excepted';
  readonly reason: string;
}

/** What every unit of the catalogue declares, whatever its form. */
export interface Declaration<C, P> {
  /** Folder and file below functions/: `storage.block-public-bucket`. */
  readonly id: string;
  /** A verb in the infinitive and what it acts on, for people. */
  readonly title: string;
  readonly risk: Risk;
  readonly handles: readonly Trigger[];
  /** CloudFormation types of the resources it acts on. */
  readonly resource: readonly string[];
  /** A closed schema with a default for everything. */
  readonly parameters: z.ZodMiniType<P>;
  /** The recorded state, checked before an undo writes it. */
  readonly state: z.ZodMiniType<State>;
  readonly permissions: {
    readonly read: readonly string[];
    /** For one target and plan the session policy; without a plan, for any such target, the role. */
    write(target: Target, plan?: Plan): readonly Permission[];
  };
  /** Error names by which AWS says that the resource does not exist. */
  readonly gone: readonly string[];
  /**
   * Seconds after which a verified fix is read once more, 900 at most: for what settles slowly, or what whoever holds the
   * resource may have made meanwhile.
   */
  readonly secondLook?: number;
  /** True for a value that a part passes through on its way (the flush group): an interrupted response left it, nobody else. */
  transitional?(part: string, value: Json): boolean;
  /** Parts that undo leaves as they are: evidence, and what was created for others to use too. */
  readonly lasting?: readonly string[];
  clients(session: SessionConfig): C;
  /**
   * From a finding that names no resource of its own type to those it means (EC2.1 names the account). Undefined: it does not
   * say enough to look for any.
   */
  targets?(
    clients: C,
    finding: Finding,
    context: Pick<Context<P>, 'parameters'>,
  ): Promise<readonly Target[] | undefined>;
  /** The resource's tags. Read only where a line of the policy names one. */
  tags?(clients: C, target: Target): Promise<Readonly<Record<string, string>>>;
  /** How many things a change of the resource reaches: interfaces in a security group. Need not count on from `enough`. */
  reach?(clients: C, target: Target, enough: number): Promise<number>;
  /** How many resources of its kind the account has: in the Region, where its kind is in one. Need not count on from `enough`. */
  population?(clients: C, target: Target, enough: number): Promise<number>;
}

/** The general form: an act that may or may not be a difference of states. */
export interface Action<C = unknown, P = unknown> extends Declaration<C, P> {
  /** Reads, and says what would change. Nothing to do: `after` equals `before`. */
  plan(clients: C, target: Target, context: Context<P>): Promise<Plan>;
  /** Why the plan must not run at all. */
  decline?(plan: Plan, context: Context<P>): Declined | undefined;
  /** Why a person should look first. */
  caution?(plan: Plan, context: Context<P>): string | undefined;
  apply(clients: C, target: Target, plan: Plan, context: Context<P>): Promise<void>;
  /** Reads again: the parts that are not as planned. None: verified. */
  verify(clients: C, target: Target, plan: Plan, context: Context<P>): Promise<readonly Change[]>;
  /** How to go back from a recorded plan; what it answers is applied and verified like any plan. */
  readonly undo: 'irreversible' | Undo<C, P>;
}

/** Declared as a method, as the others are, so that a catalogue can hold actions with different clients. */
type Undo<C, P> = {
  undo(clients: C, target: Target, recorded: Plan, context: Context<P>): Promise<UndoPlan>;
}['undo'];

/** A remediation: the difference between two states. */
export interface Remediation<C, S extends State, F extends object, P> extends Declaration<C, P> {
  readonly state: z.ZodMiniType<S>;
  /** The state of the resource. "Not configured" is a state; any other error throws. */
  read(clients: C, target: Target, context: Context<P>): Promise<{ readonly state: S; readonly facts: F }>;
  /** Pure and idempotent: what the state should be. */
  desired(state: S, context: Context<P> & { readonly facts: F }): S;
  decline?(plan: Plan<S, F>, context: Context<P>): Declined | undefined;
  caution?(plan: Plan<S, F>, context: Context<P>): string | undefined;
  /** Brings the resource from `current` to `next`, sending only the difference. The facts are those read with `current`. */
  write(clients: C, target: Target, next: S, current: S, context: Context<P> & { readonly facts: F }): Promise<void>;
}
