import { describe, expect, test } from '@jest/globals';
import { problemLine } from './located-yaml.ts';
import { readPlaybook } from './playbooks.ts';

const FRONT = [
  'id: exposed-bucket',
  'title: Exposed S3 bucket',
  'severity: HIGH',
  'owner: security-operations',
  'reviewed: 2026-11-26',
  "findings: { securityhub: ['S3.2', 'S3.3'] }",
  'remediations: [storage.block-public-bucket]',
  'runbooks: [Firebreak-CloseBucket]',
  'simulation: exfiltration.public-bucket',
  'csf: [RS.MI-01]',
];

const BODY = [
  '# Exposed S3 bucket',
  '',
  '## First five minutes',
  '',
  '- See `firebreak list`, and [the catalogue](../docs/catalogue.md).',
  '  Then `firebreak list`',
  '  again.',
  '',
  '```sh',
  'account=444455556666   # the account of the finding',
  '```',
  '',
  '## Is it real',
  '',
  '| `a` | b |',
  '|---|---|',
  '| `b` | `c` |',
  '',
  '```sh console-only',
  'aws s3 ls',
  '```',
  '',
  '```mermaid',
  'graph TD',
  '```',
];

const page = (front: readonly string[], body: readonly string[] = BODY) =>
  readPlaybook('playbooks/exposed-bucket.md', ['---', ...front, '---', '', ...body, ''].join('\n'));

test('a playbook is what its front matter says, and its Markdown with lines', () => {
  const { playbook } = page(FRONT);
  expect(playbook).toMatchObject({
    id: 'exposed-bucket',
    findings: { securityhub: ['S3.2', 'S3.3'] },
    reviewed: '2026-11-26',
    page: {
      headings: [
        { line: 14, depth: 1, text: 'Exposed S3 bucket' },
        { line: 16, depth: 2, text: 'First five minutes' },
        { line: 26, depth: 2, text: 'Is it real' },
      ],
      codes: [
        { line: 18, text: 'firebreak list', section: 'First five minutes' },
        { line: 19, text: 'firebreak list' },
        { line: 28, text: 'a' },
        { line: 30, text: 'b' },
        { line: 30, text: 'c' },
      ],
      links: [{ line: 18, href: '../docs/catalogue.md' }],
      blocks: [
        { line: 22, kind: 'run', text: 'account=444455556666   # the account of the finding' },
        { line: 32, kind: 'console-only', text: 'aws s3 ls' },
      ],
      others: [{ line: 36, language: 'mermaid', section: 'Is it real' }],
    },
  });
  expect(playbook?.lineOf('findings', 'securityhub', 1)).toBe(7);
  expect(playbook?.lineOf('csf')).toBe(11);
});

const without = (key: string) => FRONT.filter((line) => !line.startsWith(key));

describe('front matter that is wrong is told its line, what is wrong and what to write', () => {
  test.each<[string, readonly string[], string]>([
    ['an unknown key', [...FRONT, 'simulations: x'], '12: simulations: is not known here: write simulation'],
    ['what is missing', without('owner'), '2: owner: is missing: write who keeps the page true: security-operations'],
    [
      'an unknown source',
      [...without('findings'), 'findings: { guardDuty: [A] }'],
      '11: findings.guardDuty: is not known here: write guardduty',
    ],
    ['no date', [...without('reviewed'), 'reviewed: lately'], '11: reviewed: is not as it has to be: write the day'],
    ['a severity that is none', [...without('severity'), 'severity: BAD'], '11: severity: is none of INFORMATIONAL'],
    ['no YAML', ['id: [', ...without('id')], '3: YAML: '],
  ])('%s', (_, front, problem) => {
    const lines = page(front).problems?.map((each) => problemLine('p.md', each));
    expect(lines?.[0]).toContain(`p.md:${problem}`);
  });

  test('none at all', () => {
    expect(readPlaybook('playbooks/x.md', '# X\n').problems).toMatchObject([{ line: 1, wrong: 'has no front matter' }]);
  });
});
