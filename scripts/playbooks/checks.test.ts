import { beforeAll, describe, expect, test } from '@jest/globals';
import { commandLine } from '../../cli/program.ts';
import { Terminal } from '../../cli/terminal.ts';
import type { Action } from '../../engine/remediation.ts';
import { problemLine } from '../located-yaml.ts';
import { type Playbook, readPlaybook } from '../playbooks.ts';
import { loadWorkers } from '../workers.ts';
import { checkPlaybooks } from './checks.ts';
import { CSF } from './csf.ts';
import { isFindingType } from './finding-types.ts';
import { anchorsOf } from './links.ts';
import { SECTIONS } from './page.ts';
import { commandsIn } from './shell.ts';

let actions: readonly Action[];
beforeAll(async () => {
  actions = (await loadWorkers(['storage'])).flatMap(({ remediations }) => remediations);
});

const io = { out: new Terminal(process.stdout), err: new Terminal(process.stderr), input: process.stdin };

const SOUND = `---
id: exposed-bucket
title: Exposed S3 bucket
severity: HIGH
owner: security-operations
reviewed: 2026-11-20
findings:
  securityhub: [S3.2, S3.3, S3.8]
  guardduty:
    - Policy:S3/BucketAnonymousAccessGranted
    - Policy:S3/BucketPublicAccessGranted
    - Policy:S3/BucketBlockPublicAccessDisabled
  macie: ['Policy:IAMUser/S3BucketPublic', 'Policy:IAMUser/S3BlockPublicAccessDisabled']
remediations: [storage.block-public-bucket]
runbooks: [Firebreak-CloseBucket]
simulation: exfiltration.s3-bucket-exposed
csf: [RS.MI-01, RC.RP-02]
---

# Exposed S3 bucket

${SECTIONS.map((title) => `## ${title}\n\nNothing.\n`).join('\n')}`;

/** What is said of pages, without the file's name. */
async function said(
  pages: readonly string[],
  scripts: readonly { file: string; text: string }[] = [],
): Promise<string[]> {
  const playbooks = pages.map((text) => {
    const [, id = ''] = /^id: (.*)$/m.exec(text) ?? [];
    return readPlaybook(id === 'other' ? 'playbooks/other.md' : 'playbooks/exposed-bucket.md', text).playbook;
  });
  const problems = await checkPlaybooks(
    playbooks.filter((playbook): playbook is Playbook => playbook !== undefined),
    {
      actions,
      simulations: ['exfiltration.s3-bucket-exposed'],
      runbooks: ['Firebreak-CloseBucket'],
      scripts,
      program: commandLine('0', io, () => undefined),
      now: new Date('2026-11-26T12:00:00Z'),
    },
  );
  return problems.map(({ file, ...problem }) => problemLine(file.replace('playbooks/exposed-bucket.md', 'p'), problem));
}

/** The sound page with another text in one place, or with more in its first section. */
const broken = (from: string, to: string): string => SOUND.replace(from, () => to);
const saying = (text: string): string => broken('Nothing.', text);
const block = (...lines: readonly string[]): string => saying(['```sh', ...lines, '```'].join('\n'));

test('a sound page has nothing said of it', async () => {
  expect(await said([SOUND])).toEqual([]);
  expect(
    await said([
      block(
        'account=444455556666   # the account of <the finding>',
        'response=$(firebreak list --since 24h --outcome refused --json | jq -r ".responses[0].id")',
        'firebreak show "$response" > shown.txt || echo "firebreak nonsense"',
        'firebreak undo "$response" --plan \\',
        '  --reason "it is a website"',
        'firebreak run storage.block-public-bucket --plan --target "arn:aws:s3:::$bucket" other',
      ),
    ]),
  ).toEqual([]);
});

describe('each rule is shown by a page that breaks it', () => {
  test.each<[string, string, string]>([
    ['its id is not its file', broken('id: exposed-bucket', 'id: open-bucket'), 'p:2: id: is not the name of'],
    [
      'a finding type that is none',
      broken('S3.2,', 'S3.2, S3.222,'),
      'p:8: findings.securityhub: securityhub has no finding type S3.222: write S3.2',
    ],
    [
      'a finding type of another source',
      broken("macie: ['", "macie: ['Policy:S3/BucketPublicAccessGranted', '"),
      'p:13: findings.macie: macie has no finding type Policy:S3/BucketPublicAccessGranted: write ',
    ],
    [
      'a finding type with a response, and no page for it',
      broken('S3.3, ', ''),
      'functions/storage/block-public-bucket.ts:1: handles securityhub: no playbook names S3.3: write it into',
    ],
    [
      'a remediation that is none',
      broken('[storage.block-public-bucket]', '[storage.block-public-bucket, storage.block-public-buckets]'),
      'p:14: remediations: there is no remediation storage.block-public-buckets: write storage.block-public-bucket',
    ],
    [
      'a remediation that is left out',
      broken('[storage.block-public-bucket]', '[]'),
      'p:14: remediations: lacks what answers Policy:S3/BucketAnonymousAccessGranted: write storage.block-public-bucket',
    ],
    [
      'a runbook that is none',
      broken('Firebreak-CloseBucket', 'Firebreak-ShutBucket'),
      'p:15: runbooks: there is no runbook Firebreak-ShutBucket: write Firebreak-CloseBucket',
    ],
    [
      'a simulation that is none',
      broken('exfiltration.s3-bucket-exposed', 'exfiltration.s3-exposed'),
      'p:16: simulation: there is no scenario exfiltration.s3-exposed: write exfiltration.s3-bucket-exposed',
    ],
    [
      'a subcategory that is none',
      broken('RS.MI-01', 'RS.MI-03'),
      'p:17: csf: there is no subcategory of the NIST CSF 2.0 RS.MI-03: write RS.MA-03',
    ],
    [
      'reviewed too long ago',
      broken('2026-11-20', '2026-05-29'),
      'p:6: reviewed: was 181 days ago, and 180 are the most: write the day',
    ],
    ['reviewed tomorrow', broken('2026-11-20', '2026-11-27'), 'p:6: reviewed: 2026-11-27 is yet to come: write'],
    ['another title', broken('# Exposed', '# Open'), "p:20: title: is not the front matter's, once: write # Exposed"],
    [
      'a section that is missing',
      broken('## Scope\n\nNothing.\n\n', ''),
      'p:38: Contain: stands where Scope has to: write ## Scope',
    ],
    ['the last section is missing', broken('## Learn\n\nNothing.\n', ''), 'p:62: Learn: is missing: write ## Learn'],
    ['a section too many', `${SOUND}\n## Appendix\n\nMore.\n`, 'p:70: Appendix: is no section: write ### within one'],
    ['a section that says nothing', saying(''), 'p:22: First five minutes: says nothing: write in one line'],
    ['what is left for later', saying('Ask the TODO team.'), 'p:24: text: TODO is left: write what belongs there'],
    [
      'a placeholder in a block',
      block('aws iam get-user --user-name "<user name>"'),
      'p:25: First five minutes: <user name> is a placeholder: write a variable',
    ],
    [
      'a link to no file',
      saying('See [it](opened-bucket.md).'),
      'p:24: First five minutes: there is no playbooks/opened-bucket.md: write the path of a file from the page',
    ],
    [
      'a link to no heading',
      saying('See [it](../docs/catalogue.md#storageshut-bucket).'),
      'docs/catalogue.md has no heading #storageshut-bucket: write one of #catalogue',
    ],
    [
      'a link that is not encrypted',
      saying('See [AWS](http://aws.amazon.com).'),
      'http://aws.amazon.com is no https address: write https://',
    ],
    [
      'what a shell cannot read',
      block('echo one', 'if true; then echo two'),
      'p:27: First five minutes: syntax error: unexpected end of file',
    ],
    [
      'a block that nobody runs',
      saying('```bash\necho one\n```'),
      'p:24: First five minutes: nobody runs bash: write sh, or sh console-only',
    ],
    [
      'a block that is not run, and does not say why',
      saying('### Look\n\n```sh console-only\naws s3 ls\n```'),
      'p:26: First five minutes: nothing says why no test runs it: write a line above that does',
    ],
    [
      'a verb that is none',
      block('x=$(firebreak shwo "$response")'),
      'p:25: First five minutes: firebreak has no shwo: write firebreak show',
    ],
    [
      'an option that is none',
      saying('1. Type `firebreak list --outcomes failed`.'),
      'p:24: First five minutes: firebreak list: there is no --outcomes: write --outcome',
    ],
    [
      'a value that is none',
      saying('- one\n- In a list:\n\n  ```sh\n  firebreak list --outcome bad\n  ```'),
      'p:28: First five minutes: firebreak list: --outcome bad: write Allowed choices are',
    ],
    [
      'a command that lacks its argument',
      block('firebreak show --json'),
      'p:25: First five minutes: firebreak show lacks its response: write it: id of the response',
    ],
    [
      'a command that lacks an option',
      block('firebreak deny "$response"'),
      'p:25: First five minutes: firebreak deny lacks --reason: write it: why',
    ],
    [
      'a command with a word too many',
      block('firebreak show "$response" please'),
      'p:25: First five minutes: firebreak show takes no please: write it without',
    ],
  ])('%s', async (_, page, problem) => {
    const problems = await said([page]);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  test('a script that pages source', async () => {
    const file = 'playbooks/commands.sh';
    expect(await said([SOUND], [{ file, text: 'keep() {\n  firebreak list\n' }])).toEqual([
      expect.stringContaining(`${file}:3: commands: syntax error: unexpected end of file`),
    ]);
    expect(await said([SOUND], [{ file, text: 'keep() {\n  firebreak note "$1"\n}\n' }])).toEqual([
      expect.stringContaining(`${file}:2: commands: firebreak has no note`),
    ]);
  });

  test('a finding type that leads to two pages', async () => {
    const other = broken('id: exposed-bucket', 'id: other').replace(/findings:\n.*?\nremediations: .*?\n/s, () =>
      ['findings: { securityhub: [S3.8] }', 'remediations: [storage.block-public-bucket]', ''].join('\n'),
    );
    expect(await said([SOUND, other])).toEqual([
      expect.stringContaining('p:8: findings.securityhub: S3.8 leads to playbooks/other.md too'),
      expect.stringContaining(
        'playbooks/other.md:7: findings.securityhub: S3.8 leads to playbooks/exposed-bucket.md too',
      ),
    ]);
  });
});

describe('what the rules look with', () => {
  test('the commands of a script', () => {
    const script = [
      'a=1 b="x y" firebreak list   # not this',
      "follow() { firebreak show 'it is' 2> /dev/null; }",
      'for one in $(firebreak list --json | jq .); do firebreak undo "$one-$(firebreak status)" --plan; done',
      'cat <<EOF > file',
      'firebreak not-this',
      'EOF',
      'if ! firebreak status >&2 && (firebreak resume); then echo "firebreak not this"; fi',
    ].join('\n');
    const commands = commandsIn(script).filter(({ words: [name] }) => name === 'firebreak');
    expect(commands.map(({ words }) => words)).toEqual([
      ['firebreak', 'list'],
      ['firebreak', 'show', 'it is'],
      ['firebreak', 'list', '--json'],
      ['firebreak', 'status'],
      ['firebreak', 'undo', '$-$', '--plan'],
      ['firebreak', 'status'],
      ['firebreak', 'resume'],
    ]);
    expect(commands.map(({ line }) => line)).toEqual([1, 2, 3, 3, 3, 7, 7]);
  });

  test('anchors as GitHub makes them', () => {
    expect(anchorsOf('---\na: 1\n---\n# One `two.three`\n\n## Four: five-six\n\n## Four: five-six\n')).toEqual([
      'one-twothree',
      'four-five-six',
      'four-five-six-1',
    ]);
  });

  test('calls that CloudTrail records, and the whole of the framework', async () => {
    expect(await isFindingType('cloudtrail', 'rds:ModifyDBSnapshotAttribute')).toBe(true);
    expect(await isFindingType('cloudtrail', 'rds:ShareDBSnapshot')).toBe(false);
    expect(await isFindingType('cloudtrail', 'nothing:At')).toBe(false);
    expect(new Set(CSF).size).toBe(106);
  });

  test('finding types that are listed once', async () => {
    for (const { handles } of actions)
      for (const { source, types } of handles)
        for (const type of types) {
          if (source !== 'operator')
            expect({ type, known: await isFindingType(source, type) }).toEqual({ type, known: true });
        }
  });
});
