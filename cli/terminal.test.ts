import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonText, Terminal, visible } from './terminal.ts';

/** Code points that no terminal may be given: controls, marks that hide or turn text, lone surrogates, tags. */
const DANGEROUS: readonly (readonly [number, number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe007f],
];

const dangerous = (text: string): string[] =>
  [...text]
    .map((character) => character.codePointAt(0) ?? 0)
    .filter((code) => DANGEROUS.some(([from, to]) => code >= from && code <= to))
    .map((code) => code.toString(16));

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
        expect(line.endsWith('\n')).toBe(true);
        expect(dangerous(line.slice(0, -1))).toEqual([]);
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
        expect(dangerous(text.replaceAll('\n', ''))).toEqual([]);
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
