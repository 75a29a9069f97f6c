import type { Outcome } from '../engine/response.ts';
import type { MOMENTS, RunRecord } from './run.ts';
import type { Fidelity, Objectives, Scenario } from './scenario.ts';

export const METRICS = ['detect', 'acknowledge', 'respond', 'contain', 'recover'] as const;
export type Metric = keyof Objectives & (typeof METRICS)[number];

type What = (typeof MOMENTS)[number];

/** From where to where each time runs, as Objectives has it: always from the first of the one to the first of the other. */
export const SPANS: Readonly<Record<Metric, readonly [from: What, to: What]>> = {
  detect: ['injected', 'detected'],
  acknowledge: ['alerted', 'acknowledged'],
  respond: ['detected', 'acted'],
  contain: ['detected', 'contained'],
  recover: ['detected', 'recovered'],
};

/**
 * How a time compares with its objective. `not-measured`: this run could not have, or what should have begun it did not come,
 * which is told of where that is missed. `not-judged`: there is a time and no objective.
 */
export type Result = 'met' | 'late' | 'missed' | 'not-measured' | 'not-judged';

/** One time of a run. */
export interface Measurement {
  readonly metric: Metric;
  readonly result: Result;
  /** Milliseconds; absent when it was not measured. */
  readonly ms?: number;
  /** Why it was not measured, in words. */
  readonly unmeasured?: string;
  /** What the time does not say, in words. */
  readonly note?: string;
  /** The objective in milliseconds, where there is one. */
  readonly limitMs?: number;
}

/** True when a response with that outcome wrote something. */
export const isChange = (outcome: Outcome | undefined): boolean =>
  outcome === 'verified' || outcome === 'unverified' || outcome === 'undone';

/** True when a response with that outcome says that the resource is as it shall be. */
export const isClaim = (outcome: Outcome | undefined): boolean => outcome === 'verified' || outcome === 'compliant';

/** Whether a finding of this level is about a resource that is there. */
export const hasResource = (fidelity: Fidelity): boolean => fidelity !== 'tabletop' && fidelity !== 'sample-finding';

/** Milliseconds of the first moment of a kind. */
export const firstOf = ({ timeline }: Pick<RunRecord, 'timeline'>, what: What): number | undefined =>
  timeline
    .filter((moment) => moment.what === what)
    .map(({ at }) => Date.parse(at))
    .sort((a, b) => a - b)[0];

const ABSENT: Readonly<Partial<Record<What, string>>> = {
  injected: 'nothing was made wrong',
  detected: 'no finding came',
  alerted: 'nobody was paged',
  acknowledged: 'nobody approved or denied',
  acted: 'nothing was changed',
  contained: 'the resource was not seen as it shall be',
  recovered: 'what the resource is for was not seen to work',
};

/** Why a run of this kind has no such time, whatever happens in it. */
function impossible(metric: Metric, { run }: RunRecord, scenario: Scenario): string | undefined {
  if (run.fidelity === 'tabletop') return 'at a tabletop nothing is made and nothing happens by itself';
  if (!hasResource(run.fidelity) && metric !== 'detect' && metric !== 'acknowledge') {
    return 'a sample finding is about no resource, so nothing is fixed';
  }
  if (metric === 'acknowledge') return ABSENT.acknowledged;
  if (metric === 'recover' && !scenario.recovered) return 'the scenario has nothing that would have to work again';
  if (metric === 'respond' && !scenario.responses.some(({ outcome }) => isChange(outcome)))
    return 'no change is expected';
  return undefined;
}

const REPLAYED = 'the finding was replayed: how long the service takes to notice is not in it';

/** One time of a run against its objective. */
export function measure(metric: Metric, record: RunRecord, scenario: Scenario): Measurement {
  const [from, to] = SPANS[metric];
  const [begin, end] = [firstOf(record, from), firstOf(record, to)];
  const seconds = scenario.objectives[metric];
  const limitMs = seconds === undefined ? undefined : seconds * 1_000;
  const base = { metric, ...(limitMs !== undefined && { limitMs }) };
  const without = (unmeasured: string, short: boolean): Measurement => ({
    ...base,
    unmeasured,
    result: short && limitMs !== undefined ? 'missed' : 'not-measured',
  });

  const never = impossible(metric, record, scenario);
  if (end === undefined && never !== undefined) return without(never, false);
  if (begin === undefined) return without(ABSENT[from] ?? `it was not ${from}`, false);
  if (end === undefined) return without(ABSENT[to] ?? `it was not ${to}`, true);
  if (metric === 'contain' && record.asExpected === false) {
    return without('it was seen as it shall be once, and not any more when the watch ended', true);
  }
  const ms = end - begin;
  if (!(ms >= 0)) return without(`by the clocks that tell it, it was ${to} before it was ${from}`, true);
  const replayed =
    metric === 'detect' && (record.run.fidelity === 'handler-replay' || record.run.fidelity === 'bus-replay');
  const result = limitMs === undefined ? 'not-judged' : ms <= limitMs ? 'met' : 'late';
  return { ...base, ms, result, ...(replayed && { note: REPLAYED }) };
}

/** How one time developed over runs that can be compared. */
export interface Trend {
  readonly metric: Metric;
  /** Milliseconds of each run, oldest first, the run itself last; `null` where it was not measured. */
  readonly values: readonly (number | null)[];
  /** Of those that were measured. */
  readonly median?: number;
  readonly worst?: number;
  /** Against the run right before; absent when one of the two has no such time. Within a tenth it is the same. */
  readonly change?: 'better' | 'same' | 'worse';
}

const SAME_WITHIN = 0.1;

/** How a time developed. @param values milliseconds, oldest first */
export function trend(metric: Metric, values: readonly (number | null)[]): Trend {
  const measured = values.filter((value) => value !== null).sort((a, b) => a - b);
  const [before, now] = [values.at(-2) ?? null, values.at(-1) ?? null];
  const low = measured[Math.floor((measured.length - 1) / 2)];
  const high = measured[Math.floor(measured.length / 2)];
  const worst = measured.at(-1);
  return {
    metric,
    values,
    ...(low !== undefined && high !== undefined && { median: (low + high) / 2 }),
    ...(worst !== undefined && { worst }),
    ...(before !== null && now !== null && { change: compared(before, now) }),
  };
}

function compared(before: number, now: number): 'better' | 'same' | 'worse' {
  if (Math.abs(now - before) <= before * SAME_WITHIN) return 'same';
  return now < before ? 'better' : 'worse';
}
