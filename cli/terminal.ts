import { styleText } from 'node:util';

/**
 * What a terminal acts on or does not show: control characters, format characters (bidirectional marks, zero widths,
 * tags), line and paragraph separators, surrogates, private use and unassigned code points.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Text that anybody may have written, with all that is not plainly visible as `\u{1b}`. */
export const visible = (text: string): string =>
  text.replaceAll(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

/** One JSON document, with what is not plainly visible escaped as JSON does. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, null, 2).replaceAll(UNSEEN, (character) =>
    character === '\n'
      ? character
      : character
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
  );

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Text, plain or in a style. */
export type Span = string | readonly [Style, string];

const textOf = (span: Span): string => (typeof span === 'string' ? span : span[1]);

/** A place to write to. Nothing gets there but by the encoders above. */
export class Terminal {
  readonly #stream: NodeJS.WritableStream;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  line(...spans: readonly Span[]): void {
    const shown = spans.map((span) => {
      const text = visible(textOf(span));
      // Without colours where the stream is no terminal or NO_COLOR is set.
      return typeof span === 'string' ? text : styleText(span[0], text, { stream: this.#stream });
    });
    this.#stream.write(`${shown.join('')}\n`);
  }

  /** Lines in columns; the last column is as long as it wants. */
  table(rows: readonly (readonly Span[])[], indent = ''): void {
    const widths: number[] = [];
    for (const row of rows) {
      row.forEach((cell, column) => {
        widths[column] = Math.max(widths[column] ?? 0, visible(textOf(cell)).length);
      });
    }
    for (const row of rows) {
      const cells = row.flatMap((cell, column) => {
        const gap = (widths[column] ?? 0) - visible(textOf(cell)).length + 2;
        return column < row.length - 1 ? [cell, ' '.repeat(gap)] : [cell];
      });
      this.line(indent, ...cells);
    }
  }

  /** Text of several lines that the program itself wrote: help. */
  text(text: string): void {
    for (const line of text.replace(/\n$/, '').split('\n')) this.line(line);
  }

  json(value: unknown): void {
    this.#stream.write(`${jsonText(value)}\n`);
  }
}

/** Where a command reads and writes. */
export interface Io {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}
