import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { written } from '../written.ts';
import { allSteps, type Fault, type Fields, type RunbookDocument, type Step } from './document.ts';

/** What a step asks of AWS. */
export interface Calls {
  readonly faults: readonly Omit<Fault, 'where'>[];
  /** IAM's prefix of the service and the API's name of the operation. */
  readonly operations: readonly (readonly [prefix: string, operation: string])[];
}

const SDK = fileURLToPath(new URL('./sdk.py', import.meta.url));
const CALLING = new Set(['aws:executeAwsApi', 'aws:assertAwsResourceProperty', 'aws:waitForAwsResourceProperty']);

/**
 * The calls of all steps of some documents, as the SDK for Python knows them.
 * @throws when there is no Python with the SDK
 */
export function callsOf(documents: readonly RunbookDocument[]): Map<Step, Calls> {
  const steps = documents.flatMap((document) => allSteps(document.steps));
  const calling = steps.filter(({ action }) => CALLING.has(action));
  const scripts = steps.filter(isPython);
  const asked = {
    calls: calling.map(({ inputs: { Service, Api, PropertySelector: _, DesiredValues: __, ...input } }) => ({
      service: written(Service),
      operation: written(Api),
      input,
    })),
    scripts: scripts.map(({ inputs }) => ({ source: written(inputs.Script), handler: written(inputs.Handler) })),
  };
  const { stdout, stderr, status, error } = spawnSync(process.env.FIREBREAK_PYTHON ?? 'python3', [SDK], {
    input: JSON.stringify(asked),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${SDK} failed: ${error?.message ?? stderr}`);
  const answer: { calls: Calls[]; scripts: Calls[] } = JSON.parse(stdout);
  const none: Calls = { faults: [], operations: [] };
  return new Map([
    ...calling.map((step, index) => [step, answer.calls[index] ?? none] as const),
    ...scripts.map((step, index) => [step, answer.scripts[index] ?? none] as const),
  ]);
}

const isPython = ({ action, inputs }: Step): boolean =>
  action === 'aws:executeScript' && written(inputs.Runtime).startsWith('python');

type Actions = Readonly<Record<string, { actions?: Readonly<Record<string, { access: string }>> }>>;
type Operations = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
const folder = new URL('../../local/aws/', import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const known = read('iam_actions.json') as Actions;
const otherwise = read('iam_operations.json') as Operations;

/** The IAM actions that an operation needs. */
export const actionsFor = ([prefix, operation]: Calls['operations'][number]): readonly string[] =>
  otherwise[prefix]?.[operation] ?? [`${prefix}:${operation}`];

/** True unless IAM's reference says that the action only reads. */
export function changes(action: string): boolean {
  const [prefix = '', name = ''] = action.split(':');
  return !/^(Read|List)$/.test(known[prefix]?.actions?.[name]?.access ?? '');
}

/** Actions that change something, but nothing that a runbook is about: they store what it found. */
export const KEEPS_EVIDENCE = new Set(['s3:PutObject']);

/** Actions of Automation that change something by themselves. */
const CHANGING = new Set([
  'aws:changeInstanceState',
  'aws:copyImage',
  'aws:createImage',
  'aws:createStack',
  'aws:createTags',
  'aws:deleteImage',
  'aws:deleteStack',
  'aws:executeAutomation',
  'aws:executeStateMachine',
  'aws:runCommand',
  'aws:runInstances',
]);

/** True when a step, or what a loop repeats, changes what the runbook is about. */
export const isChanging = (step: Step, calls: ReadonlyMap<Step, Calls>): boolean =>
  CHANGING.has(step.action) ||
  orders(step.inputs, step.action) ||
  (calls.get(step)?.operations ?? []).flatMap(actionsFor).some((name) => changes(name) && !KEEPS_EVIDENCE.has(name)) ||
  step.steps.some((each) => isChanging(each, calls));

/** Whether it has a Lambda function change something: one that is asked for a plan, or how it went, does not. */
const orders = ({ InputPayload, Payload }: Fields, action: string): boolean =>
  isFunction(action) &&
  !/"do\\?":\\?"(plan|deny|verify|result)\\?"/.test(JSON.stringify(InputPayload ?? Payload ?? ''));

/** True for steps that leave it to a Lambda function what is to be done. */
export const isFunction = (action: string): boolean => action === 'aws:invokeLambdaFunction';
