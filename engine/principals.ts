import type { Finding } from './findings/finding.ts';
import type { Target } from './remediation.ts';

const PARTITION = '(?:aws|aws-cn|aws-us-gov)';
const NAME = '[\\w+=,.@-]{1,64}';
/** IAM paths take every visible character. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
const PATH = '(?:[!-~]{1,510}/)?';
const IAM = new RegExp(`^arn:${PARTITION}:iam::(\\d{12}):(?:(user|role)/${PATH}(${NAME})|(root))$`);
const SESSION = new RegExp(`^arn:${PARTITION}:sts::(\\d{12}):assumed-role/(${NAME})/[\\w+=,.@-]{2,64}$`);

/**
 * Who an ARN stands for, whatever its path or session: an IAM user, a role, or the root of an account. Their names differ by
 * more than upper and lower case. Undefined: it says of nobody who they are, as that of a federated user does not.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
 */
export function principalOf(arn: string): string | undefined {
  const [, account, kind, name, root] = IAM.exec(arn) ?? [];
  if (account) return root ? `${account} root` : `${account} ${kind} ${name}`.toLowerCase();
  const [, home, role] = SESSION.exec(arn) ?? [];
  return home && `${home} role ${role}`.toLowerCase();
}

/**
 * The IAM users and roles that a finding is about, who they are with an ARN of theirs: who did what it tells, and those that it names
 * or that are acted on.
 */
export function subjects(finding: Finding, target: Target): ReadonlyMap<string, string> {
  const named = [target, ...finding.resources].filter(({ type }) => /^AWS::IAM::(?:User|Role)$/.test(type));
  const arns = [
    finding.principal,
    finding.sessionIssuer,
    ...named.map(
      ({ type, id }) => `arn:aws:iam::${finding.account}:${type.slice('AWS::IAM::'.length).toLowerCase()}/${id}`,
    ),
    ...named.map(({ arn }) => arn),
  ].filter((arn) => arn !== undefined);
  return new Map(
    arns.flatMap((arn) => {
      const who = principalOf(arn);
      return who === undefined ? [] : [[who, arn]];
    }),
  );
}
