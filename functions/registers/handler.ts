import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent, Context as LambdaContext } from 'aws-lambda';
import * as z from 'zod/mini';
import { sessionConfig, throttledAlone } from '../../engine/aws/session.ts';
import { environment } from '../../engine/environment.ts';
import { describeError } from '../../engine/errors.ts';
import type { Incident, Register } from '../../engine/incidents/incident.ts';
import { OpsCenter } from '../../engine/incidents/ops-center.ts';
import { Incidents } from '../../engine/incidents/record.ts';
import { SsmIncidents } from '../../engine/incidents/ssm-incidents.ts';
import { logOf, withRequest } from '../../engine/log.ts';
import { type FollowedHouse, followAll } from './follow.ts';
import playbooks from './playbooks.json' with { type: 'json' };
import { incidentIn, Registrations } from './registrations.ts';

const session = sessionConfig(environment('ACCOUNT_ID'), environment('AWS_REGION'));
const logger = logOf('registers');
const metrics = new Metrics({ namespace: 'Firebreak', serviceName: 'registers' });
const table = environment('INCIDENTS_TABLE');
const incidents = new Incidents(session, table);
const registrations = new Registrations(session, table);

/** SSM documents by the playbooks that lead to them. */
const RUNBOOKS: Readonly<Record<string, { readonly runbooks: readonly string[] }>> = playbooks;
const runbooksOf = ({ playbooks: ids }: Incident): readonly string[] => [
  ...new Set(ids.flatMap((id) => RUNBOOKS[id]?.runbooks ?? [])),
];

/** By the names that the configuration has. One service that is slow does not slow down the other. */
const REGISTERS: Readonly<Record<string, () => Register>> = {
  opscenter: () => new OpsCenter(throttledAlone(session), runbooksOf),
  'incident-manager': () => {
    const plan = environment('RESPONSE_PLAN');
    return new SsmIncidents(throttledAlone(session), plan === 'none' ? undefined : plan);
  },
};
const registers = environment('REGISTERS')
  .split(',')
  .flatMap((name) => REGISTERS[name]?.() ?? []);

const catchUp = z.strictObject({ do: z.literal('catch-up') });

/** Incidents that are behind, by register. */
type Report = Readonly<Record<string, number>>;

/** Changes of incidents in, or a schedule's wish that all is caught up; the registers brought up to date from the record. */
export const handler = middy<unknown, DynamoDBBatchResponse | Report>()
  .use(withRequest(logger))
  .handler(async (event, context: LambdaContext) => {
    const timeLeft = () => context.getRemainingTimeInMillis();
    const house: FollowedHouse = { incidents, registrations, logger, timeLeft };
    if (isStream(event)) return { batchItemFailures: await followChanges(event.Records, house) };
    z.parse(catchUp, event);
    return catchUpWith(house);
  });

const isStream = (event: unknown): event is DynamoDBStreamEvent =>
  typeof event === 'object' && event !== null && 'Records' in event;

async function followChanges(
  records: readonly DynamoDBRecord[],
  house: FollowedHouse,
): Promise<DynamoDBBatchResponse['batchItemFailures']> {
  const changed = records.map(({ dynamodb }) => incidentIn(dynamodb?.Keys?.pk?.S ?? ''));
  const failures = await Promise.all(registers.map((register) => followAll(new Set(changed), register, house)));
  const failed = new Map(failures.flatMap((each) => [...each]));
  const first = records[changed.findIndex((id) => failed.has(id))];
  if (!first) return [];
  for (const [incident, error] of failed) logger.warn('a change comes back', { incident, error: describeError(error) });
  // Lambda tries again from there on. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
  return [{ itemIdentifier: first.dynamodb?.SequenceNumber ?? '' }];
}

/** In another order each time: two that always fail would keep the others from their turn. */
const shuffled = (ids: readonly string[]): readonly string[] =>
  ids
    .map((id) => ({ id, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ id }) => id);

async function catchUpWith(house: FollowedHouse): Promise<Report> {
  const counts = await Promise.all(
    registers.map(async (register) => {
      const failed = await followAll(shuffled(await registrations.behind(register.name)), register, house, true);
      for (const [incident, error] of failed) logger.error('not kept', { incident, error: describeError(error) });
      return [register.name, (await registrations.behind(register.name)).length] as const;
    }),
  );
  metrics.addMetric(
    'IncidentsBehind',
    MetricUnit.Count,
    counts.reduce((sum, [, count]) => sum + count, 0),
  );
  metrics.publishStoredMetrics();
  return Object.fromEntries(counts);
}
