import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Where } from '../engine/policy.ts';
import type { Fault } from './policy/faults.ts';

/** A fault of a file, with its line. */
export interface Problem {
  readonly line: number;
  /** Keys and indexes that lead there, with dots; in prose, the section. */
  readonly path: string;
  readonly wrong: string;
  readonly write: string;
}

/** A problem as compilers write it. */
export const problemLine = (file: string, { line, path, wrong, write }: Problem): string =>
  `${file}:${line}: ${path}: ${wrong}: write ${write}`;

/** What a text of YAML holds, and where. */
export interface LocatedYaml {
  readonly data: unknown;
  /** What is wrong with it as YAML. */
  readonly problems: readonly Problem[];
  /** The line of a place, or none: the text does not have it. */
  lineOf(where: Where): number | undefined;
  /** The line of the nearest place that the text has. */
  near(where: Where): number;
  /** Faults as problems, in the order of their lines. */
  located(faults: readonly Fault[]): Problem[];
}

/**
 * Reads YAML 1.2 and remembers its lines.
 * @param whole what the whole is called
 * @param firstLine the line of the file on which the text begins
 */
export function readYaml(text: string, whole: string, firstLine = 1): LocatedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (position: number): number => lines.linePos(position).line + firstLine - 1;

  const lineOf = (where: Where): number | undefined => {
    let node: unknown = document.contents;
    let position: number | undefined;
    for (const step of where) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
        position = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
        node = pair?.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        position = (node as { range?: [number] } | undefined)?.range?.[0];
      } else return undefined;
      if (position === undefined) return undefined;
    }
    return position === undefined ? undefined : lineAt(position);
  };
  const near = (where: Where): number => (where.length === 0 ? firstLine : (lineOf(where) ?? near(where.slice(0, -1))));

  const problems = document.errors.map(({ message, pos: [position] }) => ({
    ...{ line: lineAt(position), path: 'YAML' },
    ...{ wrong: message.replaceAll('\n', ' '), write: 'it as YAML 1.2 takes it' },
  }));
  visit(document, {
    Alias(_, { source, range }) {
      // Whoever reviews a line should see what it says.
      const wrong = `*${source} stands for what is elsewhere`;
      problems.push({ line: lineAt(range?.[0] ?? 0), path: 'YAML', wrong, write: 'that here, too' });
    },
  });
  return {
    data: problems.length === 0 ? document.toJS() : undefined,
    problems,
    lineOf,
    near,
    located: (faults) =>
      faults
        .map(({ where, wrong, write }) => ({ line: near(where), path: where.join('.') || whole, wrong, write }))
        .sort((a, b) => a.line - b.line),
  };
}
