import { LineCounter, parseDocument, visit } from 'yaml';

/** What AWS would reject in a runbook, or what we ask of ourselves and it does not do. */
export interface Fault {
  /** A step's name, or the part of the document. */
  readonly where: string;
  readonly wrong: string;
  readonly write: string;
}

/** A fault as compilers write it. */
export const faultLine = (file: string, { where, wrong, write }: Fault): string =>
  `${file}: ${where}: ${wrong}: write ${write}`;

export type Fields = Readonly<Record<string, unknown>>;

/** A step, as far as it is one: what has the wrong type is left out, since the schema tells of it. */
export interface Step {
  readonly name: string;
  readonly action: string;
  readonly inputs: Fields;
  /** All that is written for the step. */
  readonly fields: Fields;
  /** Names of the outputs that it declares. */
  readonly outputs: readonly string[];
  /** Of aws:loop: what it repeats. */
  readonly steps: readonly Step[];
}

/** An Automation document. */
export interface RunbookDocument {
  /** All that is written. */
  readonly fields: Fields;
  readonly parameters: Readonly<Record<string, Fields>>;
  readonly variables: Fields;
  readonly steps: readonly Step[];
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Every step, those that loops repeat too, in the order of the document. */
export const allSteps = (steps: readonly Step[]): Step[] => steps.flatMap((step) => [step, ...allSteps(step.steps)]);

/** Reads a document as far as it is one. None: its faults say why. */
export function readDocument(text: string): { document?: RunbookDocument; faults: readonly Fault[] } {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults: Fault[] = yaml.errors.map(({ message, pos: [position] }) => ({
    where: `line ${lines.linePos(position).line}`,
    wrong: message.replaceAll('\n', ' '),
    write: 'it as YAML takes it',
  }));
  visit(yaml, {
    Alias(_, { source, range }) {
      const { line } = lines.linePos(range?.[0] ?? 0);
      faults.push({ where: `line ${line}`, wrong: `*${source} stands for what is elsewhere`, write: 'that here, too' });
    },
  });
  if (faults.length > 0) return { faults };
  const content: unknown = yaml.toJS();
  if (!isFields(content)) {
    return { faults: [{ where: 'document', wrong: 'it is no map', write: 'schemaVersion, parameters and mainSteps' }] };
  }
  const parameters = Object.entries(fieldsOf(content.parameters)).map(([name, value]) => [name, fieldsOf(value)]);
  return {
    document: {
      fields: content,
      parameters: Object.fromEntries(parameters),
      variables: fieldsOf(content.variables),
      steps: stepsOf(content.mainSteps),
    },
    faults: ambiguous(text, content),
  };
}

const stepsOf = (value: unknown): Step[] =>
  listOf(value)
    .filter(isFields)
    .map((fields) => {
      const inputs = fieldsOf(fields.inputs);
      const action = textOf(fields.action);
      return {
        name: textOf(fields.name),
        ...{ action, inputs, fields },
        outputs: listOf(fields.outputs).map((output) => textOf(fieldsOf(output).Name)),
        steps: action === 'aws:loop' ? stepsOf(inputs.Steps) : [],
      };
    });

/** YAML 1.1 takes `no` for false and 012 for ten, 1.2 does not; which one AWS's parser speaks is not documented. */
function ambiguous(text: string, content: Fields): Fault[] {
  const older = parseDocument(text, { version: '1.1', prettyErrors: false });
  if (older.errors.length === 0 && JSON.stringify(older.toJS()) === JSON.stringify(content)) return [];
  return [
    {
      where: 'document',
      wrong: 'YAML 1.1 reads it otherwise than YAML 1.2',
      write: 'quotes around what looks like a yes, a no, a date or a number with a leading zero and is text',
    },
  ];
}
