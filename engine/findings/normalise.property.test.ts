import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ACCOUNT_ID, arnOf, isKnownType, parseArn } from '../arn.ts';
import { principalOf } from '../principals.ts';
import { type Normalised, SOURCES } from './finding.ts';
import { normalise } from './normalise.ts';
import { sampleEvent, sampleNames } from './samples.ts';
import { severityOf } from './severity.ts';

/** What holds of every result, whatever the message was. */
function holds(result: Normalised): void {
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  if (result.rejection !== undefined) {
    expect(result.findings).toBeUndefined();
    expect(result.rejection).toMatch(/^[\w.[\]-]+: [\x20-\x7e]+$/);
    expect(result.rejection.length).toBeLessThan(400);
    return;
  }
  expect(result.findings.length).toBeGreaterThan(0);
  for (const finding of result.findings) {
    const { account, region, partition } = finding;
    expect(SOURCES).toContain(finding.source);
    expect(account).toMatch(ACCOUNT_ID);
    expect(region).toMatch(/^[a-z]+(?:-[a-z]+)+-\d+$/);
    expect(finding.envelope.account).toMatch(ACCOUNT_ID);
    expect(parseArn(`arn:${partition}:ec2:${region}:${account}:instance/i`)).toBeDefined();
    expect(['active', 'resolved', 'suppressed']).toContain(finding.status);
    expect(finding.severity).toBe(severityOf(finding.score));
    expect(new Date(finding.updatedAt).toISOString()).toBe(finding.updatedAt);
    for (const { type, id, arn } of finding.resources) {
      expect(id).not.toBe('*');
      if (isKnownType(type)) expect(parseArn(arnOf(type, { account, region, partition }, id) ?? '')).toBeDefined();
      if (type === 'AWS::Account') expect(id).toBe(account);
      if (arn !== undefined) expect([account, '']).toContain(parseArn(arn)?.account);
    }
    for (const arn of [finding.principal, finding.sessionIssuer]) {
      if (arn !== undefined) expect(parseArn(arn) ?? principalOf(arn)).toBeDefined();
    }
  }
}

const samples = sampleNames.map((name) => sampleEvent(name));
const sample = fc.constantFrom(...samples);

type Path = readonly (string | number)[];

/** Every place in a JSON value, the whole left out. */
function paths(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    return [at, ...paths(child, at)];
  });
}

/** A copy of `value` in which `change` has had the parent and key at `path`. */
function changed(
  value: unknown,
  path: Path,
  change: (parent: Record<string | number, unknown>, key: string | number) => void,
) {
  const copy = structuredClone(value);
  const parent = path
    .slice(0, -1)
    .reduce((node, key) => (node as Record<string | number, unknown>)[key], copy as unknown);
  change(parent as Record<string | number, unknown>, path.at(-1) ?? '');
  return copy;
}

const nasty = fc.constantFrom<unknown>(
  '',
  '*',
  '..',
  '444455556666\n',
  'arn:aws:s3:::*',
  'arn:aws:iam::777788889999:user/root',
  'arn:aws:iam::444455556666:user/a..b',
  'arn:aws:iam::444455556666:role/../../x',
  'AWS::::Account:777788889999',
  'snap-0a91c35d7e2f4b680"}],"x":[{"',
  '\u0000\u001b[31m\u202e',
  '__proto__',
  'constructor',
  -1,
  1e308,
  65_536,
  4.5,
  null,
  true,
  [],
  {},
  [null],
  { items: null },
  JSON.parse('{"__proto__":{"polluted":true,"Sample":true,"archived":true}}'),
);
const replacement = fc.oneof({ weight: 3, arbitrary: nasty }, { weight: 1, arbitrary: fc.jsonValue() });

const mutation = sample.chain((event) =>
  fc.constantFrom(...paths(event)).chain((path) =>
    fc.oneof(
      fc.constant(
        changed(event, path, (parent, key) =>
          Array.isArray(parent) ? parent.splice(Number(key), 1) : delete parent[key],
        ),
      ),
      replacement.map((value) => changed(event, path, (parent, key) => (parent[key] = value))),
      fc.constant(changed(event, path, (parent, key) => (parent[key] = [parent[key]]))),
      fc.constant(changed(event, path, (parent, key) => (parent[key] = String(parent[key])))),
    ),
  ),
);

describe('property: any message gives findings or a rejection, never a throw', () => {
  test('any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json()), (text) => holds(normalise(text))),
    );
  });

  test('any value', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (value) => holds(normalise(value))));
  });

  test('any detail in any envelope that is read', () => {
    fc.assert(fc.property(sample, fc.jsonValue(), (event, detail) => holds(normalise({ ...event, detail }))));
  });

  test('any change at any place of a sample', () => {
    fc.assert(
      fc.property(mutation, (event) => holds(normalise(JSON.stringify(event)))),
      { numRuns: 3000 },
    );
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  test('any two changes', () => {
    const twice = mutation.chain((event) =>
      fc
        .tuple(fc.constantFrom(...paths(event)), replacement)
        .map(([path, value]) => changed(event, path, (parent, key) => (parent[key] = value))),
    );
    fc.assert(
      fc.property(twice, (event) => holds(normalise(event))),
      { numRuns: 1000 },
    );
  });

  test('a key named __proto__ gives nothing a field that it does not have', () => {
    const event = JSON.stringify(sampleEvent('guardduty/miner', { 'detail/accountId': undefined }));
    const inherited = event.replace('"detail":{', '"detail":{"__proto__":{"accountId":"777788889999"},');
    expect(inherited).not.toBe(event);
    expect(normalise(inherited)).toEqual({ rejection: 'detail.accountId: is missing' });
  });
});

describe('property: the same message means the same', () => {
  test('as text, as a value, and in any order of keys', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .map(([key, child]) => [key, reversed(child)])
          .reverse(),
      );
    };
    for (const event of samples) {
      const before = JSON.stringify(event);
      expect(normalise(event)).toEqual(normalise(before));
      expect(normalise(reversed(event))).toEqual(normalise(event));
      expect(JSON.stringify(event)).toBe(before);
    }
  });
});

test('no expression runs away on long text', () => {
  const long = ['a', '-', '/', '.', ' ', '0', 'arn:aws:iam::444455556666:user/', 'eu-', 'Nov 3, '].map((text) =>
    text.repeat(30_000 / text.length),
  );
  const began = performance.now();
  for (const name of ['securityhub/rds-snapshot-public', 'cloudtrail/open-ssh-to-world', 'inspector/ssh-reachable']) {
    const event = sampleEvent(name);
    for (const path of paths(event)) {
      for (const text of long) {
        for (const value of [text, `arn:aws:iam::444455556666:user/${text.slice(0, 990)}`]) {
          normalise(changed(event, path, (parent, key) => (parent[key] = value)));
        }
      }
    }
  }
  expect(performance.now() - began).toBeLessThan(15_000);
});
