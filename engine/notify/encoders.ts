/**
 * Encoders for text that anybody may have written: names, tags, descriptions, reasons, titles. Each makes one line in which
 * nothing acts on the reader's program. All show what cannot be seen as `\u{1b}`, and `legible` gets the text back.
 */

/**
 * What a program acts on or does not show: control characters, format characters (bidirectional marks, zero widths, tags),
 * surrogates, private use and unassigned code points, separators of lines and paragraphs, every space but the plain one,
 * what Unicode says may be left out of sight (fillers, variation selectors), and the blank braille pattern.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}[\p{Zs}--\x20]\p{Default_Ignorable_Code_Point}\u{2800}]/gv;

const codePoint = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;

/**
 * For terminals, logs, and whatever shows text as it is: what is unseen as `\u{1b}`. A text that has such a form itself
 * gets its backslash shown in the same way, so that nobody can forge one.
 */
export const visible = (text: string): string => text.replaceAll(/\\(?=u\{)/g, codePoint).replaceAll(UNSEEN, codePoint);

/** The text that `visible` showed. */
export const legible = (shown: string): string =>
  shown.replaceAll(/\\u\{([0-9a-f]{1,6})\}/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));

/**
 * For the values of a JSON logger, as its replacer. JSON escapes C0 and lone surrogates alone: C1 and DEL, on which terminals
 * act, U+2028, at which some readers break a line, and marks that turn text around would be left.
 */
export const inLog = (_key: string, value: unknown): unknown => (typeof value === 'string' ? visible(value) : value);

const jsonEscaped = (json: string, characters: RegExp): string =>
  json.replaceAll(characters, (character) =>
    character === '\n'
      ? character
      : character
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
  );

/** A JSON document of several lines that says exactly the value, with what is unseen escaped as JSON does. */
export const jsonText = (value: unknown): string => jsonEscaped(JSON.stringify(value, null, 2), UNSEEN);

/** The same in one line, also for a `<script>` element: no tag, comment or entity is in it. */
export const jsonLine = (value: unknown): string => jsonEscaped(jsonEscaped(JSON.stringify(value), UNSEEN), /[<>&]/g);

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const entity = (character: string): string => ENTITIES[character] ?? character;

/** For HTML: the text of an element, or of an attribute in quotes that is no URL, script or style. */
export const html = (text: string): string => visible(text).replaceAll(/[&<>"']/g, entity);

/**
 * A code span, without any of `characters` in it. Backslashes and entities stop neither the mentions that GitHub looks for in
 * the finished page, nor GFM's links to bare addresses: a code span stops all, and is the same in every dialect. Of it,
 * nothing may look like an end, and a space at either end would be taken off.
 */
const codeSpan = (text: string, characters: RegExp): string =>
  text === '' ? '' : `\`${text.replaceAll(characters, codePoint).replaceAll(/^ | $/g, codePoint)}\``;

/**
 * For Markdown (CommonMark and GFM), where text may stand, a table's cell included: a code span, in which backticks, and the
 * bars that would end a cell, are shown as what is unseen is.
 */
export const markdown = (text: string): string => codeSpan(visible(text), /[`|]/g);

/**
 * What mail, chat and ticket programs make links, mentions and tags of by themselves, wherever it stands: names with dots,
 * `://`, UNC paths, `@`, `#` and `<`. It is put in brackets as analysts do it, `https[:]//evil[.]example`, which is seen, and
 * taken off by hand. A joiner of no width would be neither, and be copied unnoticed.
 */
const LINKING = /[.\u3002\uff0e\uff61](?=\p{L})|:(?=\/)|\\(?=\\)|[@#](?=[\p{L}\p{N}_])|<(?=[\p{L}!/?@#])/gu;
const BRACKETED = /\[(?=[.\u3002\uff0e\uff61:\\@#<]\])/g;
/** Where the address of a Markdown link begins. */
const ADDRESS = /(?<=\])\(/g;

const bracketed = (shown: string): string =>
  shown.replaceAll(BRACKETED, codePoint).replaceAll(ADDRESS, codePoint).replaceAll(LINKING, '[$&]');

/** For plain text in mail, notes and messages, whose readers' programs look for links. */
export const plain = (text: string): string => bracketed(visible(text));

/**
 * For Slack's mrkdwn and for Markdown of Microsoft Teams, since Amazon Q Developer writes either; after a space or at the start
 * of a line. Slack has no escapes but three entities, which is all that `<!channel>` and `<https://evil|x>` need; what it makes
 * of stars, colons and the start of a line ends in a code span. Links it makes there too, so it gets none.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
export const chat = (text: string): string => codeSpan(plain(text).replaceAll(/[&<>]/g, entity), /`/g);

/** The longest subject that SNS takes: less than 100 characters. */
const LONGEST_SUBJECT = 99;

/**
 * For the subject of an SNS message: ASCII without control characters that begins with a letter, a number or a punctuation
 * mark. What is not ASCII is shown as what is unseen is; what is too long is cut.
 * https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export function subject(text: string): string {
  const encode = (part: string): string =>
    bracketed(visible(part).replaceAll(/[^\x20-\x7e]/gu, codePoint)).replace(/^ /, codePoint);
  return encode(within(text, (part) => encode(part).length <= LONGEST_SUBJECT)) || '-';
}

/** What a spreadsheet takes for a formula at the start of a cell; a quote there, so that the one put before it is known. */
const FORMULA = /^[ "]*['=+\-@＝＋－＠]/;
/** The start of a cell for a spreadsheet that separates by semicolons, as most of Europe's do. */
const SEMICOLON = /;(?=[ "']*[=+\-@＝＋－＠])/g;

/**
 * For a field of CSV, always quoted (RFC 4180). What would be a formula has a single quote before it: take that off, then
 * show the rest `legible`, and it is the text.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
export function csvField(text: string): string {
  const shown = visible(text).replaceAll(SEMICOLON, codePoint);
  return `"${FORMULA.test(shown) ? "'" : ''}${shown.replaceAll('"', '""')}"`;
}

/** A CSV file. */
export const csv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');

/**
 * A text, or, when it does not fit, the longest beginning of it that does with `...` after it. To be asked before a text is
 * encoded: an encoded one that is cut may say something else.
 * @param fits for a text also for each beginning of it; whether its encoding is short enough
 */
export function within(text: string, fits: (text: string) => boolean): string {
  if (fits(text)) return text;
  const characters = [...text];
  const beginning = (length: number): string => `${characters.slice(0, length).join('')}...`;
  let [longest, over] = [0, characters.length];
  while (over - longest > 1) {
    const middle = (longest + over) >> 1;
    if (fits(beginning(middle))) longest = middle;
    else over = middle;
  }
  return beginning(longest);
}

/** An encoded text of so many characters at most. */
export const cut = (text: string, encode: (text: string) => string, longest: number): string =>
  encode(within(text, (part) => encode(part).length <= longest));
