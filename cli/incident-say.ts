import { ACCOUNT_ID, parseArn } from '../engine/arn.ts';
import { SEVERITIES, type Severity } from '../engine/findings/finding.ts';
import { type Incident, LONGEST_NOTE, LONGEST_OWNER, LONGEST_TITLE } from '../engine/incidents/incident.ts';
import type { Json } from '../engine/state.ts';
import { type Caller, identify } from './caller.ts';
import { UsageError } from './failure.ts';
import { assertIncident, incidentSpans } from './incident.ts';
import { askDoor } from './orders.ts';
import type { Io } from './terminal.ts';

export interface SayOptions {
  readonly reason?: string;
  readonly region?: string;
  readonly json?: boolean;
}

export interface OpenOptions extends SayOptions {
  readonly severity: Severity;
  readonly account: string;
  readonly in?: string;
  readonly subject?: readonly string[];
  readonly playbook?: readonly string[];
}

type Said = { readonly [name: string]: Json };

/** `firebreak incident open <title>` */
export async function openIncident(title: string, options: OpenOptions, io: Io): Promise<number> {
  const { severity, account, in: where, subject: subjects = [], playbook: playbooks = [], region } = options;
  if (!ACCOUNT_ID.test(account)) throw new UsageError(`${account} is not a twelve-digit account id`);
  const bad = subjects.filter((arn) => !parseArn(arn));
  if (bad.length > 0) throw new UsageError(bad.map((arn) => `${arn}: is not an ARN`).join('\n'));
  const caller = await identify(region);
  const body = { title: bounded('title', title, LONGEST_TITLE), severity, account, region: where ?? caller.region };
  return ask(caller, '/incidents', { ...body, subjects, playbooks }, options, io);
}

/**
 * `firebreak incident note | contain | resolve | dismiss <incident>`
 * @param what the route of the door
 */
export async function say(id: string, what: string, said: Said, options: SayOptions, io: Io): Promise<number> {
  assertIncident(id);
  if (typeof said.note === 'string') bounded('note', said.note, LONGEST_NOTE);
  return ask(await identify(options.region), `/incidents/${id}/${what}`, said, options, io);
}

/** `firebreak incident own <incident> [owner]` */
export async function own(id: string, owner: string | undefined, options: SayOptions, io: Io): Promise<number> {
  assertIncident(id);
  if (owner !== undefined) bounded('owner', owner, LONGEST_OWNER);
  const caller = await identify(options.region);
  // The end of an ARN is the user's name, or the session's, which has the person's name in it.
  const name = owner ?? caller.arn.slice(caller.arn.lastIndexOf('/') + 1);
  return ask(caller, `/incidents/${id}/owner`, { owner: name }, options, io);
}

/** `firebreak incident severity <incident> <severity>` */
export async function rate(
  id: string,
  severity: Severity,
  { reason, ...options }: SayOptions,
  io: Io,
): Promise<number> {
  if (!SEVERITIES.includes(severity)) {
    throw new UsageError(`${severity} is no severity: choose from ${SEVERITIES.join(', ')}`);
  }
  return say(id, 'severity', { severity, ...(reason !== undefined && { reason }) }, options, io);
}

async function ask(caller: Caller, path: string, said: Said, { json }: SayOptions, { out }: Io): Promise<number> {
  const { incident } = (await askDoor(caller, path, said)) as unknown as { readonly incident: Incident };
  if (json) out.json({ incident });
  else out.line(...incidentSpans(incident));
  return 0;
}

function bounded(what: string, text: string, longest: number): string {
  if (text.trim() === '' || text.length > longest) {
    throw new UsageError(`the ${what} is a text of 1 to ${longest} characters`);
  }
  return text;
}
