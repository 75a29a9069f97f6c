import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from '../../engine/notify/attacks.ts';
import type { RunRecord } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { earlierSpecimens, exerciseOf, OFFSETS, type Otherwise, SPECIMEN, specimen } from '../specimens.ts';
import { readAssignments } from './assignments.ts';
import { type Exercise, reportOf } from './exercise.ts';
import { htmlReport } from './html.ts';
import { jsonReport } from './json.ts';
import { markdownReport } from './markdown.ts';
import { COLOURS, STYLE } from './style.ts';

const MISSED: Otherwise = {
  moments: { acted: undefined, responded: undefined, contained: undefined, recovered: undefined },
  responses: [],
  asExpected: false,
};

describe('an exercise', () => {
  test('is told with its fidelity, its title says that it is a simulation, and each format has the verdict', () => {
    const exercise = exerciseOf([specimen()], earlierSpecimens(9_400, 7_000, 7_300, 4_100));
    for (const text of [htmlReport(exercise), markdownReport(exercise)]) {
      expect(text).toContain('Fidelity: Bus replay');
      expect(text).toContain('[SIMULATION]');
      expect(text).toContain('Passed');
      expect(text).toContain('2.1 s');
      expect(text).toContain('2026-Q3');
    }
    expect(htmlReport(exercise)).toContain('<title>[SIMULATION] After-action report 2026-Q4</title>');
    expect(JSON.parse(jsonReport(exercise))).toMatchObject({
      title: '[SIMULATION] After-action report 2026-Q4',
      levels: [{ fidelity: 'bus-replay', verdicts: { passed: 1 }, runs: [{ judgement: { verdict: 'passed' } }] }],
    });
  });

  test('of two fidelities has all figures apart', () => {
    const live = specimen({ run: { id: 'b2b3c4d5e6', fidelity: 'live' } });
    const { levels } = reportOf(exerciseOf([live, specimen(MISSED)]));
    expect(levels.map(({ fidelity, verdicts }) => [fidelity, verdicts])).toEqual([
      ['bus-replay', { missed: 1 }],
      ['live', { passed: 1 }],
    ]);
    const exercised = levels.map(({ coverage }) => coverage.remediations.filter((each) => each.exercised).length);
    expect(exercised).toEqual([0, 1]);
  });

  test('covers the finding families, techniques and remediations of what came, of all that there are', () => {
    const [level] = reportOf(exerciseOf([specimen()])).levels;
    expect(level?.coverage.families.map(({ family, types, exercised }) => [family, types.length, exercised])).toEqual([
      ['Policy:S3', 2, []],
      ['RDS', 1, ['RDS.1']],
      ['S3', 2, []],
    ]);
    expect(level?.coverage.techniques).toEqual([
      { id: 'T1530', name: 'Data from Cloud Storage', exercised: false },
      { id: 'T1537', name: 'Transfer Data to Cloud Account', exercised: true },
      { id: 'T1578.001', name: 'Modify Cloud Compute Infrastructure: Create Snapshot', exercised: true },
    ]);
  });

  test('has one corrective action for what fell short, with the owner that people named, and else nobody', () => {
    const assigned = readAssignments(
      [
        `- scenario: ${SPECIMEN.id}`,
        '  about: response snapshots.privatize-rds-snapshot',
        '  owner: Data platform',
        '  ticket: SEC-214',
      ].join('\n'),
    );
    const exercise = { ...exerciseOf([specimen(MISSED)]), assigned };
    expect(reportOf(exercise).actions).toMatchObject([
      {
        about: 'response snapshots.privatize-rds-snapshot',
        severity: 'HIGH',
        owner: 'Data platform',
        due: '2026-12-24',
      },
    ]);
    expect(htmlReport(exercise)).toContain('SEC-214');
    for (const report of [htmlReport, markdownReport]) {
      expect(report(exerciseOf([specimen(MISSED)]))).toContain('to be named');
    }
  });

  test('says what is due by the severity: a clean-up that failed before what was late', () => {
    const late = specimen({ moments: { acted: OFFSETS.detected + 12_000 } });
    const dirty = specimen({ run: { id: 'b2b3c4d5e6', status: 'cleanup-failed', left: ['sg-1'] } });
    const { actions } = reportOf(exerciseOf([late, dirty]));
    expect(actions.map(({ about, severity, due }) => [about, severity, due])).toEqual([
      ['clean-up', 'CRITICAL', '2026-12-01'],
      ['time to respond', 'MEDIUM', '2027-02-22'],
    ]);
  });

  test('names the limits by which the run’s own resources were judged', () => {
    const exercise = exerciseOf([specimen()]);
    const scenario = { ...SPECIMEN, judgedBy: { 'identity.deactivate-old-access-keys': { maximumAgeDays: 0 } } };
    const judged = { ...exercise, runs: exercise.runs.map((run) => ({ ...run, scenario })) };
    for (const report of [htmlReport, markdownReport]) expect(report(judged)).toMatch(/judged by other limits/i);
    for (const report of [htmlReport, markdownReport]) expect(report(exercise)).not.toMatch(/judged by other limits/i);
  });

  test('takes from people only what it knows', () => {
    expect(readAssignments('')).toEqual([]);
    expect(() => readAssignments('- owner: somebody')).toThrow();
    expect(() => readAssignments('- { scenario: a, about: b, owner: c, due: soon }')).toThrow();
  });
});

/** The specimen with every text that somebody else may have written. */
function written(texts: readonly string[]): Exercise {
  let next = 0;
  const text = (): string => {
    next += 1;
    return `x${texts[next % texts.length] ?? ''}`;
  };
  const record = specimen({ run: { status: 'cleanup-failed', left: [text()], exercise: text() } });
  const { run, timeline, responses } = record;
  const hostile: RunRecord = {
    ...record,
    run: {
      ...run,
      place: { partition: 'aws', account: text(), region: text() },
      partner: text(),
      parameters: { given: text() },
      stopped: { at: run.startedAt, by: 'person', reason: text() },
      inventory: { before: text(), after: text() },
    },
    timeline: timeline.map((moment) => ({ ...moment, detail: text() })),
    responses: [...responses, ...responses, ...responses].map((response, index) => ({
      ...response,
      id: text(),
      digest: text(),
      reason: text(),
      ...(index > 0 && { target: text(), remediation: text(), finding: { source: text(), type: text() } }),
    })),
  };
  const scenario: Scenario = {
    ...SPECIMEN,
    id: text(),
    title: text(),
    story: text(),
    judgedBy: { [text()]: { limit: text() } },
    attack: ['T0'],
    csf: ['ID.XX-01'],
    findings: [{ source: 'guardduty', type: text(), sample: {}, names: () => ({}) }],
  };
  const exercise = exerciseOf([hostile], earlierSpecimens(9_000, 4_000));
  return {
    ...exercise,
    name: text(),
    runs: exercise.runs.map((each) => ({ ...each, scenario })),
    scenarios: [scenario],
    catalogue: [{ id: text(), title: text(), handles: [] }],
  };
}

const harmless = written(['y']);
const count = (text: string, of: string): number => text.split(of).length - 1;
const always = (holds: (exercise: Exercise) => void): void =>
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 7, maxLength: 7 }), (texts) => holds(written(texts))),
    { numRuns: 60 },
  );

describe('whatever was written by others', () => {
  test('adds no tag and no attribute to the page, and nothing out of sight', () => {
    const plain = htmlReport(harmless);
    always((exercise) => {
      const page = htmlReport(exercise);
      for (const sign of ['<', '>', '"']) expect(count(page, sign)).toBe(count(plain, sign));
      expect(page).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    });
  });

  test('stays in code spans in Markdown', () => {
    const withoutSpans = (text: string): string => text.replaceAll(/`[^`\n]+`/g, '``');
    const plain = withoutSpans(markdownReport(harmless));
    always((exercise) => expect(withoutSpans(markdownReport(exercise))).toBe(plain));
  });

  test('is in JSON exactly, with nothing out of sight', () => {
    always((exercise) => {
      const text = jsonReport(exercise);
      expect(text).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(JSON.parse(text)).toMatchObject({ name: exercise.name });
    });
  });
});

describe('the page', () => {
  test('names nothing to fetch, and allows none', () => {
    const page = htmlReport(harmless);
    expect(page).not.toMatch(/<(?:script|link|img|iframe|object|embed|base|form)\b/i);
    expect(page).not.toMatch(/\s(?:src|srcset|xlink:href)=|href="(?!#)/i);
    expect(STYLE).not.toMatch(/url\(|@import|@font-face/i);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  });

  test('draws no time that was not measured', () => {
    const contained = (asExpected: boolean) => htmlReport(exerciseOf([specimen({ asExpected })]));
    expect(contained(true)).toContain('class="span contain"');
    expect(contained(false)).not.toContain('class="span contain"');
  });

  test('has the same bytes twice', () => {
    expect(htmlReport(exerciseOf([specimen()]))).toBe(htmlReport(exerciseOf([specimen()])));
  });

  test('leads to runs that are on it', () => {
    const page = htmlReport(exerciseOf([specimen()]));
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links).toHaveLength(1);
    for (const id of links) expect(page).toContain(`id="${id}"`);
  });

  /** Relative luminance by WCAG 2: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (a: string, b: string): number => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };

  test.each([
    ['light', 0],
    ['dark', 1],
  ] as const)('has text that stands out from its ground, %s', (_, scheme) => {
    for (const ground of ['ground', 'sheet', 'wash'] as const) {
      for (const text of ['ink', 'quiet', 'accent', 'good', 'warn', 'bad'] as const) {
        expect([text, ground, contrast(COLOURS[text][scheme], COLOURS[ground][scheme]) >= 4.5]).toEqual([
          text,
          ground,
          true,
        ]);
      }
    }
  });
});
