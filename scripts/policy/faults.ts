import type * as z from 'zod/mini';
import type { Where } from '../../engine/policy.ts';
import { written } from '../written.ts';
import { nearest } from './nearest.ts';

/** What is wrong at a place of a file, and what to write there. */
export interface Fault {
  readonly where: Where;
  readonly wrong: string;
  readonly write: string;
}

/** What goes where, by the key. */
const WRITE: Readonly<Record<string, string>> = {
  version: '1',
  administrators: "account ids in quotes: ['222233334444']",
  management: "the account id in quotes: '111122223333'",
  account: "the account id in quotes: '444455556666'",
  accounts: "account ids in quotes with what is known of them: '444455556666': { unit: Production/Payments }",
  unit: 'the path of the unit: Production/Payments',
  remediation: 'a remediation like storage.block-public-bucket, a worker like storage.*, or *',
  resource: 'the ARN of one resource: arn:aws:s3:::exports',
  owner: 'who answers for it: data-platform@example.com',
  reason: 'why, in a sentence',
  expires: 'the last day on which it holds: 2027-03-31',
  tag: '{ key: production, value: "yes" }',
  days: 'the days on which it begins: [fri, sat]',
  timezone: 'a name like Europe/Vienna',
  weekly: "either from and until, or weekly: { days: [sat], from: '00:00', until: '24:00', timezone: Europe/Vienna }",
  from: 'a time with its zone: 2026-11-27T00:00:00+01:00',
  until: 'a later time with its zone: 2026-12-01T00:00:00+01:00',
  types: "finding types: ['Policy:IAMUser/RootCredentialUsage']",
};
const WRITE_WEEKLY: Readonly<Record<string, string>> = {
  from: "a time of day: '22:00'",
  until: "a time of day: '06:00'",
};
const WRITE_PROTECTED =
  'an ARN, with * for all of its Region, its account or its end: arn:aws:iam::*:role/break-glass-*';

const hintFor = (hints: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(hints, key) ? hints[key] : undefined;

function policyHint(where: Where): string {
  const key = String(where.findLast((step) => typeof step === 'string'));
  const inWindow = where.includes('weekly') ? hintFor(WRITE_WEEKLY, key) : undefined;
  const inProtected = where[0] === 'protected' && key === 'resource' ? WRITE_PROTECTED : undefined;
  return inWindow ?? inProtected ?? hintFor(WRITE, key) ?? 'what docs/catalogue.md says';
}

const article = (type: string): string => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);
const NAMES: Readonly<Record<string, string>> = { int: 'whole number', record: 'map', object: 'map', array: 'list' };

const typeOf = (value: unknown): string => {
  if (value === null) return 'nothing';
  return article(Array.isArray(value) ? 'list' : typeof value === 'object' ? 'map' : typeof value);
};

/**
 * The faults that a schema found, as a person can mend them.
 * @param base where in the file the schema's value stands
 * @param hint what to write at a place of the file: without it, of a policy
 */
export const faultsOf = (
  issues: readonly z.core.$ZodIssue[],
  schema: z.core.$ZodType,
  base: Where = [],
  hint: (where: Where) => string = policyHint,
): Fault[] =>
  issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const where = [...base, ...path];
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path);
      return issue.keys.map((key) => ({
        where: [...where, key],
        wrong: 'is not known here',
        write: nearest(key, known) ?? (known.length > 0 ? `one of ${known.join(', ')}` : 'nothing: take it out'),
      }));
    }
    const [wrong, write] = inWords(issue);
    return [{ where, wrong, write: write ?? hint(where) }];
  });

/** What is wrong, and what to write where that follows from it. */
function inWords(issue: z.core.$ZodIssue): readonly [wrong: string, write: string | undefined] {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = article(NAMES[issue.expected] ?? issue.expected);
      const isHint = issue.expected !== 'string' && issue.input !== undefined;
      return [
        issue.input === undefined ? 'is missing' : `is ${typeOf(issue.input)}, not ${expected}`,
        isHint ? expected : undefined,
      ];
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      if (issue.input === undefined) return ['is missing', `one of ${values.join(', ')}`];
      return [`is none of ${values.join(', ')}`, nearest(written(issue.input), values) ?? values[0]];
    }
    case 'invalid_key':
      return ['is no account id', WRITE.accounts];
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? ['is empty', undefined]
        : [`is not ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`, 'a larger number'];
    case 'too_big':
      return [`is more than ${issue.maximum}`, `${issue.maximum} at most`];
    default: {
      const [wrong, write] = issue.message.split(': write ');
      return [wrong === undefined || wrong === 'Invalid input' ? 'is not as it has to be' : wrong, write];
    }
  }
}

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: Where): string[] {
  const { shape, innerType, element, valueType } = schema._zod.def as Definition;
  if (innerType) return keysAt(innerType, path);
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(shape ?? {});
  const next = shape?.[step] ?? element ?? valueType;
  return next ? keysAt(next, rest) : [];
}
