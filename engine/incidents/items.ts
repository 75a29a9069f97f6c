import { createHash } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Item, type Texts, text } from '../ledger/item.ts';
import { principalOf } from '../principals.ts';
import type { Response } from '../response.ts';
import { lettersOf, targetKey } from '../targets.ts';
import type { Head } from './course.ts';
import type { Incident } from './incident.ts';

/**
 * The items of the incidents' table. Of an incident, all with pk `incident#<id>`:
 * - HEADER {incident, state, entries, amiss, rated, day, at}: replaced at each change, with `entries` one or more higher;
 * - ENTRY#<number> {entry}: one for each entry of the timeline, put once, numbered from 1 on without gaps;
 * - RESOURCE#<digest> {standing}: one for each remediation and resource of its responses;
 * - REGISTER#<name>: what a register knows of it, written by functions/registers.
 *
 * What leads to incidents: `subject#<arn>` SUBJECT {incident, until}, `response#<id>` RESPONSE {incident, at}.
 */

/** Index of headers by the day on which they were opened: `day`, `at`. */
export const BY_DAY = 'by-day';

export const HEADER = text('HEADER');
export const json = (value: unknown): AttributeValue => text(JSON.stringify(value));

export const incidentId = (parts: readonly string[]): string => `inc-${lettersOf(parts)}`;
const INCIDENT_ID = /^inc-[a-z0-9]{10}$/;
/** True for text of the form that incident ids have. */
export const isIncidentId = (id: string): boolean => INCIDENT_ID.test(id);

export const incidentKey = (id: string): AttributeValue => text(`incident#${id}`);
export const entryKey = (number: number): AttributeValue => text(`ENTRY#${String(number).padStart(6, '0')}`);
export const leadKey = (subject: string): Item => ({ pk: text(`subject#${subject}`), sk: text('SUBJECT') });
export const placeKey = (response: string): Item => ({ pk: text(`response#${response}`), sk: text('RESPONSE') });
export const standingKey = (id: string, { remediation, target }: Pick<Response, 'remediation' | 'target'>): Item => ({
  pk: incidentKey(id),
  sk: text(
    `RESOURCE#${createHash('sha256')
      .update(JSON.stringify([remediation, targetKey(target)]))
      .digest('base64url')}`,
  ),
});

/** One for all ARNs of a user or role: with its path or without, or of a session. */
export const subjectOf = (arn: string): string => principalOf(arn) ?? arn;

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
