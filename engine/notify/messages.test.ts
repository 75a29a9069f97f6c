import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTCOMES, type Outcome, type Response } from '../response.ts';
import { ATTACKS, hostileText } from './attacks.ts';
import { eventFor, LONGEST_NOTE, noteFor, type Told } from './messages.ts';
import { PAGED } from './paged.ts';
import { breakerPage, type Page, pageFor } from './pages.ts';

const TITLE = 'Make an RDS snapshot private';
const calm: Response = {
  id: 'snapshots-h7kq2m9xwa',
  remediation: 'snapshots.privatize-rds-snapshot',
  target: {
    type: 'AWS::RDS::DBSnapshot',
    id: 'daily',
    arn: 'arn:aws:rds:eu-west-1:444455556666:snapshot:daily',
    account: '444455556666',
    region: 'eu-west-1',
    partition: 'aws',
  },
  correlation: '6f1f3a52-0000-4000-8000-000000000000',
  finding: {
    source: 'securityhub',
    type: 'RDS.1',
    id: 'arn:aws:securityhub:eu-west-1:444455556666:security-control/RDS.1/finding/6f1f3a52',
    severity: 'CRITICAL',
    title: 'RDS snapshot should be private',
  },
  startedAt: '2026-11-23T03:12:00.000Z',
  finishedAt: '2026-11-23T03:12:04.000Z',
  outcome: 'awaiting-approval',
  reason: 'needs approval, because it is disruptive',
};
const told = (more: Partial<Response> = {}): Told => ({ response: { ...calm, ...more }, title: TITLE });

const hostile = (text: string, outcome: Outcome = 'failed'): Told => ({
  response: {
    ...calm,
    outcome,
    target: { ...calm.target, id: text, arn: `arn:aws:rds:eu-west-1:444455556666:snapshot:${text}` },
    finding: { ...calm.finding, type: text, id: text, title: text },
    reason: text,
    by: text,
  },
  title: text,
});
const hostileTold = fc
  .tuple(hostileText, fc.constantFrom(...OUTCOMES))
  .map(([text, outcome]) => hostile(text, outcome));

/** What no message may have but in the form that an encoder gives it. */
const ACTIVE = /:\/\/|<[a-z!/?@#]|\]\(|[\p{L}\p{N}]\.\p{L}|[\p{L}\p{N}]@[\p{L}\p{N}]/iu;
const oneLine = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u;

describe('a note', () => {
  test('of one response says outcome, remediation, reason and how to see more', () => {
    expect(noteFor([told({ outcome: 'failed', reason: 'AccessDenied: rds:ModifyDBSnapshotAttribute' })])).toBe(
      'Firebreak: failed. Make an RDS snapshot private: AccessDenied: rds:ModifyDBSnapshotAttribute. ' +
        'More: firebreak list --finding, with the id of this finding.',
    );
  });

  test('of an undo says so', () => {
    const undone = told({ outcome: 'undone', undoes: 'snapshots-aaaaaaaaaa', reason: 'it is as it was before' });
    expect(noteFor([undone])).toContain(
      'Firebreak: undone. Undo: Make an RDS snapshot private: it is as it was before.',
    );
  });

  test('of several says how many ended how', () => {
    const several = [told({ outcome: 'verified' }), told({ outcome: 'failed' }), told({ outcome: 'verified' })];
    expect(noteFor(several)).toBe(
      'Firebreak: 3 responses: 2 verified, 1 failed. Make an RDS snapshot private. ' +
        'More: firebreak list --finding, with the id of this finding.',
    );
    expect(noteFor(several.toReversed())).toBe(noteFor(several));
  });

  test('is the same wherever the same came of it', () => {
    const elsewhere = told({
      id: 'snapshots-bbbbbbbbbb',
      target: { ...calm.target, arn: 'arn:aws:rds:us-east-1:777788889999:snapshot:other' },
      finding: { ...calm.finding, id: 'another', title: 'another' },
      correlation: 'another',
      startedAt: '2026-11-24T00:00:00.000Z',
      finishedAt: '2026-11-24T00:00:01.000Z',
    });
    expect(noteFor([elsewhere])).toBe(noteFor([told()]));
  });

  test('is one that Security Hub takes, and inert, whatever the reasons are', () => {
    fc.assert(
      fc.property(fc.array(hostileTold, { minLength: 1, maxLength: 5 }), (responses) => {
        const note = noteFor(responses);
        expect(note.length).toBeLessThanOrEqual(LONGEST_NOTE);
        expect(note).toMatch(/^Firebreak: \S.* More: firebreak list --finding, with the id of this finding\.$/);
        expect(note).toMatch(oneLine);
        expect(note).not.toMatch(ACTIVE);
      }),
    );
  });

  test('is about something', () => expect(() => noteFor([])).toThrow(/no response/));
});

describe('an event', () => {
  test('is the header, and the title', () => {
    expect(eventFor(told())).toEqual({
      source: 'firebreak',
      detailType: 'Firebreak Response Ended',
      detail: { ...calm, title: TITLE },
    });
  });

  test('stays below 8 kB with every text at its longest', () => {
    for (const long of ['x'.repeat(300_000), '\u202e'.repeat(300_000), '漢"\\'.repeat(100_000)]) {
      const texts = JSON.parse(JSON.stringify({ ...calm, undoes: '', by: '' }), (_, value) =>
        typeof value === 'string' ? long : value,
      ) as Response;
      const bytes = Buffer.byteLength(JSON.stringify(eventFor({ response: texts, title: long }).detail));
      expect(bytes).toBeGreaterThan(6_000);
      expect(bytes).toBeLessThan(8_000);
    }
  });

  test('shows what is unseen', () => {
    fc.assert(
      fc.property(hostileTold, (response) => {
        const { detail } = eventFor(response);
        for (const text of [detail.title, detail.finding.title, detail.reason, detail.target.arn]) {
          expect(text).toMatch(oneLine);
        }
      }),
    );
  });
});

/** Lines of the message for chat that are not a label with a code span, or a command in one. */
const strangeChat = ({ chat }: Page): string[] =>
  chat.content.description
    .split('\n')
    .filter((line) => !/^(?:[A-Z][a-z ]+: (?:`[^`<>]+`)?|`firebreak [a-z ]+[\w. -]*`)$/.test(line));

describe('a page', () => {
  test('wakes a person for what only a person can end', () => {
    const paged: Outcome[] = ['awaiting-approval', 'changed-since', 'expired', 'failed', 'refused', 'unverified'];
    expect(OUTCOMES.filter((outcome) => PAGED[outcome].page).sort()).toEqual(paged);
  });

  test.each(OUTCOMES)('for %s says what to do first', (outcome) => {
    const { subject, body, chat } = pageFor(told({ outcome }));
    expect(body.split('\n')[0]).toContain(`: ${TITLE}`);
    expect(subject.startsWith('Firebreak: ')).toBe(true);
    expect(/^(?:Look now|Decide by hand|Approve or deny)/.test(body)).toBe(PAGED[outcome].page);
    expect(chat.content.title).toMatch(/^`[^`]+`$/);
  });

  test.each<[Outcome, string[]]>([
    ['awaiting-approval', ['show', 'approve', 'deny']],
    ['verified', ['show', 'undo']],
    ['failed', ['show']],
  ])('for %s has the commands to go on with', (outcome, verbs) => {
    const { body, chat } = pageFor(told({ outcome }));
    const commands = verbs.map((verb) => `firebreak ${verb} ${calm.id}`);
    expect(body.match(/^ {4}firebreak .*$/gm)).toEqual(commands.map((command) => `    ${command}`));
    expect(chat.content.description.match(/^`firebreak .*`$/gm)).toEqual(commands.map((command) => `\`${command}\``));
  });

  test('is inert, and of a bounded length, whatever the resource is called', () => {
    fc.assert(
      fc.property(hostileTold, (response) => {
        const page = pageFor(response);
        const lines = page.body.split('\n');
        for (const line of lines) expect(line).toMatch(oneLine);
        expect(lines.filter((line) => /^\s*firebreak /.test(line))).toHaveLength(
          { 'awaiting-approval': 3, verified: 2 }[String(response.response.outcome)] ?? 1,
        );
        expect(page.body).not.toMatch(ACTIVE);
        expect(page.subject).toMatch(/^Firebreak: [\x20-\x7e]{1,88}$/);
        expect(strangeChat(page)).toEqual([]);
        expect(page.chat.content.description).not.toMatch(ACTIVE);
        expect(page.chat.content.description.length).toBeLessThan(3_000);
        expect(page.body.length).toBeLessThan(8_000);
      }),
    );
  });
});

describe('the page of a breaker', () => {
  const opened = {
    remediation: 'snapshots.privatize-rds-snapshot',
    account: '444455556666',
    count: 51,
    limit: 50,
    openedAt: '2026-11-23T03:12:00.000Z',
  };

  test('says why, and how to close it', () => {
    const page = breakerPage({ ...opened, why: 'more than 50 changes in 10 minutes' });
    const close = 'firebreak breaker close snapshots.privatize-rds-snapshot --account 444455556666';
    expect(page.body).toContain(`\n    ${close}\n`);
    expect(page.chat.content.description).toContain(`\`${close}\``);
    expect([page.subject, page.body, page.chat]).toMatchSnapshot();
  });

  test('is inert', () => {
    fc.assert(fc.property(hostileText, (why) => expect(strangeChat(breakerPage({ ...opened, why }))).toEqual([])));
  });
});

/** The messages about a response, to be read. */
function messages(about: Told): string {
  const { subject, body, chat } = pageFor(about);
  return [
    `note     ${noteFor([about])}`,
    `event    ${JSON.stringify(eventFor(about).detail)}`,
    `subject  ${subject}`,
    body,
    `title    ${chat.content.title}`,
    chat.content.description,
  ].join('\n');
}

test('the first words of every outcome', () => {
  const words = (more: Partial<Response>): string => pageFor(told(more)).body.split('\n')[0] ?? '';
  expect(
    OUTCOMES.flatMap((outcome) => [words({ outcome }), words({ outcome, undoes: 'snapshots-aaaaaaaaaa' })]).join('\n'),
  ).toMatchSnapshot();
});

test.each<Outcome>(['awaiting-approval', 'unverified', 'verified'])('the messages of %s', (outcome) => {
  expect(messages(told({ outcome }))).toMatchSnapshot();
});

test.each([
  'a forged log record',
  'terminal controls',
  'text turned around',
  'a call to a whole channel',
  'a Slack link',
  'a Markdown image',
  'a script',
  'a formula',
])('the messages about %s', (name) => {
  expect(messages(hostile(ATTACKS[name] ?? '', 'awaiting-approval'))).toMatchSnapshot();
});
