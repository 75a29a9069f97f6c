import type { Judgement, Verdict } from '../judge.ts';
import { METRICS } from '../measure.ts';
import { FIDELITIES, type Fidelity } from '../scenario.ts';
import { badge, TONE } from './badge.ts';
import type { Family } from './coverage.ts';
import { type Exercise, type Level, type Report, reportOf } from './exercise.ts';
import { Markup, markup, none, sentence } from './markup.ts';
import { anchorOf, runSection } from './run-section.ts';
import { STYLE } from './style.ts';
import { duration, FIDELITY, METRIC, minute, VERDICT } from './words.ts';

/**
 * The after-action report of an exercise as one page of HTML that needs nothing else: no script, no font and no picture is
 * fetched. All text is encoded. Dark and light, for screens from 360 pixels on, and for paper.
 */
export function htmlReport(exercise: Exercise): string {
  const report = reportOf(exercise);
  const { title, name, writtenAt, levels } = report;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header class="page">
<p class="mark-of">Firebreak · After-action report</p>
<h1>[SIMULATION] Exercise ${name}</h1>
<p class="glance">${glance(report)}</p>
</header>
<main>
${levels.map(summary)}
${levels.flatMap(({ runs }) => runs.map(runSection))}
${actions(report)}
${levels.map(coverage)}
${framework(report)}
${evidence(report)}
${signOff()}
</main>
<footer><p>${title}. Written ${minute(writtenAt)} from what was recorded while it ran, in sandbox accounts alone.</p></footer>
</body>
</html>
`.text;
}

/** The whole exercise in a line. */
function glance({ levels, actions: all, writtenAt }: Report): string {
  const runs = levels.reduce((sum, level) => sum + level.runs.length, 0);
  const critical = all.filter(({ severity }) => severity === 'CRITICAL').length;
  return [
    counted(runs, 'run'),
    all.length === 0 ? 'nothing fell short' : counted(all.length, 'corrective action'),
    ...(critical > 0 ? [`${critical} critical`] : []),
    `written ${minute(writtenAt)}`,
  ].join(' · ');
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const fidelity = (of: Fidelity): Markup =>
  markup`<div class="fidelity"><p class="level">Fidelity: ${FIDELITY[of].name}</p><p>${FIDELITY[of].says}</p>
<ol class="ladder" aria-label="Levels of fidelity, from least to most">${FIDELITIES.map(
    (each) => markup`<li${each === of ? markup` aria-current="true"` : none}>${FIDELITY[each].name}</li>`,
  )}</ol></div>`;

/** All runs of one fidelity at a glance: a figure is never of two. */
function summary(level: Level): Markup {
  const { runs } = level;
  const verdicts = Object.entries(level.verdicts) as [Verdict, number][];
  const shown = METRICS.filter((metric) =>
    runs.some(({ judgement }) => judgement.metrics.some((each) => each.metric === metric && each.ms !== undefined)),
  );
  const cell = ({ metrics }: Judgement, metric: (typeof METRICS)[number]): Markup => {
    const measured = metrics.find((each) => each.metric === metric);
    const time = measured?.ms === undefined ? '—' : duration(measured.ms);
    const short = measured?.result === 'late' || measured?.result === 'missed' ? ` ${measured.result}` : '';
    return markup`<td class="figure" data-of="${METRIC[metric].name}">${time}${short}</td>`;
  };
  return markup`${fidelity(level.fidelity)}
<section class="sheet">
<h2>At a glance</h2>
<ul class="verdicts">${verdicts.map(([verdict, count]) => markup`<li>${badge(TONE[verdict], `${count} ${VERDICT[verdict].toLowerCase()}`)}</li>`)}</ul>
<table class="stack">
<thead><tr><th scope="col">Scenario</th><th scope="col">Verdict</th>${shown.map((metric) => markup`<th scope="col">${METRIC[metric].name}</th>`)}</tr></thead>
<tbody>
${runs.map(
  (told) =>
    markup`<tr><th scope="row"><a href="#${anchorOf(told)}">${told.scenario.title}</a></th><td>${badge(TONE[told.judgement.verdict], VERDICT[told.judgement.verdict])}</td>${shown.map((metric) => cell(told.judgement, metric))}</tr>\n`,
)}</tbody>
</table>
</section>`;
}

function actions({ actions: all }: Report): Markup {
  return markup`<section class="sheet part"><h2>Corrective actions</h2>
${
  all.length === 0
    ? markup`<p class="quiet">None: nothing fell short.</p>`
    : markup`<table class="stack">
<thead><tr><th scope="col">What fell short</th><th scope="col">Severity</th><th scope="col">Owner</th><th scope="col">Due</th><th scope="col">Ticket</th></tr></thead>
<tbody>
${all.map(
  ({ what, scenario, severity, owner, due, ticket }) =>
    markup`<tr><td>${sentence(what)}<br><span class="detail">${scenario}</span></td><td data-of="Severity">${severity.toLowerCase()}</td><td data-of="Owner">${owner ?? 'to be named'}</td><td class="figure" data-of="Due">${due}</td><td data-of="Ticket">${ticket ?? '—'}</td></tr>\n`,
)}</tbody>
</table>`
}
</section>`;
}

function coverage({ fidelity: of, coverage: { families, techniques, remediations } }: Level): Markup {
  return markup`<section class="sheet part"><h2>Coverage at ${FIDELITY[of].name.toLowerCase()}</h2>
<h3>Finding types that the catalogue responds to</h3>
<p class="quiet">Each box is a type; filled: it was found in a run of this exercise.</p>
${[...Map.groupBy(families, ({ source }) => source)].map(([source, of]) => ofSource(source, of))}
<h3>MITRE ATT&amp;CK techniques</h3>
${chips(techniques.map(({ id, name, exercised }) => ({ exercised, says: name === undefined ? id : `${id} ${name}` })))}
<h3>Remediations</h3>
${chips(remediations.map(({ id, exercised }) => ({ exercised, says: id })))}
</section>`;
}

function ofSource(source: string, families: readonly Family[]): Markup {
  const count = (of: 'types' | 'exercised'): number => families.reduce((sum, each) => sum + each[of].length, 0);
  return markup`<div class="of-source"><h4>${source}<span class="figure">${count('exercised')} of ${count('types')} types</span></h4>
<div class="families">${families.map(family)}</div></div>`;
}

function family({ family: name, types, exercised }: Family): Markup {
  const width = Math.min(14, 100 / types.length);
  return markup`<div class="family"><div class="row"><strong>${name}</strong><span class="figure">${exercised.length} of ${types.length}</span></div>
<svg aria-hidden="true" width="100%">${types.map(
    (type, index) =>
      markup`<rect class="${exercised.includes(type) ? 'yes' : 'no'}" x="${(index * width + 0.3).toFixed(2)}%" y="0.5" width="${(width - 1.2).toFixed(2)}%" height="7" rx="1.5"/>`,
  )}</svg>${exercised.length > 0 ? markup`<small class="detail">${exercised.join(', ')}</small>` : none}</div>`;
}

function chips(all: readonly { readonly says: string; readonly exercised: boolean }[]): Markup {
  const some = (exercised: boolean, word: string): Markup => {
    const of = all.filter((each) => each.exercised === exercised);
    if (of.length === 0) return none;
    return markup`<h4>${word}: ${of.length} of ${all.length}</h4><ul class="chips">${of.map(({ says }) => markup`<li${exercised ? markup` class="yes"` : none}>${says}</li>`)}</ul>`;
  };
  return markup`${some(true, 'Exercised')}${some(false, 'Not exercised')}`;
}

function framework({ csf }: Report): Markup {
  return markup`<section class="sheet part"><h2>NIST CSF 2.0</h2>
<table class="stack">
<caption>Outcomes that this exercise is about</caption>
<thead><tr><th scope="col">Outcome</th><th scope="col">In NIST’s words</th><th scope="col">Scenarios</th></tr></thead>
<tbody>
${csf.map(
  ({ id, words, scenarios }) =>
    markup`<tr><th scope="row" class="figure">${id}</th><td>${words ?? '—'}</td><td class="detail">${scenarios.join(', ')}</td></tr>\n`,
)}</tbody>
</table>
</section>`;
}

function evidence({ levels }: Report): Markup {
  const told = levels.flatMap(({ runs }) => runs);
  return markup`<section class="sheet part"><h2>Evidence</h2>
<p>SHA-256 of what is kept, in canonical JSON: of each run with all that was seen of it, and of each response’s record in the ledger.</p>
<table class="stack">
<thead><tr><th scope="col">Record</th><th scope="col">Outcome</th><th scope="col">SHA-256</th></tr></thead>
<tbody>
${told.map(
  ({ record, judgement, digest }) =>
    markup`<tr><th scope="row">Run <code>${record.run.id}</code></th><td>${VERDICT[judgement.verdict].toLowerCase()}</td><td><span class="digest">${digest}</span></td></tr>
${record.responses.map(
  (response) =>
    markup`<tr><td>Response <code>${response.id}</code></td><td>${response.outcome ?? 'open'}</td><td><span class="digest">${response.digest}</span></td></tr>\n`,
)}`,
)}</tbody>
</table>
</section>`;
}

const signOff = (): Markup => markup`<section class="sheet"><h2>Sign-off</h2>
<table class="stack signed">
<thead><tr><th scope="col">Read and agreed</th><th scope="col">Name</th><th scope="col">Date</th></tr></thead>
<tbody>${['Led the exercise', 'Answers for incident response'].map((role) => markup`<tr class="sign"><th scope="row">${role}</th><td data-of="Name"></td><td data-of="Date"></td></tr>`)}</tbody>
</table>
</section>`;
