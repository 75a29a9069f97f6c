import type { Measurement, Section, Table } from './measurement.ts';

/** A section, and where it comes from. */
export interface Measured extends Section, Pick<Measurement, 'name' | 'page'> {}

const PROSE: Readonly<Record<Measurement['page'], string>> = {
  benchmarks: `# Benchmarks

What is measured against the budgets, by \`npm run bench\` on the embedded cloud, without an AWS account. Ratios within one run
are what counts; times are for orientation, and mean something only on a machine that does nothing else. Bytes and calls are
the same everywhere, and tests hold them. \`npm run bench -- --only calls,bytes\` measures a part.`,
  cost: `# Cost

What a finding costs at list prices, by \`npm run bench\`, from what was counted on the embedded cloud.`,
  sessions: `# Sessions

How much of what STS takes for a session policy the write sessions need, by \`npm run bench -- --only sessions\`. That a session
for a plan cannot write, and one that writes reaches its own target alone, the contract suite (\`local/contract.ts\`) proves for
every remediation, on the policies that were sent; it also holds the characters below.`,
};

/** Pages that are the same wherever and whenever they are made. */
const REPEATABLE: ReadonlySet<Measurement['page']> = new Set(['sessions']);

/** What a page begins with: how it was made, and on what where that matters. */
export const preamble = (
  page: Measurement['page'],
  { cores, processor, date }: { readonly cores: number; readonly processor: string; readonly date: string },
): string =>
  REPEATABLE.has(page)
    ? `${PROSE[page]}\n`
    : `${PROSE[page]}\n\nMeasured on ${date}: ${cores} cores (${processor.trim()}), Node ${process.versions.node}.\n`;

/** The sections of a page, after a table of all its figures. */
export const pageOf = (sections: readonly Measured[]): string =>
  [
    '## Figures',
    table({
      head: ['what', 'measured', 'budget', 'holds'],
      rows: sections
        .flatMap(({ figures }) => figures)
        .map(({ what, measured, budget = '', holds }) => [
          what,
          measured,
          budget,
          holds === undefined ? '' : holds ? 'yes' : '**no**',
        ]),
    }),
    ...sections.flatMap(({ title, body }) => [
      `## ${title}`,
      ...body.map((part) => (typeof part === 'string' ? part : table(part))),
    ]),
  ]
    .join('\n\n')
    .concat('\n');

const table = ({ head, rows }: Table): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
