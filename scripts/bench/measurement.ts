import type { Bench } from './bench.ts';

/** One figure: against a budget of the design, or for orientation. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** Absent: for orientation. */
  readonly budget?: string;
  /** Absent: not measured, or without budget. */
  readonly holds?: boolean;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a measurement came to: a section of a page below docs/. */
export interface Section {
  readonly title: string;
  /** Paragraphs of Markdown and tables, in order. */
  readonly body: readonly (string | Table)[];
  readonly figures: readonly Figure[];
}

export interface Measurement {
  /** As `--only` takes it. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** The page that it is a section of. */
  readonly page: 'benchmarks' | 'cost' | 'sessions';
  measure(bench: Bench): Promise<Section>;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value that so large a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}

/** A figure that may be at most so large. */
export const atMost = (
  what: string,
  measured: number,
  budget: number,
  show: (value: number) => string = String,
): Figure => ({
  what,
  measured: show(measured),
  budget: `at most ${show(budget)}`,
  holds: measured <= budget,
});

export const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;
export const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(1)} s`;
export const ratio = (value: number): string => `${value.toFixed(2)} x`;
