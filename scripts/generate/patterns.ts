import type { Source } from '../../engine/findings/finding.ts';
import type { Trigger } from '../../engine/triggers.ts';

/** An EventBridge event pattern, or a part of one. */
export interface Pattern {
  readonly [key: string]: Pattern | readonly unknown[];
}

/** EventBridge takes 2,048 characters; a little less leaves room for the partition's longer service names. */
export const PATTERN_CHARACTERS = 2_000;

/** The Security Hub custom action that sends a finding here has this id. */
export const CUSTOM_ACTION = 'firebreak';

type Sensor = Exclude<Source, 'operator'>;

const EVENT_SOURCE: Readonly<Record<Exclude<Sensor, 'cloudtrail'>, string>> = {
  'access-analyzer': 'aws.access-analyzer',
  guardduty: 'aws.guardduty',
  inspector: 'aws.inspector2',
  macie: 'aws.macie',
  securityhub: 'aws.securityhub',
};

/** From triggers of one source to the fewest patterns of at most `PATTERN_CHARACTERS` each that match the same events. */
export function patternsFor(source: Sensor, triggers: readonly Trigger[]): Pattern[] {
  const eventSources =
    source === 'cloudtrail'
      ? unique(triggers.flatMap(({ types }) => types.map((type) => `aws.${type.slice(0, type.indexOf(':'))}`)))
      : [EVENT_SOURCE[source]];
  const branches = merged(triggers).flatMap((trigger) => branchesOf(source, trigger));
  const groups: Pattern[][] = [[]];
  for (const branch of branches) {
    const last = groups.at(-1) ?? [];
    if (last.length > 0 && lengthOf(combined(eventSources, [...last, branch])) > PATTERN_CHARACTERS)
      groups.push([branch]);
    else last.push(branch);
  }
  return groups.flatMap((group) => halved(eventSources, group));
}

const combined = (eventSources: readonly string[], branches: readonly Pattern[]): Pattern =>
  branches.length === 1 ? { source: eventSources, ...branches[0] } : { source: eventSources, $or: branches };

const lengthOf = (pattern: Pattern): number => JSON.stringify(pattern).length;

/** A branch that is too long by itself has its list of types cut in two until it fits. */
function halved(eventSources: readonly string[], group: readonly Pattern[]): Pattern[] {
  const pattern = combined(eventSources, group);
  if (lengthOf(pattern) <= PATTERN_CHARACTERS) return [pattern];
  const [only] = group;
  if (!only || group.length > 1) throw new Error('a group of branches is longer than EventBridge takes');
  return split(only).flatMap((half) => halved(eventSources, [half]));
}

/** Two patterns that together match what one did: the longest list of plain values, each half once. */
function split(pattern: Pattern): [Pattern, Pattern] {
  const path = longest(pattern);
  const values = path.reduce<unknown>((node, key) => (node as Pattern)[key], pattern) as unknown[];
  if (values.length < 2) throw new Error('an event pattern cannot be made short enough');
  const middle = Math.ceil(values.length / 2);
  return [replaced(pattern, path, values.slice(0, middle)), replaced(pattern, path, values.slice(middle))];
}

function longest(pattern: Pattern, path: readonly string[] = []): readonly string[] {
  let best: { path: readonly string[]; length: number } = { path: [], length: -1 };
  for (const [key, node] of Object.entries(pattern)) {
    const found = Array.isArray(node) ? [...path, key] : longest(node as Pattern, [...path, key]);
    const length = JSON.stringify(
      found.slice(path.length).reduce<unknown>((at, name) => (at as Pattern)[name], pattern),
    ).length;
    if (length > best.length) best = { path: found, length };
  }
  return best.path;
}

function replaced(pattern: Pattern, [key = '', ...rest]: readonly string[], value: readonly unknown[]): Pattern {
  return { ...pattern, [key]: rest.length === 0 ? value : replaced(pattern[key] as Pattern, rest, value) };
}

/** Triggers that ask for the same in other types become one with all their types. */
function merged(triggers: readonly Trigger[]): Trigger[] {
  const groups = new Map<string, Trigger>();
  for (const trigger of triggers) {
    const { types, ...rest } = trigger;
    const service = trigger.source === 'cloudtrail' ? types[0]?.slice(0, types[0].indexOf(':')) : '';
    const key = JSON.stringify([service, rest]);
    groups.set(key, { ...trigger, types: unique([...(groups.get(key)?.types ?? []), ...types]) });
  }
  return [...groups.values()];
}

function branchesOf(source: Sensor, { types, role, detail }: Trigger): Pattern[] {
  switch (source) {
    case 'securityhub':
      return [
        {
          'detail-type': ['Security Hub Findings - Imported'],
          detail: {
            findings: {
              ProductArn: [{ suffix: '::product/aws/securityhub' }],
              Compliance: { SecurityControlId: types, Status: ['FAILED'] },
              RecordState: ['ACTIVE'],
              Workflow: { Status: ['NEW', 'NOTIFIED'] },
            },
          },
        },
        {
          'detail-type': ['Security Hub Findings - Custom Action'],
          resources: [{ suffix: `:action/custom/${CUSTOM_ACTION}` }],
          detail: {
            findings: {
              ProductArn: [{ suffix: '::product/aws/securityhub' }],
              Compliance: { SecurityControlId: types },
            },
          },
        },
        {
          'detail-type': ['Findings Imported V2'],
          detail: {
            findings: {
              class_uid: [2003],
              compliance: { control: types, status: ['Fail'] },
              metadata: { product: { uid: [{ suffix: '::productv2/aws/securityhub' }] } },
              status: ['New', 'In Progress'],
            },
          },
        },
      ];
    case 'guardduty':
      return [
        {
          'detail-type': ['GuardDuty Finding'],
          detail: {
            type: types,
            service: { archived: [false], ...(role === 'actor' && { resourceRole: ['ACTOR'] }) },
            ...(detail as Pattern | undefined),
          },
        },
      ];
    case 'macie':
      return [{ 'detail-type': ['Macie Finding'], detail: { type: types, archived: [false] } }];
    case 'inspector':
      return [{ 'detail-type': ['Inspector2 Finding'], detail: { type: types, status: ['ACTIVE'] } }];
    case 'access-analyzer':
      return [
        {
          'detail-type': ['Access Analyzer Finding'],
          detail: { resourceType: types, status: ['ACTIVE'], isDeleted: [false], error: [{ exists: false }] },
        },
      ];
    case 'cloudtrail': {
      const service = types[0]?.slice(0, types[0].indexOf(':'));
      return [
        {
          'detail-type': ['AWS API Call via CloudTrail'],
          detail: {
            eventSource: [`${service}.amazonaws.com`],
            eventName: types.map((type) => type.slice(type.indexOf(':') + 1)),
            errorCode: [{ exists: false }],
            ...(detail as Pattern | undefined),
          },
        },
      ];
    }
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort();
