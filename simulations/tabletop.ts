import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { describeError } from '../engine/errors.ts';

const FOLDER = new URL('./tabletop/', import.meta.url);
/** The file of a folder that is the exercise itself; the others are its cards. */
const EXERCISE = 'exercise.md';

const words = () => z.string().check(z.trim(), z.minLength(1));
const name = () => z.string().check(z.regex(/^[a-z][a-z0-9-]*$/, 'is not a name of lower case letters'));

const exerciseSchema = z.strictObject({
  title: words(),
  /** Id of the scenario that makes what it tells of. */
  scenario: z.string().check(z.regex(/^[a-z-]+\.[a-z0-9-]+$/, 'is not the id of a scenario')),
  /** How long it takes. */
  minutes: z.int().check(z.gte(30), z.lte(480)),
  /** As a scenario has them. */
  attack: z.array(z.string().check(z.regex(/^T\d{4}(?:\.\d{3})?$/, 'is not a technique of ATT&CK'))),
  csf: z.array(z.string().check(z.regex(/^[A-Z]{2}\.[A-Z]{2}-\d\d$/, 'is not an outcome of CSF 2.0'))),
  /** Who sits at the table, and what they answer for. */
  roles: z.record(name(), words()),
  /** What shall be tried. */
  objectives: z.array(words()).check(z.minLength(1)),
});

const cardSchema = z.strictObject({
  /** As its file is called. */
  id: name(),
  /** Minutes from the start, when it is handed out. */
  after: z.int().check(z.gte(0)),
  /** The roles that get it. */
  audience: z.array(name()).check(z.minLength(1)),
  /** What they have to decide. */
  decision: words(),
  /** For those who get stuck. */
  hint: words(),
  /** What is to be seen, by how well it went. */
  rubric: z.strictObject({ good: words(), fair: words(), poor: words() }),
});

/** A paper inject: something that happens to some of those at the table. */
export type Card = z.infer<typeof cardSchema> & {
  /** Markdown: what they are told. */
  readonly text: string;
};

/** An exercise in which people talk a story through, and nothing is made. */
export type Exercise = z.infer<typeof exerciseSchema> & {
  /** Its folder below simulations/tabletop/. */
  readonly id: string;
  /** Markdown: the situation at the start, and what the facilitator has to know. */
  readonly text: string;
  /** In the order in which they are handed out. */
  readonly cards: readonly Card[];
};

/** Ids of all exercises. */
export const exerciseIds = (): string[] =>
  readdirSync(FOLDER, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? entry.name : []))
    .sort();

/** Reads an exercise. @throws with the file and all that is wrong with it */
export function readExercise(id: string): Exercise {
  const folder = new URL(`${id}/`, FOLDER);
  const files = readdirSync(folder).sort();
  return exerciseOf(id, Object.fromEntries(files.map((file) => [file, readFileSync(new URL(file, folder), 'utf8')])));
}

/** The same from the text of its files, by their names. */
export function exerciseOf(id: string, files: Readonly<Record<string, string>>): Exercise {
  const { [EXERCISE]: own = '', ...others } = files;
  const exercise = { id, ...read(`${id}/${EXERCISE}`, own, exerciseSchema) };
  const cards = Object.entries(others).map(([file, text]) => {
    const card = read(`${id}/${file}`, text, cardSchema);
    const wrong = [
      ...(file === `${card.id}.md` ? [] : [`id: the file is not called ${card.id}.md`]),
      ...(card.after < exercise.minutes ? [] : [`after: the exercise takes ${exercise.minutes} minutes`]),
      ...card.audience
        .filter((role) => !Object.hasOwn(exercise.roles, role))
        .map((role) => `audience: nobody is ${role}`),
    ];
    if (wrong.length > 0) throw wrongIn(`${id}/${file}`, wrong);
    return card;
  });
  const addressed = new Set(cards.flatMap(({ audience }) => audience));
  const idle = Object.keys(exercise.roles).filter((role) => !addressed.has(role));
  const wrong = [
    ...(cards.some(({ after }) => after === 0) ? [] : ['no card begins it']),
    ...idle.map((role) => `roles.${role}: no card is for it`),
  ];
  if (wrong.length > 0) throw wrongIn(`${id}/${EXERCISE}`, wrong);
  return { ...exercise, cards: cards.sort((a, b) => a.after - b.after) };
}

/** Front matter in YAML between two lines of three hyphens, and the Markdown after it. */
const PARTS = /^---\n([\s\S]*?\n)---\n([\s\S]*)$/;

function read<T extends object>(file: string, text: string, schema: z.ZodMiniType<T>): T & { readonly text: string } {
  const [, front, body = ''] = PARTS.exec(text) ?? [];
  if (front === undefined) throw wrongIn(file, ['does not begin with front matter']);
  const { success, data, error } = schema.safeParse(yaml(file, front), { error: z.locales.en().localeError });
  const wrong = error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (!success) throw wrongIn(file, wrong ?? []);
  if (body.trim() === '') throw wrongIn(file, ['tells nothing']);
  return { ...data, text: body.trim() };
}

function yaml(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw wrongIn(file, [describeError(error)]);
  }
}

const wrongIn = (file: string, wrong: readonly string[]): Error =>
  new Error(`simulations/tabletop/${file}: ${wrong.join('; ')}`);
