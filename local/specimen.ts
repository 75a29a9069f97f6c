import type { Finding } from '../engine/findings/finding.ts';
import type { Target } from '../engine/remediation.ts';
import type { Json } from '../engine/state.ts';

/** An account and Region of the embedded cloud, with its administrator's clients: `new RDSClient(account.client)`. */
export interface Account {
  readonly id: string;
  readonly region: string;
  readonly client: {
    readonly region: string;
    readonly endpoint: string;
    readonly credentials: {
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    };
  };
  /** Sets what no API can: when an access key was made, and when it was last used (null: never). */
  setKeyAge(accessKeyId: string, age: { createDate?: Date; lastUsed?: Date | null }): Promise<void>;
}

/** A resource that was misconfigured on purpose, and how to look at it without the remediation. */
export interface Exposed {
  readonly target: Target;
  /** A finding that names it and brings the remediation to act. */
  readonly finding: Finding;
  /** All tags that it has; none when absent. */
  readonly tags?: Readonly<Record<string, string>>;
  /** What a change of it reaches, where the remediation tells that. */
  readonly reach?: number;
  /** All about the resource and its neighbours, read with the administrator's credentials. */
  observe(): Promise<Json>;
  /** What of it must stay as it is though the exposure is closed: compliant parts, neighbours. */
  untouched(observed: Json): Json;
  /** True when an independent read finds the exposure closed. */
  closed(): Promise<boolean>;
  /** Changes from outside what the remediation changed, so that an undo must refuse. */
  alter(): Promise<void>;
}

/** What the contract suite needs to try a remediation. Names are made unique by `name`. */
export interface Specimen {
  /** Parameters for response-policy.yml, when the defaults would not let it act. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Makes the misconfigured resource; `largest` is the one with the longest session policy that AWS's quotas allow. */
  expose(account: Account, name: string, size: 'usual' | 'largest'): Promise<Exposed>;
}
