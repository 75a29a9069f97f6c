import { type Judgement, labelOf } from '../judge.ts';
import type { Measurement } from '../measure.ts';
import type { Phrase } from '../phrase.ts';
import { badge, sign, TONE, type Tone } from './badge.ts';
import type { Told } from './exercise.ts';
import { type Markup, markup, none, sentence } from './markup.ts';
import { timeline } from './timeline.ts';
import { trends } from './trends.ts';
import {
  CHANGE,
  CLEAN_UP,
  duration,
  END_STATE,
  FIDELITY,
  LAUNCH,
  METRIC,
  minute,
  RESULT,
  SAFETY,
  STATUS,
  VERDICT,
} from './words.ts';

/** Where a run is told of on the page. */
export const anchorOf = ({ record }: Told): string => `run-${record.run.id}`;

/** All that is told of one run. */
export function runSection(told: Told): Markup {
  const { record, scenario, judgement, well, badly, notMeasured } = told;
  const { run } = record;
  const { verdict, metrics } = judgement;
  return markup`<section class="sheet run" id="${anchorOf(told)}">
<div class="run-head"><h2>${scenario.title}</h2>${badge(TONE[verdict], VERDICT[verdict])}</div>
<p class="quiet"><code>${scenario.id}</code> · ${FIDELITY[run.fidelity].name}</p>
<p>${scenario.story}</p>
${facts(told)}
${judgedBy(told)}
<h3>Times and their objectives</h3>
<div class="metrics">${metrics.map((measured) => metric(measured, judgement))}</div>
<h3>What happened, to scale</h3>
${timeline(record, metrics, scenario.title)}
<h3>What was expected, and what came</h3>
${expectations(judgement)}
<h3>Trend</h3>
${trends(judgement, labelOf(run))}
<div class="pair">
<div><h3>What went well</h3>${list('good', well, 'Nothing.')}</div>
<div><h3>What went badly</h3>${list('bad', badly, 'Nothing fell short.')}</div>
</div>
<h3>What is not measured, and why</h3>
${list('quiet', notMeasured, 'All times were measured.')}
<h3>Clean-up</h3>
${cleanUp(told)}
</section>`;
}

const fact = (name: string, value: Markup | string | undefined, wide = false): Markup =>
  value === undefined
    ? none
    : markup`<div${wide ? markup` class="wide"` : none}><dt>${name}</dt><dd>${value}</dd></div>`;

function facts({ record, scenario }: Told): Markup {
  const { run } = record;
  const took = run.finishedAt && duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
  const parameters = JSON.stringify(run.parameters);
  return markup`<dl class="facts">
${fact('Run', markup`<code>${run.id}</code>`)}
${fact('Started', minute(run.startedAt))}
${fact('Launched', LAUNCH[run.launch])}
${fact('Took', took)}
${fact('Sandbox account', run.place.account)}
${fact('Region', run.place.region)}
${fact('Account to share with', run.partner)}
${fact('ATT&CK', scenario.attack.join(', '))}
${fact('Parameters', parameters === '{}' ? undefined : markup`<code>${parameters}</code>`, true)}
${fact('Safety', SAFETY[scenario.safety], true)}
</dl>`;
}

/** The limits by which the run's own resources were judged, where they are not the policy's. */
function judgedBy({ scenario }: Told): Markup {
  const others = Object.entries(scenario.judgedBy ?? {});
  if (others.length === 0) return none;
  return markup`<p><strong>Judged by other limits than the policy’s</strong>, for the resources of the run alone, since the policy’s own could not be met: ${others.map(
    ([remediation, parameters]) => markup`<code>${remediation}</code> with <code>${JSON.stringify(parameters)}</code> `,
  )}</p>`;
}

function metric(
  { metric: of, ms, result, unmeasured, note, limitMs }: Measurement,
  { trends: all }: Judgement,
): Markup {
  const { name, span } = METRIC[of];
  const trend = all.find(({ metric: other }) => other === of);
  const many = trend && trend.values.filter((value) => value !== null).length > 1;
  return markup`<div class="metric">
<div class="name">${name}</div>
${ms === undefined ? markup`<div class="value none">—</div>` : markup`<div class="value">${duration(ms)}</div>`}
${
  limitMs === undefined
    ? none
    : markup`${ms === undefined ? none : bar(ms, limitMs)}<small>objective ${duration(limitMs)}</small>`
}
${badge(TONE[result], RESULT[result])}
${many && trend.median !== undefined && trend.worst !== undefined ? markup`<small>median ${duration(trend.median)}, worst ${duration(trend.worst)}</small>` : none}
${trend?.change ? markup`<small class="change ${trend.change}">${CHANGE[trend.change]}</small>` : none}
<small>${unmeasured ?? span}${note === undefined ? none : markup` (replayed)`}</small>
</div>`;
}

/** How much of an objective a time took up. */
const bar = (ms: number, limitMs: number): Markup =>
  markup`<svg class="bar" aria-hidden="true" width="100%" height="6"><rect width="100%" height="6"/><rect class="part${ms > limitMs ? ' late' : ''}" width="${Math.max(1.5, Math.min(100, (ms / limitMs) * 100)).toFixed(1)}%" height="6"/></svg>`;

function expectations({ findings, responses, unexpected, state }: Judgement): Markup {
  return markup`<table class="stack">
<thead><tr><th scope="col">Expected</th><th scope="col">What came</th><th scope="col">Result</th></tr></thead>
<tbody>
${findings.map(
  ({ source, type, status, at }) =>
    markup`<tr><th scope="row">Finding <code>${type}</code> of ${source}</th><td data-of="Came">${at === undefined ? 'never' : at.slice(11, 23)}</td><td>${badge(TONE[status], STATUS[status])}</td></tr>\n`,
)}${responses.map(
  ({ remediation, target, expected, status, why }) =>
    markup`<tr><th scope="row"><code>${remediation}</code> ends ${expected}${target === undefined ? none : markup`<br><span class="detail"><code>${target}</code></span>`}</th><td data-of="Came">${sentence(why)}</td><td>${badge(TONE[status], STATUS[status])}</td></tr>\n`,
)}<tr><th scope="row">The resource in the end</th><td data-of="Read">${END_STATE[state]}</td><td>${STATE_BADGE[state]}</td></tr>
${unexpected.map(
  ({ remediation, target, outcome }) =>
    markup`<tr><th scope="row">Not expected: <code>${remediation}</code></th><td data-of="Came">${outcome ?? 'open'}, on <code>${target}</code></td><td></td></tr>\n`,
)}</tbody>
</table>`;
}

const STATE_BADGE: Readonly<Record<Judgement['state'], Markup>> = {
  'as-expected': badge('good', 'as expected'),
  'not-as-expected': badge('bad', 'not as expected'),
  'not-read': badge('bad', 'not read'),
  none: badge('quiet', 'none'),
};

const list = (tone: 'good' | 'bad' | 'quiet', said: readonly Phrase[], nothing: string): Markup =>
  said.length === 0
    ? markup`<p class="quiet">${nothing}</p>`
    : markup`<ul class="said ${tone}">${said.map((each) => markup`<li>${sign(tone)}${sentence(each)}</li>`)}</ul>`;

function cleanUp({ record: { run }, judgement }: Told): Markup {
  const { name, says } = CLEAN_UP[judgement.cleanUp];
  return markup`<p>${badge(CLEAN_UP_TONE[judgement.cleanUp], name)} ${says}</p>
<dl class="facts digests">
${fact('SHA-256 of the inventory before', markup`<span class="digest">${run.inventory?.before ?? 'not taken'}</span>`, true)}
${fact('SHA-256 of the inventory after', markup`<span class="digest">${run.inventory?.after ?? 'not taken'}</span>`, true)}
${fact('Left', run.left?.length ? run.left.join(', ') : undefined, true)}
</dl>`;
}

const CLEAN_UP_TONE: Readonly<Record<Judgement['cleanUp'], Tone>> = {
  clean: 'good',
  failed: 'bad',
  unattested: 'bad',
  open: 'quiet',
};
