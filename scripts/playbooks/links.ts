import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { readPage } from './page.ts';

/** What is wrong with a link of a Markdown file, if anything is. @param file from the project's folder, as the answer names it */
export function linkFault(file: string, href: string): { wrong: string; write: string } | undefined {
  if (/^https:\/\//.test(href)) return undefined;
  if (/^[a-z][a-z+.-]*:/i.test(href)) return { wrong: `${href} is no https address`, write: 'https://, or a file' };
  const [path = '', anchor] = href.split('#', 2);
  const target = path === '' ? file : normalize(join(dirname(file), decodeURIComponent(path)));
  if (!existsSync(target)) return { wrong: `there is no ${target}`, write: 'the path of a file from the page' };
  if (anchor === undefined) return undefined;
  const known = statSync(target).isFile() && target.endsWith('.md') ? anchorsOf(readFileSync(target, 'utf8')) : [];
  if (known.includes(anchor)) return undefined;
  return {
    wrong: `${target} has no heading #${anchor}`,
    write: known.length > 0 ? `one of ${known.map((each) => `#${each}`).join(', ')}` : 'it without an anchor',
  };
}

/** The names by which GitHub links to the headings of a Markdown text. */
export function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>();
  return readPage(markdown.replace(/^---\n.*?\n---\n/s, '')).headings.map(({ text }) => {
    const plain = text.replaceAll(/`|\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}
