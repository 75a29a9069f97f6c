import { type Page, page } from './pages.ts';

/** Something that a person should know of what waits. */
export interface SweepNotice {
  readonly label: string;
  readonly value: string;
  /** Whether it is so since the day before. */
  readonly fresh: boolean;
}

/** Notices and failures in one mail; what is more is counted. */
const MOST = { notices: 20, failures: 5 };

/**
 * One mail for all that a day's sweep found, or undefined when nothing of it is new.
 * @param failures what could not be read or told: new each day that it is so
 */
export function sweepPage(
  notices: readonly SweepNotice[],
  failures: readonly string[],
): Pick<Page, 'subject' | 'body'> | undefined {
  const fresh = notices.filter((notice) => notice.fresh);
  if (fresh.length === 0 && failures.length === 0) return undefined;
  const ordered = [...fresh, ...notices.filter((notice) => !notice.fresh)];
  const more = Math.max(0, ordered.length - MOST.notices) + Math.max(0, failures.length - MOST.failures);
  const { subject, body } = page({
    first: failures.length > 0 ? 'Look why the daily sweep could not see all' : 'Read what waits and what ended since',
    facts: [
      ...failures.slice(0, MOST.failures).map((failure) => ['Failed', failure] as const),
      ...ordered.slice(0, MOST.notices).map(({ label, value }) => [label, value] as const),
      ...(more > 0 ? [['More', `${more}, in the log of firebreak-sweep`] as const] : []),
    ],
    commands: ['firebreak list --outcome deferred', 'firebreak list --outcome expired'],
  });
  return { subject, body };
}
