import { canonical, type Json } from '../engine/state.ts';
import { SAFETY } from '../simulations/report/words.ts';
import type { Preview } from '../simulations/requests.ts';
import type { Fidelity } from '../simulations/scenario.ts';
import type { Span, Terminal } from './terminal.ts';

/** What will be; a report says what was. */
const FIDELITY: Readonly<Record<Fidelity, string>> = {
  tabletop: 'people talk it through, and nothing is made',
  'handler-replay': 'the resource is real, and the worker is handed the finding',
  'bus-replay': 'the resource is real, and the finding comes by EventBridge',
  'sample-finding': 'a sample finding about nothing: nothing is fixed',
  live: 'the resource is real, and the service has to notice',
};

const labelled = (label: string, values: readonly string[]): Span[][] =>
  values.map((value, index) => [['dim', index === 0 ? label : ''], value]);

/** What a run would do, for whoever decides whether it starts. */
export function showPreview(preview: Preview, out: Terminal): void {
  const { scenario, title, story, fidelity, place, partner, safety, cost, minutes, makes, may } = preview;
  out.line(['bold', title], '  ', scenario);
  out.line(story);
  out.line();
  const objectives = Object.entries(preview.objectives).map(([what, seconds]) => `${what} within ${seconds} s`);
  out.table([
    ...labelled('fidelity', [`${fidelity}: ${FIDELITY[fidelity]}`]),
    ...labelled('where', [`account ${place.account}, ${place.region}; what is shared goes to account ${partner}`]),
    ...labelled('blast radius', [`${safety}: ${SAFETY[safety]}`]),
    ...labelled('makes', makes.length > 0 ? makes : ['nothing']),
    ...labelled('costs', [`at most $${cost.toFixed(2)}`]),
    ...labelled('takes', [`at most ${minutes} min, then it is cleaned up whatever it waits for`]),
    ...labelled('objectives', objectives),
    ...labelled(
      'findings',
      preview.findings.map(({ source, type }) => `${source} ${type}`),
    ),
    ...labelled(
      'responses',
      preview.responses.map(({ remediation, outcome }) => `${remediation} ends ${outcome}`),
    ),
  ]);
  if (may.length > 0) out.line(['dim', 'it may change']);
  for (const { actions, resources, condition } of may) {
    out.line(`    ${actions.join(', ')}`);
    out.line('      ', ['dim', `on ${resources.join(', ')}${condition ? ` if ${canonical(condition as Json)}` : ''}`]);
  }
  for (const refusal of preview.refusals) out.line(['red', 'it would not start: '], refusal);
}
