import { OrganizationsClient, paginateListTagsForResource } from '@aws-sdk/client-organizations';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Place } from '../engine/arn.ts';
import type { KillSwitch } from '../engine/aws/kill-switch.ts';
import type { SessionConfig } from '../engine/aws/session.ts';
import { describeError } from '../engine/errors.ts';
import { freezeFor, windowOf } from '../engine/guards/freeze.ts';
import type { Policy } from '../engine/policy-schema.ts';
import type { Scenario } from './scenario.ts';

/** Tag of an account by which the organisation says that things may be broken in it: `true`. */
export const SANDBOX_TAG = 'firebreak:sandbox';

/** What it takes to say where a run may be. */
export interface Bounds {
  readonly home: Pick<Place, 'account' | 'region'>;
  /** The sandbox accounts that this deployment was told of. */
  readonly sandboxes: readonly string[];
  readonly policy: Policy;
  readonly killSwitch: Pick<KillSwitch, 'stopped'>;
  /** Of the function itself. */
  readonly session: SessionConfig;
}

/** A run, as far as it is known before it starts. */
export interface Intended {
  readonly scenario: Scenario;
  readonly place: Place;
  readonly partner: string;
  readonly parameters: unknown;
}

/**
 * Why a run may not be there, or not now. Asked before a run starts, and again right before it makes something wrong; what cannot
 * be read is a reason too.
 */
export async function refusalsOf(
  { scenario, place, partner, parameters }: Intended,
  bounds: Bounds,
): Promise<readonly string[]> {
  const { home, sandboxes, policy, session } = bounds;
  const refusals: string[] = [];
  const management = policy.organization.management;
  if (partner === place.account) refusals.push('the account and its partner are the same');
  for (const account of new Set([place.account, partner])) {
    if (account === home.account) refusals.push(`${account} is the account of Firebreak itself`);
    else if (account === management) refusals.push(`${account} is the management account of the organisation`);
    else if (!sandboxes.includes(account))
      refusals.push(
        `${account} is not among the sandboxes of this deployment: serverless deploy --param sandboxes=...`,
      );
    else refusals.push(...(await doubtsAbout(account, session)));
  }
  const allowed = new Set(scenario.responses.flatMap(({ remediation }) => allowedBy(policy, remediation)));
  for (const account of scenario.sharesWith?.(parameters) ?? []) {
    if (!allowed.has(account)) refusals.push(`${account} is not among allowedAccounts of the response policy`);
  }
  refusals.push(...(await pausesOf({ scenario, place }, bounds)));
  return [...new Set(refusals)];
}

/** Accounts that a remediation lets keep what is shared with them. */
function allowedBy({ remediations }: Policy, remediation: string): readonly unknown[] {
  const allowed = remediations[remediation]?.parameters.allowedAccounts;
  return Array.isArray(allowed) ? allowed : [];
}

/** Why nothing may be rehearsed now, wherever it is: responses would not act. */
export async function pausesOf(
  { scenario, place }: Pick<Intended, 'scenario' | 'place'>,
  { policy, killSwitch }: Pick<Bounds, 'policy' | 'killSwitch'>,
): Promise<readonly string[]> {
  const pauses: string[] = [];
  const stopped = await killSwitch.stopped();
  if (stopped !== undefined) pauses.push(`the kill switch is on: ${stopped}`);
  for (const { remediation } of scenario.responses) {
    const freeze = freezeFor(policy, { remediation, account: place.account, severity: 'MEDIUM' }, new Date());
    if (freeze) pauses.push(`freeze ${freeze.name} ${windowOf(freeze)} by ${freeze.owner}: ${freeze.reason}`);
  }
  return pauses;
}

/**
 * Why an account is not a sandbox, as the organisation says. The security account may ask as a delegated administrator of any
 * service. https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTagsForResource.html
 */
async function doubtsAbout(account: string, session: SessionConfig): Promise<readonly string[]> {
  try {
    const client = new OrganizationsClient(session);
    for await (const { Tags = [] } of paginateListTagsForResource({ client }, { ResourceId: account })) {
      if (Tags.some(({ Key, Value }) => Key === SANDBOX_TAG && Value === 'true')) return [];
    }
    return [`the organisation has not tagged account ${account} with ${SANDBOX_TAG}=true`];
  } catch (error) {
    return [`the tags of account ${account} cannot be read: ${describeError(error)}`];
  }
}

/** Whose session it is, as STS says. @throws when it is another account's */
export async function assertAccount({ account }: Place, session: SessionConfig): Promise<void> {
  const { Account } = await new STSClient(session).send(new GetCallerIdentityCommand({}));
  if (Account !== account) throw new Error(`the session is in account ${Account}, and not in ${account}`);
}
