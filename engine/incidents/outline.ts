import { parseArn } from '../arn.ts';
import { cut, plain } from '../notify/encoders.ts';
import type { Entry, Incident, IncidentRecord, Registered } from './incident.ts';

/** Characters at most of what others wrote, as it is shown. */
const LONGEST = { title: 200, detail: 600, by: 100, arn: 200 };
/** Subjects that an outline names. */
const FEW = 4;

/** The title of an incident for a list of many things, in so many characters at most; never blank. */
export const titleOf = ({ id, title }: Incident, longest: number): string =>
  cut(title, (text) => `${id}: ${plain(text)}`, longest);

/** The command that shows all of an incident. */
export const commandFor = ({ id }: Incident): string => `firebreak incident show ${id}`;

/**
 * An entry in a line.
 * @param longest characters of its detail
 */
export const lineOf = ({ at, by, what, outcome, detail }: Entry, longest = LONGEST.detail): string =>
  `${at} ${cut(by, plain, LONGEST.by)} ${what}${outcome ? ` ${outcome}` : ''}: ${cut(detail, plain, longest)}`;

/**
 * What an incident is about, and its last entries, newest first: as many as fit.
 * @param longest characters
 */
export function outline({ incident, timeline }: IncidentRecord, longest: number): string {
  const { title, severity, state, owner, account, region, subjects, playbooks, simulation } = incident;
  const others = subjects.length - FEW;
  const about = [
    `${severity}: ${cut(title, plain, LONGEST.title)}`,
    `State: ${state}${owner === undefined ? '' : `, in the hands of ${cut(owner, plain, LONGEST.by)}`}`,
    `Where: account ${account}, ${region}`,
    ...subjects.slice(0, FEW).map((arn) => `About: ${cut(arn, plain, LONGEST.arn)}`),
    ...(others > 0 ? [`About: ${others} more`] : []),
    ...(playbooks.length > 0 ? [`Playbooks: ${playbooks.join(', ')}`] : []),
    ...(simulation === undefined ? [] : [`A rehearsal: ${simulation}`]),
  ];
  const text = (lines: readonly string[]): string =>
    [...about, '', ...lines.toReversed(), '', `All of it: ${commandFor(incident)}`].join('\n');
  return text(
    endThatFits(
      timeline.map((entry) => lineOf(entry)),
      (lines) => text(lines).length <= longest,
    ),
  );
}

/** As much of the end of a list as fits. */
export function endThatFits<T>(all: readonly T[], fits: (end: readonly T[]) => boolean): readonly T[] {
  let start = all.length;
  while (start > 0 && fits(all.slice(start - 1))) start -= 1;
  return all.slice(start);
}

/** Subjects that read strictly as ARNs: what else a finding called one, AWS would not take. */
export const arnsOf = ({ subjects }: Incident): readonly string[] =>
  subjects.filter((subject) => parseArn(subject) !== undefined);

/**
 * What of an incident changed since a register was told. A person may have changed the same there: it is told again only when it
 * changed here too.
 */
export function changedSince({ timeline }: IncidentRecord, known: Registered | undefined): ReadonlySet<Entry['what']> {
  return new Set(timeline.slice(known?.told ?? 0).map(({ what }) => what));
}
