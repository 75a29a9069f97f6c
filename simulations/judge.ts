import type { Outcome } from '../engine/response.ts';
import { expectedOf } from './expected.ts';
import { firstOf, hasResource, isClaim, METRICS, type Measurement, measure, type Trend, trend } from './measure.ts';
import { ours, type Phrase, phrase } from './phrase.ts';
import type { Run, RunRecord, Seen } from './run.ts';
import type { ExpectedFinding, ExpectedResponse, Fidelity, Scenario } from './scenario.ts';
import { type Grade, type Shortcoming, shortcomingsOf } from './shortcomings.ts';

/** `passed`: nothing fell short. `running`: it is not over, and nothing is said yet. */
export type Verdict = 'passed' | 'running' | Grade;

export interface JudgedFinding {
  readonly source: string;
  readonly type: string;
  readonly status: 'found' | 'late' | 'missed';
  /** ISO 8601: when it came. */
  readonly at?: string;
}

export interface JudgedResponse {
  readonly remediation: string;
  /** ARN of the resource; absent when the run did not come to make it, or nothing is made. */
  readonly target?: string;
  readonly expected: Outcome;
  readonly status: 'done' | 'late' | 'missed' | 'failed' | 'awaiting';
  /** Why it has that status, in words. */
  readonly why: Phrase;
  /** Ids of the responses of that remediation on that resource. */
  readonly seen: readonly string[];
}

/** `as-expected` and not, as read without the remediation; `not-read`: nobody looked; `none`: there is nothing to read. */
export type EndState = 'as-expected' | 'not-as-expected' | 'not-read' | 'none';

/** `clean`: the account's inventory is as it was, by digest. `unattested`: all was removed, and a digest is missing. */
export type CleanUp = 'clean' | 'failed' | 'unattested' | 'open';

/** What is thought of a run. */
export interface Judgement {
  readonly run: string;
  readonly scenario: string;
  readonly fidelity: Fidelity;
  readonly verdict: Verdict;
  /** Worst first. */
  readonly shortcomings: readonly Shortcoming[];
  readonly metrics: readonly Measurement[];
  readonly findings: readonly JudgedFinding[];
  readonly responses: readonly JudgedResponse[];
  /** Responses that the scenario does not expect. */
  readonly unexpected: readonly Seen[];
  readonly state: EndState;
  readonly cleanUp: CleanUp;
  /** The earlier runs that it is compared with, oldest first. */
  readonly earlier: readonly EarlierRun[];
  readonly trends: readonly Trend[];
}

export interface EarlierRun {
  readonly run: string;
  /** What people call the exercise, or the day. */
  readonly label: string;
  readonly verdict: Verdict;
}

/** Earlier runs that a run is compared with: a year of quarters. */
const MOST_EARLIER = 4;

/**
 * Judges a run by its scenario and by earlier runs. Pure.
 *
 * | what | is | when |
 * | --- | --- | --- |
 * | time | `met`, `late` | it is within its objective, or above |
 * | | `missed` | it has an objective, began, and never ended; contained is not contained when it did not stay so |
 * | | `not-measured` | it never began, or this fidelity or scenario cannot; nobody approved or denied |
 * | finding | `found`, `late` | it was detected or answered, within the objective `detect` of the injection, or after |
 * | | `missed` | neither |
 * | response | `missed` | none of that remediation on that resource |
 * | | `failed` | more changes than expected, as of a resource that should be left alone |
 * | | `awaiting` | none ended as expected, and one is open, deferred or waits for a person |
 * | | `failed` | all ended otherwise, or for another reason than expected |
 * | | `failed` | it says that the resource is as it shall be, and it is not: it claimed what it did not do |
 * | | `late`, `done` | it ended as expected, after the objective `contain`, or within |
 * | verdict | `running` | the run is not over |
 * | | `cleanup-failed` | something is left, the inventory differs, or nobody attests that it does not |
 * | | `stopped` | it ended before its end |
 * | | `failed` | a response failed or changed what nobody expects, or the resource is not as it shall be though all came |
 * | | `missed` | a finding, a response or an objective was missed, a response is awaited, nobody read the state, or a clean-up that was
 *   to be killed was not |
 * | | `late` | a finding, a response or a time was late |
 * | | `passed` | none of these |
 *
 * With sample findings those of GuardDuty are expected, and responses to end `simulated`, whatever their target. At a tabletop only
 * times that people wrote down are judged.
 *
 * @param previous of any scenario and fidelity: those of the same are compared with, the latest four that began before it; times of what
 *   was stopped are not
 */
export function judge(record: RunRecord, scenario: Scenario, previous: readonly RunRecord[]): Judgement {
  const { run } = record;
  const earlier = comparable(run, previous);
  const wanted = expectedOf(scenario, run.fidelity);
  const metrics = METRICS.map((metric) => measure(metric, record, scenario));
  const findings = wanted.findings.map((expected) => judgedFinding(expected, record, scenario));
  const responses = wanted.responses.map((expected) => judgedResponse(expected, wanted.responses, record, scenario));
  const expected = new Set(responses.flatMap(({ seen }) => seen));
  const parts = {
    metrics,
    findings,
    responses,
    unexpected: record.responses.filter(({ id }) => !expected.has(id)),
    state: stateOf(record),
    cleanUp: cleanUpOf(run, scenario),
  };
  const shortcomings = shortcomingsOf(run, parts, scenario);
  return {
    run: run.id,
    scenario: run.scenario,
    fidelity: run.fidelity,
    verdict: parts.cleanUp === 'open' ? 'running' : (shortcomings[0]?.grade ?? 'passed'),
    shortcomings,
    ...parts,
    earlier: earlier.map((each) => ({
      run: each.run.id,
      label: labelOf(each.run),
      verdict: judge(each, scenario, []).verdict,
    })),
    trends: metrics.map(({ metric, ms }) =>
      trend(metric, [
        ...earlier.map((each) => (each.run.stopped ? null : (measure(metric, each, scenario).ms ?? null))),
        ms ?? null,
      ]),
    ),
  };
}

/** What people call the exercise that a run is a part of, or its day. */
export const labelOf = ({ exercise, startedAt }: Run): string => exercise ?? startedAt.slice(0, 10);

/** Runs whose figures may stand beside those of a run: of the same scenario and fidelity, oldest first. */
function comparable(run: Run, previous: readonly RunRecord[]): readonly RunRecord[] {
  const before = previous.filter(
    (each) =>
      each.run.scenario === run.scenario &&
      each.run.fidelity === run.fidelity &&
      each.run.id !== run.id &&
      Date.parse(each.run.startedAt) < Date.parse(run.startedAt),
  );
  return before.toSorted((a, b) => Date.parse(a.run.startedAt) - Date.parse(b.run.startedAt)).slice(-MOST_EARLIER);
}

/** Whether a moment's detail names a finding: its source and its type are words of it. */
function names(detail: string, { source, type }: ExpectedFinding): boolean {
  const words = detail.split(/[\s,]+/);
  return words.includes(source) && words.includes(type);
}

/** A response to it shows that a finding came, at the latest when the response began. */
function judgedFinding(expected: ExpectedFinding, record: RunRecord, { objectives }: Scenario): JudgedFinding {
  const { source, type } = expected;
  const detected = record.timeline.filter(({ what, detail }) => what === 'detected' && names(detail, expected));
  const answered = record.responses.filter(({ finding }) => finding.source === source && finding.type === type);
  const times = detected.length > 0 ? detected.map(({ at }) => at) : answered.map(({ startedAt }) => startedAt);
  const [at] = times.toSorted((a, b) => Date.parse(a) - Date.parse(b));
  if (at === undefined) return { source, type, status: 'missed' };
  return { source, type, at, status: isAfter(at, firstOf(record, 'injected'), objectives.detect) ? 'late' : 'found' };
}

/** @param seconds from `begin` on; without one of the two nothing is late */
const isAfter = (at: string, begin: number | undefined, seconds: number | undefined): boolean =>
  begin !== undefined && seconds !== undefined && Date.parse(at) - begin > seconds * 1_000;

function judgedResponse(
  expected: ExpectedResponse,
  all: readonly ExpectedResponse[],
  record: RunRecord,
  { objectives }: Scenario,
): JudgedResponse {
  const { run } = record;
  const sample = !hasResource(run.fidelity);
  const targetOf = ({ target }: ExpectedResponse) =>
    sample || !run.things ? undefined : target(run.things, run.place);
  const { remediation, outcome } = expected;
  const target = targetOf(expected);
  const seen = record.responses.filter(
    (each) => each.remediation === remediation && (sample || each.target === target),
  );
  const changes = seen.filter((each) => each.outcome === 'verified').length;
  const changesExpected = all.filter(
    (each) => each.remediation === remediation && targetOf(each) === target && each.outcome === 'verified',
  ).length;
  const right = seen.filter((each) => each.outcome === outcome);
  const because = right.filter((each) => !expected.because || each.reason?.includes(expected.because));

  const as = (status: JudgedResponse['status'], why: Phrase): JudgedResponse => ({
    remediation,
    ...(target !== undefined && { target }),
    expected: outcome,
    status,
    why,
    seen: seen.map(({ id }) => id),
  });
  if (seen.length === 0)
    return as('missed', run.things || sample ? phrase`there was none` : phrase`nothing was made to respond to`);
  if (changes > changesExpected) {
    return as('failed', phrase`it changed the resource ${times(changes)} where ${times(changesExpected)} was expected`);
  }
  if (right.length === 0) {
    const ended = [...new Set(seen.map((each) => each.outcome ?? 'open'))].join(', ');
    const waits = seen.some((each) => !each.outcome || WAITING.includes(each.outcome));
    return as(waits ? 'awaiting' : 'failed', phrase`it is ${ended} where ${ours(outcome)} was expected`);
  }
  if (because.length === 0) return as('failed', phrase`it is ${ours(outcome)} for another reason than expected`);
  if (isClaim(outcome) && record.asExpected === false) {
    return as(
      'failed',
      phrase`it says ${ours(outcome)}, and the resource is not as it shall be: it claimed what it did not do`,
    );
  }
  const began = firstOf(record, 'detected');
  const late = because.every(({ finishedAt }) => finishedAt && isAfter(finishedAt, began, objectives.contain));
  return late
    ? as('late', phrase`it is ${ours(outcome)}, later than it should be`)
    : as('done', phrase`it is ${ours(outcome)}, as expected`);
}

const WAITING: readonly Outcome[] = ['awaiting-approval', 'deferred'];

function times(count: number): Phrase {
  if (count === 0) return phrase`not at all`;
  return count === 1 ? phrase`once` : ours(`${count} times`);
}

function stateOf({ run, asExpected }: RunRecord): EndState {
  if (asExpected !== undefined) return asExpected ? 'as-expected' : 'not-as-expected';
  return hasResource(run.fidelity) ? 'not-read' : 'none';
}

function cleanUpOf({ status, left = [], inventory }: Run, { kinds }: Scenario): CleanUp {
  if (status === 'cleanup-failed') return 'failed';
  if (status !== 'clean') return 'open';
  if (left.length > 0 || (inventory?.after !== undefined && inventory.after !== inventory.before)) return 'failed';
  return inventory?.after !== undefined || kinds.length === 0 ? 'clean' : 'unattested';
}
