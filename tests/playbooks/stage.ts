import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionConfig } from '../../engine/aws/session.ts';
import { Incidents } from '../../engine/incidents/record.ts';
import type { Response } from '../../engine/response.ts';
import type { Cloud } from '../../local/cloud.ts';
import { HOME_REGION, INCIDENTS_TABLE, MEMBER_ACCOUNTS, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import type { Told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';

/** Milliseconds until what Firebreak does by itself is done. */
const PATIENCE_MS = 30_000;

/** Where what a page is about happens: a member account of an embedded cloud. */
export class Stage {
  readonly #cloud: Cloud;
  readonly #incidents: Incidents;
  readonly account: Account;
  /** ARN of the role of somebody who may approve runbooks. */
  readonly approver: string;

  constructor(cloud: Cloud, account: Account, approver: string) {
    this.#cloud = cloud;
    this.account = account;
    this.approver = approver;
    const config = { ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), endpoint: cloud.endpoint };
    this.#incidents = new Incidents(config, INCIDENTS_TABLE);
  }

  static readonly ACCOUNT = MEMBER_ACCOUNTS[0];
  static readonly REGION = HOME_REGION;

  /** A name that nothing has yet. */
  name = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`;

  /** What happened an hour ago, as pages ask for it. */
  since = (): string => `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`;

  /**
   * A service tells of a finding. Answers what Firebreak made of it, when that has ended or waits for somebody: ids, as the variables
   * of a page are called.
   */
  async tell({ account, region, entry }: Told): Promise<{ response: string; incident: string }> {
    const [event] = await this.#cloud.emit(account, region, [entry]);
    const response = await this.#until(async () => {
      const known = await this.#cloud.ledger.list({ since: new Date(Date.now() - PATIENCE_MS), limit: 100 });
      return known.find(({ correlation, outcome }: Response) => correlation === event?.id && outcome !== undefined);
    });
    const incident = await this.#until(() => this.#incidentOf(response.id));
    return { response: response.id, incident };
  }

  /** The state of an incident. */
  async stateOf(incident: string): Promise<string | undefined> {
    return (await this.#incidents.find(incident))?.state;
  }

  async #incidentOf(response: string): Promise<string | undefined> {
    for await (const { id } of this.#incidents.list(new Date(Date.now() - 600_000))) {
      const record = await this.#incidents.get(id);
      if (record?.timeline.some((entry) => entry.response === response)) return id;
    }
    return undefined;
  }

  async #until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
      const found = await look();
      if (found !== undefined) return found;
    }
    throw new Error('what Firebreak should do by itself did not come');
  }
}
