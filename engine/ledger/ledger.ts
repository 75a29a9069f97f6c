import type { Finding } from '../findings/finding.ts';
import type { Plan, Target } from '../remediation.ts';
import type { End, Order, Outcome, Response, ResponseRecord } from '../response.ts';
import type { Json } from '../state.ts';

/** The record of every response. Nothing in it is ever deleted or replaced, but for a header's outcome. */
export interface Ledger {
  /** Starts a response, or puts down one that ends as it begins; when one of that id was started before, answers that one as resumed and changes nothing. */
  open(response: Response, finding: Finding): Promise<{ readonly response: Response; readonly resumed: boolean }>;
  /** Adds to the timeline. */
  append(id: string, event: string, detail: Json): Promise<void>;
  /**
   * Stores what was and what shall be, once: when a plan is already stored, answers that one and changes nothing, so that
   * a state half written by an interrupted run never becomes the state to go back to.
   */
  plan(id: string, plan: Plan): Promise<Plan>;
  /**
   * Ends a response as its caller knows it. When another run ended it meanwhile, answers that end and changes nothing: what
   * was told once is not taken back by whoever comes second.
   */
  close(response: Response, end: End): Promise<Response>;
  /**
   * Keeps what a person says of a response. Of the decisions on a plan the first stays: answers the one that is kept, which may
   * be another's.
   */
  order(id: string, order: Order): Promise<Order>;
  /** Takes the end of a response that awaits approval away, so that it goes on; one that ended otherwise stays as it is. */
  reopen(response: Response): Promise<void>;
  get(id: string): Promise<ResponseRecord | undefined>;
  /** Headers, newest first: all, or those with one outcome or because of one finding. */
  list(wanted: Wanted): Promise<readonly Response[]>;
}

/** All that the ledger has, for who goes through it. */
export interface Headers {
  /** Headers of the responses that began since then, newest first. What was written within seconds may be told as it was before. */
  headers(since: Date): AsyncIterable<Response>;
}

/** Which headers a list has. */
export interface Wanted {
  readonly since: Date;
  readonly limit: number;
  readonly outcome?: Outcome;
  /** Id of a finding. */
  readonly finding?: string;
}

/** True for a header that a list shall have, whenever it started. */
export const isWanted = ({ outcome, finding }: Response, wanted: Wanted): boolean =>
  (wanted.outcome === undefined || outcome === wanted.outcome) &&
  (wanted.finding === undefined || finding.id === wanted.finding);

/** A finding, and the response that it asks for: left for whoever holds the resource. */
export interface Note {
  readonly response: string;
  /** As this finding names it: with or without an IAM user's path, in the Region that tells of it. */
  readonly target: Target;
  readonly finding: Finding;
  readonly siblings?: number;
}

/** A lease that is held: the open response it belongs to, and what came meanwhile. */
export interface Lease {
  /** The response to go on with: this message's own, or one that was interrupted. */
  readonly response: string;
  readonly notes: readonly Note[];
  /** What an undo left on the resource, also when its time is over. */
  readonly hold?: Hold;
  readonly memory: Memory;
}

/** What a lease remembers of the resource from one response to the next. */
export interface Memory {
  /** When the remediation changed it, as far as is remembered, oldest first: ISO 8601, UTC. */
  readonly fixed: readonly string[];
  /** Id of the response that asked last for an approval. */
  readonly waiting?: string;
}

/** A person's word that a resource stays as it is: until then, no finding has it fixed again. */
export interface Hold {
  /** ARN of the one who took the fix back. */
  readonly by: string;
  readonly reason: string;
  /** ISO 8601, UTC, to the millisecond. */
  readonly until: string;
}

/** What a lease is on: a remediation and the one resource it acts on. */
export const leaseKey = (remediation: string, arn: string): string => `${remediation}#${arn}`;

/** One response at a time on a remediation and resource. */
export interface Leases {
  /**
   * Takes the lease, also from a holder whose time is over. When somebody else holds it, leaves the note for them and
   * answers undefined.
   * @param holder a message id, so that a redelivery takes over at once
   * @throws TransientError when as many notes are left as the holder can look at
   */
  acquire(key: string, holder: string, note: Note): Promise<Lease | undefined>;
  /**
   * Lets go, or answers the notes that came since (without those in `seen`), which the holder looks at first.
   * @param memory what the lease shall remember; without it that stays as it is
   */
  release(key: string, holder: string, seen: readonly Note[], memory?: Memory): Promise<readonly Note[]>;
  /** The held lease goes on with another response, for its full time. False: it is somebody else's by now. */
  follow(key: string, holder: string, response: string): Promise<boolean>;
}

/** Holds, one on a remediation and resource at most; and the resource itself, for as long as an undo works on it. */
export interface Holds {
  /** The hold that was put last, also when its time is over. */
  get(key: string): Promise<Hold | undefined>;
  /**
   * Keeps responses and other undos off a resource.
   * @param undo who takes another response back: its id, and the message that asks; killed and gone on, it has the resource still
   * @returns in words who works on it; undefined: it is ours
   */
  take(key: string, undo: string): Promise<string | undefined>;
  /**
   * Puts a hold in the place of the one before; undefined lifts that.
   * @throws when the resource is not this undo's any more
   */
  put(key: string, undo: string, hold: Hold | undefined): Promise<void>;
  /** Lets go of the resource; the hold stays. */
  release(key: string, undo: string): Promise<void>;
}

/** Holds of resources that others work on too. */
export interface SharedHolds extends Holds {
  /** The hold that was put last, and in words who works on the resource now. */
  glance(key: string): Promise<{ readonly hold?: Hold; readonly busy?: string }>;
}
