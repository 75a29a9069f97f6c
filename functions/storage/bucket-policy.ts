import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { canonical, type Json } from '../../engine/state.ts';
import { isPublic, type Statement } from './public-statements.ts';

const statement = z.custom<Statement>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is not a statement',
);

/** A statement that was found in a policy, with what it takes to put it back. */
export const foundStatement = z.strictObject({
  /** Its place among all statements. */
  position: z.int().check(z.gte(0)),
  statement,
  /** Of the policy around it, for when that is deleted because nothing is left in it. */
  version: z.nullable(z.string()),
  id: z.nullable(z.string()),
});
export type FoundStatement = z.infer<typeof foundStatement>;

/** The name of a statement: made of its content, so that it is the same wherever the statement stands. */
export const STATEMENT = /^statement [0-9a-f]{16}(-\d+)?$/;

/** Statements by name. */
export type Statements = Readonly<Record<string, FoundStatement>>;

const document = z.object({
  Version: z.optional(z.string()),
  Id: z.optional(z.string()),
  Statement: z.union([z.array(statement), statement]),
});

/** The statements of a policy, in their order. Throws on text that is no policy. */
export function statementsOf(text: string): Statements {
  const { Version = null, Id = null, Statement } = document.parse(JSON.parse(text));
  const times = new Map<string, number>();
  return Object.fromEntries(
    [Statement].flat().map((statement, position) => {
      const name = `statement ${createHash('sha256').update(canonical(statement)).digest('hex').slice(0, 16)}`;
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      const found: FoundStatement = { position, statement, version: Version, id: Id };
      return [time === 1 ? name : `${name}-${time}`, found];
    }),
  );
}

/** Those statements that make a policy public. */
export const publicStatements = (statements: Statements): Statements =>
  Object.fromEntries(Object.entries(statements).filter(([, { statement }]) => isPublic(statement)));

/**
 * A policy's text with some statements taken out and others put in at their places; all else stays as it is.
 *
 * @param text null for no policy
 * @returns null when no statement is left, which no policy may be
 */
export function edited(text: string | null, { remove, add }: { remove: Statements; add: Statements }): string | null {
  const present = text === null ? {} : statementsOf(text);
  const kept = Object.entries(present).filter(([name]) => !Object.hasOwn(remove, name));
  const missing = Object.entries(add).filter(([name]) => !Object.hasOwn(present, name));
  if (kept.length === Object.keys(present).length && missing.length === 0) return text;
  const statements: Statement[] = kept.map(([, { statement }]) => statement);
  const inOrder = missing.map(([, found]) => found).sort((a, b) => a.position - b.position);
  for (const { position, statement } of inOrder) statements.splice(position, 0, statement);
  const [around] = [...kept.map(([, found]) => found), ...inOrder];
  if (!around) return null;
  return JSON.stringify({
    ...(around.version !== null && { Version: around.version }),
    ...(around.id !== null && { Id: around.id }),
    Statement: statements,
  });
}

/** Whom a policy names of other accounts, AWS services apart: whom S3 cuts off when it restricts a public bucket. */
export function otherAccounts(statements: Statements, account: string): string[] {
  const names = Object.values(statements)
    .filter(({ statement }) => statement.Effect === 'Allow' && !isPublic(statement))
    .flatMap(({ statement }) => principals(statement.Principal))
    .filter((name) => name !== account && !name.includes(`:${account}:`));
  return [...new Set(names)].sort();
}

const principals = (principal: Json | undefined): string[] =>
  Object.entries(principal ?? {})
    .filter(([kind]) => kind === 'AWS' || kind === 'CanonicalUser')
    .flatMap(([, names]: [string, Json]) => names)
    .filter((name) => typeof name === 'string');
