import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import type { Problem } from '../located-yaml.ts';
import type { Playbook } from '../playbooks.ts';
import { commandFault } from './command-line.ts';
import { linkFault } from './links.ts';
import { CONSOLE_ONLY, RUN, SECTIONS } from './page.ts';
import { commandsIn } from './shell.ts';

/** Fenced blocks that nobody types. */
const SHOWN = ['json', 'mermaid', 'sql', 'text'];
/** What writers leave for later. */
const LEFT_FOR_LATER = /\b(?:TODO|TBD|FIXME|XXX|CHANGEME|REPLACEME|lorem ipsum)\b|\bYOUR[-_][A-Z]/i;
/** What a reader would have to replace: variables of the first block are for that. */
const PLACEHOLDER = /<[A-Za-z][A-Za-z _-]*>/;

/** The sections are there, in their order, and each says something. */
export function sections({ page, title }: Playbook): Problem[] {
  const titles = page.headings.filter(({ depth }) => depth === 1);
  const found = page.headings.filter(({ depth }) => depth === 2);
  const problems = found
    .filter(({ filled }) => !filled)
    .map(({ line, text }) => ({
      line,
      path: text,
      wrong: 'says nothing',
      write: 'in one line that there is nothing to do',
    }));
  if (titles.length !== 1 || titles[0]?.text !== title) {
    const line = titles.at(titles.length > 1 ? 1 : 0)?.line ?? 1;
    problems.push({ line, path: 'title', wrong: "is not the front matter's, once", write: `# ${title}` });
  }
  for (const [index, wanted] of SECTIONS.entries()) {
    const heading = found[index];
    if (heading?.text === wanted) continue;
    const line = heading?.line ?? found.at(-1)?.line ?? 1;
    const wrong = heading ? `stands where ${wanted} has to` : 'is missing';
    problems.push({ line, path: heading?.text ?? wanted, wrong, write: `## ${wanted}` });
    return problems;
  }
  const [more] = found.slice(SECTIONS.length);
  if (more) problems.push({ line: more.line, path: more.text, wrong: 'is no section', write: '### within one' });
  return problems;
}

/** Nothing was left for later, and no block waits to be filled in. */
export function placeholders({ text, page }: Playbook): Problem[] {
  const later = text.split('\n').flatMap((line, index) => {
    const [word] = LEFT_FOR_LATER.exec(line) ?? [];
    return word === undefined
      ? []
      : [{ line: index + 1, path: 'text', wrong: `${word} is left`, write: 'what belongs there' }];
  });
  const unfilled = page.blocks.flatMap((block) =>
    block.text.split('\n').flatMap((line, index) => {
      const [word] = PLACEHOLDER.exec(line.replace(/(?:^|\s)#.*/, '')) ?? [];
      if (word === undefined) return [];
      const write = 'a variable, and set it in the first block';
      return [{ line: block.line + 1 + index, path: block.section, wrong: `${word} is a placeholder`, write }];
    }),
  );
  return [...later, ...unfilled];
}

export const links = ({ page, file }: Playbook): Problem[] =>
  page.links.flatMap(({ line, section, href }) => {
    const fault = linkFault(file, href);
    return fault ? [{ line, path: section, ...fault }] : [];
  });

/** Blocks are what a test can run, or say why not; and a shell can read them. */
export function blocks({ page, text }: Playbook): Problem[] {
  const lines = text.split('\n');
  const foreign = page.others
    .filter(({ language }) => !SHOWN.includes(language))
    .map(({ line, section, language }) => ({
      ...{ line, path: section, wrong: language === '' ? 'a block says no language' : `nobody runs ${language}` },
      write: `${RUN}, or ${CONSOLE_ONLY} with a line above that says why; what is only shown is ${SHOWN.join(', ')}`,
    }));
  return [
    ...foreign,
    ...page.blocks.flatMap(({ line, section, text: script, kind }) => {
      const before = lines.slice(0, line - 1).findLast((each) => each.trim() !== '') ?? '';
      const unexplained =
        kind === 'console-only' && /^\s*(?:#|```|---)/.test(before)
          ? [{ line, path: section, wrong: 'nothing says why no test runs it', write: 'a line above that does' }]
          : [];
      return [...unexplained, ...unreadable(script, line, section)];
    }),
  ];
}

/** @param above the line of the file before the script's first */
function unreadable(script: string, above: number, path: string): Problem[] {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: `${script.trimEnd()}\n`, encoding: 'utf8' });
  if (status === 0) return [];
  const [, at = '1', wrong = ''] = /line (\d+): (.*)/.exec(stderr) ?? [];
  return [{ line: above + Number(at), path, wrong, write: 'what bash can read' }];
}

/** @param above the line of the file before the script's first */
const mistyped = (script: string, above: number, path: string, program: Command): Problem[] =>
  commandsIn(script).flatMap(({ words, line }) => {
    const fault = words[0] === 'firebreak' ? commandFault(program, words) : undefined;
    return fault ? [{ line: above + line, path, ...fault }] : [];
  });

/** What pages source: a shell can read it, and what it types after `firebreak` is there. */
export const sourced = (script: string, program: Command): Problem[] => [
  ...unreadable(script, 0, 'commands'),
  ...mistyped(script, 0, 'commands', program),
];

/** What is typed after `firebreak` is there: its verbs, its options, and in blocks what they need. */
export function commands({ page }: Playbook, program: Command): Problem[] {
  const typed = page.blocks.flatMap(({ text, line, section }) => mistyped(text, line, section, program));
  const mentioned = page.codes
    .filter(({ text }) => /^firebreak(?: |$)/.test(text))
    .flatMap((code) =>
      // A page may say what stands there: `firebreak show <response>`.
      commandsIn(code.text.replaceAll(/<[^>]*>|\.\.\./g, '$it')).flatMap(({ words }) => {
        const fault = commandFault(program, words, false);
        return fault ? [{ line: code.line, path: code.section, ...fault }] : [];
      }),
    );
  return [...typed, ...mentioned];
}
