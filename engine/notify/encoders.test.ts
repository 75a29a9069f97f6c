import { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { ATTACKS, hostileText } from './attacks.ts';
import {
  chat,
  csv,
  csvField,
  html,
  inLog,
  jsonLine,
  jsonText,
  legible,
  markdown,
  plain,
  subject,
  visible,
  within,
} from './encoders.ts';

/** Holds for any text. */
const always = (holds: (text: string) => void): void => fc.assert(fc.property(hostileText, holds), { numRuns: 2_000 });

/** Code points that nothing may be given, listed apart from the encoder: [first, last]. */
const UNSEEN: readonly (readonly [number, number])[] = [
  [0x00, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xd800, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0xe0000, 0x10ffff],
];

function expectVisible(text: string): void {
  const unseen = [...text]
    .map((character) => character.codePointAt(0) ?? 0)
    .filter((code) => UNSEEN.some(([first, last]) => code >= first && code <= last));
  expect(unseen.map((code) => code.toString(16))).toEqual([]);
}

/** Replaces what a decoder knows, from left to right. */
const decoded = (text: string, form: RegExp, meaning: (match: string) => string): string =>
  text.replaceAll(form, (match) => meaning(match));

const fromEntities = (text: string): string =>
  decoded(text, /&(?:amp|lt|gt|quot|#39);/g, (name) =>
    String({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }[name]),
  );
const fromBrackets = (text: string): string =>
  decoded(text, /\[[.\u3002\uff0e\uff61:\\@#<]\]/g, (form) => form.slice(1, -1));

/** What programs make links and mentions of. */
const LINKS = [
  /[a-z][a-z0-9+.-]*:\//i,
  /[\p{L}\p{N}-][.\u3002\uff0e\uff61]\p{L}/u,
  /[\p{L}\p{N}]@[\p{L}\p{N}]/u,
  /(?:^|\s)[@#]\p{L}/u,
  /<[a-z!/?@#]/i,
  /\]\(/,
];
/** No links, mentions, tags or addresses of Markdown links, whichever program shows it. */
const expectNoLinks = (text: string): void => expect(LINKS.filter((link) => link.test(text))).toEqual([]);

/**
 * The content of what is nothing but a code span by CommonMark 6.1: one backtick, no other until the last character, one line,
 * and no space at either end.
 */
function codeSpanContent(span: string): string {
  if (span === '') return '';
  expect(span).toMatch(/^`(?! )[^`\n\r]+(?<! )`$/);
  return span.slice(1, -1);
}

/** A strict reader of RFC 4180: quoted fields, commas, CR LF. */
function readCsv(file: string): string[][] {
  const rows: string[][] = [];
  const row: string[] = [];
  const field = /"((?:[^"]|"")*)"(,|\r\n)/y;
  while (field.lastIndex < file.length) {
    const at = field.lastIndex;
    const [, text, end] = field.exec(file) ?? [];
    if (text === undefined) throw new Error(`no field at ${at} of ${JSON.stringify(file)}`);
    row.push(text.replaceAll('""', '"'));
    if (end === '\r\n') rows.push(row.splice(0));
  }
  expect(row).toEqual([]);
  return rows;
}
const fromCell = (cell: string): string => legible(cell.replace(/^'/, ''));

describe('visible text', () => {
  test.each([
    ['\u001b[31mred', '\\u{1b}[31mred'],
    ['a\nb', 'a\\u{a}b'],
    ['\u202e', '\\u{202e}'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\\u{1b}', '\\u{5c}u{1b}'],
    ['grün 漢字 🙂 C:\\users\\u', 'grün 漢字 🙂 C:\\users\\u'],
  ])('%j is shown as %j', (text, shown) => expect(visible(text)).toBe(shown));

  test('shows everything, and says exactly what it shows', () => {
    always((text) => {
      expectVisible(visible(text));
      expect(legible(visible(text))).toBe(text);
    });
  });
});

describe('a log line', () => {
  test('is one line and valid JSON, and acts on no terminal', () => {
    const lines: string[] = [];
    const print = jest.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
    const logger = new Logger({ serviceName: 'test', jsonReplacerFn: inLog });
    always((text) => {
      lines.length = 0;
      logger.info('response ended', { reason: `-${text}`, deep: [{ text }] });
      const [line = '', ...others] = lines;
      expect(others).toEqual([]);
      const record = JSON.parse(line);
      expectVisible(line.replace(/\n$/, ''));
      expect([legible(record.reason), legible(record.deep[0].text)]).toEqual([`-${text}`, text]);
    });
    print.mockRestore();
  });
});

describe('JSON', () => {
  test('in one line says the same, shows everything, and ends no script element', () => {
    always((text) => {
      const value = { [text]: [text, { text }] };
      const line = jsonLine(value);
      expectVisible(line);
      expect(line).not.toMatch(/[<>&]/);
      expect(JSON.parse(line)).toEqual(value);
    });
  });

  test('in several lines says the same, and shows everything', () => {
    always((text) => {
      const document = jsonText({ text, list: [text] });
      expectVisible(document.replaceAll('\n', ''));
      expect(document.split('\n')).toHaveLength(6);
      expect(JSON.parse(document)).toEqual({ text, list: [text] });
    });
  });
});

describe('HTML', () => {
  test('is text alone, in an element and in quotes', () => {
    always((text) => {
      const encoded = html(text);
      expectVisible(encoded);
      expect(encoded).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
      expect(legible(fromEntities(encoded))).toBe(text);
    });
  });
});

describe('Markdown', () => {
  test('is one code span, in a table too', () => {
    always((text) => {
      const content = codeSpanContent(markdown(text));
      expectVisible(content);
      expect(content).not.toContain('|');
      expect(legible(content)).toBe(text);
    });
  });
});

describe('chat', () => {
  test('is one code span without control sequences, links and mentions', () => {
    always((text) => {
      const content = codeSpanContent(chat(text));
      expectVisible(content);
      expect(content).not.toMatch(/[<>]|&(?!(?:amp|lt|gt);)/);
      expectNoLinks(content);
      expect(legible(fromBrackets(fromEntities(content)))).toBe(text);
    });
  });
});

describe('plain text', () => {
  test('has no links and no tags', () => {
    always((text) => {
      const encoded = plain(text);
      expectVisible(encoded);
      expectNoLinks(encoded);
      expect(encoded).not.toMatch(/\\\\(?!u\{)/);
      expect(legible(fromBrackets(encoded))).toBe(text);
    });
  });

  test.each([
    ['arn:aws:rds:eu-west-1:444455556666:snapshot:daily', 'arn:aws:rds:eu-west-1:444455556666:snapshot:daily'],
    ['S3.2 of 10.0.0.0/16, port 22. Policy:S3/X', 'S3.2 of 10.0.0.0/16, port 22. Policy:S3/X'],
    ['https://evil.example', 'https[:]//evil[.]example'],
    ['a@b.example', 'a[@]b[.]example'],
  ])('%s is written %s', (text, written) => expect(plain(text)).toBe(written));
});

describe('a subject', () => {
  test('is one that SNS takes', () => {
    always((text) => {
      const encoded = subject(text);
      expect(encoded).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
      expectNoLinks(encoded);
    });
  });

  test('has no brackets round what is no link any more', () => {
    expect(subject('a\uff0e\u00c0 b.c')).toBe('a\\u{ff0e}\\u{c0} b[.]c');
  });

  test('says the text when it is short enough', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), (text) => {
        const encoded = subject(text);
        fc.pre(!encoded.endsWith('...'));
        expect(legible(fromBrackets(encoded))).toBe(text);
      }),
    );
  });
});

describe('CSV', () => {
  test('is the same table when read back, and none of its cells is a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.array(hostileText, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (rows) => {
        const file = csv(rows);
        expectVisible(file.replaceAll('\r\n', ''));
        const cells = readCsv(file);
        expect(cells.map((row) => row.map(fromCell))).toEqual(rows);
        for (const cell of cells.flat()) expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
        // A spreadsheet that separates by semicolons knows no quotes but those at the start of a cell.
        for (const cell of file.split(/;|\r\n/)) expect(cell).not.toMatch(/^[\s"]*[=+\-@＝＋－＠]/);
      }),
      { examples: [[[['"@']]], [[['"\'@', ';"=']]]] },
    );
  });
});

describe('a text that must be short', () => {
  test('is the text, or its longest beginning', () => {
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 3, max: 60 }), (text, limit) => {
        const fits = (part: string): boolean => plain(part).length <= limit;
        const short = within(text, fits);
        expect(fits(short)).toBe(true);
        if (fits(text)) return expect(short).toBe(text);
        const kept = short.slice(0, -3);
        expect([text.startsWith(kept), short.endsWith('...')]).toEqual([true, true]);
        const [next = ''] = [...text.slice(kept.length)];
        expect(next).not.toBe('');
        expect(fits(`${kept}${next}...`)).toBe(false);
      }),
    );
  });
});

test.each(Object.entries(ATTACKS))('%s is inert everywhere', (_, text) => {
  const short = within(text, (part) => part.length <= 200);
  const encoders = { visible, plain, subject, html, markdown, chat, csvField, jsonLine };
  expect(
    Object.entries(encoders)
      .map(([name, encode]) => `${name.padEnd(9)} ${encode(short)}`)
      .join('\n'),
  ).toMatchSnapshot();
});
