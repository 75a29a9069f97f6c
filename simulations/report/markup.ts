import { html } from '../../engine/notify/encoders.ts';
import type { Phrase } from '../phrase.ts';

/** HTML or SVG that is ready to be put into a page. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Put = string | number | Markup | readonly Markup[] | undefined;

const encoded = (put: Put): string => {
  if (put === undefined) return '';
  if (typeof put === 'string') return html(put);
  if (typeof put === 'number') return String(put);
  return put instanceof Markup ? put.text : put.map(({ text }) => text).join('');
};

/** The tag of a template of HTML: what is literal is ours; texts that are put in are encoded, always. */
export const markup = (literal: TemplateStringsArray, ...put: readonly Put[]): Markup =>
  new Markup(literal.map((text, index) => `${text}${encoded(put[index])}`).join(''));

export const none = markup``;

/** A sentence, with its names as code. */
export const sentence = (said: Phrase): Markup => new Markup(said.as((name) => `<code>${html(name)}</code>`, html));
