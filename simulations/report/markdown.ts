import { markdown } from '../../engine/notify/encoders.ts';
import { labelOf } from '../judge.ts';
import type { Phrase } from '../phrase.ts';
import { type Exercise, type Level, type Report, reportOf, type Told } from './exercise.ts';
import { entriesOf, offset } from './timeline.ts';
import {
  CHANGE,
  CLEAN_UP,
  CLOCK,
  duration,
  END_STATE,
  FIDELITY,
  LAUNCH,
  METRIC,
  MOMENT,
  minute,
  RESULT,
  STATUS,
  VERDICT,
} from './words.ts';

/** The after-action report of an exercise in Markdown (GFM), for tickets and repositories. All that is not ours is encoded. */
export function markdownReport(exercise: Exercise): string {
  const report = reportOf(exercise);
  return `${[
    `# [SIMULATION] After-action report ${markdown(report.name)}`,
    `Written ${minute(report.writtenAt)}.`,
    ...report.levels.flatMap(level),
    ...actions(report),
    ...report.levels.flatMap(coverage),
    ...framework(report),
    ...evidence(report),
  ].join('\n\n')}\n`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const said = (phrases: readonly Phrase[], nothing: string): string =>
  phrases.length === 0 ? nothing : phrases.map((each) => `- ${each.as(markdown)}`).join('\n');

function level({ fidelity, verdicts, runs }: Level): string[] {
  const counts = Object.entries(verdicts).map(([verdict, count]) => `${count} ${verdict}`);
  return [
    `**Fidelity: ${FIDELITY[fidelity].name}.** ${FIDELITY[fidelity].says}`,
    `${runs.length === 1 ? '1 run' : `${runs.length} runs`}: ${counts.join(', ')}.`,
    ...runs.flatMap(run),
  ];
}

function run({ record, scenario, judgement, well, badly, notMeasured }: Told): string[] {
  const { run: of } = record;
  const { verdict, metrics, trends, findings, responses, unexpected, state, cleanUp, earlier } = judgement;
  const runs = [...earlier.map(({ label }) => label), labelOf(of)];
  const time = (ms: number | null | undefined): string => (typeof ms === 'number' ? duration(ms) : '—');
  return [
    `## ${VERDICT[verdict]}: ${markdown(scenario.title)}`,
    markdown(scenario.story),
    table(
      ['', ''],
      [
        ['scenario', markdown(scenario.id)],
        ['run', markdown(of.id)],
        ['fidelity', FIDELITY[of.fidelity].name],
        ['started', `${minute(of.startedAt)}, ${LAUNCH[of.launch]}`],
        ['account and Region', `${markdown(of.place.account)}, ${markdown(of.place.region)}`],
        ...Object.entries(scenario.judgedBy ?? {}).map(([remediation, parameters]) => [
          'judged by other limits than the policy’s',
          `${markdown(remediation)} with ${markdown(JSON.stringify(parameters))}`,
        ]),
      ],
    ),
    '### Times and their objectives',
    table(
      ['time', 'result', 'objective', 'judged', 'median', 'worst', 'against the last'],
      metrics.map(({ metric, ms, unmeasured, limitMs, result }) => {
        const trend = trends.find((each) => each.metric === metric);
        return [
          METRIC[metric].name,
          ms === undefined ? `not measured: ${unmeasured}` : duration(ms),
          time(limitMs),
          RESULT[result],
          time(trend?.median),
          time(trend?.worst),
          trend?.change === undefined ? '—' : CHANGE[trend.change],
        ];
      }),
    ),
    ...(earlier.length > 0
      ? [
          '### Trend',
          table(
            ['', ...runs.map(markdown)],
            [
              ['Verdict', ...[...earlier.map((each) => each.verdict), verdict].map((each) => VERDICT[each])],
              ...trends.map(({ metric, values }) => [METRIC[metric].name, ...values.map(time)]),
            ],
          ),
        ]
      : []),
    '### What happened',
    table(
      ['time', 'what', 'detail', 'told by'],
      entriesOf(record).map(({ at, what, detail, source, count, until }) => [
        offset(at),
        `${MOMENT[what]}${count > 1 ? `, ${count} times until ${offset(until)}` : ''}`,
        markdown(detail),
        CLOCK[source],
      ]),
    ),
    '### What was expected, and what came',
    table(
      ['expected', 'what came', 'result'],
      [
        ...findings.map(({ source, type, status, at }) => [
          `finding ${markdown(type)} of ${markdown(source)}`,
          at === undefined ? 'never' : markdown(at),
          STATUS[status],
        ]),
        ...responses.map(({ remediation, target, expected, why, status }) => [
          `${markdown(remediation)} ends ${expected}${target === undefined ? '' : `, on ${markdown(target)}`}`,
          why.as(markdown),
          STATUS[status],
        ]),
        ...unexpected.map(({ remediation, target, outcome }) => [
          `not expected: ${markdown(remediation)}`,
          `${markdown(outcome ?? 'open')}, on ${markdown(target)}`,
          '',
        ]),
        ['the resource in the end', END_STATE[state], state],
      ],
    ),
    '### What went well',
    said(well, 'Nothing.'),
    '### What went badly',
    said(badly, 'Nothing fell short.'),
    '### What is not measured, and why',
    said(notMeasured, 'All times were measured.'),
    '### Clean-up',
    CLEAN_UP[cleanUp].says,
    table(
      ['inventory', 'SHA-256'],
      [
        ['before', markdown(of.inventory?.before ?? 'not taken')],
        ['after', markdown(of.inventory?.after ?? 'not taken')],
      ],
    ),
  ];
}

const actions = ({ actions: all }: Report): string[] => [
  '## Corrective actions',
  all.length === 0
    ? 'None: nothing fell short.'
    : table(
        ['what fell short', 'scenario', 'severity', 'owner', 'due', 'ticket'],
        all.map(({ what, scenario, severity, owner, due, ticket }) => [
          what.as(markdown),
          markdown(scenario),
          severity.toLowerCase(),
          owner === undefined ? 'to be named' : markdown(owner),
          due,
          ticket === undefined ? '—' : markdown(ticket),
        ]),
      ),
];

function coverage({ fidelity, coverage: { families, techniques, remediations } }: Level): string[] {
  const exercised = (yes: boolean): string => (yes ? 'exercised' : 'not exercised');
  return [
    `## Coverage at ${FIDELITY[fidelity].name.toLowerCase()}`,
    table(
      ['source', 'finding family', 'types exercised', 'of'],
      families.map(({ source, family, types, exercised: found }) => [
        markdown(source),
        markdown(family),
        found.map(markdown).join(', ') || '—',
        String(types.length),
      ]),
    ),
    table(
      ['ATT&CK technique', ''],
      techniques.map(({ id, name, exercised: yes }) => [`${markdown(id)} ${name ?? ''}`.trim(), exercised(yes)]),
    ),
    table(
      ['remediation', ''],
      remediations.map(({ id, exercised: yes }) => [markdown(id), exercised(yes)]),
    ),
  ];
}

const framework = ({ csf }: Report): string[] => [
  '## NIST CSF 2.0',
  table(
    ['outcome', 'in NIST’s words', 'scenarios'],
    csf.map(({ id, words, scenarios }) => [markdown(id), words ?? '—', scenarios.map(markdown).join(', ')]),
  ),
];

const evidence = ({ levels }: Report): string[] => [
  '## Evidence',
  'SHA-256 of what is kept, in canonical JSON: of each run with all that was seen of it, and of each response’s record in the ledger.',
  table(
    ['record', 'outcome', 'SHA-256'],
    levels
      .flatMap(({ runs }) => runs)
      .flatMap(({ record, judgement, digest }) => [
        [`run ${markdown(record.run.id)}`, VERDICT[judgement.verdict].toLowerCase(), markdown(digest)],
        ...record.responses.map(({ id, outcome, digest: own }) => [
          `response ${markdown(id)}`,
          markdown(outcome ?? 'open'),
          markdown(own),
        ]),
      ]),
  ),
];
