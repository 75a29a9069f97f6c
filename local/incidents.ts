import { sessionConfig } from '../engine/aws/session.ts';
import type { Incident } from '../engine/incidents/incident.ts';
import { Incidents } from '../engine/incidents/record.ts';
import { eventually } from './cases.ts';
import { type Connection, HOME_REGION, INCIDENTS_TABLE, ROOT, SECURITY_ACCOUNT } from './connection.ts';

/** The record of incidents of the embedded cloud, as an administrator sees it. */
export function deployedIncidents({ endpoint }: Pick<Connection, 'endpoint'>): Incidents {
  const session = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint };
  return new Incidents(session, INCIDENTS_TABLE);
}

/** The newest incident about a resource or principal; undefined: there is none. */
export async function incidentAbout(arn: string, incidents: Incidents): Promise<Incident | undefined> {
  for await (const incident of incidents.list(new Date(Date.now() - 86_400_000))) {
    if (incident.subjects.includes(arn)) return incident;
  }
  return undefined;
}

/** Waits until there is an incident about a resource or principal that is as wanted. */
export const untilIncident = (
  arn: string,
  incidents: Incidents,
  isWanted: (incident: Incident) => boolean = () => true,
): Promise<Incident> =>
  eventually(`an incident about ${arn}`, async () => {
    const found = await incidentAbout(arn, incidents);
    return found && isWanted(found) ? found : undefined;
  });
