import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { Account } from './specimen.ts';

export const SECURITY_ACCOUNT = '111122223333';
export const MEMBER_ACCOUNTS = ['444455556666', '777788889999'] as const;
/** An account that belongs to nobody of ours. */
export const OUTSIDE_ACCOUNT = '999900001111';
export const HOME_REGION = 'eu-west-1';
export const REGIONS = [HOME_REGION, 'us-east-1'] as const;
/** The role by which the organisation's management account administers its members. */
export const ADMINISTRATOR_ROLE = 'OrganizationAccountAccessRole';

/** One AWS call that the embedded cloud answered. */
export interface Call {
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly time: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  readonly account: string;
  readonly principal: string;
  /** IAM actions that the call needed. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly decision: 'allowed' | 'denied';
  readonly status: number;
  readonly error: string | null;
}

/** An event that a service of the cloud emits. */
export interface ServiceEvent {
  readonly id?: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
  readonly resources?: readonly string[];
  readonly time?: string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A running embedded cloud, seen from any process: its accounts, and the doors that AWS does not have. */
export class Connection {
  readonly endpoint: string;
  readonly #administrators = new Map<string, Promise<Credentials>>();

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  /** An account with its administrator's credentials. */
  async account(id: string, region: string): Promise<Account> {
    const credentials = id === SECURITY_ACCOUNT ? ROOT : await this.#administrator(id);
    return {
      id,
      region,
      client: { region, endpoint: this.endpoint, credentials },
      setKeyAge: (accessKeyId, { createDate, lastUsed }) =>
        this.#door('POST', '/access-keys', {
          account: id,
          accessKeyId,
          ...(createDate && { createDate: createDate.toISOString() }),
          ...(lastUsed !== undefined && {
            lastUsed: lastUsed && { date: lastUsed.toISOString(), serviceName: 's3', region },
          }),
        }) as Promise<void>,
    };
  }

  /** Lets the services of an account and Region emit events on its default bus. */
  async emit(account: string, region: string, entries: readonly ServiceEvent[]): Promise<void> {
    await this.#door('POST', '/events', { account, region, entries });
  }

  /** The AWS calls with a sequence number above `since`, oldest first. */
  async calls(since = 0): Promise<readonly Call[]> {
    return (await this.#door('GET', `/calls?since=${since}`)) as Call[];
  }

  /** Replaces the rules by which calls are delayed, refused, throttled or left hanging; local/aws/faults.py has their form. */
  async setFaults(rules: readonly object[]): Promise<void> {
    await this.#door('PUT', '/faults', rules);
  }

  /** Credentials that a service gets for a role which trusts it, as Lambda does for an execution role. */
  async serviceCredentials(service: string, roleArn: string): Promise<Credentials> {
    return (await this.#door('POST', '/service-role', { service, roleArn })) as Credentials;
  }

  #administrator(id: string): Promise<Credentials> {
    const known = this.#administrators.get(id) ?? this.#assumeAdministrator(id);
    this.#administrators.set(id, known);
    return known;
  }

  async #assumeAdministrator(id: string): Promise<Credentials> {
    const sts = new STSClient({ region: HOME_REGION, endpoint: this.endpoint, credentials: ROOT });
    const { Credentials: given } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${id}:role/${ADMINISTRATOR_ROLE}`,
        RoleSessionName: 'administrator',
      }),
    );
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken)
      throw new Error(`no credentials for ${id}`);
    return {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
    };
  }

  async #door(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.endpoint}/firebreak${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/** Credentials that no IAM user has stand for the root of the security account. */
export const ROOT: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
