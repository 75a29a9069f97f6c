import { firstOf, type Measurement, SPANS } from '../measure.ts';
import type { Moment, RunRecord } from '../run.ts';
import { type Markup, markup, none } from './markup.ts';
import { placed, rows, ticks } from './scale.ts';
import { CLOCK, duration, METRIC, MOMENT } from './words.ts';

/** What happened at one time, or several times one after the other: one number in the chart. */
export interface Entry {
  readonly number: number;
  readonly what: Moment['what'];
  /** Milliseconds from the injection, or from the start where there was none. */
  readonly at: number;
  readonly detail: string;
  readonly source: Moment['source'];
  readonly count: number;
  /** Milliseconds, as `at`: of the last of several. */
  readonly until: number;
}

/** Of what happens so often in a row, the first is told, how often it was, and until when. */
const MOST_IN_A_ROW = 3;

/** The moments of a run with their numbers. */
export function entriesOf(record: RunRecord): readonly Entry[] {
  const zero = zeroOf(record);
  const sorted = record.timeline.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const rowsOf: Moment[][] = [];
  for (const moment of sorted) {
    const row = rowsOf.at(-1);
    if (row?.[0]?.what === moment.what) row.push(moment);
    else rowsOf.push([moment]);
  }
  return rowsOf
    .flatMap((row) => (row.length > MOST_IN_A_ROW ? [row] : row.map((moment) => [moment])))
    .flatMap((row, index): Entry[] => {
      const [first] = row;
      if (first === undefined) return [];
      const { what, detail, source } = first;
      const at = Date.parse(first.at) - zero;
      const until = Date.parse(row.at(-1)?.at ?? first.at) - zero;
      return [{ number: index + 1, what, at, detail, source, count: row.length, until }];
    });
}

const zeroOf = (record: RunRecord): number => firstOf(record, 'injected') ?? Date.parse(record.run.startedAt);

/** A time of the chart for people: `+2.0 s`. */
export const offset = (ms: number): string => (ms === 0 ? '0' : ms < 0 ? duration(ms) : `+${duration(ms)}`);

/** Per cent of the width that a numbered mark takes on a phone. */
const MARK = 7.5;
const ROW = 24;

/**
 * The timeline of a run, drawn to scale: all of it, and below it, where that is less than half of it, the part from the
 * injection until all was well, on a scale of its own. Horizontal places are per cent, so that it fits any width and its text
 * keeps its size.
 */
export function timeline(record: RunRecord, metrics: readonly Measurement[], label: string): Markup {
  const entries = entriesOf(record);
  const [start, end] = [entries[0]?.at ?? 0, entries.at(-1)?.at ?? 0];
  const inner = entries.filter(({ what }) => !OUTER.includes(what)).map(({ at }) => at);
  const [from, to] = [Math.min(...inner), Math.max(...inner)];
  const close = inner.length > 1 && to > from && to - from < (end - start) / 2;
  const margin = (to - from) * 0.04;
  const lens = close ? { from: Math.max(start, from - margin), to: Math.min(end, to + margin) } : undefined;
  const within = ({ at }: Entry): boolean => lens !== undefined && at >= from && at <= to;
  const all = band(
    entries.filter((entry) => !within(entry)),
    entries.filter(within),
    start,
    end,
    lens,
  );
  const near = lens
    ? markup`${funnel(placed(lens.from, start, end), placed(lens.to, start, end))}
${band(entries.filter(within), [], lens.from, lens.to)}
${spans(record, metrics, lens.from, lens.to)}`
    : spans(record, metrics, start, end);
  return markup`<div class="timeline" role="img" aria-label="Timeline to scale of ${label}: ${entries
    .map(({ what, at }) => `${MOMENT[what]} at ${offset(at)}`)
    .join(', ')}">
${all}
${near}
</div>
<table class="moments">
<thead><tr><th scope="col"><span class="unseen">Number</span></th><th scope="col">Time</th><th scope="col">What happened</th><th scope="col">Told by</th></tr></thead>
<tbody>
${entries.map(
  ({ number, what, at, detail, source, count, until }) =>
    markup`<tr><td><span class="number ${what}">${number}</span></td><td class="figure">${offset(at)}</td><td><strong>${
      MOMENT[what]
    }</strong>${count > 1 ? markup` ${count} times, until ${offset(until)}` : none} <span class="detail">${detail}</span></td><td class="clock">${CLOCK[source]}</td></tr>\n`,
)}</tbody>
</table>`;
}

/** What is before the injection or after all is well. */
const OUTER: readonly Moment['what'][] = ['started', 'made', 'stopped', 'killed', 'cleaned'];

/** One scale with its marks: numbered ones above, and points on the line for those that are numbered elsewhere. */
function band(
  marked: readonly Entry[],
  points: readonly Entry[],
  from: number,
  to: number,
  lens?: { readonly from: number; readonly to: number },
): Markup {
  const places = marked.map(({ at }) => placed(at, from, to));
  const lanes = rows(places, MARK);
  const line = Math.max(1, ...lanes.map((lane) => lane + 1)) * ROW + 8;
  const mark = ({ number, what }: Entry, index: number): Markup => {
    const [x, y] = [places[index] ?? 0, line - 8 - (lanes[index] ?? 0) * ROW - 12];
    return markup`<line class="stem" x1="${x}%" x2="${x}%" y1="${y + 10}" y2="${line}"/><g class="mark ${what}"><circle cx="${x}%" cy="${y}" r="10"/><text x="${x}%" y="${y + 4}">${number}</text></g>`;
  };
  return markup`<svg aria-hidden="true" width="100%" height="${line + 30}">
${lens ? markup`<rect class="lens" x="${placed(lens.from, from, to)}%" width="${round(placed(lens.to, from, to) - placed(lens.from, from, to))}%" y="${line - 7}" height="${37}"/>` : none}<line class="axis" x1="0" x2="100%" y1="${line}" y2="${line}"/>
${ticks(from, to, 5).map((at) => {
  const x = placed(at, from, to);
  return markup`<line class="tick" x1="${x}%" x2="${x}%" y1="${line}" y2="${line + 5}"/><text class="time" x="${x}%" y="${line + 19}" text-anchor="${x < 8 ? 'start' : x > 92 ? 'end' : 'middle'}">${offset(at)}</text>`;
})}
${points.map(({ what, at }) => markup`<circle class="point ${what}" cx="${placed(at, from, to)}%" cy="${line}" r="3.5"/>`)}${marked.map(mark)}
</svg>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** From the part of the scale above to the whole of the scale below. */
const funnel = (from: number, to: number): Markup =>
  markup`<svg class="funnel" aria-hidden="true" width="100%" height="26" viewBox="0 0 100 10" preserveAspectRatio="none"><polygon points="${from},0 ${to},0 100,10 0,10"/></svg>`;

/** The times of the run as bars, to the same scale. */
function spans(record: RunRecord, metrics: readonly Measurement[], from: number, to: number): Markup {
  const zero = zeroOf(record);
  const bars = metrics.flatMap(({ metric, ms }) => {
    const begin = firstOf(record, SPANS[metric][0]);
    if (begin === undefined || ms === undefined) return [];
    const x = placed(begin - zero, from, to);
    return [{ metric, x, width: round(placed(begin + ms - zero, from, to) - x), ms }];
  });
  return markup`<svg class="spans" aria-hidden="true" width="100%" height="${bars.length * 32 + 4}">
${bars.map(({ metric, x, width, ms }, index) => {
  const y = index * 32;
  const right = x > 60;
  return markup`<text class="name" x="${right ? round(x + width) : x}%" y="${y + 13}" text-anchor="${right ? 'end' : 'start'}">${METRIC[metric].name} <tspan class="ms">${duration(ms)}</tspan></text><rect class="span ${metric}" x="${x}%" width="${Math.max(width, 0.6)}%" y="${y + 19}" height="7" rx="2"/>`;
})}
</svg>`;
}
