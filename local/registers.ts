import { DescribeOpsItemsCommand, GetOpsItemCommand, type OpsItem, SSMClient } from '@aws-sdk/client-ssm';
import {
  GetIncidentRecordCommand,
  GetTimelineEventCommand,
  type IncidentRecord,
  type IncidentRecordSummary,
  ListIncidentRecordsCommand,
  ListRelatedItemsCommand,
  ListTimelineEventsCommand,
  type RelatedItem,
  SSMIncidentsClient,
  type TimelineEvent,
} from '@aws-sdk/client-ssm-incidents';
import type { SessionConfig } from '../engine/aws/session.ts';

/** What OpsCenter and Incident Manager have of our incidents, as people see it. */
export class Registers {
  readonly ssm: SSMClient;
  readonly incidentManager: SSMIncidentsClient;

  constructor(config: SessionConfig) {
    this.ssm = new SSMClient(config);
    this.incidentManager = new SSMIncidentsClient(config);
  }

  /** @param incident id of ours */
  async opsItems(incident: string): Promise<readonly OpsItem[]> {
    const { OpsItemSummaries = [] } = await this.ssm.send(
      new DescribeOpsItemsCommand({
        OpsItemFilters: [
          {
            Key: 'OperationalData',
            Operator: 'Equal',
            Values: [JSON.stringify({ key: 'firebreak/incident', value: incident })],
          },
        ],
      }),
    );
    return Promise.all(OpsItemSummaries.map(({ OpsItemId }) => this.opsItem(OpsItemId)));
  }

  async opsItem(OpsItemId: string | undefined): Promise<OpsItem> {
    const { OpsItem } = await this.ssm.send(new GetOpsItemCommand({ OpsItemId }));
    if (!OpsItem) throw new Error('there is no such OpsItem');
    return OpsItem;
  }

  /** @param incident id of ours */
  async incidents(incident: string): Promise<readonly IncidentRecordSummary[]> {
    const { incidentRecordSummaries = [] } = await this.incidentManager.send(
      new ListIncidentRecordsCommand({ maxResults: 100 }),
    );
    return incidentRecordSummaries.filter(({ title }) => title?.includes(incident));
  }

  async incident(arn: string | undefined): Promise<IncidentRecord> {
    const { incidentRecord } = await this.incidentManager.send(new GetIncidentRecordCommand({ arn }));
    if (!incidentRecord) throw new Error('there is no such incident');
    return incidentRecord;
  }

  /** Oldest first. */
  async timeline(incidentRecordArn: string | undefined): Promise<readonly TimelineEvent[]> {
    const { eventSummaries = [] } = await this.incidentManager.send(
      new ListTimelineEventsCommand({
        incidentRecordArn,
        sortBy: 'EVENT_TIME',
        sortOrder: 'ASCENDING',
        maxResults: 100,
      }),
    );
    const events = await Promise.all(
      eventSummaries.map(({ eventId }) =>
        this.incidentManager.send(new GetTimelineEventCommand({ incidentRecordArn, eventId })),
      ),
    );
    return events.flatMap(({ event }) => event ?? []);
  }

  async related(incidentRecordArn: string): Promise<readonly RelatedItem[]> {
    const { relatedItems = [] } = await this.incidentManager.send(new ListRelatedItemsCommand({ incidentRecordArn }));
    return relatedItems;
  }
}
