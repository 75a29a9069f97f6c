import { callsOf } from './calls.ts';
import { allSteps, type Fault, faultLine, readDocument } from './document.ts';
import { flowFaults } from './flow.ts';
import { parameterFaults } from './parameters.ts';
import { referenceFaults } from './references.ts';
import { type Allowed, ownFaults } from './rules.ts';
import { schemaFaults } from './schema.ts';

/** A runbook as it would be deployed. */
export interface LintedRunbook {
  /** For messages: `runbooks/close-bucket.yml`. */
  readonly file: string;
  readonly text: string;
  /** Of its role; absent: what its calls need is not looked at. */
  readonly permissions?: readonly Allowed[];
}

/** https://docs.aws.amazon.com/general/latest/gr/ssm.html */
const MOST_BYTES = 64 * 1024;

/**
 * What AWS would reject in runbooks, and what we ask of ourselves and they do not do.
 * @returns a line for each, with file, step, what is wrong and what to write
 * @throws when there is no Python with AWS's SDK
 */
export function lint(runbooks: readonly LintedRunbook[]): string[] {
  const read = runbooks.map((runbook) => ({ ...runbook, ...readDocument(runbook.text) }));
  const calls = callsOf(read.flatMap(({ document }) => document ?? []));
  return read.flatMap(({ file, text, permissions, document, faults }) => {
    const found: Fault[] = [...faults, ...tooLong(text)];
    if (document) {
      found.push(...schemaFaults(document), ...twice(document.steps), ...parameterFaults(document));
      found.push(...flowFaults(document.steps), ...referenceFaults(document));
      for (const step of allSteps(document.steps)) {
        found.push(...(calls.get(step)?.faults ?? []).map((fault) => ({ where: step.name, ...fault })));
      }
      found.push(...ownFaults(document, calls, permissions));
    }
    return [...new Set(found.map((fault) => faultLine(file, fault)))];
  });
}

function tooLong(text: string): Fault[] {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BYTES) return [];
  return [{ where: 'document', wrong: `it has ${bytes} bytes`, write: `at most ${MOST_BYTES}` }];
}

function twice(steps: Parameters<typeof allSteps>[0]): Fault[] {
  const names = allSteps(steps).map(({ name }) => name);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => ({ where: name, wrong: 'there is another step of that name', write: 'a name of its own' }));
}
