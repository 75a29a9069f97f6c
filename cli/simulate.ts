import type { Answers, SimulateRequest } from '../simulations/requests.ts';
import type { Fidelity } from '../simulations/scenario.ts';
import { agreed } from './ask.ts';
import { Failure } from './failure.ts';
import { follow, lookAgain } from './follow.ts';
import { showPreview } from './preview.ts';
import { Simulator } from './simulator.ts';
import type { Io } from './terminal.ts';
import { judged, scenarioOf, showJudgement } from './verdict.ts';

export interface SimulateOptions {
  readonly fidelity?: Fidelity;
  readonly account?: string;
  /** Of the run. */
  readonly region?: string;
  /** Region that Firebreak is deployed in. */
  readonly home?: string;
  readonly parameter?: Readonly<Record<string, unknown>>;
  readonly exercise?: string;
  /** Seconds. */
  readonly watch?: number;
  readonly preview?: boolean;
  readonly yes?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
}

/** `firebreak simulate <scenario>`: exit 0 when the run passed; without a run, when it would start or did. */
export async function simulate(scenario: string, options: SimulateOptions, io: Io): Promise<number> {
  const simulator = await Simulator.open(options.home);
  const wanted = wantedBy(scenario, options);
  // With --json, standard output is the document, and what a person reads goes beside it.
  const screen = options.json ? io.err : io.out;
  const preview = await simulator.ask({ do: 'preview', ...wanted });
  showPreview(preview, screen);
  if (options.preview || preview.refusals.length > 0) {
    if (options.json) io.out.json({ preview });
    return preview.refusals.length === 0 ? 0 : 1;
  }
  // Before it starts: nobody could say how it went.
  if (options.wait) await scenarioOf(preview.scenario);
  screen.line();
  const yes = options.yes || (await agreed('Start it?', io));
  if (!yes) throw new Failure(`nothing was started${yes === undefined ? ': say --yes to start it' : ''}`);
  const { run } = await simulator.ask({ do: 'start', ...wanted });
  if (!options.wait) {
    if (options.json) io.out.json({ preview, run });
    screen.line('started ', ['bold', run.id], `: ${lookAgain(run.id)}`);
    return 0;
  }
  io.err.line('started ', ['bold', run.id], ['dim', '  Ctrl-C aborts it and cleans up']);
  return toItsEnd(run.id, simulator, { preview }, options, io);
}

/**
 * Follows a run to its end, and says how it went: exit 0 when it passed, 130 when it was left or aborted with Ctrl-C.
 * @param about what a JSON document has beside
 */
export async function toItsEnd(
  run: string,
  simulator: Simulator,
  about: object,
  { json }: Pick<SimulateOptions, 'json'>,
  io: Io,
): Promise<number> {
  const followed = await follow(run, simulator, io.err);
  if (!followed) return 130;
  const { record, aborted } = followed;
  const verdict = await tellOf(record, about, { json }, io);
  return aborted ? 130 : verdict === 'passed' ? 0 : 1;
}

/** Says how a run went, as far as it is. */
export async function tellOf(
  record: Answers['status'],
  about: object,
  { json }: { json?: boolean | undefined },
  io: Io,
) {
  const { previous, ...own } = record;
  const judgement = await judged(own, previous);
  showJudgement(judgement, json ? io.err : io.out);
  if (json) io.out.json({ ...about, ...own, judgement });
  return judgement.verdict;
}

type Wanted = Omit<Extract<SimulateRequest, { readonly do: 'start' }>, 'do'>;

const wantedBy = (
  scenario: string,
  { fidelity, account, region, parameter, exercise, watch }: SimulateOptions,
): Wanted => ({
  scenario,
  ...(fidelity && { fidelity }),
  ...(account !== undefined && { account }),
  ...(region !== undefined && { region }),
  ...(parameter && { parameters: { ...parameter } }),
  ...(exercise !== undefined && { exercise }),
  ...(watch !== undefined && { watch }),
});
