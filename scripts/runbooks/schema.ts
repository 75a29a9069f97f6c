import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ErrorObject } from 'ajv';
import { nearest } from '../policy/nearest.ts';
import { written } from '../written.ts';
import { allSteps, type Fault, type Fields, fieldsOf, isFields, listOf, type RunbookDocument } from './document.ts';

/** What the published schema has of a step and of a parameter. */
interface Published {
  $schema?: string;
  $defs?: Record<string, object>;
  properties: {
    parameters: { patternProperties: { '^.*$': { properties: { type: object } } } };
    variables?: object;
    mainSteps: { items: PublishedStep | { $ref: string }; minItems?: number };
  };
}
interface PublishedStep {
  properties: { action: { enum: string[] }; name: object; onFailure: object; onCancel?: object };
  allOf: { if: { properties: { action: { const: string } } }; then: { properties?: { inputs: object } } }[];
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeScript.html */
const RUNTIMES = ['python3.10', 'python3.11', 'python3.12', 'PowerShell 7.4'];
const STEP_NAME = '^[A-Za-z0-9_]{1,128}$';

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html */
const OPERATORS = {
  ...Object.fromEntries(['StringEquals', 'EqualsIgnoreCase', 'StartsWith', 'EndsWith', 'Contains'].map(text)),
  ...Object.fromEntries(['Equals', 'Greater', 'Lesser', 'GreaterOrEquals', 'LesserOrEquals'].map(numeric)),
  BooleanEquals: { type: ['boolean', 'string'] },
};
function text(operator: string): [string, object] {
  return [operator, { type: 'string' }];
}
function numeric(operator: string): [string, object] {
  return [`Numeric${operator}`, { type: ['number', 'string'] }];
}
/** A condition: a comparison of a variable, or And, Or or Not of conditions. */
const CONDITION = {
  type: 'object',
  properties: {
    NextStep: { type: 'string' },
    Variable: { type: 'string' },
    And: { type: 'array', minItems: 1, items: { $ref: '#/$defs/condition' } },
    Or: { type: 'array', minItems: 1, items: { $ref: '#/$defs/condition' } },
    Not: { $ref: '#/$defs/condition' },
    ...OPERATORS,
  },
  additionalProperties: false,
};
const INPUTS: Readonly<Record<string, object>> = {
  'aws:branch': {
    required: ['Choices'],
    properties: {
      Choices: {
        type: 'array',
        minItems: 1,
        items: { allOf: [{ $ref: '#/$defs/condition' }, { required: ['NextStep'] }] },
      },
      Default: { type: 'string' },
    },
    additionalProperties: false,
  },
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-loop.html
  'aws:loop': {
    required: ['Steps'],
    properties: {
      Steps: { type: 'array', minItems: 1, items: { $ref: '#/$defs/step' } },
      Iterators: {},
      IteratorDataType: { enum: ['Boolean', 'Integer', 'String', 'StringMap'] },
      LoopCondition: { $ref: '#/$defs/condition' },
      MaxIterations: { type: ['integer', 'string'], minimum: 1, maximum: 100 },
    },
    additionalProperties: false,
    oneOf: [{ required: ['Iterators'] }, { required: ['LoopCondition'] }],
  },
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-update-variable.html
  'aws:updateVariable': {
    required: ['Name', 'Value'],
    properties: { Name: { type: 'string', pattern: '^variable:\\w+$' }, Value: {} },
    additionalProperties: false,
  },
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/invoke-webhook.html
  'aws:invokeWebhook': {
    required: ['IntegrationName'],
    properties: { IntegrationName: { type: 'string' }, Body: { type: 'string' } },
    additionalProperties: false,
  },
  'aws:executeScript': {
    required: ['Runtime', 'Handler', 'Script'],
    properties: {
      Runtime: { enum: RUNTIMES },
      Handler: { type: 'string' },
      InputPayload: { type: ['string', 'object'] },
      Script: { type: 'string' },
    },
    additionalProperties: false,
  },
};

/** The published schema knows what AWS took years ago; this is what it takes now. */
function widened(): Published {
  const file = createRequire(import.meta.url).resolve('aws-ssm-document-language-service/dist/schema.json');
  const schema: Published = JSON.parse(readFileSync(file, 'utf8'));
  delete schema.$schema;
  const { parameters, mainSteps } = schema.properties;
  const parameter = parameters.patternProperties['^.*$'];
  parameter.properties.type = {
    type: 'string',
    pattern: '^(String|StringList|Boolean|Integer|MapList|StringMap|(AWS::[A-Za-z0-9:]+|List<AWS::[A-Za-z0-9:]+>))$',
  };
  schema.properties.variables = { type: 'object', additionalProperties: parameter };
  const step = mainSteps.items as PublishedStep;
  step.properties.name = { type: 'string', pattern: STEP_NAME };
  step.properties.onFailure = { type: 'string', pattern: '^(Abort|Continue|step:\\w+)$' };
  step.properties.onCancel = { type: 'string', pattern: '^(Abort|step:\\w+)$' };
  step.properties.action.enum.push('aws:invokeWebhook', 'aws:loop', 'aws:updateVariable');
  for (const {
    if: { properties },
  } of step.allOf) {
    // Misspelt there, so that it meant no action.
    if (properties.action.const === 'aws:waitForAwsResourceProperties')
      properties.action.const = 'aws:waitForAwsResourceProperty';
  }
  const [like, ...others] = step.allOf.filter(
    ({ if: { properties } }) => !Object.hasOwn(INPUTS, properties.action.const),
  );
  if (!like) throw new Error('the published schema knows no inputs');
  step.allOf = [like, ...others, ...Object.entries(INPUTS).map(([action, inputs]) => inputsOf(action, inputs, like))];
  schema.$defs = { step, condition: CONDITION };
  mainSteps.items = { $ref: '#/$defs/step' };
  mainSteps.minItems = 1;
  return schema;
}

/** The part of the schema about the inputs of an action, made after another. */
function inputsOf(
  action: string,
  inputs: object,
  like: PublishedStep['allOf'][number],
): PublishedStep['allOf'][number] {
  const own = structuredClone(like);
  own.if.properties.action.const = action;
  own.then.properties = { inputs };
  return own;
}

const validate = new Ajv({ allErrors: true, strict: false, validateFormats: false, unicodeRegExp: false }).compile(
  widened(),
);

/** What the schema of Automation documents does not take, and conditions that compare nothing or too much. */
export function schemaFaults({ fields, steps }: RunbookDocument): Fault[] {
  const conditions = allSteps(steps).flatMap(({ name, inputs }) =>
    [...listOf(inputs.Choices), inputs.LoopCondition].filter(isFields).flatMap((each) => conditionFaults(name, each)),
  );
  if (validate(fields)) return conditions;
  return [
    ...conditions,
    ...(validate.errors ?? []).filter(({ keyword }) => keyword !== 'if').map((error) => faultOf(error, fields)),
  ];
}

function conditionFaults(where: string, { NextStep: _, ...condition }: Fields): Fault[] {
  const { Variable, And, Or, Not } = condition;
  const said = Object.keys(condition).length;
  if (Variable !== undefined ? said === 2 : said === 1 && [And, Or, Not].some((part) => part !== undefined)) {
    return [...listOf(And), ...listOf(Or), Not].filter(isFields).flatMap((part) => conditionFaults(where, part));
  }
  const wrong = `the condition ${JSON.stringify(condition)} is no comparison`;
  return [{ where, wrong, write: 'a Variable and one operator, or one of And, Or and Not' }];
}

function faultOf({ instancePath, keyword, params, message = '', parentSchema }: ErrorObject, document: Fields): Fault {
  const path = instancePath.split('/').slice(1).map(unescaped);
  const { where, within } = placeOf(path, document);
  const at = within.length > 0 ? `${within.join('.')} ` : '';
  const said = (wrong: string, write: string): Fault => ({ where, wrong: `${at}${wrong}`, write });
  switch (keyword) {
    case 'required':
      return said(`has no ${params.missingProperty}`, params.missingProperty);
    case 'additionalProperties': {
      const known = Object.keys(fieldsOf((parentSchema as Fields | undefined)?.properties));
      const key: string = params.additionalProperty;
      return said(`${key} is not known`, nearest(key, known) ?? `one of ${known.join(', ')}`);
    }
    case 'enum': {
      const value = written(valueAt(path, document));
      const known: string[] = params.allowedValues;
      return said(`${value} is not known`, nearest(value, known) ?? `one of ${known.join(', ')}`);
    }
    case 'type':
      return said(`is no ${[params.type].flat().join(' or ')}`, `a ${[params.type].flat().join(' or a ')}`);
    case 'pattern':
      return said(`${written(valueAt(path, document))} does not match ${params.pattern}`, 'it as the pattern says');
    default:
      return said(message, 'it so');
  }
}

const unescaped = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');

const valueAt = (path: readonly string[], from: unknown): unknown =>
  path.reduce<unknown>((value, key) => (isFields(value) ? value[key] : listOf(value)[Number(key)]), from);

/** The innermost step on a path, and the keys below it. */
function placeOf(path: readonly string[], document: Fields): { where: string; within: readonly string[] } {
  const last = path.findLastIndex(
    (key, index) => /^\d+$/.test(key) && /^(mainSteps|Steps)$/.test(path[index - 1] ?? ''),
  );
  if (last < 0) return { where: path[0] ?? 'document', within: path.slice(1) };
  const { name } = fieldsOf(valueAt(path.slice(0, last + 1), document));
  return { where: typeof name === 'string' ? name : `step ${Number(path[last]) + 1}`, within: path.slice(last + 1) };
}
