import { readFileSync } from 'node:fs';
import type { Permission, Plan } from '../engine/remediation.ts';
import type { IssuedSession, Question } from './doors.ts';

/** The plan that goes back. */
export const reversed = ({ before, after, facts }: Plan): Plan => ({ before: after, after: before, facts });

/** All that permissions allow, as questions to IAM in which their conditions hold: each action on each of its resources. */
export const questionsOf = (permissions: readonly Permission[]): Question[] =>
  permissions.flatMap(({ actions, resources, condition = {} }) => {
    const context = Object.fromEntries(
      Object.entries(condition)
        .flatMap(([operator, keys]) =>
          Object.entries(keys).filter(([, value]) => !(operator === 'Null' && value === 'true')),
        )
        .map(([key, values]) => [key, [values].flat().slice(0, 1)]),
    );
    return actions.flatMap((action) => resources.map((resource) => ({ action, resource, context })));
  });

/** What the write sessions of one response took of what STS gives. */
export interface SessionSize {
  readonly sessions: number;
  /** Of the longest session policy. */
  readonly characters: number;
  /** The largest PackedPolicySize, in %. */
  readonly packed: number;
}

export const sizeOf = (sessions: readonly IssuedSession[]): SessionSize => ({
  sessions: sessions.length,
  characters: Math.max(...sessions.flatMap(({ policies }) => policies.map(({ length }) => length))),
  packed: Math.max(...sessions.map(({ packedPolicySize }) => packedPolicySize ?? 0)),
});

/** The page that says the sizes of each remediation's largest plan. */
export const SIZES_PAGE = new URL('../docs/sessions.md', import.meta.url);

/** The first cells of a remediation's line there: what is the same each time. @param specimen from 1 */
export const sizeCells = (remediation: string, specimen: number, { sessions, characters }: SessionSize): string[] => [
  `\`${remediation}\``,
  String(specimen),
  String(sessions),
  String(characters),
];

/** The same as the page has them; undefined when it has none. */
export function recordedCells(remediation: string, specimen: number): string[] | undefined {
  const rows = readFileSync(SIZES_PAGE, 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return rows.find(([, name, number]) => name === `\`${remediation}\`` && number === String(specimen))?.slice(1, 5);
}
