import { actionsFor, type Calls, isChanging, isFunction } from './calls.ts';
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
const FORWARD = ['Apply', 'Contain', 'Rotate'];

/**
 * What we ask of a runbook beyond what AWS does: whoever starts one without thinking changes nothing, nothing is changed without
 * an approval, and each can be taken back.
 * @param permissions of its role; absent: it is deployed otherwise
 */
export const ownFaults = (
  document: RunbookDocument,
  calls: ReadonlyMap<Step, Calls>,
  permissions?: readonly Allowed[],
): Fault[] => [
  ...inParameters(document),
  ...inFlow(document, (step) => isChanging(step, calls)),
  ...(permissions ? missing(document, calls, [...permissions, EVERY]) : []),
];

function inParameters(document: RunbookDocument): Fault[] {
  const { parameters, steps } = document;
  const { Action, DryRun, Approvers } = parameters;
  const fault = (name: string, wrong: string, write: string): Fault => ({ where: `parameter ${name}`, wrong, write });
  const forward = forwardOf(document);
  const anyText = Object.entries(parameters).filter(
    ([, { type, allowedPattern, allowedValues }]) => type === 'String' && !allowedPattern && !allowedValues,
  );
  // A function reads from the execution itself what it was started with.
  const lost = steps.some(({ action }) => isFunction(action)) ? [] : unused(document);
  return [
    ...(forward && allows(Action, [forward, 'Restore'])
      ? []
      : [fault('Action', 'it does not choose between doing and taking back', `${FORWARD.join(' or ')}, and Restore`)]),
    ...(DryRun?.default === 'true' && DryRun.type === 'String' && allows(DryRun, ['true', 'false'])
      ? []
      : [fault('DryRun', 'it is not on by default', "a String, 'true' or 'false', default 'true'")]),
    ...(Approvers?.type === 'StringList'
      ? []
      : [fault('Approvers', 'nobody says who may approve', 'a StringList of ARNs')]),
    ...anyText.map(([name]) => fault(name, 'any text passes', 'an allowedPattern')),
    ...lost.map((name) => fault(name, 'nothing refers to it', 'what it is for, or leave it out')),
  ];
}

/** What a runbook does when it does not take back, unless its Action does not say. */
const forwardOf = ({ parameters }: RunbookDocument): string | undefined =>
  FORWARD.find((word) => word === parameters.Action?.default);

function inFlow(document: RunbookDocument, changing: (step: Step) => boolean): Fault[] {
  const { steps } = document;
  const forward = forwardOf(document) ?? 'Contain';
  const fault = ({ name }: Step, wrong: string, write: string): Fault => ({ where: name, wrong, write });
  const among = (names: ReadonlySet<string>): Step[] => steps.filter((step) => names.has(step.name) && changing(step));

  // Where a function does it, the function knows whether it is a dry run.
  const inDryRun = [forward, 'Restore'].flatMap((Action) =>
    among(reachableWith(steps, { DryRun: 'true', Action }))
      .filter(({ action }) => !isFunction(action))
      .map((step) =>
        fault(step, `it changes something in a dry run of ${Action}`, 'an aws:branch on {{ DryRun }} before it'),
      ),
  );
  const real = { DryRun: 'false', Action: forward };
  const unasked = among(reachableWith(steps, real, ({ action }) => action === 'aws:approve'));
  const back = among(reachableWith(steps, { DryRun: 'false', Action: 'Restore' }));
  const silent = allSteps(steps)
    .filter(({ action }) => action !== 'aws:loop' && !isFunction(action))
    .filter((step) => changing(step) && [undefined, 'Continue'].includes(step.fields.onFailure as string | undefined));
  return [
    ...inDryRun,
    ...unasked.map((step) => fault(step, 'it changes something without an approval', 'an aws:approve before it')),
    ...(back.length > 0
      ? []
      : [{ where: 'mainSteps', wrong: 'Restore takes nothing back', write: 'an aws:branch on {{ Action }}' }]),
    ...silent.map((step) =>
      fault(
        step,
        'it changes something, and does not say what happens when it fails',
        'onFailure: Abort, or step: and the one that tells',
      ),
    ),
  ];
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
