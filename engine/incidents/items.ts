import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Item, type Texts, text } from '../ledger/item.ts';
import { principalOf } from '../principals.ts';
import type { Response } from '../response.ts';
import { lettersOf, targetKey } from '../targets.ts';
import type { Head, Step } from './course.ts';
import type { Incident } from './incident.ts';

/**
 * The items of the incidents' table. Of an incident, all with pk `incident#<id>`:
 * - HEADER {incident, state, entries, amiss, rated, day, at}: replaced at each change, with a higher count of `entries`;
 * - ENTRY#<resource>#<number> {step}: what one change added to the timeline, put once; entries are numbered from 1 on;
 * - REGISTER#<name>: what a register knows of it, written by functions/registers.
 *
 * `subject#<arn>` SUBJECT {incident} leads from a resource or principal to the last incident about it.
 */

export const HEADER = text('HEADER');
export const json = (value: unknown): AttributeValue => text(JSON.stringify(value));

export const incidentId = (parts: readonly string[]): string => `inc-${lettersOf(parts)}`;
const INCIDENT_ID = /^inc-[a-z0-9]{10}$/;
/** True for text of the form that incident ids have. */
export const isIncidentId = (id: string): boolean => INCIDENT_ID.test(id);

export const incidentKey = (id: string): AttributeValue => text(`incident#${id}`);

/** What one change added to a timeline. */
export interface Kept extends Pick<Step, 'entries' | 'standing'> {
  /** Of its first entry. */
  readonly number: number;
}
export const keptOf = (item: Item): Kept => JSON.parse(item.step?.S ?? '') as Kept;

/** In the place of a resource, for what people say. */
export const BY_PEOPLE = 'people';
/** What names the resource of a response in an incident. */
export const resourceKey = ({ remediation, target }: Pick<Response, 'remediation' | 'target'>): string =>
  lettersOf([remediation, targetKey(target)]);
export const entryPrefix = (resource?: string): AttributeValue =>
  text(resource === undefined ? 'ENTRY#' : `ENTRY#${resource}#`);
export const entryKey = (resource: string, { number }: Kept): AttributeValue =>
  text(`ENTRY#${resource}#${String(number).padStart(6, '0')}`);

/** One for all ARNs of a user or role: with its path or without, or of a session. A rehearsal's are its own. */
export const subjectOf = (arn: string, simulation?: string): string =>
  `${simulation === undefined ? '' : `${simulation}#`}${principalOf(arn) ?? arn}`;
export const leadKey = (subject: string): Item => ({ pk: text(`subject#${subject}`), sk: text('SUBJECT') });

export const header = ({ incident, amiss, entries, rated }: Head): Item => ({
  day: text(incident.openedAt.slice(0, 10)),
  at: text(incident.openedAt),
  incident: json(incident),
  state: text(incident.state),
  amiss: { N: String(amiss) },
  entries: { N: String(entries) },
  ...(rated && { rated: { BOOL: true } }),
});

export const headOf = (item: Item): Head => ({
  incident: incidentOf(item),
  amiss: Number(item.amiss?.N),
  entries: Number(item.entries?.N),
  ...(item.rated?.BOOL && { rated: true }),
});

/** The incident of a HEADER item, as the table or its stream has it. */
export const incidentOf = (item: Texts): Incident => JSON.parse(item.incident?.S ?? '') as Incident;
