import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { exceptionFor, modeOf, parametersOf } from './policy.ts';
import { type Policy, policySchema } from './policy-schema.ts';
import { targetFromArn } from './targets.ts';

const place = { account: '444455556666', region: 'eu-west-1' };
const policy = (more: object = {}): Policy => policySchema.parse({ version: 1, ...more });
const targetOf = (type: string, arn: string) => {
  const target = targetFromArn([type], arn, place);
  if (!target) throw new Error(`${arn} is no ${type}`);
  return target;
};

describe('the schema', () => {
  test('takes a version and fills in the rest', () => {
    expect(policy()).toMatchObject({ version: 1, administrators: [], remediations: {}, exceptions: [] });
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
});

test('parameters come from the policy, defaults from the schema, and nothing else passes', () => {
  const action = { id: 'a.b', parameters: z.strictObject({ days: z._default(z.number(), 90) }) };
  const set = (parameters: object) => policy({ remediations: { 'a.b': { parameters } } });
  expect(parametersOf(policy(), action)).toEqual({ days: 90 });
  expect(parametersOf(set({ days: 30 }), action)).toEqual({ days: 30 });
  expect(() => parametersOf(set({ day: 30 }), action)).toThrow();
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
