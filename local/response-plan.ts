import {
  CreateReplicationSetCommand,
  CreateResponsePlanCommand,
  type CreateResponsePlanCommandInput,
  ListReplicationSetsCommand,
  SSMIncidentsClient,
  type SSMIncidentsClientConfig,
} from '@aws-sdk/client-ssm-incidents';
import { HOME_REGION } from './connection.ts';

/** The response plan that the service is deployed with. */
export const RESPONSE_PLAN = 'firebreak';

/**
 * Sets up Incident Manager, where it is not, and makes a response plan in it.
 * @param template beside a title and an impact
 * @returns its ARN
 */
export async function createResponsePlan(
  config: SSMIncidentsClientConfig,
  name: string,
  template: Partial<CreateResponsePlanCommandInput['incidentTemplate']> = {},
  actions: CreateResponsePlanCommandInput['actions'] = [],
): Promise<string> {
  const incidents = new SSMIncidentsClient(config);
  const { replicationSetArns = [] } = await incidents.send(new ListReplicationSetsCommand({}));
  if (replicationSetArns.length === 0) {
    await incidents.send(new CreateReplicationSetCommand({ regions: { [HOME_REGION]: {} } }));
  }
  const incidentTemplate = { title: 'A security incident', impact: 3, ...template };
  const { arn = '' } = await incidents.send(new CreateResponsePlanCommand({ name, incidentTemplate, actions }));
  return arn;
}
