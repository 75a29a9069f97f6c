import { createHash } from 'node:crypto';
import { isFact, isUndoInVain, standsAt } from '../../engine/facts.ts';
import { noteFor } from '../../engine/notify/messages.ts';
import type { Outcome, Response } from '../../engine/response.ts';
import { targetKey } from '../../engine/targets.ts';
import type { Ended } from './news.ts';

/** The last word on one resource of a finding. */
export interface Word {
  /** Of the response that said it. */
  readonly id: string;
  readonly outcome: Outcome;
  /** When: ISO 8601, UTC. */
  readonly at: string;
  readonly remediation: string;
  /** True when it is about an undo. */
  readonly undo?: true;
  /** Kept where the finding means one resource: a note on several has no reasons. */
  readonly reason?: string;
}

/** How the responses to a finding ended, and what Security Hub was told of it. */
export interface Tally {
  /** Correlation of the responses to the last telling: the id of its event. */
  readonly telling: string;
  /** When a response to that telling began, as far as one has ended. */
  readonly began: string;
  /** Tellings before that, newest first: what comes of them late does not make them the last one again. */
  readonly earlier: readonly string[];
  /** How many resources the last telling is about. */
  readonly of: number;
  /** By remediation and resource. */
  readonly words: Readonly<Record<string, Word>>;
  /** What Security Hub was told last. */
  readonly told?: Saying;
}

interface Saying {
  readonly telling: string;
  readonly notified: boolean;
  /** Hash of the note. */
  readonly note: string;
}

/** What Security Hub is to be told of a finding. */
export interface Update {
  readonly note: string;
  /** Absent: the workflow status is left as it is. */
  readonly status?: 'NEW' | 'NOTIFIED';
}

const EARLIER_TELLINGS = 4;
const LONGEST_REASON = 600;

/**
 * Counts a response that ended. The last telling of a finding says which responses it is about; within it, and for what comes
 * late of an earlier one, the last fact about each resource counts.
 */
export function counted(tally: Tally | undefined, response: Ended): Tally | undefined {
  const { correlation, startedAt, siblings = 1, undoes } = response;
  if (isUndoInVain(response)) return tally;
  const isNew =
    tally === undefined ||
    (undoes === undefined &&
      correlation !== tally.telling &&
      !tally.earlier.includes(correlation) &&
      startedAt >= tally.began);
  const key = wordKey(response);
  if (isNew) {
    const earlier = tally ? [tally.telling, ...tally.earlier].slice(0, EARLIER_TELLINGS) : [];
    const words = { [key]: wordOf(response, undefined) };
    return {
      telling: correlation,
      began: startedAt,
      earlier,
      of: siblings,
      words,
      ...(tally?.told && { told: tally.told }),
    };
  }
  const last = tally.words[key];
  if (!last && correlation !== tally.telling) return tally;
  const words = last && !displaces(response, last) ? tally.words : { ...tally.words, [key]: wordOf(response, last) };
  return { ...tally, words };
}

/** Short, since an item holds many. */
const wordKey = ({ remediation, target }: Response): string => hash(JSON.stringify([remediation, targetKey(target)]));

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 12);

const displaces = ({ id, outcome, finishedAt }: Ended, last: Word): boolean =>
  finishedAt >= last.at && (id === last.id || isFact(outcome) || !isFact(last.outcome));

function wordOf(response: Ended, last: Word | undefined): Word {
  const { id, finishedAt, remediation, undoes, reason, siblings } = response;
  const outcome = standsAt(response, last && { response: last.id, outcome: last.outcome });
  const fixedAgain = outcome !== response.outcome;
  return {
    id,
    outcome,
    at: finishedAt,
    remediation,
    ...(undoes !== undefined && !fixedAgain && { undo: true }),
    ...(reason !== undefined && !siblings && { reason: reason.slice(0, LONGEST_REASON) }),
  };
}

/**
 * What Security Hub does not know yet. Nothing, while a response to the last telling is open.
 *
 * NOTIFIED is our word that all is fixed. When that holds no more (a fix drifted or was taken back, or the finding was told
 * again and this time it is not fixed), we take the word back and set NEW, where people look: Security Hub itself does so only when
 * a control fails after it has passed, and until it has run again the finding would say that somebody sees to it.
 * https://docs.aws.amazon.com/securityhub/latest/userguide/findings-workflow-status.html
 *
 * A fix of a later telling is told though the note be the same: Security Hub may have set the finding to NEW in between.
 */
export function due(tally: Tally, titleOf: (remediation: string) => string): Update | undefined {
  const { telling, told } = tally;
  const words = Object.values(tally.words);
  if (words.length < tally.of) return undefined;
  const fine = words.every(({ outcome }) => outcome === 'verified' || outcome === 'compliant');
  const fixed = fine && words.some(({ outcome }) => outcome === 'verified');
  if (fine && !fixed && told?.notified) return undefined;
  const note = noteFor(
    words.map(({ id, outcome, reason, undo, remediation }) => ({
      response: { outcome, ...(reason !== undefined && { reason }), ...(undo && { undoes: id }) },
      title: titleOf(remediation),
    })),
  );
  const isNews = told?.note !== hash(note);
  if (fixed) return isNews || !told?.notified || told.telling !== telling ? { note, status: 'NOTIFIED' } : undefined;
  if (told?.notified) return { note, status: 'NEW' };
  return isNews ? { note } : undefined;
}

/** The tally after Security Hub was told. */
export const afterTelling = (tally: Tally, { note, status }: Update): Tally => ({
  ...tally,
  told: { telling: tally.telling, notified: status === 'NOTIFIED', note: hash(note) },
});
