import { isFact, isUndoInVain, standsAt } from '../facts.ts';
import type { Severity } from '../findings/finding.ts';
import { atLeast } from '../findings/severity.ts';
import { principalOf } from '../principals.ts';
import type { Outcome, Response } from '../response.ts';
import { type Entry, type Incident, LONGEST_TITLE, type State } from './incident.ts';
import { RECORDED } from './outcomes.ts';

/** A response that ended, and what is known beside it. */
export interface Telling {
  readonly response: Response & { readonly outcome: Outcome; readonly finishedAt: string };
  /** Of its remediation. */
  readonly title: string;
  /** ARNs that it is about: the resource first, then who did what the finding tells. */
  readonly subjects: readonly string[];
  readonly playbooks: readonly string[];
  /** The simulation's run that made the resource. */
  readonly simulation?: string;
}

/** How a resource is, as the last response to it says. */
export interface Standing {
  readonly response: string;
  readonly outcome: Outcome;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** An incident, and what is counted for it. */
export interface Head {
  readonly incident: Incident;
  /** Resources of which the last outcome is not good. */
  readonly amiss: number;
  /** Entries of its timeline. */
  readonly entries: number;
  /** True when a person said how severe it is. */
  readonly rated?: true;
}

/** What comes of a telling, or of a person's word: all of it, or nothing, is written. */
export interface Step {
  readonly head: Head;
  /** What is added to the timeline. */
  readonly entries: readonly Entry[];
  /** What the resource of a response stands at now, where that is new. */
  readonly standing?: Standing;
}

/** What a person says of an incident. */
export type Word =
  | { readonly what: 'note'; readonly detail: string }
  | { readonly what: 'state'; readonly state: Exclude<State, 'open'>; readonly reason?: string | undefined }
  | { readonly what: 'owner'; readonly owner: string }
  | { readonly what: 'severity'; readonly severity: Severity; readonly reason?: string | undefined };

/** What a person opens. */
export interface Opening {
  readonly title: string;
  readonly severity: Severity;
  readonly account: string;
  readonly region: string;
  /** ARNs. */
  readonly subjects: readonly string[];
  readonly playbooks: readonly string[];
}

export const FIREBREAK = 'firebreak';

/** Subjects that an incident names: a register takes no more. Those beyond lead to it all the same. */
const MOST_SUBJECTS = 100;
/** The ledger has the reason whole. */
const LONGEST_DETAIL = 1_000;

/** Outcomes with which nothing is left to do. */
const GOOD: ReadonlySet<Outcome> = new Set(['verified', 'compliant', 'gone']);

/** The subjects that an incident names: who did something before what it was done to. */
const named = (subjects: readonly string[]): readonly string[] =>
  [...new Set(subjects)]
    .sort((one, other) => Number(principalOf(other) !== undefined) - Number(principalOf(one) !== undefined))
    .slice(0, MOST_SUBJECTS);

/** True until a person has ended it. */
export const isLive = ({ state }: Pick<Incident, 'state'>): boolean => state === 'open' || state === 'contained';

/**
 * What a resource stands at after a response. Undefined: as before. What was decided on a plan counts against a fact only when the
 * response began after it: a plan that expires says nothing about what another response fixed meanwhile.
 */
export function standingAfter(last: Standing | undefined, { response }: Telling): Standing | undefined {
  const { id, outcome, startedAt, finishedAt } = response;
  if (isUndoInVain(response)) return undefined;
  const counts =
    last === undefined ||
    (finishedAt >= last.at &&
      (id === last.response || isFact(outcome) || !isFact(last.outcome) || startedAt > last.at));
  if (!counts) return undefined;
  return { response: id, outcome: standsAt(response, last), at: finishedAt };
}

/** An incident that a response opens. */
export function opened(id: string, telling: Telling): Step {
  const { response, subjects, playbooks, simulation } = telling;
  const { outcome, finishedAt: at, target, finding } = response;
  const incident: Incident = {
    id,
    title: finding.title.slice(0, LONGEST_TITLE),
    severity: finding.severity,
    state: 'open',
    account: target.account,
    region: target.region,
    subjects: named(subjects),
    playbooks,
    ...(simulation !== undefined && { simulation }),
    openedAt: at,
    changedAt: at,
  };
  const first: Entry = { at, by: FIREBREAK, what: 'opened', detail: RECORDED[outcome].because };
  return told({ incident, amiss: 0, entries: 0 }, telling, undefined, [first]);
}

/** An incident to which a response is joined. */
export function joined(head: Head, telling: Telling, last: Standing | undefined): Step {
  const { incident, rated } = head;
  const { response, subjects, playbooks } = telling;
  const { severity } = response.finding;
  const isGraver = !rated && !atLeast(incident.severity, severity);
  const at = response.finishedAt;
  const graver: Entry = { at, by: FIREBREAK, what: 'severity', detail: `${severity}: so is what was joined` };
  const known: Incident = {
    ...incident,
    ...(isGraver && { severity }),
    subjects: named([...incident.subjects, ...subjects]),
    playbooks: [...new Set([...incident.playbooks, ...playbooks])],
  };
  return told({ ...head, incident: known }, telling, last, isGraver ? [graver] : []);
}

/** An ended incident in which only the timeline tells what came of one of its responses. */
export const noted = (head: Head, telling: Telling): Step => ({
  head: { ...head, incident: later(head.incident, telling.response.finishedAt), entries: head.entries + 1 },
  entries: [entryOf(telling)],
});

/** @param before entries that come before the response's own */
function told(head: Head, telling: Telling, last: Standing | undefined, before: readonly Entry[]): Step {
  const { finishedAt: at } = telling.response;
  const standing = standingAfter(last, telling);
  const amiss = head.amiss + (standing ? isAmiss(standing) - isAmiss(last) : 0);
  const { state } = head.incident;
  // Only what was amiss is contained: what a person opened by hand stays open when something good is joined to it, and so does what
  // an undo opened that says nothing of the resource.
  const isContained =
    state === 'open' && amiss === 0 && (head.amiss > 0 || (head.entries === 0 && standing !== undefined));
  const isOpenAgain = state === 'contained' && standing !== undefined && isWrong(standing.outcome);
  const turn = isContained ? CONTAINED : isOpenAgain ? OPEN_AGAIN : undefined;
  const entries = [...before, entryOf(telling), ...(turn ? [{ at, by: FIREBREAK, ...turn.entry }] : [])];
  return {
    head: {
      ...head,
      incident: later({ ...head.incident, ...(turn && { state: turn.state }) }, at),
      amiss,
      entries: head.entries + entries.length,
    },
    entries,
    ...(standing && { standing }),
  };
}

const CONTAINED = {
  state: 'contained',
  entry: { what: 'state', detail: 'contained: the last outcome of every response is good' },
} as const;
const OPEN_AGAIN = { state: 'open', entry: { what: 'state', detail: 'open: something of it is wrong again' } } as const;

/** 1 when something is left to do about a resource. */
export const isAmiss = (standing: Standing | undefined): 0 | 1 => (standing && !GOOD.has(standing.outcome) ? 1 : 0);

/** What has to be looked at again: not a finding that a hold or an exception stops, which reads nothing and is told again and again. */
const isWrong = (outcome: Outcome): boolean => outcome === 'undone' || RECORDED[outcome].does === 'opens';

const later = (incident: Incident, at: string): Incident => ({
  ...incident,
  changedAt: at > incident.changedAt ? at : incident.changedAt,
});

function entryOf({ response, title }: Telling): Entry {
  const { id, outcome, finishedAt, target, reason, by, undoes } = response;
  const act = `${undoes === undefined ? '' : 'Undo: '}${title}, ${target.arn}${reason === undefined ? '' : `: ${reason}`}`;
  const detail = act.slice(0, LONGEST_DETAIL);
  const entry: Entry = { at: finishedAt, by: by ?? FIREBREAK, what: 'response', detail, response: id, outcome };
  return undoes === undefined ? entry : { ...entry, undoes };
}

/** An incident that a person opens. */
export const openedBy = (id: string, by: string, at: string, { title, subjects, ...opening }: Opening): Step => ({
  head: {
    incident: { id, title, state: 'open', ...opening, subjects, openedAt: at, changedAt: at },
    amiss: 0,
    entries: 1,
  },
  entries: [{ at, by, what: 'opened', detail: title }],
});

/** What a person's word comes to; undefined: the incident is so already. */
export function said(head: Head, by: string, at: string, word: Word): Step | undefined {
  const { incident } = head;
  const step = (what: Entry['what'], detail: string, change: Partial<Incident> = {}): Step => ({
    head: { ...head, incident: later({ ...incident, ...change }, at), entries: head.entries + 1 },
    entries: [{ at, by, what, detail }],
  });
  const because = (to: string, reason: string | undefined) => (reason === undefined ? to : `${to}: ${reason}`);
  switch (word.what) {
    case 'note':
      return step('note', word.detail);
    case 'owner':
      return word.owner === incident.owner ? undefined : step('owner', word.owner, { owner: word.owner });
    case 'state':
      if (word.state === incident.state) return undefined;
      return step('state', because(word.state, word.reason), { state: word.state });
    case 'severity': {
      if (word.severity === incident.severity && head.rated) return undefined;
      const { head: rated, entries } = step('severity', because(word.severity, word.reason), {
        severity: word.severity,
      });
      return { head: { ...rated, rated: true }, entries };
    }
  }
}
