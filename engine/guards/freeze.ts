import { atLeast } from '../findings/severity.ts';
import { type Case, caseOf, concerns } from '../policy.ts';
import type { Freeze, Policy } from '../policy-schema.ts';
import type { Guard, Situation, Stop } from './guard.ts';

/** A window of the policy in which nothing changes by itself. What it stops is tried again when it is over. */
export const freeze = {
  name: 'freeze',
  yieldsTo: ['run'],
  onFinding: frozen,
  beforeWrite: frozen,
} satisfies Guard;

function frozen({ policy, action, target, finding, at }: Situation): Stop | undefined {
  const found = freezeFor(policy, caseOf(action.id, target, finding), at);
  if (!found) return undefined;
  const { name, owner, reason } = found;
  return { outcome: 'deferred', reason: `freeze ${name} ${windowOf(found)} by ${owner}: ${reason}` };
}

/** The freeze that holds in a case at a time, if one does. */
export const freezeFor = (policy: Policy, about: Case, at: Date): Freeze | undefined =>
  policy.freezes.find(
    (line) =>
      concerns(policy, line, about) &&
      !(line.severityBelow && atLeast(about.severity, line.severityBelow)) &&
      isOpen(line, at),
  );

/** A freeze's window, in words. */
export const windowOf = ({ until, weekly }: Freeze): string =>
  weekly
    ? `every ${weekly.days.join(', ')} from ${weekly.from} until ${weekly.until} ${weekly.timezone}`
    : `until ${until}`;

function isOpen({ from = '', until = '', weekly }: Freeze, at: Date): boolean {
  if (!weekly) return Date.parse(from) <= at.getTime() && at.getTime() < Date.parse(until);
  const { day, time } = clock(at, weekly.timezone);
  const began = (on: number): boolean => weekly.days.some((name) => name === DAYS[(on + 7) % 7]);
  return weekly.from < weekly.until
    ? began(day) && weekly.from <= time && time < weekly.until
    : (began(day) && weekly.from <= time) || (began(day - 1) && time < weekly.until);
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** What a clock on the wall there shows: the day of the week, and hours and minutes. */
function clock(at: Date, timeZone: string): { day: number; time: string } {
  const shown = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  }).formatToParts(at);
  const part = (wanted: string): string => shown.find(({ type }) => type === wanted)?.value ?? '';
  return { day: DAYS.indexOf(part('weekday').toLowerCase()), time: `${part('hour')}:${part('minute')}` };
}
