import {
  CreateOpsItemCommand,
  OpsItemAlreadyExistsException,
  type OpsItemDataValue,
  OpsItemNotFoundException,
  SSMClient,
  UpdateOpsItemCommand,
} from '@aws-sdk/client-ssm';
import type { SessionConfig } from '../aws/session.ts';
import type { Severity } from '../findings/finding.ts';
import { jsonLine } from '../notify/encoders.ts';
import type { Incident, IncidentRecord, Register, Registered, State } from './incident.ts';
import { arnsOf, changedSince, commandFor, endThatFits, lineOf, outline, titleOf } from './outline.ts';

/** Characters: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateOpsItem.html */
const LONGEST = { title: 1_024, description: 2_048 };
/** Bytes of operational data: 20 KB, less what AWS may count otherwise. */
const DATA_BYTES = 20_000;
/** Of it, for the resources. */
const RESOURCE_BYTES = 8_000;
const MOST_RUNBOOKS = 10;

const SEVERITY: Readonly<Record<Severity, string>> = {
  CRITICAL: '1',
  HIGH: '2',
  MEDIUM: '3',
  LOW: '4',
  INFORMATIONAL: '4',
};
const PRIORITY: Readonly<Record<Severity, number>> = { CRITICAL: 1, HIGH: 2, MEDIUM: 3, LOW: 4, INFORMATIONAL: 5 };
const STATUS: Readonly<Record<State, 'Open' | 'InProgress' | 'Resolved'>> = {
  open: 'Open',
  contained: 'InProgress',
  resolved: 'Resolved',
  'false-positive': 'Resolved',
};

/**
 * OpsCenter of the security account: an OpsItem for an incident. By its deduplication string there is one for each, also when
 * nobody was told that it was made. One that a person deleted is made again.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-deduplication.html
 */
export class OpsCenter implements Register {
  readonly name = 'opscenter';
  readonly #ssm: SSMClient;
  readonly #runbooksOf: (incident: Incident) => readonly string[];

  /** @param runbooksOf names of the SSM documents for an incident */
  constructor(session: SessionConfig, runbooksOf: (incident: Incident) => readonly string[]) {
    this.#ssm = new SSMClient(session);
    this.#runbooksOf = runbooksOf;
  }

  async tell(record: IncidentRecord, known: Registered | undefined): Promise<Registered> {
    const reference = known?.reference ?? (await this.#create(record));
    try {
      await this.#update(reference, record, known);
      return { reference, told: record.timeline.length };
    } catch (error) {
      if (known && error instanceof OpsItemNotFoundException) return this.tell(record, undefined);
      throw error;
    }
  }

  /** Answers the id of a new one, or of the one that is there. */
  async #create(record: IncidentRecord): Promise<string> {
    const { incident } = record;
    try {
      const { OpsItemId: id } = await this.#ssm.send(
        new CreateOpsItemCommand({
          ...this.#said(record),
          Source: 'Firebreak',
          OperationalData: {
            ...this.#data(record),
            '/aws/dedup': searchable({ dedupString: incident.id }),
          },
        }),
      );
      if (id) return id;
      throw new Error('OpsCenter did not say how it calls the OpsItem');
    } catch (error) {
      if (error instanceof OpsItemAlreadyExistsException && error.OpsItemId) return error.OpsItemId;
      throw error;
    }
  }

  async #update(id: string, record: IncidentRecord, known: Registered | undefined): Promise<void> {
    const changed = changedSince(record, known);
    const hasState = changed.has('opened') || changed.has('state');
    await this.#ssm.send(
      new UpdateOpsItemCommand({
        OpsItemId: id,
        ...this.#said(record),
        OperationalData: this.#data(record),
        ...(hasState && { Status: STATUS[record.incident.state] }),
      }),
    );
  }

  #said(record: IncidentRecord) {
    const { severity } = record.incident;
    return {
      Title: titleOf(record.incident, LONGEST.title),
      Description: outline(record, LONGEST.description),
      Category: 'Security',
      Severity: SEVERITY[severity],
      Priority: PRIORITY[severity],
    };
  }

  /** The timeline gets what space the others leave. */
  #data({ incident, timeline }: IncidentRecord): Record<string, OpsItemDataValue> {
    const runbooks = this.#runbooksOf(incident).slice(0, MOST_RUNBOOKS);
    const resources = arnsOf(incident).map((arn) => ({ arn }));
    const shown = endThatFits(resources.toReversed(), (some) => bytes(jsonLine(some)) <= RESOURCE_BYTES).toReversed();
    const data = {
      'firebreak/incident': { Type: 'SearchableString', Value: incident.id },
      ...(shown.length > 0 && { '/aws/resources': searchable(shown) }),
      ...(runbooks.length > 0 && {
        '/aws/automations': searchable(
          runbooks.map((automationId) => ({ automationType: 'AWS:SSM:Automation', automationId })),
        ),
      }),
    } satisfies Record<string, OpsItemDataValue>;
    const left = DATA_BYTES - bytes(JSON.stringify(data));
    const text = (lines: readonly string[]): string => {
      const before = timeline.length - lines.length;
      return [...(before > 0 ? [`${before} entries before these: ${commandFor(incident)}`] : []), ...lines].join('\n');
    };
    const lines = endThatFits(
      timeline.map((entry) => lineOf(entry)),
      (some) => bytes(text(some)) <= left,
    );
    return { ...data, 'firebreak/timeline': { Type: 'String', Value: text(lines) } };
  }
}

/** JSON that people find an OpsItem by. https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-creating-OpsItems-CLI.html */
const searchable = (value: unknown): OpsItemDataValue => ({ Type: 'SearchableString', Value: jsonLine(value) });

const bytes = (text: string): number => Buffer.byteLength(text);
