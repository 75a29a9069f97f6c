import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sampleEvent, sampleNames } from '../engine/findings/samples.ts';
import { GUARDS } from '../engine/guards/guards.ts';
import { IN_ADVANCE } from './in-advance.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-policy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = fileURLToPath(new URL('./main.ts', import.meta.url));
const sample = (name: string): string => `events/samples/${name}.json`;

/** The command in a process of its own, without AWS: no endpoint, no credentials, no Region. */
function policy(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, AWS_EC2_METADATA_DISABLED: 'true' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'policy', ...words], {
    encoding: 'utf8',
    env,
  });
  return { code: status, out: stdout, err: stderr };
}

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('policy check', () => {
  test('says in one line what holds, and warns that the shipped policy names no management account', () => {
    expect(policy('check')).toEqual({
      code: 0,
      out: expect.stringMatching(/^response-policy\.yml holds: \d+ automatic, \d+ approval, 0 observe, .*0 freezes\n$/),
      err: expect.stringMatching(/^warning: response-policy\.yml:\d+: organization\.management: is not named, .*\n$/),
    });
    const named = fileOf('named.yml', "version: 1\norganization: { management: '999900001111' }\n");
    expect(policy('check', named)).toMatchObject({ code: 0, err: '' });
  });

  test('ends with 1 and the lines that are wrong, and tells a machine the same', () => {
    const file = fileOf('bad.yml', 'version: 1\nmodus: []\nprotected: { sharedBy: 0 }\n');
    const { code, out } = policy('check', file);
    expect(code).toBe(1);
    expect(out.trim().split('\n')).toEqual([
      expect.stringContaining(':2: modus: is not known here: write modes'),
      expect.stringContaining(':3: protected.sharedBy: is not at least 1: write'),
    ]);
    const told = policy('check', file, '--json');
    expect(told.code).toBe(1);
    expect(JSON.parse(told.out)).toMatchObject({
      holds: false,
      problems: [{ line: 2, path: 'modus', wrong: 'is not known here', write: 'modes' }, { line: 3 }],
    });
  });

  test('only warns of an exception that is over', () => {
    const file = fileOf(
      'over.yml',
      "version: 1\nexceptions:\n  - { remediation: '*', resource: 'arn:aws:s3:::old', owner: o, reason: r, expires: 2020-01-01 }\n",
    );
    const { code, out, err } = policy('check', file);
    expect(code).toBe(0);
    expect(out).toContain('1 exception,');
    expect(err).toContain(':3: exceptions.0.expires: it ended on 2020-01-01');
  });

  test('ends with 2 when there is no such file', () => {
    expect(policy('check', join(folder, 'none.yml'))).toMatchObject({ code: 2, out: '' });
  });
});

describe('policy explain', () => {
  const explain = (event: string, ...words: string[]) => {
    const { code, out, err } = policy('explain', event, '--json', ...words);
    expect([code, err]).toEqual([0, '']);
    return JSON.parse(out).findings[0];
  };
  const bucket = sample('guardduty/s3-bucket-anonymous-access');
  const POLICY = [
    'version: 1',
    "accounts: { '444455556666': { unit: Production/Payments } }",
    'modes:',
    '  - { tag: { key: criticality, value: high }, remediation: snapshots.*, mode: approval }',
    '  - { unit: Production, severity: HIGH, mode: automatic }',
    'freezes:',
    '  - { name: yule, owner: o, reason: r, from: 2026-12-18T00:00:00Z, until: 2027-01-04T00:00:00Z, severityBelow: CRITICAL }',
    'exceptions:',
    "  - { remediation: storage.*, resource: 'arn:aws:s3:::example-quarterly-exports', owner: o, reason: r, expires: 2026-12-01 }",
    'protected:',
    "  resources: [{ resource: 'arn:aws:s3:::example-*', owner: o, reason: r }]",
    '',
  ].join('\n');

  test('names guard, file and line, at any time', () => {
    const file = fileOf('policy.yml', POLICY);
    const decides = (event: string, at: string) =>
      explain(event, '--policy', file, '--at', at).courses.map((course: { decides: object }) => course.decides)[0];
    expect(decides(bucket, '2026-11-26')).toMatchObject({
      guard: 'exception',
      outcome: 'excepted',
      place: `${file}:9`,
    });
    expect(decides(bucket, '2026-12-20T00:00:00Z')).toMatchObject({
      ...{ guard: 'freeze', outcome: 'deferred', place: `${file}:7` },
    });
    expect(decides(bucket, '2027-02-01T00:00:00+01:00')).toMatchObject({
      ...{ guard: 'protected', outcome: 'refused', place: `${file}:11` },
    });
    const group = sample('cloudtrail/open-ssh-to-world');
    expect(decides(group, '2026-11-26')).toMatchObject({ guard: 'mode', verdict: 'passes', place: `${file}:5` });
    const snapshot = sample('securityhub/rds-snapshot-public');
    expect(decides(snapshot, '2026-11-26')).toMatchObject({ guard: 'mode', place: `${file}:4` });
    expect(decides(snapshot, '2026-12-20')).toMatchObject({ guard: 'mode', place: `${file}:4` });
  });

  test('shows what is promoted, also where no remediation responds to it', () => {
    const told = explain(sample('guardduty/s3-bucket-block-disabled.not-access-logging'));
    expect(told).toMatchObject({
      finding: { type: 'Stealth:S3/ServerAccessLoggingDisabled', severity: 'HIGH', rated: { severity: 'LOW' } },
      promotedAt: expect.stringMatching(/^response-policy\.yml:\d+$/),
      nothing: 'a person is called, and responds by playbooks/compromised-access-key.md: Compromised access key',
      courses: [],
    });
    const root = fileOf(
      'root.json',
      JSON.stringify(
        sampleEvent('guardduty/s3-bucket-block-disabled.not-access-logging', {
          'detail/type': 'Policy:IAMUser/RootCredentialUsage',
        }),
      ),
    );
    expect(explain(root).finding).toMatchObject({ severity: 'HIGH', rated: { severity: 'LOW' } });
    expect(policy('explain', root).out).toMatch(
      /HIGH, rated LOW by guardduty and promoted by response-policy\.yml:\d+/,
    );
  });

  test('points to the risk of the remediation where the policy says nothing', () => {
    const [course] = explain(bucket).courses;
    expect(course.decides).toMatchObject({
      guard: 'mode',
      outcome: 'awaiting-approval',
      place: expect.stringMatching(/^functions\/storage\/block-public-bucket\.ts:\d+$/),
    });
    expect(policy('explain', bucket).out).toContain('awaiting-approval: mode decides, functions/storage/');
  });

  test('says what is asked at run time, and that a finding is resolved or would be rejected', () => {
    const guards = explain(sample('securityhub/ebs-snapshots-public')).courses[0].guards;
    const asked = guards.filter(({ verdict }: { verdict: string }) => verdict === 'asked');
    expect(asked.map(({ guard }: { guard: string }) => guard)).toEqual([
      ...['authentic', 'kill-switch', 'hold', 'protected', 'waiting', 'cool-down', 'budget'],
    ]);
    expect(explain(sample('securityhub/rds-snapshot-public.not-suppressed')).nothing).toContain('is suppressed');
    expect(explain(sample('securityhub/rds-snapshot-public.not-another-product')).nothing).toContain('rejected');
    expect(policy('explain', fileOf('none.json', '{}'))).toMatchObject({ code: 1, out: '' });
    expect(policy('explain', bucket, '--at', 'tomorrow')).toMatchObject({ code: 2, out: '' });
    expect(policy('explain', bucket, '--policy', fileOf('bad2.yml', 'version: 2\n')).err).toContain(
      ':1: version: is none of 1',
    );
  });

  test('knows every guard', () => {
    expect(Object.keys(IN_ADVANCE)).toEqual(['authentic', 'resource', ...GUARDS.map(({ name }) => name)]);
  });

  test('has a word on the sample events of every source', () => {
    const some = sampleNames.filter((name, index, all) => name.split('/')[0] !== all[index - 1]?.split('/')[0]);
    expect(some.length).toBeGreaterThan(5);
    for (const name of some) expect([name, policy('explain', sample(name)).code]).toEqual([name, 0]);
  }, 60_000);
});
