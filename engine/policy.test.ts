import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { findingOn } from '../local/findings.ts';
import { type Finding, SEVERITIES } from './findings/finding.ts';
import { atLeast, severityOf } from './findings/severity.ts';
import { budgetOf, type Case, exceptionFor, modeOf, parametersOf, promoted, promotionOf } from './policy.ts';
import { type Policy, policySchema } from './policy-schema.ts';
import { targetFromArn } from './targets.ts';

const place = { account: '444455556666', region: 'eu-west-1' };
const policy = (more: object = {}): Policy => policySchema.parse({ version: 1, ...more });
const targetOf = (type: string, arn: string) => {
  const target = targetFromArn([type], arn, place);
  if (!target) throw new Error(`${arn} is no ${type}`);
  return target;
};

const freeze = { name: 'n', owner: 'o', reason: 'r' };
const weekly = { days: ['sat'], from: '00:00', until: '24:00', timezone: 'Europe/Vienna' };

describe('the schema', () => {
  test('takes a version and fills in the rest', () => {
    expect(policy()).toEqual({
      version: 1,
      administrators: [],
      organization: {},
      accounts: {},
      remediations: {},
      modes: [],
      exceptions: [],
      freezes: [],
      protected: { resources: [], sharedBy: 50 },
      severities: [],
      budget: { perHour: 50, share: 0.5, shareFrom: 10 },
      coolDown: { fixes: 5, hours: 24 },
      approvals: { expireAfterHours: 24 },
      incidents: { verifiedFrom: 'HIGH', joinHours: 24 },
    });
  });

  test.each([
    {},
    { version: 2 },
    { version: 1, remediation: {} },
    { version: 1, administrators: ['444'] },
    { version: 1, remediations: { 'a.b': { mode: 'auto' } } },
    {
      version: 1,
      exceptions: [{ remediation: '*', resource: 'arn:aws:s3:::x', owner: '', reason: 'r', expires: '2027-01-01' }],
    },
    { version: 1, exceptions: [{ remediation: '*', resource: 'arn:aws:s3:::x', owner: 'o', reason: 'r' }] },
    {
      version: 1,
      exceptions: [{ remediation: '*', resource: 'arn:aws:s3:::x', owner: 'o', reason: 'r', expires: 'never' }],
    },
    {
      version: 1,
      exceptions: [{ remediation: '*', resource: 'exports', owner: 'o', reason: 'r', expires: '2027-01-01' }],
    },
    {
      version: 1,
      exceptions: [{ remediation: '*', resource: 'arn:aws:s3:::*', owner: 'o', reason: 'r', expires: '2027-01-01' }],
    },
    { version: 1, accounts: { 12: {} } },
    { version: 1, accounts: { 444455556666: { unit: '/Production' } } },
    { version: 1, modes: [{ remediation: 'storage' }] },
    { version: 1, modes: [{ remediation: 'sto*', mode: 'observe' }] },
    { version: 1, modes: [{ tag: { key: 'a', value: 'b' }, mode: 'automatic' }] },
    { version: 1, modes: [{ tag: { key: 'a', value: 'b' }, mode: 'observe' }] },
    { version: 1, freezes: [{ ...freeze }] },
    { version: 1, freezes: [{ ...freeze, from: '2027-01-01T00:00:00Z' }] },
    { version: 1, freezes: [{ ...freeze, from: '2027-01-01T00:00:00', until: '2027-01-02T00:00:00' }] },
    { version: 1, freezes: [{ ...freeze, from: '2027-01-01T00:00:00Z', until: '2027-01-01T00:00:00+00:00' }] },
    { version: 1, freezes: [{ ...freeze, from: '2027-01-01T00:00:00Z', until: '2027-01-02T00:00:00Z', weekly }] },
    { version: 1, freezes: [{ ...freeze, weekly: { ...weekly, days: [] } }] },
    { version: 1, freezes: [{ ...freeze, weekly: { ...weekly, until: '24:01' } }] },
    { version: 1, freezes: [{ ...freeze, weekly: { ...weekly, timezone: 'Mars/Base' } }] },
    ...[
      '*',
      'arn:aws:iam::*:*',
      'arn:*:iam::*:role/x',
      'arn:aws:iam::4444*:role/x',
      'arn:aws:iam::*:role/*x',
      'arn:aws:iam::*:role/break-glass/*',
    ].map((resource) => ({ version: 1, protected: { resources: [{ resource, owner: 'o', reason: 'r' }] } })),
  ])('refuses %j', (given) => {
    expect(policySchema.safeParse(given).success).toBe(false);
  });
});

describe('the mode', () => {
  const undo = async () => ({ before: {}, after: {}, facts: {}, changedSince: [] });

  test('follows the risk until the policy says otherwise', () => {
    expect(modeOf(policy(), { id: 'a.b', risk: 'safe', undo }).mode).toBe('automatic');
    expect(modeOf(policy(), { id: 'a.b', risk: 'disruptive', undo }).mode).toBe('approval');
    expect(modeOf(policy(), { id: 'a.b', risk: 'destructive', undo }).mode).toBe('approval');
  });

  test('is never automatic for what cannot be undone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('safe', 'disruptive', 'destructive'),
        fc.constantFrom('automatic', 'approval', 'observe', undefined),
        (risk, mode) => {
          const set = policy(mode ? { remediations: { 'a.b': { mode } } } : {});
          expect(modeOf(set, { id: 'a.b', risk, undo: 'irreversible' }).mode).toBe(
            mode === 'observe' ? 'observe' : 'approval',
          );
          if (mode) expect(modeOf(set, { id: 'a.b', risk, undo }).mode).toBe(mode);
        },
      ),
    );
  });

  const action = { id: 'a.b', risk: 'safe', undo } as const;
  const about = (more: Partial<Case> = {}): Case => ({
    ...{ remediation: 'a.b', account: '444455556666', severity: 'MEDIUM', ...more },
  });
  const ruled = (modes: readonly object[], more?: Partial<Case>) => {
    const accounts = { 444455556666: { unit: 'Production/Payments' } };
    return modeOf(policy({ modes, accounts, remediations: { 'a.b': { mode: 'approval' } } }), action, about(more));
  };

  test('is by the first line that matches, ahead of what the remediation itself is set to', () => {
    expect(ruled([])).toMatchObject({ mode: 'approval', where: ['remediations', 'a.b', 'mode'] });
    const lines = [
      { remediation: 'a.c', mode: 'observe' },
      { account: '777788889999', mode: 'observe' },
      { unit: 'Production/Pay', mode: 'observe' },
      { severity: 'HIGH', mode: 'automatic' },
      { unit: 'Production', remediation: 'a.*', mode: 'automatic' },
      { mode: 'observe' },
    ];
    expect(ruled(lines)).toMatchObject({ mode: 'automatic', where: ['modes', 4] });
    expect(ruled(lines, { severity: 'CRITICAL' })).toMatchObject({ mode: 'automatic', where: ['modes', 3] });
    expect(ruled(lines, { account: '777788889999' })).toMatchObject({ mode: 'observe', where: ['modes', 1] });
    expect(ruled(lines, { account: '111122223333' })).toMatchObject({ mode: 'observe', where: ['modes', 5] });
    expect(ruled(lines).because).toBe('response-policy.yml sets a.* in Production to automatic');
  });

  test('is not known in advance by lines that hold only in some cases', () => {
    const modes = [
      { account: '444455556666', mode: 'observe' },
      { remediation: 'a.*', mode: 'automatic' },
    ];
    expect(modeOf(policy({ modes }), action)).toMatchObject({ mode: 'automatic', where: ['modes', 1] });
  });

  test('turns from automatic into approval, and into nothing else, by a tag that stands ahead of what decides', () => {
    const tag = { key: 'criticality', value: 'high' };
    const asks = { tag, mode: 'approval' };
    expect(ruled([asks, { mode: 'automatic' }]).unless).toMatchObject([{ tag, where: ['modes', 0] }]);
    for (const lines of [
      [{ mode: 'automatic' }, asks],
      [asks, { mode: 'observe' }],
      [asks],
      [{ ...asks, account: '777788889999' }, { mode: 'automatic' }],
    ])
      expect(ruled(lines).unless).toBeUndefined();
  });
});

describe('a promotion', () => {
  const source = 'guardduty';
  const severities = [{ source, types: ['Policy:IAMUser/RootCredentialUsage'], severity: 'HIGH', reason: 'r' }];
  const told = (more: Partial<Finding> = {}): Finding =>
    findingOn(targetOf('AWS::S3::Bucket', 'arn:aws:s3:::exports'), source, 'Policy:IAMUser/RootCredentialUsage', {
      ...{ severity: 'LOW', score: 2 },
      ...more,
    });

  test('rates a finding of its source and type, and says what it was rated', () => {
    const set = policy({ severities });
    expect(promoted(set, told())).toEqual({
      ...told(),
      ...{ id: expect.any(String), updatedAt: expect.any(String), envelope: expect.anything() },
      ...{ severity: 'HIGH', score: 7, rated: { severity: 'LOW', score: 2 } },
    });
    expect(promotionOf(set, told())).toEqual(['severities', 0]);
    for (const other of [told({ type: 'Policy:IAMUser/Other' }), told({ source: 'securityhub' })]) {
      expect(promoted(set, other)).toBe(other);
    }
  });

  test('never lowers, and keeps severity and score together', () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 10, noNaN: true }), fc.constantFrom(...SEVERITIES), (score, severity) => {
        const set = policy({ severities: [{ ...severities[0], severity }] });
        const one = promoted(set, told({ score, severity: severityOf(score) }));
        expect(one.score).toBeGreaterThanOrEqual(score);
        expect(severityOf(one.score)).toBe(one.severity);
        expect(atLeast(one.severity, severity)).toBe(true);
        expect(one.rated === undefined).toBe(one.score === score);
      }),
    );
  });
});

test('parameters come from the policy, defaults from the schema, and nothing else passes', () => {
  const action = { id: 'a.b', parameters: z.strictObject({ days: z._default(z.number(), 90) }) };
  const set = (parameters: object) => policy({ remediations: { 'a.b': { parameters } } });
  expect(parametersOf(policy(), action)).toEqual({ days: 90 });
  expect(parametersOf(set({ days: 30 }), action)).toEqual({ days: 30 });
  expect(() => parametersOf(set({ day: 30 }), action)).toThrow();
});

test('a budget of its own says what is otherwise than for all', () => {
  const set = policy({ budget: { perHour: 20, share: 0.2 }, remediations: { 'a.b': { budget: { perHour: 5 } } } });
  expect(budgetOf(set, 'a.b')).toEqual({ perHour: 5, share: 0.2, shareFrom: 10 });
  expect(budgetOf(set, 'a.c')).toEqual({ perHour: 20, share: 0.2, shareFrom: 10 });
});

describe('an exception', () => {
  const excepted = (resource: string, more: object = {}): Policy =>
    policy({
      exceptions: [{ remediation: 'a.b', resource, owner: 'o', reason: 'r', expires: '2027-03-31', ...more }],
    });
  const bucket = targetOf('AWS::S3::Bucket', 'arn:aws:s3:::exports');
  const day = (text: string) => new Date(text);

  test('holds for its remediation and resource, to the end of its last day', () => {
    const set = excepted('arn:aws:s3:::exports');
    expect(exceptionFor(set, 'a.b', bucket, day('2027-03-31T23:59:59.999Z'))).toBeDefined();
    expect(exceptionFor(set, 'a.b', bucket, day('2027-04-01T00:00:00.000Z'))).toBeUndefined();
    expect(exceptionFor(set, 'a.c', bucket, day('2027-01-01'))).toBeUndefined();
    const other = targetOf('AWS::S3::Bucket', 'arn:aws:s3:::exports-2');
    expect(exceptionFor(set, 'a.b', other, day('2027-01-01'))).toBeUndefined();
    expect(
      exceptionFor(excepted('arn:aws:s3:::exports', { remediation: '*' }), 'a.c', bucket, day('2027-01-01')),
    ).toBeDefined();
    const worker = excepted('arn:aws:s3:::exports', { remediation: 'a.*' });
    expect(exceptionFor(worker, 'a.c', bucket, day('2027-01-01'))).toBeDefined();
    expect(exceptionFor(worker, 'ab.c', bucket, day('2027-01-01'))).toBeUndefined();
  });

  test('holds for an IAM user by whichever ARN a finding names it: with its path or without', () => {
    const [bare, pathed] = ['arn:aws:iam::444455556666:user/alice', 'arn:aws:iam::444455556666:user/ops/alice'];
    for (const written of [bare, pathed]) {
      for (const told of [bare, pathed]) {
        const user = targetOf('AWS::IAM::User', told);
        expect(exceptionFor(excepted(written), 'a.b', user, day('2027-01-01'))).toBeDefined();
      }
    }
    const namesake = targetOf('AWS::IAM::User', 'arn:aws:iam::777788889999:user/alice');
    expect(exceptionFor(excepted(bare), 'a.b', namesake, day('2027-01-01'))).toBeUndefined();
  });
});
