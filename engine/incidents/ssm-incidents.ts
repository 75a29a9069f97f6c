import { createHash } from 'node:crypto';
import {
  CreateTimelineEventCommand,
  type EventReference,
  GetResponsePlanCommand,
  ListRelatedItemsCommand,
  type RelatedItem,
  ResourceNotFoundException,
  SSMIncidentsClient,
  StartIncidentCommand,
  UpdateIncidentRecordCommand,
  UpdateRelatedItemsCommand,
} from '@aws-sdk/client-ssm-incidents';
import type { SessionConfig } from '../aws/session.ts';
import type { Severity } from '../findings/finding.ts';
import { cut, plain } from '../notify/encoders.ts';
import type { Entry, Incident, IncidentRecord, Register, Registered, State } from './incident.ts';
import { arnsOf, changedSince, lineOf, outline, titleOf } from './outline.ts';

/** Characters: https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_UpdateIncidentRecord.html */
const LONGEST = { title: 200, summary: 8_000, detail: 11_000, arn: 1_000 };
const MOST_RELATED = 100;
const MOST_REFERENCES = 10;
/** Entries of one telling, each of which is a call: a longer timeline takes several. */
const MOST_ENTRIES = 50;

/** https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_IncidentTemplate.html */
const IMPACT: Readonly<Record<Severity, number>> = { CRITICAL: 1, HIGH: 2, MEDIUM: 3, LOW: 4, INFORMATIONAL: 5 };
const STATUS: Readonly<Record<State, 'OPEN' | 'RESOLVED'>> = {
  open: 'OPEN',
  contained: 'OPEN',
  resolved: 'RESOLVED',
  'false-positive': 'RESOLVED',
};

/**
 * Incident Manager, for those who have it since before November 2025: an incident is started from a response plan, which engages
 * people and starts its runbook. What is made has a client token that follows from the record, so that it is made once, however
 * often it is told. A record that a person deleted is started again.
 * https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-manager-availability-change.html
 */
export class SsmIncidents implements Register {
  readonly name = 'incident-manager';
  readonly #incidents: SSMIncidentsClient;
  readonly #plan: string | undefined;

  /** @param plan ARN of the response plan; without one, each telling fails */
  constructor(session: SessionConfig, plan: string | undefined) {
    this.#incidents = new SSMIncidentsClient(session);
    this.#plan = plan;
  }

  async tell(record: IncidentRecord, known: Registered | undefined): Promise<Registered> {
    const reference = known?.reference ?? (await this.#start(record));
    try {
      return await this.#follow(reference, record, known);
    } catch (error) {
      // It is there, with all still to be told: to start it once more would be to call people once more.
      if (!known) return { reference, told: 0 };
      if (!isGone(error)) throw error;
      return this.#follow(await this.#start(record, known.reference), record, undefined);
    }
  }

  /**
   * Answers the ARN of the incident record.
   * @param gone ARN of the one before it, where there was one
   * @throws when the plan would have several of our incidents be one
   */
  async #start({ incident, timeline }: IncidentRecord, gone = ''): Promise<string> {
    if (this.#plan === undefined) {
      throw new Error('there is no response plan: deploy with --param responsePlan=<its ARN>');
    }
    const { incidentTemplate } = await this.#incidents.send(new GetResponsePlanCommand({ arn: this.#plan }));
    if (incidentTemplate?.dedupeString) {
      throw new Error('the response plan has a deduplication string, by which different incidents would become one');
    }
    const { incidentRecordArn } = await this.#incidents.send(
      new StartIncidentCommand({
        responsePlanArn: this.#plan,
        title: titleOf(incident, LONGEST.title),
        impact: IMPACT[incident.severity],
        triggerDetails: { source: 'firebreak', timestamp: new Date(incident.openedAt) },
        relatedItems: wantedOf({ incident, timeline: timeline.slice(0, MOST_ENTRIES) }),
        clientToken: tokenOf('start', incident.id, gone),
      }),
    );
    if (!incidentRecordArn) throw new Error('Incident Manager did not say how it calls the incident');
    return incidentRecordArn;
  }

  async #follow(arn: string, record: IncidentRecord, known: Registered | undefined): Promise<Registered> {
    const { incident } = record;
    const from = known?.told ?? 0;
    const timeline = record.timeline.slice(0, from + MOST_ENTRIES);
    const related = await this.#relate(arn, { incident, timeline });
    for (const [index, entry] of timeline.entries()) {
      if (index < from) continue;
      await this.#incidents.send(
        new CreateTimelineEventCommand({
          incidentRecordArn: arn,
          eventType: entry.what === 'note' ? 'Note' : 'Custom Event',
          eventTime: new Date(entry.at),
          eventData: lineOf(entry, LONGEST.detail),
          eventReferences: [...referencesOf(arn, entry, incident, related)],
          clientToken: tokenOf('entry', arn, String(index)),
        }),
      );
    }
    const changed = changedSince(record, known);
    const isNew = changed.has('opened');
    await this.#incidents.send(
      new UpdateIncidentRecordCommand({
        arn,
        title: titleOf(incident, LONGEST.title),
        summary: outline(record, LONGEST.summary),
        ...((isNew || changed.has('severity')) && { impact: IMPACT[incident.severity] }),
        ...((isNew || changed.has('state')) && { status: STATUS[incident.state] }),
      }),
    );
    return { reference: arn, told: timeline.length };
  }

  /** Has all resources and responses among the related items, as far as there is space. Answers what is there. */
  async #relate(arn: string, record: IncidentRecord): Promise<readonly RelatedItem[]> {
    const there = await this.#related(arn);
    const known = new Set(there.map(keyOf));
    const missing = wantedOf(record)
      .filter((item) => !known.has(keyOf(item)))
      .slice(0, MOST_RELATED - there.length);
    for (const item of missing) {
      await this.#incidents.send(
        new UpdateRelatedItemsCommand({ incidentRecordArn: arn, relatedItemsUpdate: { itemToAdd: item } }),
      );
    }
    return missing.length > 0 ? this.#related(arn) : there;
  }

  async #related(arn: string): Promise<readonly RelatedItem[]> {
    const found: RelatedItem[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#incidents.send(new ListRelatedItemsCommand({ incidentRecordArn: arn, nextToken }));
      found.push(...(page.relatedItems ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined && found.length < MOST_RELATED);
    return found;
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof ResourceNotFoundException && error.resourceType === 'INCIDENT_RECORD';

/** The same for the same parts, and so long as a client token may be. */
const tokenOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** Resources, then responses. */
function wantedOf({ incident, timeline }: IncidentRecord): RelatedItem[] {
  const resources = arnsOf(incident)
    .filter((arn) => arn.length <= LONGEST.arn)
    .map((arn) => related({ type: 'INVOLVED_RESOURCE', value: { arn } }, arn));
  const responses = new Set(timeline.flatMap(({ response }) => response ?? []));
  return [
    ...resources,
    ...[...responses].map((id) => related({ type: 'OTHER', value: { url: urlOf(id) } }, `firebreak show ${id}`)),
  ].slice(0, MOST_RELATED);
}

const related = (identifier: NonNullable<RelatedItem['identifier']>, title: string): RelatedItem => ({
  identifier,
  title: cut(title, plain, LONGEST.title),
});

/** What is no resource of AWS is called by a URL. */
const urlOf = (response: string): string => `firebreak:response/${response}`;

const keyOf = ({ identifier }: RelatedItem): string =>
  JSON.stringify([identifier?.type, identifier?.value?.arn ?? identifier?.value?.url]);

/** A note refers to the incident, or the console has it not among its notes; a response to its item, the first entry to resources. */
function* referencesOf(
  arn: string,
  { what, response }: Entry,
  incident: Incident,
  items: readonly RelatedItem[],
): Generator<EventReference> {
  if (what === 'note') yield { resource: arn };
  if (what === 'opened') {
    const resources = arnsOf(incident).filter((resource) => resource.length <= LONGEST.arn);
    for (const resource of resources.slice(0, MOST_REFERENCES)) yield { resource };
  }
  const item = items.find(({ identifier }) => response !== undefined && identifier?.value?.url === urlOf(response));
  if (item?.generatedId) yield { relatedItemId: item.generatedId };
}
