import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeSecurityGroupsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { sessionConfig } from '../engine/aws/session.ts';
import { Workers } from '../engine/aws/workers.ts';
import { ROLE_TAG } from '../engine/own-groups.ts';
import { targetOf } from '../engine/targets.ts';
import { deletionOf } from '../functions/sweep/unused-groups.ts';
import { inventoryOf } from '../simulations/clean-up.ts';
import type { Scenario } from '../simulations/scenario.ts';
import type { Inventory } from '../simulations/store.ts';
import type { Cloud } from './cloud.ts';
import { HOME_REGION, ROOT, SANDBOX_ACCOUNTS, SECURITY_ACCOUNT } from './connection.ts';

const [ACCOUNT] = SANDBOX_ACCOUNTS;
const PLACE = { partition: 'aws', account: ACCOUNT, region: HOME_REGION };
/** Milliseconds for the worker to delete a group. */
const PATIENCE_MS = 20_000;

/** The sandbox account of an embedded cloud, seen by its administrator. */
export class Sandbox {
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** All of the kinds that scenarios make. */
  inventory(scenarios: readonly Scenario[]): Promise<Inventory> {
    const kinds = [...new Set(scenarios.flatMap((scenario) => scenario.kinds))];
    return inventoryOf({ kinds }, { place: PLACE }, { read: () => this.#session() });
  }

  /**
   * Has the worker delete the groups that Firebreak made to isolate instances with, as the daily sweep does when nothing happened
   * in the account for a day.
   */
  async sweep(): Promise<void> {
    const groups = await this.#ownGroups();
    const { endpoint } = this.#cloud;
    const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint };
    await new Workers(config).instruct(
      groups.flatMap((id) => {
        const target = targetOf('AWS::EC2::SecurityGroup', PLACE, id);
        return target ? [deletionOf(target)] : [];
      }),
    );
    const deadline = Date.now() + PATIENCE_MS;
    while ((await this.#ownGroups()).length > 0) {
      if (Date.now() > deadline) throw new Error(`groups of Firebreak are still in ${ACCOUNT}`);
      await sleep(200);
    }
  }

  async #ownGroups(): Promise<readonly string[]> {
    const client = new EC2Client(await this.#session());
    const { SecurityGroups = [] } = await client.send(
      new DescribeSecurityGroupsCommand({ Filters: [{ Name: 'tag-key', Values: [ROLE_TAG] }] }),
    );
    return SecurityGroups.flatMap(({ GroupId }) => (GroupId ? [GroupId] : []));
  }

  async #session() {
    const { client } = await this.#cloud.connection.account(ACCOUNT, HOME_REGION);
    return { ...sessionConfig(ACCOUNT, HOME_REGION, client.credentials), endpoint: this.#cloud.endpoint };
  }
}
