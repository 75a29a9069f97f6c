import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonText, Terminal, visible } from './terminal.ts';

/** What no terminal may be given, but for the line feed that ends a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
const DANGEROUS =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/;
const TAGS = /[\u{e0000}-\u{e007f}]/u;
/** Astral characters are written with surrogates that belong together. */
const single = (text: string) => text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, '?');

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))).map((units) => units.join('')),
  fc.constantFrom('\u001b[2J', '\u009b31m', '\r\n', '\u202egpj.exe', '\u{e0041}', '\ud800', '\u001b]8;;http://x\u0007'),
);

function written(write: (terminal: Terminal) => void): string {
  const stream = new PassThrough();
  write(new Terminal(stream));
  return String(stream.read() ?? '');
}

describe('what reaches a terminal', () => {
  test.each([
    ['\u001b[31mred', '\\u{1b}[31mred'],
    ['a\nb', 'a\\u{a}b'],
    ['\u202e', '\\u{202e}'],
    ['\u{e0041}', '\\u{e0041}'],
    ['grün 漢字 🙂', 'grün 漢字 🙂'],
  ])('%j is shown as %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test('nothing in a line acts on it, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = written((terminal) => terminal.line('a ', ['bold', text], text));
        expect(single(line.slice(0, -1))).not.toMatch(DANGEROUS);
        expect(line).not.toMatch(TAGS);
        expect(line.indexOf('\n')).toBe(line.length - 1);
      }),
    );
  });

  test('plain text stays as it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => expect(visible(text)).toBe(text)));
  });

  test('JSON acts on nothing either, and says the same', () => {
    fc.assert(
      fc.property(fc.record({ text: anyText, list: fc.array(anyText) }), (value) => {
        const text = jsonText(value);
        expect(single(text)).not.toMatch(DANGEROUS);
        expect(text).not.toMatch(TAGS);
        expect(JSON.parse(text)).toEqual(value);
      }),
    );
  });

  test('a table has as many lines as rows', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyText, { minLength: 1, maxLength: 4 }), { minLength: 1 }), (rows) => {
        expect(written((terminal) => terminal.table(rows)).split('\n')).toHaveLength(rows.length + 1);
      }),
    );
  });

  test('columns stand below each other', () => {
    const lines = written((terminal) =>
      terminal.table([
        ['a', 'b'],
        [['red', 'long'], 'c'],
      ]),
    ).split('\n');
    expect(lines).toEqual(['a     b', 'long  c', '']);
  });
});
