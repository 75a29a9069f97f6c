import type { Place } from '../../engine/arn.ts';
import type { Json } from '../../engine/state.ts';
import { expectedOf } from '../../simulations/expected.ts';
import { newRunId } from '../../simulations/kinds/kind.ts';
import { hasResource } from '../../simulations/measure.ts';
import type { Preview, SimulateRequest } from '../../simulations/requests.ts';
import type { Run } from '../../simulations/run.ts';
import type { Rehearsal } from '../../simulations/runner.ts';
import { refusalsOf } from '../../simulations/safety.ts';
import type { Fidelity, Scenario } from '../../simulations/scenario.ts';
import { writesOf } from '../../simulations/stage.ts';
import { scenarioOf } from './catalogue.ts';

/** What this deployment was told. */
export interface Deployment {
  readonly home: Pick<Place, 'account' | 'region'>;
  /** The first is where things are broken, the second what is shared with, when nobody says otherwise. */
  readonly sandboxes: readonly string[];
  /** The first is the one that is meant when nobody says. */
  readonly fidelities: readonly Fidelity[];
}

/** A run that is asked for, and why. */
export type Wanted = Omit<Extract<SimulateRequest, { do: 'start' }>, 'do'> & Pick<Run, 'launch' | 'next'>;

/** The least that is waited for, in seconds, when nobody says how long. */
const LEAST_WATCH = 60;
/** Minutes of a run's time that are for warming up and cleaning up. */
const ASIDE = 5;

interface Meant {
  readonly scenario: Scenario;
  readonly fidelity: Fidelity;
  readonly place: Place;
  readonly partner: string;
  readonly minutes: number;
  readonly parameters: unknown;
}

/** @throws when there is no such scenario, or it cannot be run so */
function meantBy(wanted: Wanted, { home, sandboxes, fidelities }: Deployment): Meant {
  const scenario = scenarioOf(wanted.scenario);
  const offered = fidelities.filter((each) => scenario.minutes[each] !== undefined);
  const fidelity = wanted.fidelity ?? offered[0];
  const minutes = fidelity && offered.includes(fidelity) ? scenario.minutes[fidelity] : undefined;
  if (!fidelity || minutes === undefined)
    throw new Error(
      `${scenario.id} cannot be run as ${fidelity ?? 'anything'} here: choose from ${offered.join(', ') || 'nothing'}`,
    );
  const account = wanted.account ?? sandboxes[0] ?? 'none';
  const partner = sandboxes.find((sandbox) => sandbox !== account) ?? 'none';
  return {
    scenario,
    fidelity,
    place: { partition: 'aws', account, region: wanted.region ?? home.region },
    partner,
    minutes,
    parameters: scenario.parameters.parse(wanted.parameters ?? {}),
  };
}

/** What a run would do, and why it would not start. */
export async function preview(wanted: Wanted, deployment: Deployment, house: Rehearsal): Promise<Preview> {
  const { scenario, fidelity, place, partner, minutes, parameters } = meantBy(wanted, deployment);
  const { id, title, story, safety, cost, objectives, kinds } = scenario;
  const { findings, responses } = expectedOf(scenario, fidelity);
  const made = { safety, cost, makes: kinds.map(({ type }) => type) };
  return {
    ...{ scenario: id, title, story, fidelity, place, partner, minutes, objectives },
    ...(hasResource(fidelity) ? made : { safety: 'paper', cost: 0, makes: [] }),
    may: writesOf(scenario, { id: '<run>', place, fidelity }),
    findings: findings.map(({ source, type }) => ({ source, type })),
    responses: responses.map(({ remediation, outcome }) => ({ remediation, outcome })),
    refusals: await refusalsOf({ scenario, place, partner, parameters }, house),
  };
}

/** Records a run that may start. @throws when it may not, with all the reasons */
export async function start(wanted: Wanted, deployment: Deployment, house: Rehearsal): Promise<Run> {
  const { scenario, fidelity, place, partner, minutes, parameters } = meantBy(wanted, deployment);
  const refusals = await refusalsOf({ scenario, place, partner, parameters }, house);
  if (refusals.length > 0) throw new Error(`${scenario.id} does not start: ${refusals.join('; ')}`);
  const { respond = 0, contain = 0, recover = 0, detect = 0 } = scenario.objectives;
  const usual = Math.max(LEAST_WATCH, detect + 2 * Math.max(respond, contain, recover));
  const startedAt = new Date();
  const run: Run = {
    id: newRunId(),
    scenario: scenario.id,
    ...{ fidelity, place, partner },
    parameters: parameters as Json,
    ...(wanted.exercise !== undefined && { exercise: wanted.exercise }),
    launch: wanted.launch,
    startedAt: startedAt.toISOString(),
    expiresAt: new Date(startedAt.getTime() + 60_000 * minutes).toISOString(),
    status: 'warming-up',
    watchSeconds: Math.min(wanted.watch ?? usual, 60 * Math.max(minutes - ASIDE, 1)),
    ...(wanted.next && wanted.next.length > 0 && { next: wanted.next }),
  };
  await house.store.start(run);
  await house.store.moment(run.id, {
    ...{ at: run.startedAt, what: 'started', source: 'simulator' },
    detail: `${scenario.title}, ${fidelity}, in ${place.account}, ${place.region}`,
  });
  return run;
}
