import type { Where } from '../policy.ts';
import type { Policy } from '../policy-schema.ts';
import type { Target } from '../remediation.ts';
import type { Guard, Planned, Situation, Stop } from './guard.ts';

/**
 * What no response may touch, whatever the severity: root, the management account, what Firebreak itself runs on, what the policy
 * names, and what too many others depend on.
 */
export const protectedThings = {
  name: 'protected',
  onPlan: refused,
} satisfies Guard;

async function refused(situation: Planned): Promise<Stop | undefined> {
  const why = protectedBy(situation)?.because ?? (await sharedWith(situation));
  return why === undefined ? undefined : { outcome: 'refused', reason: `needs a person: ${why}` };
}

/** As many interfaces as one call lists: a person is told how many a change would reach, not that they are too many alone. */
const COUNTED = 1_000;

async function sharedWith({ action, clients, target, policy }: Planned): Promise<string | undefined> {
  const { sharedBy } = policy.protected;
  const enough = Math.max(sharedBy + 1, COUNTED);
  const reached = (await action.reach?.(clients, target, enough)) ?? 0;
  const more = reached < enough ? '' : ' or more';
  return reached > sharedBy ? `a change reaches ${reached} things${more}, and ${sharedBy} are the most` : undefined;
}

/** What Firebreak is deployed as in its own account: roles, functions, queues, topics, the ledger, the kill switch; no user. */
const OURS = /^(?!user\/)(?:|.*[/:])firebreak[-/][\w.-]+$/;

/**
 * Why nobody but a person touches a target, and the place in the policy that says so, where one does. Of a user or role, a key
 * of it is protected too: then only the finding's principal tells whose it is.
 */
export function protectedBy({
  policy,
  home,
  target,
  finding,
}: Pick<Situation, 'policy' | 'home' | 'target' | 'finding'>): { because: string; where?: Where } | undefined {
  if (target.account === policy.organization.management) {
    return { because: 'it is in the management account', where: ['organization', 'management'] };
  }
  const { principal, sessionIssuer } = finding;
  const isIdentity = target.type.startsWith('AWS::IAM::');
  const names = [target.arn, ...(isIdentity ? [principal, sessionIssuer] : [])]
    .filter((arn) => arn !== undefined)
    .map((arn) => fieldsOf(arn, target));
  if (isIdentity && names.some(({ resource }) => resource === 'root')) return { because: 'it is root' };
  if (names.some(({ account, resource }) => account === home.account && OURS.test(resource))) {
    return { because: 'Firebreak runs on it' };
  }
  const lines: Policy['protected']['resources'] = policy.protected.resources;
  const index = lines.findIndex((line) => names.some((name) => matches(fieldsOf(line.resource), name)));
  const line = lines[index];
  return (
    line && {
      because: `protected by ${line.owner}: ${line.reason}`,
      where: ['protected', 'resources', index],
    }
  );
}

interface Fields {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  readonly resource: string;
}

/** An ARN, or a pattern of one, as it is compared: a session is its role, and a path names nothing more. */
function fieldsOf(arn: string, place?: Pick<Target, 'account' | 'region'>): Fields {
  const [, partition = '', service = '', region = '', account = '', ...rest] = arn.split(':');
  const where = { partition, region: region || place?.region || '', account: account || place?.account || '' };
  const [kind = '', ...steps] = rest.join(':').split('/');
  if (service === 'sts' && kind === 'assumed-role') return { ...where, service: 'iam', resource: `role/${steps[0]}` };
  const isPerson = service === 'iam' && (kind === 'role' || kind === 'user');
  return { ...where, service, resource: isPerson ? `${kind}/${steps.at(-1)}` : rest.join(':') };
}

const matches = (pattern: Fields, name: Fields): boolean =>
  isAny(pattern.partition, name.partition) &&
  pattern.service === name.service &&
  isAny(pattern.region, name.region) &&
  isAny(pattern.account, name.account) &&
  (pattern.resource.endsWith('*')
    ? name.resource.startsWith(pattern.resource.slice(0, -1))
    : name.resource === pattern.resource);

/** An ARN leaves out what a service does not need: then any will do. */
const isAny = (pattern: string, field: string): boolean => pattern === '' || pattern === '*' || pattern === field;
