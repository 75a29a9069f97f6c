import { readdirSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { type Problem, problemLine, readYaml } from './located-yaml.ts';
import { type FrontMatter, frontMatterHint, frontMatterSchema } from './playbooks/front-matter.ts';
import { type Page, readPage } from './playbooks/page.ts';
import { faultsOf } from './policy/faults.ts';

/** The folder of playbooks, beneath the project's. */
export const PLAYBOOKS = 'playbooks';
/** Generated: the index by finding type. */
export const INDEX = 'README.md';

/** A page for people: what to do about a family of findings. */
export interface Playbook extends FrontMatter {
  /** From the project's folder: `playbooks/root-activity.md`. */
  readonly file: string;
  readonly page: Page;
  /** The line of a place in the front matter. */
  lineOf(...where: (string | number)[]): number;
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
  const { data: written, problems, lineOf, located } = readYaml(yaml, 'front matter', 2);
  if (problems.length > 0) return { problems };
  const { data, error } = z.safeParse(frontMatterSchema, written, { reportInput: true });
  if (error) return { problems: located(faultsOf(error.issues, frontMatterSchema, [], frontMatterHint)) };
  const page = readPage(text.slice(all.length), all.split('\n').length);
  return { playbook: { ...data, file, page, lineOf: (...where) => lineOf(where) ?? 1 } };
}

/** The files of the playbooks, sorted. */
export const playbookFiles = (folder = PLAYBOOKS): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== INDEX)
    .sort()
    .map((name) => `${folder}/${name}`);

/**
 * All playbooks, by their ids.
 * @throws with file, line, what is wrong and what to write, one problem a line
 */
export function loadPlaybooks(folder = PLAYBOOKS): Playbook[] {
  const read = playbookFiles(folder).map((file) => ({ file, ...readPlaybook(file, readFileSync(file, 'utf8')) }));
  const lines = read.flatMap(({ file, problems = [] }) => problems.map((problem) => problemLine(file, problem)));
  if (lines.length > 0) throw new Error(lines.join('\n'));
  return read.flatMap(({ playbook }) => playbook ?? []);
}
