import * as z from 'zod/mini';
import type { Finding, Severity } from './findings/finding.ts';
import { atLeast, scoreOf } from './findings/severity.ts';
import type { Budget, Exception, Mode, ModeLine, Policy } from './policy-schema.ts';
import type { Action, Risk, Target } from './remediation.ts';
import type { Response } from './response.ts';
import { targetFromArn, targetKey } from './targets.ts';

const DEFAULT_MODE: Readonly<Record<Risk, Mode>> = {
  safe: 'automatic',
  disruptive: 'approval',
  destructive: 'approval',
};

/** A place in the policy: the keys and indexes that lead there. */
export type Where = readonly (string | number)[];

/** What the selectors of a line are compared with. */
export interface Case {
  readonly remediation: string;
  readonly account: string;
  readonly severity: Severity;
}

export const caseOf = (remediation: string, { account }: Pick<Target, 'account'>, { severity }: Finding): Case => ({
  remediation,
  account,
  severity,
});

/** Whether a selector (an id, `worker.*` or `*`) takes a remediation, or all that another selector takes. */
export const takes = (selector: string, remediation: string): boolean =>
  selector === remediation || (selector.endsWith('*') && remediation.startsWith(selector.slice(0, -1)));

/** Whether a unit is another, or below it. */
export const within = (unit: string | undefined, above: string): boolean =>
  unit === above || (unit?.startsWith(`${above}/`) ?? false);

/** What lines of several sections have in common. */
type Selectors = Pick<ModeLine, 'remediation' | 'account' | 'unit'>;

export const concerns = (policy: Policy, line: Selectors, { remediation, account }: Case): boolean =>
  takes(line.remediation, remediation) &&
  (line.account === undefined || line.account === account) &&
  (line.unit === undefined || within(policy.accounts[account]?.unit, line.unit));

export interface Ruling {
  readonly mode: Mode;
  readonly because: string;
  /** The place that says so; none: the remediation itself does. */
  readonly where?: Where;
  /** Where it is automatic: the tags that turn it into approval. */
  readonly unless?: readonly {
    readonly tag: NonNullable<ModeLine['tag']>;
    readonly because: string;
    readonly where: Where;
  }[];
}

/**
 * The mode of a remediation, and where that is said.
 * @param about the case in question; without one, only lines that hold in every case count
 */
export function modeOf(policy: Policy, action: Pick<Action, 'id' | 'risk' | 'undo'>, about?: Case): Ruling {
  const lines = policy.modes.map((line, index) => ({ ...line, where: ['modes', index], because: said(line) }));
  const matching = lines.filter((line) =>
    about
      ? concerns(policy, line, about) && (!line.severity || atLeast(about.severity, line.severity))
      : takes(line.remediation, action.id) && !line.account && !line.unit && !line.severity,
  );
  const first = matching.findIndex(({ tag }) => !tag);
  const ruling: Ruling = matching[first] ?? byRemediation(policy, action);
  if (action.undo === 'irreversible' && ruling.mode !== 'observe')
    return { mode: 'approval', because: 'it cannot be undone' };
  const { mode, because, where } = ruling;
  const unless = matching
    .slice(0, first < 0 ? undefined : first)
    .flatMap(({ tag, because, where }) => (tag ? [{ tag, because, where }] : []));
  return { mode, because, ...(where && { where }), ...(mode === 'automatic' && unless.length > 0 && { unless }) };
}

function byRemediation(policy: Policy, { id, risk }: Pick<Action, 'id' | 'risk'>): Ruling {
  const mode = policy.remediations[id]?.mode;
  return mode
    ? { mode, because: `response-policy.yml sets ${id} to ${mode}`, where: ['remediations', id, 'mode'] }
    : { mode: DEFAULT_MODE[risk], because: `it is ${risk}` };
}

function said({ remediation, account, unit, severity, tag, mode }: ModeLine): string {
  const parts = [
    remediation === '*' ? 'everything' : remediation,
    account && `in account ${account}`,
    unit && `in ${unit}`,
    severity && `from ${severity} on`,
    tag && `tagged ${tag.key}=${tag.value}`,
  ];
  return `response-policy.yml sets ${parts.filter(Boolean).join(' ')} to ${mode}`;
}

/**
 * The parameters of a remediation: what a simulation's finding wants, what the policy sets, the schema's defaults for the rest.
 * Throws on any it does not know.
 */
export const parametersOf = <P>(
  policy: Policy,
  action: Pick<Action<never, P>, 'id' | 'parameters'>,
  { judgedBy }: Pick<Finding, 'judgedBy'> = {},
): P => z.parse(action.parameters, { ...policy.remediations[action.id]?.parameters, ...judgedBy?.[action.id] });

/** What a remediation may change by itself: its own budget, and what that does not say is as for all. */
export const budgetOf = (policy: Policy, remediation: string): Budget => ({
  ...policy.budget,
  ...policy.remediations[remediation]?.budget,
});

/** The exception that covers a target on a day, if one does. */
export function exceptionFor(policy: Policy, remediation: string, target: Target, now: Date): Exception | undefined {
  const today = now.toISOString().slice(0, 10);
  return policy.exceptions.find(
    (exception) => takes(exception.remediation, remediation) && covers(exception, target) && exception.expires >= today,
  );
}

/** Whether an exception names a target, by whichever ARN either of them writes it: an IAM user's path names nothing more. */
function covers({ resource }: Exception, target: Target): boolean {
  const named = targetFromArn([target.type], resource, target);
  return named !== undefined && targetKey(named) === targetKey(target) && named.partition === target.partition;
}

/** The place of the line that rates a finding higher than its source did, if one does. */
export function promotionOf(policy: Policy, finding: Finding): Where | undefined {
  const index = policy.severities.findIndex(
    ({ source, types }) => source === finding.source && types.includes(finding.type),
  );
  const line = policy.severities[index];
  return line && !atLeast(finding.severity, line.severity) ? ['severities', index] : undefined;
}

/** A finding as the policy rates it: never lower than its source did. What the source said stays in `rated`. */
export function promoted(policy: Policy, finding: Finding): Finding {
  const line = policy.severities[Number(promotionOf(policy, finding)?.[1])];
  if (!line) return finding;
  const { severity, score } = finding;
  return { ...finding, severity: line.severity, score: scoreOf(line.severity), rated: { severity, score } };
}

/** When the time to decide on a plan that waits is over. */
export const approvalEnds = ({ finishedAt }: Pick<Response, 'finishedAt'>, { approvals }: Policy): Date =>
  new Date(Date.parse(finishedAt ?? '') + approvals.expireAfterHours * 3_600_000);
