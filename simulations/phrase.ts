/** A sentence of ours with names in it that anybody may have chosen: each format encodes the names, and only those. */
export class Phrase {
  readonly parts: readonly (string | { readonly name: string })[];

  constructor(parts: Phrase['parts']) {
    this.parts = parts;
  }

  /**
   * The whole sentence.
   * @param name encodes a name, as the format needs it
   * @param words encodes words of ours
   */
  as(name: (text: string) => string, words = (text: string): string => text): string {
    return this.parts.map((part) => (typeof part === 'string' ? words(part) : name(part.name))).join('');
  }

  toString(): string {
    return this.as((name) => name);
  }

  /** For what is JSON, which has encoders of its own. */
  toJSON(): string {
    return this.toString();
  }
}

/** The tag of a template: what is literal is ours, what is put in are names, or phrases. */
export const phrase = (words: TemplateStringsArray, ...put: readonly (string | Phrase)[]): Phrase =>
  new Phrase(
    words.flatMap((word, index) => {
      const next = put[index];
      if (next === undefined) return [word];
      return next instanceof Phrase ? [word, ...next.parts] : [word, { name: next }];
    }),
  );

/** A word of ours that is chosen among several. */
export const ours = (word: string): Phrase => new Phrase([word]);
