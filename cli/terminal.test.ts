import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from '../engine/notify/attacks.ts';
import { Terminal } from './terminal.ts';

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

function written(write: (terminal: Terminal) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  write(new Terminal(stream));
  return text;
}

describe('what reaches a terminal', () => {
  test('nothing in a line acts on it, whatever the text', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = written((terminal) => terminal.line('a ', ['bold', text], text));
        expect(line.endsWith('\n')).toBe(true);
        expect(dangerous(line.slice(0, -1))).toEqual([]);
      }),
    );
  });

  test('plain text stays as it is', () => {
    const text = 'grün 漢字 🙂 [a] C:\\users <x> `y`';
    expect(written((terminal) => terminal.line(text))).toBe(`${text}\n`);
  });

  test('JSON acts on nothing either, and says the same', () => {
    fc.assert(
      fc.property(fc.record({ text: hostileText, list: fc.array(hostileText) }), (value) => {
        const text = written((terminal) => terminal.json(value));
        expect(dangerous(text.replaceAll('\n', ''))).toEqual([]);
        expect(JSON.parse(text)).toEqual(value);
      }),
    );
  });

  test('CSV acts on nothing either', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(dangerous(written((terminal) => terminal.csv([[text]])).slice(0, -2))).toEqual([]);
      }),
    );
  });

  test('a table has as many lines as rows', () => {
    fc.assert(
      fc.property(fc.array(fc.array(hostileText, { minLength: 1, maxLength: 4 }), { minLength: 1 }), (rows) => {
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
