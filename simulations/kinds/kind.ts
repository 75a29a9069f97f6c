import { randomBytes } from 'node:crypto';
import type { Place } from '../../engine/arn.ts';
import type { SessionConfig } from '../../engine/aws/session.ts';
import type { Permission } from '../../engine/remediation.ts';
import type { Json } from '../../engine/state.ts';

export { RUN_ID, runPrefix } from '../../engine/rehearsal.ts';

/** Tag of all that a run makes: the id of the run. */
export const RUN_TAG = 'firebreak:run-id';
export const SCENARIO_TAG = 'firebreak:scenario';
/** ISO 8601: when whoever finds it may remove it. */
export const EXPIRES_TAG = 'firebreak:expires-at';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

export const newRunId = (): string => [...randomBytes(10)].map((byte) => LETTERS[byte % LETTERS.length]).join('');

/** A kind of resource that runs make. It finds what a run left without knowing what the run did, and removes it. */
export interface Kind {
  /** Its CloudFormation type. */
  readonly type: string;
  readonly permissions: {
    /** IAM actions with which all of the kind are listed. */
    readonly read: readonly string[];
    /**
     * To remove it, and to make it, tagged and named for a run; nothing else. Where others make it too (a volume comes with an
     * instance, a snapshot is evidence), to remove it alone: scenarios that make one themselves say so. `run` is the id of a
     * run, or `*` for the role's own policy. By the tag where IAM has a condition for it, else by the name.
     */
    own(run: string, place: Place): readonly Permission[];
  };
  /** All of the kind in the account and Region, by id: what of each has to be the same after a run as before. */
  inventory(session: SessionConfig, place: Place): Promise<Readonly<Record<string, Json>>>;
  /** Ids of those that a run made and that are still there, whatever made them: also copies with its tags. */
  left(session: SessionConfig, place: Place, run: string): Promise<readonly string[]>;
  /** Removes one, with what is in it. It may be gone already, or not be removable yet: then it is still `left`. */
  remove(session: SessionConfig, place: Place, id: string): Promise<void>;
}
