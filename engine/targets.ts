import { createHash } from 'node:crypto';
import { anyArn, arnOf, idFromArn, parseArn } from './arn.ts';
import type { Sessions } from './aws/sessions.ts';
import type { Finding, FindingResource } from './findings/finding.ts';
import type { Action, Target } from './remediation.ts';

/** Types that have one name in all Regions of an account. */
export const GLOBAL: ReadonlySet<string> = new Set(['AWS::IAM::User']);

/** A target of a known type by its id, or undefined when AWS would give no such id. */
export function targetOf(
  type: string,
  place: Pick<Target, 'account' | 'region' | 'partition'>,
  id: string,
): Target | undefined {
  const { account, region, partition } = place;
  const arn = arnOf(type, place, id);
  return arn === undefined ? undefined : { type, id, arn, account, region, partition };
}

/**
 * A target by its ARN. Account and Region are the ARN's where it has them, and `place`'s where it leaves them out (buckets,
 * IAM, snapshots).
 */
export function targetFromArn(
  types: readonly string[],
  arn: string,
  place: { account: string; region: string },
): Target | undefined {
  const parsed = parseArn(arn);
  if (!parsed) return undefined;
  for (const type of types) {
    const id = idFromArn(type, arn);
    const region = parsed.region === '' || GLOBAL.has(type) ? place.region : parsed.region;
    const target =
      id !== undefined &&
      targetOf(type, { account: parsed.account || place.account, region, partition: parsed.partition }, id);
    // An IAM user's path is part of the ARN that policies match, and of nothing else.
    if (target) return type === 'AWS::IAM::User' ? { ...target, arn } : target;
  }
  return undefined;
}

/** The resources of a finding that are of these types, and as AWS would name them. */
export const ownTargets = (types: readonly string[], finding: Finding): Target[] =>
  finding.resources
    .filter(({ type }) => types.includes(type))
    .map((resource) => ownTarget(resource, finding))
    .filter((target) => target !== undefined);

function ownTarget({ type, id, arn }: FindingResource, finding: Finding): Target | undefined {
  return arn === undefined ? targetOf(type, finding, id) : targetFromArn([type], arn, finding);
}

/**
 * The resources that a finding means for an action: those it names, or else those that the action finds in the account.
 * Undefined when it names nothing to go by.
 */
export async function targetsOf(
  action: Action,
  finding: Finding,
  sessions: Pick<Sessions, 'read'>,
  parameters: unknown,
): Promise<readonly Target[] | undefined> {
  const own = ownTargets(action.resource, finding);
  if (own.length > 0) return own;
  if (!action.targets) return undefined;
  const { account, region, partition } = finding;
  return action.targets(action.clients(await sessions.read({ account, region, partition })), finding, { parameters });
}

/** What a response is about when there is no resource to act on. */
export const accountOf = ({ account, region, partition }: Finding): Target => ({
  type: 'AWS::Account',
  id: account,
  arn: `arn:${partition}:iam::${account}:root`,
  account,
  region,
  partition,
});

/** The one resource that a finding is about, for people: the first that it names well enough, or the account. */
export function subjectOf(finding: Finding): Target {
  const { account, region, partition, resources } = finding;
  const [first] = resources.flatMap((resource): Target[] => {
    const known = ownTarget(resource, finding);
    if (known) return [known];
    const { type, id, arn } = resource;
    return arn === undefined ? [] : [{ type, id, arn, account, region, partition }];
  });
  return first ?? accountOf(finding);
}

/** What names a target within its remediation, whoever named it: an IAM user has one name, whatever its path. */
export const targetKey = ({ type, id, account, region, partition }: Target): string =>
  arnOf(type, { account, region, partition }, id) ?? `${type}/${account}/${region}/${id}`;

/** Any resource of a type in the account of a CloudFormation stack: what a role may touch, before a session policy names one. */
export function anyTarget(type: string): Target {
  const place = { account: '${AWS::AccountId}', region: '*', partition: '${AWS::Partition}' };
  return { type, id: '*', arn: anyArn(type, place), ...place };
}

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const RESPONSE_ID = new RegExp(`^[a-z][a-z0-9-]{0,40}-[${LETTERS}]{10}$`);

/** True for text of the form that response ids have. */
export const isResponseId = (text: string): boolean => RESPONSE_ID.test(text);

/** The worker of a remediation: the folder below functions/. */
export const workerOf = (remediation: string): string => remediation.slice(0, remediation.indexOf('.'));

/**
 * The id of a response: the same for the same message, remediation and target, so that a redelivery finds its own.
 * @param message what asked for it; several findings in one SQS message (a custom action) are told apart by it
 */
export const responseId = (remediation: string, target: Target, message: string): string =>
  `${workerOf(remediation)}-${lettersOf([remediation, targetKey(target), message])}`;

/** Ten letters and digits that are the same for the same parts; people read them to each other. */
export function lettersOf(parts: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  return [...digest.subarray(0, 10)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
}

/** The id of the response that comes in the place of one that was deferred, excepted or void. */
export const successorOf = ({ id, remediation, target }: { id: string; remediation: string; target: Target }): string =>
  responseId(remediation, target, `after ${id}`);
