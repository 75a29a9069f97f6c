import * as z from 'zod/mini';
import { SEVERITIES, type Source } from '../../engine/findings/finding.ts';
import type { Where } from '../../engine/policy.ts';

const words = () => z.string().check(z.minLength(1));
const types = () => z.optional(z.array(words()).check(z.minLength(1)));
const each = {
  'access-analyzer': types(),
  cloudtrail: types(),
  guardduty: types(),
  inspector: types(),
  macie: types(),
  securityhub: types(),
} satisfies Record<Exclude<Source, 'operator'>, unknown>;

/** What a playbook says of itself before its first line, for programs. The schema is closed. */
export const frontMatterSchema = z.strictObject({
  /** The name of its file, without the ending. */
  id: z.string().check(z.regex(/^[a-z]+(?:-[a-z0-9]+)*$/, 'is not lower case words with hyphens')),
  title: words(),
  /** How grave an incident of this kind is to begin with. */
  severity: z.enum(SEVERITIES),
  /** Who keeps it true. */
  owner: words(),
  /** The day on which somebody last went through it. */
  reviewed: z.iso.date(),
  /** The finding types that lead here, by source. */
  findings: z.strictObject(each),
  /** Ids of the remediations that answer them. */
  remediations: z.array(words()),
  /** Names of SSM documents. */
  runbooks: z.array(words()),
  /** Id of the scenario that rehearses it. */
  simulation: z.optional(words()),
  /** Outcomes of the NIST Cybersecurity Framework 2.0: RS.MI-01. */
  csf: z.array(words()),
});
export type FrontMatter = z.infer<typeof frontMatterSchema>;

/** What goes where, by the key. */
const WRITE: Readonly<Record<string, string>> = {
  id: 'the name of the file without .md',
  title: 'what happened, in a few words',
  severity: `one of ${SEVERITIES.join(', ')}`,
  owner: 'who keeps the page true: security-operations',
  reviewed: 'the day of the last review: 2026-11-26',
  findings: "finding types by source, or {}: { macie: ['Policy:IAMUser/S3BucketPublic'] }",
  remediations: 'ids of remediations as in docs/catalogue.md, or []',
  runbooks: 'names of documents as in runbooks/, or []',
  simulation: 'the id of a scenario as in docs/scenarios.md, or leave the line out',
  csf: 'outcomes of the NIST CSF 2.0, or []: [RS.MI-01]',
};

export function frontMatterHint(where: Where): string {
  const [key = ''] = where.map(String);
  return (Object.hasOwn(WRITE, key) ? WRITE[key] : undefined) ?? `one of ${Object.keys(WRITE).join(', ')}`;
}
