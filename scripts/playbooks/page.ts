import { lexer, type Token, type Tokens } from 'marked';

/** The sections of a playbook, in their order: one that has nothing to say says so in a line. */
export const SECTIONS = [
  'First five minutes',
  'Is it real',
  'Severity and declaration',
  'What the automation did',
  'Scope',
  'Contain',
  'Preserve evidence',
  'Eradicate',
  'Recover and validate',
  'Communicate',
  'Close',
  'Learn',
] as const;

/** A piece of a page, and the line of the file on which it begins. */
interface Piece {
  readonly line: number;
  /** The heading of the section that it stands in; before the first, the title. */
  readonly section: string;
}

export interface Heading extends Piece {
  readonly depth: number;
  readonly text: string;
  /** Whether anything stands below it before the next one of its depth or above. */
  readonly filled: boolean;
}

/** A block of commands. */
export interface Block extends Piece {
  readonly text: string;
  /** `run`: a test runs it. `console-only`: the embedded cloud cannot have it. */
  readonly kind: 'run' | 'console-only';
}

/** Code within a sentence. */
export interface Code extends Piece {
  readonly text: string;
}

export interface Link extends Piece {
  readonly href: string;
}

/** A playbook's Markdown, taken apart. */
export interface Page {
  readonly headings: readonly Heading[];
  readonly blocks: readonly Block[];
  readonly codes: readonly Code[];
  readonly links: readonly Link[];
  /** Fenced blocks in other languages, by what stands behind the fence. */
  readonly others: readonly (Piece & { readonly language: string })[];
}

/** What stands behind the fence of a block of commands. */
export const RUN = 'sh';
export const CONSOLE_ONLY = 'sh console-only';

/** @param firstLine the line of the file on which the Markdown begins */
export function readPage(markdown: string, firstLine = 1): Page {
  const page = { headings: [], blocks: [], codes: [], links: [], others: [] } as {
    [K in keyof Page]: Page[K][number][];
  };
  let line = firstLine;
  let section = '';
  const tokens = lexer(markdown);
  for (const [index, token] of tokens.entries()) {
    if (token.type === 'heading' && token.depth <= 2) section = token.text;
    const next = tokens.slice(index + 1).find(({ type }) => type !== 'space');
    const filled = next !== undefined && !(isHeading(token) && isHeading(next) && next.depth <= token.depth);
    let from = 0;
    for (const part of [token, ...within(token)]) {
      // Parts come in the order of the text: each is looked for behind the one before, by its first line, since what stands in a
      // list has lost its indentation.
      const [begin = ''] = part.raw.split('\n', 1);
      const position = Math.max(token.raw.indexOf(begin, from), from);
      const piece = { line: line + lineBreaks(token.raw.slice(0, position)), section };
      if (part.type === 'heading') page.headings.push({ ...piece, depth: part.depth, text: part.text, filled });
      else if (part.type === 'codespan') page.codes.push({ ...piece, text: part.text });
      else if (part.type === 'link' || part.type === 'image') page.links.push({ ...piece, href: part.href });
      else if (part.type === 'code') {
        if (part.lang === RUN) page.blocks.push({ ...piece, text: part.text, kind: 'run' });
        else if (part.lang === CONSOLE_ONLY) page.blocks.push({ ...piece, text: part.text, kind: 'console-only' });
        else page.others.push({ ...piece, language: part.lang ?? '' });
      }
      if (part.type === 'codespan') from = position + part.raw.length;
      else if (part.type === 'code') from = position + lengthOf(token.raw.slice(position), lineBreaks(part.raw) + 1);
      else if (part !== token) from = position;
    }
    line += lineBreaks(token.raw);
  }
  return page;
}

const isHeading = (token: Token): token is Tokens.Heading => token.type === 'heading';

/** Characters of the first lines of a text. */
const lengthOf = (text: string, lines: number): number => text.split('\n').slice(0, lines).join('\n').length;

const lineBreaks = (text: string): number => text.split('\n').length - 1;

/** All tokens within one, in the order of the text. */
function within(token: Token): Token[] {
  const children: Token[] = [];
  if (token.type === 'list') children.push(...token.items);
  else if (token.type === 'table') {
    for (const cell of [...token.header, ...token.rows.flat()]) children.push(...cell.tokens);
  } else if ('tokens' in token && token.tokens) children.push(...token.tokens);
  return children.flatMap((child) => [child, ...within(child)]);
}
