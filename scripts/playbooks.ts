import { readdirSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { PLAYBOOKS } from '../engine/playbook.ts';
import { type Problem, problemLine, readYaml } from './located-yaml.ts';
import { type FrontMatter, frontMatterHint, frontMatterSchema } from './playbooks/front-matter.ts';
import { type Page, readPage } from './playbooks/page.ts';
import { faultsOf } from './policy/faults.ts';

/** Generated: the index by finding type. */
export const INDEX = 'README.md';

/** A page for people: what to do about a family of findings. */
export interface Playbook extends FrontMatter {
  /** From the project's folder: `playbooks/root-activity.md`. */
  readonly file: string;
  readonly page: Page;
  /** The whole file. */
  readonly text: string;
  /** The line of a place in the front matter, or of the nearest that it has. */
  lineOf(...where: (string | number)[]): number;
}

/** A problem, and the file that has it. */
export interface PlacedProblem extends Problem {
  readonly file: string;
}

/** What a file turned out to be: a playbook, or the reasons why it is none. */
export type PlaybookFile =
  | { readonly playbook: Playbook; readonly problems?: never }
  | { readonly playbook?: never; readonly problems: readonly Problem[] };

const FRONT_MATTER = /^---\n(?<yaml>.*?\n)---\n/s;

/** @param file what it is called from the project's folder */
export function readPlaybook(file: string, text: string): PlaybookFile {
  const [all = '', yaml] = FRONT_MATTER.exec(text) ?? [];
  if (yaml === undefined) {
    const wrong = 'has no front matter';
    return {
      problems: [{ line: 1, path: 'front matter', wrong, write: '---, the keys of a playbook, and --- first' }],
    };
  }
  const { data: written, problems, near, located } = readYaml(yaml, 'front matter', 2);
  if (problems.length > 0) return { problems };
  const { data, error } = z.safeParse(frontMatterSchema, written, { reportInput: true });
  if (error) return { problems: located(faultsOf(error.issues, frontMatterSchema, [], frontMatterHint)) };
  const page = readPage(text.slice(all.length), all.split('\n').length);
  return { playbook: { ...data, file, text, page, lineOf: (...where) => near(where) } };
}

/** The files of the playbooks, sorted. */
export const playbookFiles = (folder = PLAYBOOKS): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== INDEX)
    .sort()
    .map((name) => `${folder}/${name}`);

/** All playbooks, sorted by their ids, and why some files are none. */
export function readPlaybooks(folder = PLAYBOOKS): { playbooks: Playbook[]; problems: PlacedProblem[] } {
  const read = playbookFiles(folder).map((file) => ({ file, ...readPlaybook(file, readFileSync(file, 'utf8')) }));
  return {
    playbooks: read.flatMap(({ playbook }) => playbook ?? []),
    problems: read.flatMap(({ file, problems = [] }) => problems.map((problem) => ({ file, ...problem }))),
  };
}

/**
 * All playbooks, sorted by their ids.
 * @throws with file, line, what is wrong and what to write, one problem a line
 */
export function loadPlaybooks(folder = PLAYBOOKS): Playbook[] {
  const { playbooks, problems } = readPlaybooks(folder);
  if (problems.length > 0) throw new Error(problems.map((problem) => problemLine(problem.file, problem)).join('\n'));
  return playbooks;
}
