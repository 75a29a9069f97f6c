import type { Outcome, Response } from './response.ts';

/** Outcomes that say how a resource is. The others say what was decided on a plan, which by then may be nobody's concern. */
const FACTS: ReadonlySet<Outcome> = new Set(['verified', 'compliant', 'unverified', 'failed', 'gone', 'undone']);
export const isFact = (outcome: Outcome): boolean => FACTS.has(outcome);

/** Ends of an undo after which the fix that it takes back does not count any more. */
const TOOK_BACK: ReadonlySet<Outcome> = new Set(['undone', 'failed', 'unverified']);

/** Whether an undo took something back, and left its hold. */
export const tookBack = ({ undoes, outcome }: Pick<Response, 'undoes' | 'outcome'>): boolean =>
  undoes !== undefined && outcome !== undefined && TOOK_BACK.has(outcome);

/** Whether an end says nothing of the resource, since it is that of an undo that took nothing back. */
export const isUndoInVain = (end: Pick<Response, 'undoes'> & { readonly outcome: Outcome }): boolean =>
  end.undoes !== undefined && !tookBack(end);

/**
 * What an end comes to for the resource: an undo of an undo brings the fix back, and has read it back.
 * @param last the last word on the resource, and of which response it was
 */
export const standsAt = (
  { undoes, outcome }: Pick<Response, 'undoes'> & { readonly outcome: Outcome },
  last: { readonly response: string; readonly outcome: Outcome } | undefined,
): Outcome => (outcome === 'undone' && last?.outcome === 'undone' && last.response === undoes ? 'verified' : outcome);
