import { actionsFor, type Calls, isChanging } from './calls.ts';
import { allSteps, type Fault, type Fields, listOf, type RunbookDocument, type Step } from './document.ts';
import { reachableWith } from './flow.ts';
import { unused } from './references.ts';

/** What a role may do, as far as the linter looks. */
export interface Allowed {
  readonly Action: readonly string[];
}

/** What the roles of all runbooks may do beside what is declared for each, as scripts/generate/runbook-stack.ts gives it to them. */
const EVERY: Allowed = { Action: ['s3:GetObject', 's3:ListBucket', 's3:PutObject', 'ssm:GetAutomationExecution'] };

/** Words by which a runbook's Action starts what it is for. */
const FORWARD = ['Contain', 'Rotate'];

/**
 * What we ask of a runbook beyond what AWS does: whoever starts one without thinking changes nothing, nothing is changed without
 * an approval, and each can be taken back.
 * @param permissions of its role; absent: it is deployed otherwise
 */
export function ownFaults(
  document: RunbookDocument,
  calls: ReadonlyMap<Step, Calls>,
  permissions?: readonly Allowed[],
): Fault[] {
  const { parameters, steps } = document;
  const { Action, DryRun, Incident, Approvers } = parameters;
  const forward = FORWARD.find((word) => word === Action?.default);
  const changing = (step: Step): boolean => isChanging(step, calls);
  const among = (names: ReadonlySet<string>): Step[] => steps.filter((step) => names.has(step.name) && changing(step));
  const parameter = (name: string, wrong: string, write: string): Fault => ({
    where: `parameter ${name}`,
    wrong,
    write,
  });
  const faults: Fault[] = [];

  if (!forward || !allows(Action, [forward, 'Restore'])) {
    faults.push(
      parameter('Action', 'it does not choose between doing and taking back', 'Contain (or Rotate) and Restore'),
    );
  }
  if (DryRun?.default !== 'true' || DryRun.type !== 'String' || !allows(DryRun, ['true', 'false'])) {
    faults.push(parameter('DryRun', 'it is not on by default', "a String, 'true' or 'false', default 'true'"));
  }
  if (typeof Incident?.allowedPattern !== 'string') {
    faults.push(parameter('Incident', 'any text passes', 'an allowedPattern'));
  }
  if (Approvers?.type !== 'StringList') {
    faults.push(parameter('Approvers', 'nobody says who may approve', 'a StringList of ARNs'));
  }
  for (const name of unused(document))
    faults.push(parameter(name, 'nothing refers to it', 'what it is for, or leave it out'));

  for (const dryRun of [{ Action: forward ?? FORWARD[0] }, { Action: 'Restore' }]) {
    for (const { name } of among(reachableWith(steps, { DryRun: 'true', Action: String(dryRun.Action) }))) {
      const wrong = `it changes something in a dry run of ${dryRun.Action}`;
      faults.push({ where: name, wrong, write: 'an aws:branch on {{ DryRun }} before it' });
    }
  }
  const approves = ({ action }: Step): boolean => action === 'aws:approve';
  const ways = forward ? [{ DryRun: 'false', Action: forward }] : [{ DryRun: 'false' }];
  for (const known of ways) {
    for (const { name } of among(reachableWith(steps, known, approves))) {
      faults.push({
        where: name,
        wrong: 'it changes something without an approval',
        write: 'an aws:approve before it',
      });
    }
  }
  if (forward && among(reachableWith(steps, { DryRun: 'false', Action: 'Restore' })).length === 0) {
    faults.push({ where: 'mainSteps', wrong: 'Restore takes nothing back', write: 'an aws:branch on {{ Action }}' });
  }
  for (const { name, fields } of allSteps(steps).filter((step) => step.action !== 'aws:loop' && changing(step))) {
    if (fields.onFailure === undefined || fields.onFailure === 'Continue') {
      const wrong = 'it changes something, and does not say what happens when it fails';
      faults.push({ where: name, wrong, write: 'onFailure: Abort, or step: and the one that tells' });
    }
  }
  return permissions ? [...faults, ...missing(document, calls, [...permissions, EVERY])] : faults;
}

const allows = (parameter: Fields | undefined, values: readonly string[]): boolean =>
  values.every((value) => listOf(parameter?.allowedValues).includes(value));

/** Calls that the role may not make. */
function missing(document: RunbookDocument, calls: ReadonlyMap<Step, Calls>, permissions: readonly Allowed[]): Fault[] {
  const patterns = permissions
    .flatMap(({ Action }) => [Action].flat())
    .map((name) => new RegExp(`^${wild(name)}$`, 'i'));
  return allSteps(document.steps).flatMap((step) => {
    const needed = new Set((calls.get(step)?.operations ?? []).flatMap(actionsFor));
    return [...needed]
      .filter((action) => !patterns.some((pattern) => pattern.test(action)))
      .map((action) => ({
        where: step.name,
        wrong: `its role may not ${action}`,
        write: `${action} into runbooks/permissions.yml`,
      }));
  });
}

const wild = (name: string): string =>
  name
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
