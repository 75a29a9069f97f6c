import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import type { Place } from '../arn.ts';
import type { Permission } from '../remediation.ts';
import { type SessionConfig, sessionConfig } from './session.ts';

/** How a worker comes to act in an account: one session to look, another to change. */
export interface Sessions {
  /** A session that can only read. */
  read(place: Place): Promise<SessionConfig>;
  /** A session for one plan: what it may write, and the reads that verify it. Null when the policy is too long for one. */
  write(place: Place, permissions: readonly Permission[], response: string): Promise<SessionConfig | null>;
}

/**
 * Characters of a session policy that STS takes; it packs the policy too, and refuses it above its own packed limit.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
const SESSION_POLICY_CHARACTERS = 2_048;
const WRITE_SESSION_SECONDS = 900;
/** The most that a role assumed from a role can have. */
const READ_SESSION_SECONDS = 3_600;
const RENEW_BEFORE_MS = 5 * 60_000;

/** The session policy for a plan: the declared writes, and the declared reads on anything. */
const sessionPolicy = (reads: readonly string[], writes: readonly Permission[] = []): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: reads, Resource: '*' },
      ...writes.map(({ actions, resources, condition }) => ({
        Effect: 'Allow',
        Action: actions,
        Resource: resources,
        ...(condition && { Condition: condition }),
      })),
    ],
  });

/** Name of the role in every account that a worker's execution role, and nobody else, may assume. */
export const memberRole = (worker: string): string => `firebreak-${worker}`;

/** Sessions by assuming a role in the member account: the worker's own, where nobody names another. */
export class AssumedSessions implements Sessions {
  readonly #sts: STSClient;
  readonly #worker: string;
  readonly #role: string;
  readonly #reads: readonly string[];
  readonly #cached = new Map<string, Promise<AwsCredentialIdentity>>();
  /** One session object as long as its credentials hold: clients are made once for each. */
  readonly #readers = new Map<string, SessionConfig>();

  /**
   * @param home account and Region in which the worker itself runs
   * @param worker name of the worker, as CloudTrail shows it
   * @param reads the read actions of all its remediations
   * @param role name of the role in the member account
   */
  constructor(
    home: { account: string; region: string },
    worker: string,
    reads: readonly string[],
    role = memberRole(worker),
  ) {
    this.#sts = new STSClient(sessionConfig(home.account, home.region));
    this.#worker = worker;
    this.#role = role;
    this.#reads = reads;
  }

  async read({ account, region, partition }: Place): Promise<SessionConfig> {
    const known = this.#cached.get(account);
    const cached = await known?.catch(() => undefined);
    const fresh = cached?.expiration && cached.expiration.getTime() - Date.now() > RENEW_BEFORE_MS;
    // Of several that waited for it, the first renews it for all.
    if (!fresh && this.#cached.get(account) === known) {
      const session = `firebreak-${this.#worker}-read`;
      this.#cached.set(
        account,
        this.#assume(partition, account, session, sessionPolicy(this.#reads), READ_SESSION_SECONDS),
      );
    }
    const credentials = await this.#cached.get(account);
    const key = `${account}/${region}`;
    const reader = this.#readers.get(key);
    if (reader && reader.credentials === credentials) return reader;
    const renewed = sessionConfig(account, region, credentials, `firebreak/${this.#worker}`);
    this.#readers.set(key, renewed);
    return renewed;
  }

  async write(place: Place, permissions: readonly Permission[], response: string): Promise<SessionConfig | null> {
    const policy = sessionPolicy(this.#reads, permissions);
    if (policy.length > SESSION_POLICY_CHARACTERS) return null;
    const credentials = await this.#assume(
      place.partition,
      place.account,
      response,
      policy,
      WRITE_SESSION_SECONDS,
    ).catch((error: Error) => {
      if (error.name !== 'PackedPolicyTooLargeException') throw error;
      return null;
    });
    return credentials && sessionConfig(place.account, place.region, credentials, `firebreak/${response}`);
  }

  async #assume(
    partition: string,
    account: string,
    session: string,
    policy: string,
    seconds: number,
  ): Promise<AwsCredentialIdentity> {
    const { Credentials: given } = await this.#sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:${partition}:iam::${account}:role/${this.#role}`,
        RoleSessionName: session,
        Policy: policy,
        DurationSeconds: seconds,
      }),
    );
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !given.Expiration) {
      throw new Error(`STS gave no credentials for account ${account}`);
    }
    return {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
      expiration: given.Expiration,
    };
  }
}

/** Sessions of whoever runs the command, at the endpoint that the SDK finds. */
export class CallerSessions implements Sessions {
  readonly #credentials: AwsCredentialIdentityProvider;
  readonly #readers = new Map<string, SessionConfig>();

  /** @param credentials found once for all clients: a chain of SSO, a process or the instance's own is slow to ask */
  constructor(credentials: AwsCredentialIdentityProvider) {
    this.#credentials = credentials;
  }

  async read({ account, region }: Place): Promise<SessionConfig> {
    const key = `${account}/${region}`;
    const reader = this.#readers.get(key) ?? sessionConfig(account, region, this.#credentials, 'firebreak/cli');
    this.#readers.set(key, reader);
    return reader;
  }

  async write(
    { account, region }: Place,
    _permissions: readonly Permission[],
    response: string,
  ): Promise<SessionConfig> {
    return sessionConfig(account, region, this.#credentials, `firebreak/${response}`);
  }
}
