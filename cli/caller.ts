import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { Place } from '../engine/arn.ts';
import { parseArn } from '../engine/arn.ts';
import { sessionConfig } from '../engine/aws/session.ts';
import { AssumedSessions, CallerSessions, type Sessions } from '../engine/aws/sessions.ts';
import { Failure } from './failure.ts';
import { noRegion } from './ledgers.ts';

/** Who runs the command. */
export interface Caller {
  readonly account: string;
  readonly arn: string;
  readonly partition: string;
  readonly region: string;
  readonly credentials: AwsCredentialIdentityProvider;
}

/**
 * Asks AWS who the caller is, with the credentials that the SDK finds.
 * @param region what was asked for; without it the SDK's own setting, and then `otherwise`
 */
export async function identify(region: string | undefined, otherwise?: string): Promise<Caller> {
  const own = await new STSClient({}).config.region().catch(() => undefined);
  const chosen = region ?? own ?? otherwise ?? noRegion();
  const sts = new STSClient(sessionConfig('caller', chosen));
  const { Account: account, Arn: arn } = await sts.send(new GetCallerIdentityCommand({}));
  if (!account || !arn) throw new Failure('STS did not say whose credentials these are');
  const partition = parseArn(arn)?.partition ?? 'aws';
  return { account, arn, partition, region: chosen, credentials: sts.config.credentials };
}

/** Sessions in the caller's own account with the caller's credentials, and in others by a role that the caller names. */
export class CallerOrRole implements Sessions {
  readonly #caller: Caller;
  readonly #own: Sessions;
  readonly #assumed: Sessions | undefined;

  /** @param reads IAM actions that a session of the role needs in order to look */
  constructor(caller: Caller, role: string | undefined, reads: readonly string[]) {
    this.#caller = caller;
    this.#own = new CallerSessions(caller.credentials);
    this.#assumed = role === undefined ? undefined : new AssumedSessions(caller, 'cli', reads, role);
  }

  read: Sessions['read'] = async (place) => this.#in(place).read(place);

  write: Sessions['write'] = async (place, permissions, response) =>
    this.#in(place).write(place, permissions, response);

  /** @throws when neither the caller's credentials nor a role are of use in that account */
  assertReaches({ account }: Pick<Place, 'account'>): void {
    if (account === this.#caller.account || this.#assumed) return;
    throw new Failure(
      `the resource is in account ${account} and the credentials are of ${this.#caller.account}: use credentials of that account, or name a role to assume there with --role`,
    );
  }

  #in(place: Place): Sessions {
    this.assertReaches(place);
    return place.account !== this.#caller.account && this.#assumed ? this.#assumed : this.#own;
  }
}
