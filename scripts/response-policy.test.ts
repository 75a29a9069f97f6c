import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Action } from '../engine/remediation.ts';
import { problemLine } from './located-yaml.ts';
import { nearest } from './policy/nearest.ts';
import { loadPolicy, readPolicy, SHIPPED_POLICY } from './response-policy.ts';
import { loadWorkers } from './workers.ts';

let folder: string;
let actions: readonly Action[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-policy-'));
  actions = (await loadWorkers()).flatMap(({ remediations }) => remediations);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const now = new Date('2026-11-26T12:00:00Z');

/** What is said of a policy of these lines: the second is line 2. */
function said(lines: readonly string[], elsewhere: readonly string[] = []) {
  const file = join(folder, 'policy.yml');
  writeFileSync(file, `version: 1\n${lines.join('\n')}\n`);
  const { policy, problems, warnings } = readPolicy(file, actions, elsewhere, now);
  const name = (list: typeof problems) => list.map((problem) => problemLine('p.yml', problem));
  return { holds: policy !== undefined, problems: name(problems), warnings: name(warnings) };
}

const exception = (resource: string, more = '') =>
  `  - { resource: '${resource}', owner: o, reason: r, expires: 2027-03-31${more} }`;
const bucket = ', remediation: storage.block-public-bucket';
const span = 'from: 2027-01-01T00:00:00Z, until: 2027-01-02T00:00:00Z';

describe('a policy that is wrong is told its line, what is wrong and what to write', () => {
  test.each<[string, string[], string]>([
    ['an unknown key', ['modus: []'], 'p.yml:2: modus: is not known here: write modes'],
    [
      'an unknown key within',
      ['modes:', '  - mode: observe', '    severty: HIGH'],
      'p.yml:4: modes.0.severty: is not known here: write severity',
    ],
    [
      'a wrong type',
      ['protected:', '  sharedBy: many'],
      'p.yml:3: protected.sharedBy: is a string, not a number: write a number',
    ],
    [
      'an account that is no text',
      ['modes:', '  - { account: 444455556666, mode: observe }'],
      "p.yml:3: modes.0.account: is a number, not a string: write the account id in quotes: '444455556666'",
    ],
    [
      'what is missing',
      ['exceptions:', "  - { resource: 'arn:aws:s3:::old', remediation: '*', reason: r, expires: 2027-01-01 }"],
      'p.yml:3: exceptions.0.owner: is missing: write who answers for it: data-platform@example.com',
    ],
    [
      'a misspelt mode',
      ['remediations:', '  storage.block-public-bucket: { mode: auto }'],
      'p.yml:3: remediations.storage.block-public-bucket.mode: is none of automatic, approval, observe: write automatic',
    ],
    [
      'a remediation that there is not',
      ['remediations:', '  storage.block-public-buckets: { mode: observe }'],
      'p.yml:3: remediations.storage.block-public-buckets: there is no remediation storage.block-public-buckets: write storage.block-public-bucket',
    ],
    [
      'one in a line',
      ['modes:', '  - { remediation: storge.*, mode: observe }'],
      'p.yml:3: modes.0.remediation: there is no remediation storge.*: write storage.*',
    ],
    [
      'a parameter that it does not know',
      ['remediations:', '  network.close-open-ingress:', '    parameters:', '      authorizedTcpPort: [80]'],
      'p.yml:5: remediations.network.close-open-ingress.parameters.authorizedTcpPort: is not known here: write authorizedTcpPorts',
    ],
    [
      'a tag that exempts',
      ['modes:', '  - { tag: { key: k, value: v }, mode: observe }'],
      'p.yml:3: modes.0.mode: whoever holds the resource can set its tags, so a line with a tag can only ask: write approval',
    ],
    [
      'an exception of what it does not act on',
      ['exceptions:', exception('arn:aws:iam::444455556666:user/ann', bucket)],
      'p.yml:3: exceptions.0.resource: storage.block-public-bucket acts on AWS::S3::Bucket: write the ARN of one of those',
    ],
    [
      'two exceptions about one resource, however it is written',
      [
        'exceptions:',
        exception('arn:aws:iam::444455556666:user/ann', ", remediation: 'identity.*'"),
        exception('arn:aws:iam::444455556666:user/ops/ann', ', remediation: identity.deactivate-old-access-keys'),
      ],
      'p.yml:4: exceptions.1: exceptions.0 is about the same resource: write one of them',
    ],
    [
      'a line that is never reached',
      ['modes:', '  - { remediation: storage.*, mode: observe }', `  - { severity: HIGH${bucket}, mode: automatic }`],
      'p.yml:4: modes.1: it is never reached, since modes.0 decides before it: write it ahead of that line, or nothing',
    ],
    [
      'a mode that is never reached',
      ['modes: [{ mode: observe }]', 'remediations:', '  storage.block-public-bucket: { mode: automatic }'],
      'p.yml:4: remediations.storage.block-public-bucket.mode: it is never reached, since modes.0 decides before it: write it ahead of that line, or nothing',
    ],
    [
      'a unit of no account',
      [
        "accounts: { '444455556666': { unit: Production/Payments } }",
        'modes:',
        '  - { unit: Prodution, mode: observe }',
      ],
      'p.yml:4: modes.0.unit: no account of accounts is in Prodution: write Production',
    ],
    [
      'a freeze without a window',
      ['freezes:', '  - { name: n, owner: o, reason: r }'],
      "p.yml:3: freezes.0.weekly: has not exactly one window: write either from and until, or weekly: { days: [sat], from: '00:00', until: '24:00', timezone: Europe/Vienna }",
    ],
    [
      'a promotion twice',
      [
        'severities:',
        ...['HIGH', 'CRITICAL'].map((s) => `  - { source: macie, types: [T], severity: ${s}, reason: r }`),
      ],
      'p.yml:4: severities.1.types.0: severities.0 promotes T already: write it once',
    ],
  ])('%s', (_, lines, problem) => {
    expect(said(lines)).toEqual({ holds: false, problems: [problem], warnings: [] });
  });

  test('YAML that is none, with its line', () => {
    const { holds, problems } = said(['modes: [', 'budget: {}', 'budget: {}']);
    expect(holds).toBe(false);
    expect(problems[0]).toMatch(/^p\.yml:\d: YAML: .+: write it as YAML 1\.2 takes it$/);
    expect(said(['organization: *none']).problems).toEqual([
      'p.yml:2: YAML: *none stands for what is elsewhere: write that here, too',
    ]);
    expect(said(['budget: {}', 'budget: {}']).problems[0]).toMatch(/^p\.yml:3: YAML: Map keys must be unique/);
  });
});

describe('a policy holds', () => {
  test.each<[string, string[]]>([
    [
      'with different lines on one remediation',
      ['modes:', '  - { severity: HIGH, mode: automatic }', '  - { mode: observe }'],
    ],
    [
      'with a tag ahead of the rest',
      ['modes:', '  - { tag: { key: k, value: v }, mode: approval }', '  - { mode: automatic }'],
    ],
    [
      'with exceptions of one resource from different remediations',
      [
        'exceptions:',
        exception(
          'arn:aws:ec2:eu-west-1::snapshot/snap-0a1b2c3d4e5f60718',
          ', remediation: snapshots.privatize-ebs-snapshot',
        ),
        exception('arn:aws:rds:eu-west-1:444455556666:snapshot:x', ', remediation: snapshots.privatize-rds-snapshot'),
      ],
    ],
    [
      'with a unit above those of the accounts',
      [
        "accounts: { '444455556666': { unit: Production/Payments } }",
        'freezes:',
        `  - { name: n, owner: o, reason: r, unit: Production, ${span} }`,
      ],
    ],
  ])('%s', (_, lines) => {
    expect(said(lines)).toEqual({ holds: true, problems: [], warnings: [] });
  });

  test('but warns of what is over, and of tags that nobody reads', () => {
    const lines = [
      'exceptions:',
      "  - { remediation: '*', resource: 'arn:aws:s3:::old', owner: o, reason: r, expires: 2026-11-25 }",
      "  - { remediation: '*', resource: 'arn:aws:s3:::new', owner: o, reason: r, expires: 2026-11-26 }",
      'freezes:',
      '  - { name: n, owner: o, reason: r, from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z }',
    ];
    expect(said(lines)).toEqual({
      holds: true,
      problems: [],
      warnings: [
        'p.yml:3: exceptions.0.expires: it ended on 2026-11-25, and arn:aws:s3:::old is answered again: write a later day with a reason that still holds, or take it out',
        'p.yml:6: freezes.0.until: freeze n is over: write the next, or take it out',
      ],
    });
  });

  test('as shipped and in the demonstration, without a warning, and loads the same', () => {
    for (const file of [SHIPPED_POLICY, 'local/demo-policy.yml']) {
      const { policy, problems, warnings } = readPolicy(file, actions);
      expect([problems, warnings]).toEqual([[], []]);
      expect(loadPolicy(file, actions)).toEqual(policy);
      // The workers read it from JSON.
      expect(JSON.parse(JSON.stringify(policy))).toEqual(policy);
    }
  });

  test('without the workers that are not loaded, of which nothing is said', () => {
    const lines = [
      'remediations:',
      '  storage.no-such: { mode: observe }',
      'modes:',
      '  - { remediation: storage.none, mode: observe }',
    ];
    expect(said(lines, ['storage']).holds).toBe(true);
    expect(said(lines).problems).toHaveLength(2);
  });
});

test('whatever a file says, it holds or is told what is wrong, at a line that it has', () => {
  const sections = [
    'version',
    'organization',
    'accounts',
    'modes',
    'exceptions',
    'freezes',
    'protected',
    'budget',
    '__proto__',
  ];
  const lines = ['remediation', 'account', 'unit', 'tag', 'mode', 'resource', 'weekly', 'from', 'until', 'constructor'];
  const line = fc.dictionary(fc.constantFrom(...lines), fc.oneof(fc.jsonValue(), fc.constantFrom('*', 'observe')));
  const section = fc.oneof(fc.jsonValue(), fc.array(line, { maxLength: 3 }), line);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...sections), section), fc.string(), fc.boolean(), (map, text, isMap) => {
      const file = join(folder, 'any.yml');
      const content = isMap ? JSON.stringify(map, null, 1) : text;
      writeFileSync(file, content);
      const { policy, problems } = readPolicy(file, actions, [], now);
      expect(policy === undefined).toBe(problems.length > 0);
      for (const { line, path, wrong, write } of problems) {
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(content.split(/\r\n|[\n\r]/).length);
        for (const word of [path, wrong, write]) expect(word).not.toBe('');
      }
    }),
    { examples: [[{ version: { toString: false } }, '', true]] },
  );
});

test('the nearest word is the word itself, and one that is a letter off is found', () => {
  const words = ['automatic', 'approval', 'observe'];
  fc.assert(
    fc.property(fc.constantFrom(...words), fc.nat({ max: 8 }), fc.constantFrom('x', ''), (word, at, letter) => {
      expect(nearest(word, words)).toBe(word);
      expect(nearest(`${word.slice(0, at)}${letter}${word.slice(at + 1)}`, words)).toBe(word);
    }),
  );
  expect(nearest('quite-something-else', words)).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});
