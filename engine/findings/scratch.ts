import { readdirSync, readFileSync } from 'node:fs';
import { normalise } from './normalise.ts';
for (const d of readdirSync('events/samples', { withFileTypes: true })) if (d.isDirectory()) for (const f of readdirSync(`events/samples/${d.name}`)) {
  const r = normalise(readFileSync(`events/samples/${d.name}/${f}`, 'utf8'));
  console.log(d.name, f, r.rejection ?? JSON.stringify(r.findings!.map(({ envelope, title, ...x }) => ({ ...x, env: envelope.account }))));
}
