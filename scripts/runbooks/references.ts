import { nearest } from '../policy/nearest.ts';
import { written } from '../written.ts';
import { allSteps, type Fault, type Fields, fieldsOf, listOf, type RunbookDocument, type Step } from './document.ts';
import { common, doneBefore, reachable, waysOf } from './flow.ts';

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html */
const SYSTEM = [
  'automation:EXECUTION_ID',
  'global:ACCOUNT_ID',
  'global:AWS_PARTITION',
  'global:DATE',
  'global:DATE_TIME',
  'global:REGION',
];

/**
 * The outputs that actions have without declaring them.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-outputs-inputs.html
 */
const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  'aws:approve': ['ApprovalStatus', 'ApproverDecisions'],
  'aws:copyImage': ['ImageId', 'ImageState', 'OwnerId'],
  'aws:createImage': ['ImageId', 'ImageState', 'OwnerId'],
  'aws:createStack': ['StackId', 'StackStatus', 'StackStatusReason'],
  'aws:executeAutomation': ['ExecutionId', 'Output', 'Status'],
  'aws:executeScript': ['OutputPayload'],
  'aws:executeStateMachine': ['executionArn', 'input', 'name', 'output', 'startDate', 'status', 'stopDate'],
  'aws:invokeLambdaFunction': ['FunctionError', 'LogResult', 'Payload', 'StatusCode'],
  'aws:invokeWebhook': ['Response', 'ResponseCode'],
  'aws:runCommand': ['CommandId', 'Output', 'ResponseCode', 'Status'],
  'aws:runInstances': ['InstanceIds', 'InstanceStates'],
};
/** What a loop tells its own steps. */
const IN_LOOP = ['CurrentIteratorValue'];

const REFERENCE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** What a value refers to, wherever in it. */
function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(REFERENCE)].map(([, name = '']) => name);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [...referencesIn(key), ...referencesIn(part)]);
}

/** References that lead nowhere: to what is not declared, or to a step that may not have run by then. */
export function referenceFaults(document: RunbookDocument): Fault[] {
  const { fields, parameters, variables, steps } = document;
  const everyStep = new Map(allSteps(steps).map((step) => [step.name, step]));

  const plain = (where: string, name: string): Fault[] => {
    const [scope, ...rest] = name.split(':');
    if (scope === 'variable' && rest.length === 1) {
      if (Object.hasOwn(variables, rest[0] ?? '')) return [];
      return [
        unknown(
          where,
          name,
          Object.keys(variables).map((each) => `variable:${each}`),
        ),
      ];
    }
    if (name.includes(':')) return SYSTEM.includes(name) ? [] : [unknown(where, name, SYSTEM)];
    return Object.hasOwn(parameters, name) ? [] : [unknown(where, name, Object.keys(parameters))];
  };
  const ofStep = (where: string, name: string, done: ReadonlySet<string>, loops: readonly string[]): Fault[] => {
    const [stepName = '', ...rest] = name.split('.');
    const output = rest.join('.');
    const step = everyStep.get(stepName);
    if (!step)
      return [
        unknown(
          where,
          name,
          [...everyStep.keys()].map((each) => `${each}.${output}`),
        ),
      ];
    if (loops.includes(stepName) && IN_LOOP.includes(output)) return [];
    const outputs = [...step.outputs, ...(OUTPUTS[step.action] ?? [])];
    if (!outputs.includes(output))
      return [
        unknown(
          where,
          name,
          outputs.map((each) => `${stepName}.${each}`),
        ),
      ];
    if (done.has(stepName)) return [];
    const wrong = `{{ ${name} }} is not there yet: ${stepName} does not come before it on every way`;
    return [{ where, wrong, write: 'a reference to a step that is always done before' }];
  };
  const inSteps = (list: readonly Step[], before: ReadonlySet<string>, loops: readonly string[]): Fault[] => {
    const done = doneBefore(list, before);
    const reached = reachable(list);
    return list
      .filter(({ name }) => reached.has(name))
      .flatMap((step) => {
        const here = done.get(step.name) ?? before;
        const within = [...loops, step.name];
        const { Steps: _, LoopCondition: condition, ...inputs } = step.inputs;
        const looping = step.action === 'aws:loop';
        const check = (value: unknown, known: ReadonlySet<string>, around: readonly string[]): Fault[] =>
          referencesIn(value).flatMap((name) =>
            name.includes('.') ? ofStep(step.name, name, known, around) : plain(step.name, name),
          );
        const { inputs: all, ...rest } = step.fields;
        return [
          ...check({ ...rest, inputs: looping ? inputs : all }, here, loops),
          ...(looping ? check(condition, atTheEnd(step.steps, here), within) : []),
          ...(looping ? inSteps(step.steps, here, within) : []),
        ];
      });
  };

  const outputs = listOf(fields.outputs).map((output) => written(output).replaceAll(/^\{\{\s*|\s*\}\}$/g, ''));
  return [
    ...referencesIn(fields.assumeRole).flatMap((name) => plain('assumeRole', name)),
    ...inSteps(steps, new Set(), []),
    // An output of a step that did not run is empty, which is no fault.
    ...outputs.flatMap((name) =>
      name.includes('.') ? ofStep('outputs', name, new Set(everyStep.keys()), []) : plain('outputs', name),
    ),
    ...allSteps(steps)
      .filter(({ action }) => action === 'aws:updateVariable')
      .flatMap(({ name, inputs }) => (typeof inputs.Name === 'string' ? plain(name, inputs.Name) : [])),
    ...allSteps(steps).flatMap(inScript),
  ];
}

/** The steps of a loop that are done at the end of each of its turns. */
function atTheEnd(steps: readonly Step[], before: ReadonlySet<string>): ReadonlySet<string> {
  const done = doneBefore(steps, before);
  const ways = waysOf(steps);
  const ends = steps.flatMap(({ name }) =>
    (ways.get(name) ?? [])
      .filter(({ to }) => to === undefined || !ways.has(to))
      .map((way) => new Set([...(done.get(name) ?? []), ...(way.done ? [name] : [])])),
  );
  return ends.reduce((known, end) => common(known, end), ends[0] ?? new Set<string>());
}

/** What is written into a script is code; what a parameter or an output holds may be anybody's text. */
const inScript = ({ name, action, inputs }: Step): Fault[] =>
  action === 'aws:executeScript'
    ? [...new Set(referencesIn(inputs.Script))].map((reference) => ({
        where: name,
        wrong: `{{ ${reference} }} would become code of the script`,
        write: `it into InputPayload, and read it there`,
      }))
    : [];

function unknown(where: string, name: string, known: readonly string[]): Fault {
  const meant = nearest(name, known);
  return {
    where,
    wrong: `{{ ${name} }} refers to nothing`,
    write: meant === undefined ? `one of ${known.join(', ') || 'what is declared'}` : `{{ ${meant} }}`,
  };
}

/** Parameters that nothing refers to. */
export function unused({ fields, parameters, steps }: RunbookDocument): string[] {
  const used = new Set(referencesIn([fields.assumeRole, fields.outputs, fields.variables, steps.map(fieldsIn)]));
  return Object.keys(parameters).filter((name) => !used.has(name));
}
const fieldsIn = ({ fields }: Step): Fields => fieldsOf(fields);
