import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTCOMES } from '../engine/response.ts';
import { judge, type Verdict } from './judge.ts';
import { measure, trend } from './measure.ts';
import { STATUSES } from './run.ts';
import { FIDELITIES, type Scenario } from './scenario.ts';
import { GRADES } from './shortcomings.ts';
import { earlierSpecimens, OFFSETS, type Otherwise, SPECIMEN, specimen } from './specimens.ts';

const judged = (otherwise: Otherwise = {}, scenario: Partial<Scenario> = {}) =>
  judge(specimen(otherwise), { ...SPECIMEN, ...scenario }, []);

const [RESPONSE] = SPECIMEN.responses;
const statusOf = ({ responses: [first] }: ReturnType<typeof judge>) => [first?.status, `${first?.why}`];
const metricOf = (judgement: ReturnType<typeof judge>, metric: string) =>
  judgement.metrics.find((each) => each.metric === metric);

describe('a run', () => {
  test('in which all is as it should be has passed, with the times of its moments', () => {
    const judgement = judged();
    expect(judgement).toMatchObject({ verdict: 'passed', shortcomings: [], state: 'as-expected', cleanUp: 'clean' });
    expect(judgement.metrics.map(({ metric, ms, result }) => [metric, ms, result])).toEqual([
      ['detect', 210, 'met'],
      ['acknowledge', undefined, 'not-measured'],
      ['respond', 1_220, 'met'],
      ['contain', 2_085, 'met'],
      ['recover', 2_370, 'met'],
    ]);
  });

  test('whose response never came is missed', () => {
    const moments = { acted: undefined, responded: undefined, contained: undefined, recovered: undefined };
    const judgement = judged({ responses: [], moments, asExpected: false });
    expect(judgement.verdict).toBe('missed');
    expect(statusOf(judgement)).toEqual(['missed', 'there was none']);
    expect(judgement.findings).toMatchObject([{ status: 'found' }]);
  });

  test('whose finding never came is missed, and times from it on are not measured', () => {
    const judgement = judged({ responses: [], moments: { detected: undefined } });
    expect(judgement.findings).toMatchObject([{ status: 'missed' }]);
    expect(metricOf(judgement, 'detect')).toMatchObject({ result: 'missed' });
    expect(metricOf(judgement, 'contain')).toMatchObject({ result: 'not-measured', unmeasured: 'no finding came' });
  });

  test('whose response is slow is late', () => {
    const slow = 40_000;
    const finishedAt = new Date(Date.parse(specimen().run.startedAt) + slow).toISOString();
    const judgement = judged({ responses: [{ finishedAt }], moments: { contained: slow, recovered: slow } });
    expect(judgement.verdict).toBe('late');
    expect(statusOf(judgement)).toEqual(['late', 'it is verified, later than it should be']);
    expect(judgement.shortcomings.map(({ about }) => about)).toEqual(['response snapshots.privatize-rds-snapshot']);
  });

  test('whose response claims what it did not do is failed, and not contained', () => {
    const judgement = judged({ asExpected: false });
    expect(judgement.verdict).toBe('failed');
    expect(statusOf(judgement)[1]).toContain('claimed what it did not do');
    expect(metricOf(judgement, 'contain')).toMatchObject({ result: 'missed' });
  });

  test.each<[string, Otherwise, Verdict]>([
    ['a time that is too long alone', { moments: { acted: OFFSETS.detected + 11_000 } }, 'late'],
    ['a state that nobody read', { asExpected: undefined }, 'missed'],
    ['an end before its end', { run: { stopped: { at: '', by: 'guard', reason: 'a freeze window' } } }, 'stopped'],
    ['a clean-up that failed', { run: { status: 'cleanup-failed', left: ['a snapshot'] } }, 'cleanup-failed'],
    ['an inventory that differs', { run: { inventory: { before: 'a', after: 'b' } } }, 'cleanup-failed'],
    ['an inventory that nobody took', { run: { inventory: { before: 'a' } } }, 'cleanup-failed'],
    ['a clock that runs backwards', { moments: { acted: OFFSETS.detected - 1 } }, 'missed'],
    ['a change that nobody expects', { responses: [{}, { id: 'b', remediation: 'storage.other' }] }, 'failed'],
    ['an end that nobody expects', { responses: [{}, { id: 'b', remediation: 'x.y', outcome: 'refused' }] }, 'passed'],
    ['duplicates that find nothing to do', { responses: [{}, { id: 'b', outcome: 'compliant' }] }, 'passed'],
    ['a second change', { responses: [{}, { id: 'b' }] }, 'failed'],
    [
      'a response on another resource',
      { responses: [{ target: 'arn:aws:rds:eu-west-1:1:x', outcome: 'gone' }] },
      'missed',
    ],
    ['a response that waits for a person', { responses: [{ outcome: 'awaiting-approval' }] }, 'missed'],
    ['a response that failed', { responses: [{ outcome: 'unverified' }] }, 'failed'],
  ])('with %s', (_, otherwise, verdict) => {
    expect(judged(otherwise).verdict).toBe(verdict);
  });

  test('waits for a response that is still open', () => {
    const record = specimen();
    const responses = record.responses.map(({ outcome: _, finishedAt: __, ...open }) => open);
    const judgement = judge({ ...record, responses }, SPECIMEN, []);
    expect(statusOf(judgement)).toEqual(['awaiting', 'it is open where verified was expected']);
  });

  test('that was stopped before anything was made has nothing to attest', () => {
    const record = specimen({
      run: { stopped: { at: '', by: 'guard', reason: 'frozen' } },
      responses: [],
      moments: {},
    });
    const { inventory: _, things: __, ...run } = record.run;
    expect(judge({ ...record, run }, SPECIMEN, []).shortcomings[0]).toMatchObject({ grade: 'stopped' });
  });

  test('whose resource shall be left alone fails when it was changed, and says why', () => {
    const responses = RESPONSE ? [{ ...RESPONSE, outcome: 'excepted' as const, because: 'exception' }] : [];
    const alone = { responses };
    const moments = { acted: undefined };
    expect(judged({ moments, responses: [{ outcome: 'excepted', reason: 'an exception' }] }, alone).verdict).toBe(
      'passed',
    );
    expect(statusOf(judged({ moments, responses: [{ outcome: 'excepted', reason: 'a hold' }] }, alone))).toEqual([
      'failed',
      'it is excepted for another reason than expected',
    ]);
    const wrong = judged(
      { moments, responses: [{ outcome: 'excepted', reason: 'an exception' }], asExpected: false },
      alone,
    );
    expect(wrong).toMatchObject({ verdict: 'failed', shortcomings: [{ about: 'end state' }] });
    const both = judged({ responses: [{ outcome: 'excepted', reason: 'an exception' }, { id: 'b' }] }, alone);
    expect(statusOf(both)).toEqual(['failed', 'it changed the resource once where not at all was expected']);
  });

  test('with a sample finding expects that nothing is fixed', () => {
    const moments = { acted: undefined, responded: undefined, contained: undefined, recovered: undefined };
    const run = { fidelity: 'sample-finding' as const };
    const responses = [{ outcome: 'simulated' as const, target: 'arn:aws:iam::222233334444:root' }];
    expect(judged({ run, moments, responses, asExpected: undefined }).verdict).toBe('passed');
    expect(judged({ run, moments, asExpected: undefined }).verdict).toBe('failed');
  });

  test('with samples expects the findings of GuardDuty alone', () => {
    const of = (source: 'guardduty' | 'macie', type: string) => ({ source, type, sample: {}, names: () => ({}) });
    const findings = [of('guardduty', 'Policy:S3/A'), of('macie', 'Policy:S3/B')];
    const run = { fidelity: 'sample-finding' as const };
    const responses = [{ outcome: 'simulated' as const, finding: { source: 'guardduty', type: 'Policy:S3/A' } }];
    expect(judged({ run, responses, asExpected: undefined }, { findings }).findings).toMatchObject([
      { type: 'Policy:S3/A', status: 'found' },
    ]);
  });

  test('finds a type as a word, not as a part of another', () => {
    const findings = [{ source: 'securityhub', type: 'RDS', sample: {}, names: () => ({}) } as const];
    expect(judged({}, { findings }).findings).toMatchObject([{ status: 'missed' }]);
  });
});

describe('earlier runs', () => {
  test('are at most four of the same scenario and fidelity, oldest first', () => {
    const earlier = earlierSpecimens(9_000, 8_000, 7_000, 6_000, 5_000);
    const { run } = specimen();
    const others = [
      specimen({ run: { id: 'live222222', fidelity: 'live', startedAt: '2026-05-01T00:00:00.000Z' } }),
      specimen({ run: { id: 'other22222', scenario: 'a.b', startedAt: '2026-05-01T00:00:00.000Z' } }),
      specimen({ run: { id: 'later22222', startedAt: '2027-05-01T00:00:00.000Z' } }),
      specimen(),
    ];
    const judgement = judge(specimen(), SPECIMEN, [...others, ...earlier].reverse());
    expect(judgement.earlier.map(({ label }) => label)).toEqual(['2025-Q4', '2026-Q1', '2026-Q2', '2026-Q3']);
    expect(judgement.run).toBe(run.id);
    expect(judgement.trends.find(({ metric }) => metric === 'contain')).toEqual({
      metric: 'contain',
      values: [8_000, 7_000, 6_000, 5_000, 2_085],
      median: 6_000,
      worst: 8_000,
      change: 'better',
    });
  });

  test.each([
    [[100, 111], 'worse'],
    [[100, 110], 'same'],
    [[100, 89], 'better'],
    [[0, 0], 'same'],
    [[null, 5], undefined],
    [[5, null], undefined],
    [[5], undefined],
  ])('%j is %s', (values, change) => {
    expect(trend('detect', values).change).toBe(change);
  });
});

/** Whatever may be kept of a run. */
const offset = fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined });
const anyRun: fc.Arbitrary<Otherwise> = fc.record({
  run: fc.record({
    fidelity: fc.constantFrom(...FIDELITIES),
    status: fc.constantFrom(...STATUSES),
    inventory: fc.record({ before: fc.constantFrom('a', 'b'), after: fc.constantFrom('a', 'b') }),
  }),
  moments: fc.record({
    injected: offset,
    detected: offset,
    alerted: offset,
    acknowledged: offset,
    acted: offset,
    contained: offset,
    recovered: offset,
  }),
  responses: fc.array(fc.record({ outcome: fc.constantFrom(...OUTCOMES) }), { maxLength: 3 }),
  asExpected: fc.option(fc.boolean(), { nil: undefined }),
});
const ORDER: readonly Verdict[] = ['passed', ...GRADES];

describe('whatever happened', () => {
  test('nothing passes when the state is not as expected, something is left, or a time has passed its objective', () => {
    fc.assert(
      fc.property(anyRun, (otherwise) => {
        const judgement = judged(otherwise);
        const { state, cleanUp, metrics, findings, responses } = judgement;
        const fine =
          (state === 'as-expected' || state === 'none') &&
          cleanUp === 'clean' &&
          metrics.every(({ result }) => result !== 'late' && result !== 'missed') &&
          findings.every(({ status }) => status === 'found') &&
          responses.every(({ status }) => status === 'done');
        if (!fine) expect(judgement.verdict).not.toBe('passed');
        if (otherwise.asExpected === false) expect(judgement.verdict).not.toBe('passed');
        expect(judgement.verdict === 'passed').toBe(judgement.shortcomings.length === 0 && cleanUp !== 'open');
      }),
      { numRuns: 2_000 },
    );
  });

  test('a response that claims is never done while the resource is otherwise', () => {
    fc.assert(
      fc.property(anyRun, (otherwise) => {
        const { responses } = judged({ ...otherwise, asExpected: false });
        expect(responses.filter(({ status, expected }) => expected === 'verified' && status === 'done')).toEqual([]);
      }),
    );
  });

  test('what comes later is never judged better', () => {
    const late = fc.constantFrom('acted', 'contained', 'recovered', 'acknowledged');
    fc.assert(
      fc.property(anyRun, late, fc.integer({ min: 1, max: 100_000 }), (otherwise, what, by) => {
        const before = otherwise.moments?.[what as 'acted'];
        const detected = otherwise.moments?.detected;
        const alerted = otherwise.moments?.alerted;
        // Before what it is measured from, a time is none: that is another matter than late.
        fc.pre(before !== undefined && before >= (detected ?? 0) && before >= (alerted ?? 0));
        const run = { ...otherwise.run, status: 'clean' as const };
        const [early, then] = [before, before + by].map((each) =>
          judged({ ...otherwise, run, moments: { ...otherwise.moments, [what]: each } }),
        );
        const order = (verdict: Verdict | undefined) => ORDER.indexOf(verdict ?? 'passed');
        expect(order(then?.verdict)).toBeGreaterThanOrEqual(order(early?.verdict));
      }),
      { numRuns: 1_000 },
    );
  });

  test('a time is never negative, and is there or is said why not', () => {
    fc.assert(
      fc.property(anyRun, fc.constantFrom('detect', 'contain', 'recover'), (otherwise, metric) => {
        const { ms, unmeasured, result } = measure(metric as 'detect', specimen(otherwise), SPECIMEN);
        expect((ms === undefined) !== (unmeasured === undefined)).toBe(true);
        expect(ms ?? 0).toBeGreaterThanOrEqual(0);
        if (ms !== undefined) expect(['met', 'late']).toContain(result);
      }),
    );
  });

  test('figures of unlike fidelities or scenarios are never put together', () => {
    const record = fc.record({
      fidelity: fc.constantFrom(...FIDELITIES),
      scenario: fc.constantFrom(SPECIMEN.id, 'identity.old-key'),
      days: fc.integer({ min: 1, max: 900 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...FIDELITIES), fc.array(record, { maxLength: 12 }), (fidelity, past) => {
        const previous = past.map(({ days, ...run }, index) =>
          specimen({
            run: {
              ...run,
              id: `past${index}`,
              startedAt: new Date(Date.parse('2026-11-24T00:00:00.000Z') - days * 86_400_000).toISOString(),
            },
          }),
        );
        const { earlier, trends } = judge(specimen({ run: { fidelity } }), SPECIMEN, previous);
        expect(earlier.length).toBeLessThanOrEqual(4);
        for (const { run } of earlier) {
          const of = previous.find((each) => each.run.id === run)?.run;
          expect([of?.fidelity, of?.scenario]).toEqual([fidelity, SPECIMEN.id]);
        }
        for (const { values } of trends) expect(values).toHaveLength(earlier.length + 1);
      }),
    );
  });
});
