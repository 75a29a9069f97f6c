import { digestOf } from '../digest.ts';
import { type Judgement, judge, type Verdict } from '../judge.ts';
import { ours, type Phrase, phrase } from '../phrase.ts';
import type { RunRecord } from '../run.ts';
import { FIDELITIES, type Fidelity, type Scenario } from '../scenario.ts';
import { type CorrectiveAction, correctiveActions } from './actions.ts';
import type { Assignment } from './assignments.ts';
import { type Coverage, coverageOf, type Handler } from './coverage.ts';
import { CSF_OUTCOMES } from './frameworks.ts';
import { CHANGE, duration } from './words.ts';

/** One or several runs that are told of together: what all reports are made from. */
export interface Exercise {
  /** What people call it: `2026-Q4`. */
  readonly name: string;
  /** ISO 8601, UTC: when it is written. What is due is counted from there. */
  readonly writtenAt: string;
  /** In the order in which they are told. */
  readonly runs: readonly {
    readonly record: RunRecord;
    readonly scenario: Scenario;
    /** Earlier runs, of whatever scenario and fidelity. */
    readonly previous: readonly RunRecord[];
  }[];
  /** All scenarios that there are: what was not run is told too. */
  readonly scenarios: readonly Scenario[];
  /** All remediations that there are. */
  readonly catalogue: readonly Handler[];
  /** Who takes on what fell short, where people said so. */
  readonly assigned?: readonly Assignment[];
}

/** A run as it is told. */
export interface Told {
  readonly record: RunRecord;
  readonly scenario: Scenario;
  readonly judgement: Judgement;
  readonly well: readonly Phrase[];
  readonly badly: readonly Phrase[];
  readonly notMeasured: readonly Phrase[];
  /** SHA-256 of the record, in canonical JSON. */
  readonly digest: string;
}

/** All runs of one fidelity: figures are never of two. */
export interface Level {
  readonly fidelity: Fidelity;
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  readonly runs: readonly Told[];
  readonly coverage: Coverage;
}

/** What is in a report, whatever its format. */
export interface Report {
  readonly title: string;
  readonly name: string;
  readonly writtenAt: string;
  readonly levels: readonly Level[];
  readonly actions: readonly CorrectiveAction[];
  readonly csf: readonly { readonly id: string; readonly words?: string; readonly scenarios: readonly string[] }[];
}

/** Judges an exercise, and puts together what is told of it. Pure. */
export function reportOf({ name, writtenAt, runs, scenarios, catalogue, assigned = [] }: Exercise): Report {
  const told = runs.map(({ record, scenario, previous }): Told => {
    const judgement = judge(record, scenario, previous);
    return {
      record,
      scenario,
      judgement,
      ...inWords(judgement),
      digest: digestOf(record),
    };
  });
  const levels = FIDELITIES.flatMap((fidelity): Level[] => {
    const of = told.filter(({ record }) => record.run.fidelity === fidelity);
    if (of.length === 0) return [];
    const judgements = of.map(({ judgement }) => judgement);
    const verdicts = Map.groupBy(judgements, ({ verdict }) => verdict);
    return [
      {
        fidelity,
        verdicts: Object.fromEntries([...verdicts].map(([verdict, { length }]) => [verdict, length])),
        runs: of,
        coverage: coverageOf(judgements, catalogue, scenarios),
      },
    ];
  });
  const csf = new Set(told.flatMap(({ scenario }) => scenario.csf));
  return {
    title: `[SIMULATION] After-action report ${name}`,
    name,
    writtenAt,
    levels,
    actions: correctiveActions(
      told.map(({ judgement }) => judgement),
      assigned,
      writtenAt,
    ),
    csf: [...csf].sort().map((id) => {
      const words = Object.hasOwn(CSF_OUTCOMES, id) ? CSF_OUTCOMES[id] : undefined;
      const by = told.filter(({ scenario }) => scenario.csf.includes(id)).map(({ scenario }) => scenario.id);
      return { id, ...(words !== undefined && { words }), scenarios: [...new Set(by)] };
    }),
  };
}

/** What went well and badly, and what nobody knows, of a judgement. */
function inWords(judgement: Judgement): Pick<Told, 'well' | 'badly' | 'notMeasured'> {
  const { findings, responses, metrics, trends, state, cleanUp, shortcomings } = judgement;
  const changed = (change: 'better' | 'worse'): Phrase[] =>
    trends
      .filter((trend) => trend.change === change)
      .map(({ metric, values }) => {
        const [before, now] = [values.at(-2), values.at(-1)].map((value) => ours(duration(value ?? 0)));
        return phrase`The time to ${ours(metric)} is ${ours(CHANGE[change])}: ${now ?? ''} after ${before ?? ''}.`;
      });
  return {
    well: [
      ...findings
        .filter(({ status }) => status === 'found')
        .map(({ source, type }) => phrase`The finding ${type} of ${source} came in time.`),
      ...responses
        .filter(({ status }) => status === 'done')
        .map(({ remediation, why }) => phrase`The response ${remediation}: ${why}.`),
      ...(state === 'as-expected' ? [phrase`The resource was as it shall be, read without the remediation.`] : []),
      ...changed('better'),
      ...(cleanUp === 'clean' ? [phrase`The sandbox account is as it was before.`] : []),
    ],
    badly: [...shortcomings.map(({ what }) => what), ...changed('worse')],
    notMeasured: metrics.flatMap(({ metric, unmeasured, note }) => [
      ...(unmeasured === undefined ? [] : [phrase`The time to ${ours(metric)}: ${ours(unmeasured)}.`]),
      ...(note === undefined ? [] : [phrase`Of the time to ${ours(metric)}: ${ours(note)}.`]),
    ]),
  };
}
