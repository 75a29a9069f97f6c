import type { SessionConfig } from '../engine/aws/session.ts';
import type { Sessions } from '../engine/aws/sessions.ts';
import { merged } from '../engine/permissions.ts';
import type { Permission } from '../engine/remediation.ts';
import { EXPIRES_TAG, type Kind, RUN_TAG, runPrefix, SCENARIO_TAG } from './kinds/kind.ts';
import type { Moment, Run } from './run.ts';
import { SAMPLE_PERMISSIONS } from './samples.ts';
import type { Scenario, Stage } from './scenario.ts';
import type { Intent } from './store.ts';

/** IAM actions by which all of a scenario's kinds are listed. */
export const readsOf = ({ kinds }: Pick<Scenario, 'kinds'>): string[] =>
  [...new Set(kinds.flatMap(({ permissions }) => permissions.read))].sort();

/** What the session of a run may change. */
export function writesOf(
  { kinds, permissions }: Pick<Scenario, 'kinds' | 'permissions'>,
  { id, place, fidelity }: Pick<Run, 'id' | 'place' | 'fidelity'>,
): readonly Permission[] {
  if (fidelity === 'sample-finding') return SAMPLE_PERMISSIONS;
  return merged([...kinds.flatMap((kind) => kind.permissions.own(id, place)), ...permissions(id, place)]);
}

/** A session for the verbs of a scenario, for 15 minutes: may read, and change what is the run's. */
export async function sessionFor(
  scenario: Pick<Scenario, 'kinds' | 'permissions'>,
  run: Run,
  sessions: Sessions,
): Promise<SessionConfig> {
  const session = await sessions.write(run.place, writesOf(scenario, run), `firebreak-sim-${run.id}`);
  if (!session) throw new Error(`the session policy of ${run.scenario} is longer than STS takes`);
  return session;
}

/** Where what a verb makes and changes is written down: the journal before a call, the timeline after it. */
export interface Scribe {
  intend(intent: Intent): Promise<void>;
  /** @throws when another process has the run: then nothing more may be changed by this one */
  assertHeld(): Promise<void>;
  happened(moment: Moment): Promise<void>;
}

/** The stage of a run for the verbs that make something. */
export function stageFor(run: Run, { kinds }: Pick<Scenario, 'kinds'>, session: SessionConfig, scribe: Scribe): Stage {
  const now = (): string => new Date().toISOString();
  return {
    run: run.id,
    place: run.place,
    partner: run.partner,
    session,
    tags: { [RUN_TAG]: run.id, [SCENARIO_TAG]: run.scenario, [EXPIRES_TAG]: run.expiresAt },
    name(what) {
      const name = `${runPrefix(run.id)}${what}`;
      if (!/^[a-z][a-z0-9-]{2,62}$/.test(name)) throw new Error(`${name} is no name for every kind of resource`);
      return name;
    },
    async make<T>(kind: Kind, what: string, call: () => Promise<T>): Promise<T> {
      if (!kinds.includes(kind)) throw new Error(`${kind.type} is not among the kinds of ${run.scenario}`);
      await scribe.intend({ type: kind.type, what, at: now() });
      const made = await call();
      await scribe.happened({ at: now(), what: 'made', detail: what, source: 'simulator' });
      return made;
    },
    async change<T>(what: string, call: () => Promise<T>): Promise<T> {
      await scribe.assertHeld();
      const changed = await call();
      await scribe.happened({
        at: now(),
        what: run.status === 'injecting' ? 'injected' : 'made',
        detail: what,
        source: 'simulator',
      });
      return changed;
    },
  };
}
