import * as z from 'zod/mini';
import type { Finding } from '../../engine/findings/finding.ts';
import type { Use } from './credentials.ts';

export const DAY_MS = 86_400_000;

/** A policy may make these days fewer, never more: what the control calls a failure would be called compliant here. */
const daysUpTo = (limit: number, least = 1) => z._default(z.int().check(z.gte(least), z.lte(limit)), limit);

export const limits = z.strictObject({
  /** IAM.3, and when an operator asks: a key older than this is too old; of 0 days, any that was made before now. */
  maximumAgeDays: daysUpTo(90, 0),
  /** IAM.8: a credential that was not used for longer than this is unused. */
  maximumUnusedDays: daysUpTo(90),
  /** IAM.22: the same, with the days that CIS asks for. */
  maximumUnusedDaysCis: daysUpTo(45),
});

/** What is known of an access key beside its status. */
export interface KeyFacts {
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly ageDays: number;
  /** Read for an active key that may be due; null: it was never used. */
  readonly lastUse?: Use | null;
}

/** What a finding judges credentials by, and the time (in milliseconds) since which they should have been made or used. */
export interface Rule {
  readonly by: 'age' | 'use';
  readonly since: number;
}

export function ruleOf({ type }: Pick<Finding, 'type'>, days: z.infer<typeof limits>, now: Date): Rule {
  const rule = (by: Rule['by'], limit: number): Rule => ({ by, since: now.getTime() - limit * DAY_MS });
  if (type === 'IAM.8') return rule('use', days.maximumUnusedDays);
  if (type === 'IAM.22') return rule('use', days.maximumUnusedDaysCis);
  return rule('age', days.maximumAgeDays);
}

/** The status of each access key, by its id. */
export const statuses = z.record(z.string().check(z.regex(/^\w{16,128}$/)), z.enum(['Active', 'Inactive']));
type Statuses = z.infer<typeof statuses>;

/** What is known of each key, by its id. */
export type KnownKeys = Readonly<Record<string, KeyFacts>>;

/** The statuses as they should be: inactive for each key that is too old or, by use, was neither made nor used since. */
export const deactivate = (keys: Statuses, known: KnownKeys, rule: Rule): Statuses =>
  Object.fromEntries(
    Object.entries(keys).map(([id, status]) => [id, isDue(known[id], rule) ? 'Inactive' : status] as const),
  );

function isDue(key: KeyFacts | undefined, { by, since }: Rule): boolean {
  if (!key || Date.parse(key.createdAt) >= since) return false;
  const { lastUse } = key;
  return by === 'age' || lastUse === null || (lastUse !== undefined && Date.parse(lastUse.at) < since);
}

/** The keys to be deactivated that somebody used within a day, in words. */
export const inUse = (ids: readonly string[], known: KnownKeys, now: Date): string[] =>
  ids.flatMap((id) => {
    const use = known[id]?.lastUse;
    const recent = use && now.getTime() - Date.parse(use.at) < DAY_MS;
    return recent ? [`${id} was used at ${use.at} for ${use.service} in ${use.region}`] : [];
  });
