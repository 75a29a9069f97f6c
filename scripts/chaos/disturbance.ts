import { createHash } from 'node:crypto';
import type { Action } from '../../engine/remediation.ts';
import { workerOf } from '../../engine/targets.ts';
import type { Call, Fault } from '../../local/doors.ts';

/** What can happen to one call, short of the end of the process. */
export const KINDS = {
  /** Passes by itself: all must be as if it had not been. */
  throttled: { throttle: { bucket: 0, refillPerSecond: 0 } },
  'a 500': { error: { status: 500, code: 'InternalError', message: 'An internal error has occurred' } },
  'reset before': { reset: true },
  'reset after': { reset: true, phase: 'after' },
  'cut short': { truncate: true, phase: 'after' },
  hung: { hang: 60 },
  /** Stays: the outcome must say what is so. */
  refused: { deny: true },
  pretended: { pretend: true },
} as const satisfies Readonly<Record<string, Fault>>;
export type Kind = keyof typeof KINDS;

const STAYS: readonly Kind[] = ['refused', 'pretended'];
/** True when the state must be that of an undisturbed run. */
export const passes = (kind: Kind): boolean => !STAYS.includes(kind);

/** One call of a run, and what happens to it. */
export interface Disturbance {
  /** From 1; for what happens after a call, among those that took place. */
  readonly call: number;
  readonly kind: Kind;
  /** As the undisturbed run made the call. */
  readonly operation: string;
  /** For what happens to all calls of the operation from this one on: how many of them come before it. */
  readonly after?: number;
}

export const faultOf = ({ call, kind, operation, after }: Disturbance): Fault =>
  after === undefined ? { ...KINDS[kind], skip: call - 1, times: 1 } : { ...KINDS[kind], operation, skip: after };

/** Every kind at every call that it can happen to; a hung call takes four seconds, so that only some are. */
export function disturbances(action: Action, calls: readonly Call[], hung: number): Disturbance[] {
  let took = 0;
  const all = calls.flatMap((call, index): Disturbance[] => {
    const before = (kind: Kind): Disturbance => ({ call: index + 1, kind, operation: call.operation });
    const kinds: Kind[] = ['throttled', 'a 500', 'reset before', 'hung', 'refused'];
    const found = kinds.map((kind) => {
      // What IAM does not allow it refuses again, so that a call made otherwise is no way around it.
      const stays = kind === 'refused' && inMember(action, call);
      const earlier = calls.slice(0, index).filter(({ operation }) => operation === call.operation);
      return { ...before(kind), ...(stays && { after: earlier.length }) };
    });
    if (isChange(action, call)) found.push(before('pretended'));
    if (call.decision === 'denied') return found;
    took += 1;
    const after = (kind: Kind): Disturbance => ({ call: took, kind, operation: call.operation });
    return [...found, after('reset after'), after('cut short')];
  });
  const some = new Set(
    shuffled(
      all.filter(({ kind }) => kind === 'hung'),
      action.id,
    ).slice(0, hung),
  );
  return all.filter((each) => each.kind !== 'hung' || some.has(each));
}

/** True for a call that a remediation's worker makes in a member account. */
export const inMember = (action: Action, { principal }: Pick<Call, 'principal'>): boolean =>
  principal.includes(`:assumed-role/firebreak-${workerOf(action.id)}/`);

/** True for one of these that changes something. */
export const isChange = (action: Action, call: Pick<Call, 'principal' | 'actions'>): boolean =>
  inMember(action, call) && !call.actions.every((each) => action.permissions.read.includes(each));

/** In an order that the seed decides. */
export function shuffled<T>(all: readonly T[], seed: string): T[] {
  const rank = (index: number) => createHash('sha256').update(`${seed}/${index}`).digest('hex');
  return all
    .map((each, index) => [rank(index), each] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, each]) => each);
}
