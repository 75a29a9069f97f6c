import type { Judgement } from '../judge.ts';
import type { Measurement, Trend } from '../measure.ts';
import { badge, TONE } from './badge.ts';
import { type Markup, markup, none } from './markup.ts';
import { CHANGE, duration, METRIC, VERDICT } from './words.ts';

const [TOP, BOTTOM, HEIGHT] = [34, 132, 158] as const;
/** An objective is drawn when the scale would not have to be more than this much higher for it. */
const WORTH_DRAWING = 1.8;

/** A chart for each time that has a figure now and one before. */
export function trends({ trends: all, metrics, earlier, verdict }: Judgement, label: string): Markup {
  const drawn = all.filter(({ values }) => values.filter((value) => value !== null).length > 1);
  if (drawn.length === 0) {
    return markup`<p class="quiet">No earlier run of this scenario at this fidelity has a figure to compare with.</p>`;
  }
  const runs = [...earlier.map((each) => each.label), label];
  const verdicts = [...earlier.map((each) => each.verdict), verdict];
  return markup`<ul class="verdicts" aria-label="Verdicts, oldest first">${verdicts.map(
    (each, index) => markup`<li><span class="quiet">${runs[index]}</span> ${badge(TONE[each], VERDICT[each])}</li>`,
  )}</ul>
<div class="trends">${drawn.map((each) =>
    panel(
      each,
      metrics.find(({ metric }) => metric === each.metric),
      runs,
    ),
  )}</div>`;
}

/** One time over the runs, oldest first. Horizontal places are per cent, as in the timeline. */
function panel({ metric, values, change }: Trend, measured: Measurement | undefined, runs: readonly string[]): Markup {
  const limit = measured?.limitMs;
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const inScale = limit !== undefined && limit <= most * WORTH_DRAWING;
  const top = inScale ? Math.max(most, limit) : most;
  const x = (index: number): number => 9 + (82 / Math.max(1, runs.length - 1)) * index;
  const y = (ms: number): number => Math.round((BOTTOM - ((BOTTOM - TOP) * ms) / (top * 1.05)) * 10) / 10;
  const last = values.length - 1;
  const spoken = runs.map((run, index) => {
    const value = values[index] ?? null;
    return `${run} ${value === null ? 'not measured' : duration(value)}`;
  });
  return markup`<figure class="trend">
<figcaption><strong>${METRIC[metric].name}</strong>${change ? markup` <span class="change ${change}">${ARROW[change]} ${CHANGE[change]}</span>` : none}</figcaption>
<svg role="img" aria-label="Time to ${metric} over runs: ${spoken.join(', ')}" width="100%" height="${HEIGHT}">
<line class="axis" x1="0" x2="100%" y1="${BOTTOM}" y2="${BOTTOM}"/>
${
  limit === undefined
    ? none
    : inScale
      ? markup`<line class="limit" x1="0" x2="100%" y1="${y(limit)}" y2="${y(limit)}"/><text class="limit" x="0" y="${y(limit) - 5}">objective ${duration(limit)}</text>`
      : markup`<text class="limit" x="0" y="12">↑ objective ${duration(limit)}, beyond this scale</text>`
}
${values.slice(1).map((value, index) => {
  const before = values[index] ?? null;
  return value === null || before === null
    ? none
    : markup`<line class="course" x1="${x(index)}%" x2="${x(index + 1)}%" y1="${y(before)}" y2="${y(value)}"/>`;
})}
${values.map((value, index) => {
  const now = index === last ? ' now' : '';
  const name = markup`<text class="run${now}" x="${x(index)}%" y="${BOTTOM + 18}">${short(runs[index] ?? '')}</text>`;
  if (value === null) {
    return markup`<text class="missing" x="${x(index)}%" y="${BOTTOM - 6}">×</text>${name}`;
  }
  return markup`<circle class="value${now}" cx="${x(index)}%" cy="${y(value)}" r="${index === last ? 5 : 3.5}"/><text class="ms${now}" x="${x(index)}%" y="${y(value) - 10}">${duration(value)}</text>${name}`;
})}
</svg>
</figure>`;
}

const ARROW = { better: '↓', same: '→', worse: '↑' } as const;

/** A label that has room below a chart: of days without the year. */
function short(label: string): string {
  const shown = label.replace(/^\d{4}-(?=\d\d-\d\d$)/, '');
  return shown.length > 8 ? `${shown.slice(0, 7)}…` : shown;
}
