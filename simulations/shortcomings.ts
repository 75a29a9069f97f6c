import type { CleanUp, EndState, JudgedResponse, Judgement } from './judge.ts';
import { isChange } from './measure.ts';
import { ours, type Phrase, phrase } from './phrase.ts';
import type { Run } from './run.ts';
import type { Scenario } from './scenario.ts';

/** What falls short, from least to worst. The verdict of a run is the worst that fell short in it. */
export const GRADES = ['late', 'missed', 'failed', 'stopped', 'cleanup-failed'] as const;
export type Grade = (typeof GRADES)[number];

/** One thing that was not as the scenario has it. */
export interface Shortcoming {
  readonly grade: Grade;
  /** What it is about, the same in each quarter: `response snapshots.privatize-rds-snapshot`. */
  readonly about: string;
  /** In words, for people. */
  readonly what: Phrase;
}

type Parts = Pick<Judgement, 'metrics' | 'findings' | 'responses' | 'unexpected' | 'state' | 'cleanUp'>;

/** All that fell short, worst first. What a finding or a response is late for is not told again as a time. */
export function shortcomingsOf(
  run: Run,
  { metrics, findings, responses, unexpected, state, cleanUp }: Parts,
  { killedInCleanUp }: Pick<Scenario, 'killedInCleanUp'>,
): Shortcoming[] {
  const shortFindings = findings.flatMap(({ source, type, status }): Shortcoming[] =>
    status === 'found'
      ? []
      : [
          {
            grade: status,
            about: `finding ${source} ${type}`,
            what: phrase`The finding ${type} of ${source} ${CAME[status]}.`,
          },
        ],
  );
  const shortResponses = responses.flatMap(({ remediation, status, why }): Shortcoming[] =>
    status === 'done'
      ? []
      : [
          {
            grade: status === 'awaiting' ? 'missed' : status,
            about: `response ${remediation}`,
            what: phrase`The response ${remediation}: ${why}.`,
          },
        ],
  );
  const inTheEnd = shortState(state, responses);
  const wrong = inTheEnd.filter(({ grade }) => grade === 'failed');
  const shortTimes = metrics.flatMap(({ metric, result }): Shortcoming[] => {
    const told = metric === 'detect' ? shortFindings : metric === 'acknowledge' ? [] : [...shortResponses, ...wrong];
    if ((result !== 'late' && result !== 'missed') || told.length > 0) return [];
    return [
      { grade: result, about: `time to ${metric}`, what: phrase`The time to ${ours(metric)} ${PASSED[result]}.` },
    ];
  });
  const changed = unexpected
    .filter(({ outcome }) => isChange(outcome))
    .map(
      ({ remediation, target }): Shortcoming => ({
        grade: 'failed',
        about: `unexpected ${remediation}`,
        what: phrase`${remediation} changed ${target}, which the scenario does not expect.`,
      }),
    );
  return [
    ...shortFindings,
    ...shortResponses,
    ...shortTimes,
    ...changed,
    ...inTheEnd,
    ...(killedInCleanUp && cleanUp === 'clean' && run.killedAt === undefined ? [NOT_KILLED] : []),
    ...(run.stopped ? [stop(run.stopped)] : []),
    // What was stopped before anything was made has nothing to compare.
    ...(cleanUp === 'failed' || (cleanUp === 'unattested' && !run.stopped) ? [notClean(run, cleanUp)] : []),
  ].sort((a, b) => GRADES.indexOf(b.grade) - GRADES.indexOf(a.grade));
}

const NOT_KILLED: Shortcoming = {
  grade: 'missed',
  about: 'clean-up',
  what: phrase`The clean-up was never interrupted, so that nothing was shown.`,
};

const CAME = { late: phrase`came later than it should`, missed: phrase`never came` };
const PASSED = { late: phrase`is longer than its objective`, missed: phrase`never ended` };

/** The end state, where no response that did not do its work says why it is so. */
function shortState(state: EndState, responses: readonly JudgedResponse[]): Shortcoming[] {
  const about = 'end state';
  if (state === 'not-read') {
    return [{ grade: 'missed', about, what: phrase`Nobody read whether the resource was as it shall be.` }];
  }
  if (state !== 'not-as-expected' || responses.some(({ status }) => status !== 'done' && status !== 'late')) return [];
  return [{ grade: 'failed', about, what: phrase`The resource was not as it shall be when the watch ended.` }];
}

const stop = ({ by, reason }: NonNullable<Run['stopped']>): Shortcoming => ({
  grade: 'stopped',
  about: 'stop',
  what: phrase`It was stopped before its end (${ours(by)}): ${reason}`,
});

function notClean({ left = [] }: Run, cleanUp: CleanUp): Shortcoming {
  const why =
    left.length > 0
      ? phrase`is not done: ${left.join(', ')}`
      : cleanUp === 'failed'
        ? phrase`left the account otherwise than it was before`
        : phrase`is not attested: a digest of the inventory is missing`;
  return { grade: 'cleanup-failed', about: 'clean-up', what: phrase`The clean-up ${why}.` };
}
