import type { JudgedFinding, JudgedResponse, Verdict } from '../judge.ts';
import type { Result } from '../measure.ts';
import { type Markup, markup } from './markup.ts';

/** How something went, by which it gets its colour and its sign; never the colour alone. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

export const TONE: Readonly<Record<Verdict | Result | JudgedFinding['status'] | JudgedResponse['status'], Tone>> = {
  passed: 'good',
  met: 'good',
  found: 'good',
  done: 'good',
  late: 'warn',
  awaiting: 'warn',
  missed: 'bad',
  failed: 'bad',
  'cleanup-failed': 'bad',
  stopped: 'quiet',
  running: 'quiet',
  'not-measured': 'quiet',
  'not-judged': 'quiet',
};

const SIGN: Readonly<Record<Tone, Markup>> = {
  good: markup`<path d="M3 8.5l3.5 3.5L13 4.5"/>`,
  warn: markup`<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.5 1.5"/>`,
  bad: markup`<path d="M4 4l8 8M12 4l-8 8"/>`,
  quiet: markup`<path d="M3 8h10"/>`,
};

export const sign = (tone: Tone): Markup => markup`<svg viewBox="0 0 16 16" aria-hidden="true">${SIGN[tone]}</svg>`;

export const badge = (tone: Tone, word: string): Markup =>
  markup`<span class="badge ${tone}">${sign(tone)}${word}</span>`;
