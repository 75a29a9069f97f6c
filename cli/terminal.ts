import { styleText } from 'node:util';
import { csv, jsonText, visible } from '../engine/notify/encoders.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Text, plain or in a style. */
export type Span = string | readonly [Style, string];

const textOf = (span: Span): string => (typeof span === 'string' ? span : span[1]);

/** A place to write to. Nothing gets there but by an encoder. */
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

  /** A document in a format that has an encoder of its own. */
  document(text: string): void {
    this.#stream.write(text);
  }

  json(value: unknown): void {
    this.#stream.write(`${jsonText(value)}\n`);
  }

  csv(rows: readonly (readonly string[])[]): void {
    this.#stream.write(csv(rows));
  }
}

/** Where a command reads and writes. */
export interface Io {
  readonly out: Terminal;
  readonly err: Terminal;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
}
