import { written } from '../written.ts';
import { type Fault, type Fields, fieldsOf, listOf, type Step } from './document.ts';

/** Where an execution may go after a step; without `to` it ends, or the loop's turn does. */
export interface Way {
  readonly to?: string;
  /** The step did what it should, so that its outputs are there. */
  readonly done: boolean;
  /** Of aws:branch: the choices that do not hold, and then the one that does, if it is not the default. */
  readonly passed?: readonly Fields[];
  readonly taken?: Fields;
}

const isTrue = (value: unknown): boolean => value === true || value === 'true';
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The step that `onFailure` or `onCancel` goes to. */
const stepIn = (value: unknown): string | undefined => /^step:(.*)$/s.exec(text(value) ?? '')?.[1];

/**
 * Where it may go after each step.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
 */
export const waysOf = (steps: readonly Step[]): Map<string, readonly Way[]> =>
  new Map(steps.map((step, index) => [step.name, waysFrom(step, steps[index + 1]?.name)]));

function waysFrom({ action, inputs, fields, steps }: Step, following: string | undefined): Way[] {
  const end = isTrue(fields.isEnd);
  const onward = end ? undefined : (text(fields.nextStep) ?? following);
  const failed: Way[] = [fields.onCancel, fields.onFailure, ...steps.map((step) => step.fields.onFailure)]
    .map(stepIn)
    .filter((to) => to !== undefined && !steps.some(({ name }) => name === to))
    .map((to) => ({ ...(to !== undefined && { to }), done: false }));
  const goesOn = fields.onFailure === 'Continue' && onward !== undefined ? [{ to: onward, done: false }] : [];
  if (action !== 'aws:branch')
    return [{ ...(onward !== undefined && { to: onward }), done: true }, ...failed, ...goesOn];
  const choices = listOf(inputs.Choices).map(fieldsOf);
  const otherwise = text(inputs.Default) ?? onward;
  return [
    ...choices.map((taken, index) => {
      const to = text(taken.NextStep);
      return { ...(to !== undefined && { to }), done: true, passed: choices.slice(0, index), taken };
    }),
    { ...(otherwise !== undefined && { to: otherwise }), done: true, passed: choices },
    ...failed,
    ...goesOn,
  ];
}

/** Targets that do not exist, steps that nothing leads to, circles, and names that are there twice. */
export function flowFaults(steps: readonly Step[], outer: readonly string[] = []): Fault[] {
  const names = steps.map(({ name }) => name);
  const known = new Set([...names, ...outer]);
  const ways = waysOf(steps);
  const faults: Fault[] = steps.flatMap((step) => [
    ...[...new Set(ways.get(step.name)?.map(({ to }) => to))]
      .filter((to) => to !== undefined && !known.has(to))
      .map((to) => ({
        where: step.name,
        wrong: `it leads to ${to}, which is not there`,
        write: `one of ${[...known].filter((name) => name !== step.name).join(', ') || 'the steps'}`,
      })),
    ...(isTrue(step.fields.isEnd) && step.fields.nextStep !== undefined
      ? [{ where: step.name, wrong: 'it ends, and has a nextStep', write: 'isEnd or nextStep' }]
      : []),
  ]);
  const reached = reachable(steps);
  for (const [index, { name }] of steps.entries()) {
    if (names.indexOf(name) === index && !reached.has(name)) {
      faults.push({ where: name, wrong: 'nothing leads to it', write: 'its name as the nextStep of another' });
    }
  }
  const circle = circleIn(steps);
  if (circle) {
    faults.push({
      where: circle[0] ?? '',
      wrong: `it goes round: ${[...circle, circle[0]].join(' -> ')}`,
      write: 'an aws:loop, or a way that ends',
    });
  }
  return [...faults, ...steps.flatMap((step) => flowFaults(step.steps, names))];
}

/** The steps that an execution may come to from the first, by the ways that `open` leaves. */
export function reachable(steps: readonly Step[], open: (way: Way, from: Step) => boolean = () => true): Set<string> {
  const ways = waysOf(steps);
  const byName = new Map(steps.map((step) => [step.name, step]));
  const reached = new Set<string>();
  const next = steps.slice(0, 1);
  for (let step = next.pop(); step; step = next.pop()) {
    if (reached.has(step.name)) continue;
    reached.add(step.name);
    for (const way of ways.get(step.name) ?? []) {
      const target = way.to === undefined ? undefined : byName.get(way.to);
      if (target && open(way, step)) next.push(target);
    }
  }
  return reached;
}

/** AWS refuses a runbook that may go round. */
function circleIn(steps: readonly Step[]): string[] | undefined {
  const ways = waysOf(steps);
  const finished = new Set<string>();
  for (const { name } of steps) {
    const path: string[] = [];
    const rest: { name: string; left: boolean }[] = [{ name, left: false }];
    for (let at = rest.pop(); at; at = rest.pop()) {
      if (at.left) {
        finished.add(at.name);
        path.pop();
      } else if (path.includes(at.name)) return path.slice(path.indexOf(at.name));
      else if (!finished.has(at.name)) {
        path.push(at.name);
        rest.push({ name: at.name, left: true });
        for (const { to } of ways.get(at.name) ?? []) {
          if (to !== undefined && ways.has(to)) rest.push({ name: to, left: false });
        }
      }
    }
  }
  return undefined;
}

/**
 * For each step, the steps that have been done whichever way led to it.
 * @param before those done before the first
 */
export function doneBefore(steps: readonly Step[], before: ReadonlySet<string> = new Set()): Map<string, Set<string>> {
  const ways = waysOf(steps);
  const [first] = steps;
  const done = new Map<string, Set<string>>(first ? [[first.name, new Set(before)]] : []);
  // What is known only shrinks, so this ends.
  for (let changed = true; changed; ) {
    changed = false;
    for (const { name } of steps) {
      const here = done.get(name);
      if (!here) continue;
      for (const way of ways.get(name) ?? []) {
        if (way.to === undefined || !ways.has(way.to)) continue;
        const after = way.done ? new Set([...here, name]) : here;
        const known = done.get(way.to);
        const both = known ? common(known, after) : new Set(after);
        if (!known || both.size < known.size) {
          done.set(way.to, both);
          changed = true;
        }
      }
    }
  }
  return done;
}

/**
 * Whether a condition of aws:branch holds, given values of parameters.
 * @returns undefined when that depends on something else
 */
export function holds(condition: Fields, known: Readonly<Record<string, string>>): boolean | undefined {
  if (Array.isArray(condition.And)) return every(condition.And.map((part) => holds(fieldsOf(part), known)));
  if (Array.isArray(condition.Or)) {
    const none = every(condition.Or.map((part) => not(holds(fieldsOf(part), known))));
    return not(none);
  }
  if (condition.Not !== undefined) return not(holds(fieldsOf(condition.Not), known));
  const parameter = /^\{\{\s*(\w+)\s*\}\}$/.exec(text(condition.Variable) ?? '')?.[1];
  if (parameter === undefined || !Object.hasOwn(known, parameter)) return undefined;
  const value = known[parameter] ?? '';
  if (condition.StringEquals !== undefined) return value === condition.StringEquals;
  if (condition.EqualsIgnoreCase !== undefined) {
    return value.toLowerCase() === written(condition.EqualsIgnoreCase).toLowerCase();
  }
  if (condition.BooleanEquals !== undefined) return isTrue(value) === isTrue(condition.BooleanEquals);
  return undefined;
}

const not = (value: boolean | undefined): boolean | undefined => (value === undefined ? undefined : !value);
const every = (values: readonly (boolean | undefined)[]): boolean | undefined =>
  values.includes(false) ? false : values.includes(undefined) ? undefined : true;

/** The steps that an execution with these parameters may come to; past a step of `stop` only when that fails. */
export const reachableWith = (
  steps: readonly Step[],
  known: Readonly<Record<string, string>>,
  stop: (step: Step) => boolean = () => false,
): Set<string> =>
  reachable(
    steps,
    ({ passed = [], taken, done }, from) =>
      !(done && stop(from)) &&
      (taken === undefined || holds(taken, known) !== false) &&
      passed.every((choice) => holds(choice, known) !== true),
  );

/** What is in both. */
export const common = <T>(one: ReadonlySet<T>, other: ReadonlySet<T>): Set<T> =>
  new Set([...one].filter((each) => other.has(each)));
