import { IAMClient, paginateListAccessKeys, paginateListUsers } from '@aws-sdk/client-iam';
import { eventsOf, type Told } from '../simulations/events.ts';
import { runPrefix } from '../simulations/kinds/kind.ts';
import type { Run } from '../simulations/run.ts';
import type { Scenario } from '../simulations/scenario.ts';
import type { Cloud } from './cloud.ts';
import { type Connection, HOME_REGION, SECURITY_ACCOUNT } from './connection.ts';

/** Days that the access keys of a run are made old. */
const KEY_AGE = 120;
const DAY_MS = 86_400_000;

/**
 * The services of the embedded cloud notice what a run made wrong: they put the events that they would emit on the buses where they
 * would. What only time could make wrong is made so first, which on AWS nobody can: access keys are old.
 * @returns the events
 */
export async function notice(run: Run, scenario: Scenario, cloud: Cloud): Promise<readonly Told[]> {
  await age(run, cloud.connection);
  const home = { account: SECURITY_ACCOUNT, region: HOME_REGION };
  const at = new Date();
  const events = eventsOf(scenario, run, home, at);
  for (const { account, region, source, 'detail-type': detailType, detail, resources } of events) {
    await cloud.emit(account, region, [{ source, detailType, detail, resources, time: at.toISOString() }]);
  }
  return events;
}

async function age({ id, place }: Run, connection: Connection): Promise<void> {
  const account = await connection.account(place.account, place.region);
  const client = new IAMClient(account.client);
  const createDate = new Date(Date.now() - KEY_AGE * DAY_MS);
  for await (const { Users = [] } of paginateListUsers({ client }, {})) {
    for (const { UserName } of Users) {
      if (!UserName?.startsWith(runPrefix(id))) continue;
      for await (const { AccessKeyMetadata = [] } of paginateListAccessKeys({ client }, { UserName })) {
        for (const { AccessKeyId = '' } of AccessKeyMetadata) {
          await account.setKeyAge(AccessKeyId, { createDate, lastUsed: null });
        }
      }
    }
  }
}
