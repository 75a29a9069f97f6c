import * as z from 'zod/mini';
import { FLUSH, QUARANTINE } from '../../engine/own-groups.ts';
import { changes, equal, type State } from '../../engine/state.ts';

/** The part that says which volumes have an evidence snapshot of this response. */
export const EVIDENCE = 'evidence';
/** The part that says which of our groups the VPC has. */
export const GROUPS = 'groups';
export const BOTH_GROUPS: readonly string[] = [FLUSH, QUARANTINE];
/** Begins the name of the part that has the security groups of a network interface: ours by name, others by id. */
const INTERFACE = 'interface/';

/** Parts are written in the order of their names, by one session each where one is not enough: the evidence is the first. */
export const isolationState = z.record(
  z.string().check(z.regex(/^(evidence|groups|interface\/eni-[0-9a-f]{8,17})$/)),
  z.array(z.string().check(z.regex(/^(firebreak-quarantine|firebreak-flush|(sg|vol)-[0-9a-f]{8,17})$/))),
);
export type IsolationState = z.infer<typeof isolationState>;

/** One interface whose groups change. */
export interface Swap {
  readonly interface: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export const partOf = (networkInterface: string): string => `${INTERFACE}${networkInterface}`;

export const inQuarantine = (groups: readonly string[]): boolean => equal(groups, [QUARANTINE]);

/** The interfaces' parts of a state: security groups by part. */
const interfaces = (state: IsolationState): [string, string[]][] =>
  Object.entries(state).filter(([part]) => part.startsWith(INTERFACE));

/** The state with evidence of these volumes, both our groups, and each interface in quarantine. */
export const isolated = (state: IsolationState, volumes: readonly string[]): IsolationState => ({
  [EVIDENCE]: [...volumes],
  [GROUPS]: [...BOTH_GROUPS],
  ...Object.fromEntries(interfaces(state).map(([part]) => [part, [QUARANTINE]])),
});

export const isIsolated = (state: IsolationState): boolean =>
  interfaces(state).every(([, groups]) => inQuarantine(groups));

/** An interface is in the flush group, open to everybody: a response was interrupted, and nothing may hold up the next. */
export const isOpen = (state: IsolationState): boolean =>
  interfaces(state).some(([, groups]) => groups.includes(FLUSH));

/** All groups that a state names by id. */
export const foreignGroups = (state: IsolationState): string[] => [
  ...new Set(interfaces(state).flatMap(([, groups]) => groups.filter((group) => group.startsWith('sg-')))),
];

/** The interfaces that have other groups in `to`; none for one that is no longer attached. */
export const swaps = (from: State, to: State): Swap[] =>
  changes(from, to).flatMap(({ part, from: before, to: after }) =>
    part.startsWith(INTERFACE) && Array.isArray(before) && Array.isArray(after)
      ? [{ interface: part.slice(INTERFACE.length), from: before, to: after }]
      : [],
  );
