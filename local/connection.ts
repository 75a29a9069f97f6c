import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Doors } from './doors.ts';
import type { Credentials } from './lambda-environment.ts';
import type { Account } from './specimen.ts';

export const SECURITY_ACCOUNT = '111122223333';
export const MEMBER_ACCOUNTS = ['444455556666', '777788889999'] as const;
/** The management account of the organisation, as local/aws/organization.py has it. */
export const MANAGEMENT_ACCOUNT = '000011112222';
/** Accounts in which things may be broken on purpose: the first is where, the second what is shared with. */
export const SANDBOX_ACCOUNTS = ['222233334444', '333344445555'] as const;
/** An account that belongs to nobody of ours. */
export const OUTSIDE_ACCOUNT = '999900001111';
/** Id of the organisation of all of them but the last. */
export const ORGANIZATION = 'o-firebreak0';
export const HOME_REGION = 'eu-west-1';
export const REGIONS = [HOME_REGION, 'us-east-1'] as const;
/** As serverless.yml names the ledger, and functions/incidents the record of incidents. */
export const LEDGER_TABLE = 'firebreak-ledger';
export const INCIDENTS_TABLE = 'firebreak-incidents';
/** The role by which the organisation's management account administers its members. */
export const ADMINISTRATOR_ROLE = 'OrganizationAccountAccessRole';

/** A running embedded cloud, seen from any process. */
export class Connection {
  readonly endpoint: string;
  /** What no AWS API offers. */
  readonly doors: Doors;
  readonly #administrators = new Map<string, Promise<Credentials>>();

  constructor(endpoint: string) {
    this.endpoint = endpoint;
    this.doors = new Doors(endpoint);
  }

  /** An account with its administrator's credentials. */
  async account(id: string, region: string): Promise<Account> {
    const credentials = id === SECURITY_ACCOUNT ? ROOT : await this.#administrator(id);
    return {
      id,
      region,
      client: { region, endpoint: this.endpoint, credentials },
      setKeyAge: (accessKeyId, { createDate, lastUsed }) =>
        this.doors.setKeyAge(id, accessKeyId, {
          ...(createDate && { createDate: createDate.toISOString() }),
          ...(lastUsed !== undefined && {
            lastUsed: lastUsed && { date: lastUsed.toISOString(), serviceName: 's3', region },
          }),
        }),
    };
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
}

/** The environment variable by which scripts/test.ts tells its tests where the embedded cloud is. */
export const CLOUD_ENDPOINT = 'FIREBREAK_CLOUD';

/** Credentials that no IAM user has stand for the root of the security account. */
export const ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };
