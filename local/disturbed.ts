import type { MiddlewareStack } from '@smithy/types';
import type { Action } from '../engine/remediation.ts';

/** A call to AWS on its way. */
export interface Passing {
  /** From 1, over all clients of a remediation. */
  readonly number: number;
  /** As the SDK has it: `CreateSnapshots`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What happens to a call: answers or throws in its place, or sends it, or both. */
export type Handle = (call: Passing, send: () => Promise<unknown>) => Promise<unknown>;

/**
 * A remediation with something between it and AWS, once for each call, or once for each time that the SDK sends it. In this
 * process and not by a fault of the cloud, so that tests which share the cloud do not disturb each other.
 */
export function disturbed(action: Action, each: 'call' | 'attempt', handle: Handle): Action {
  let calls = 0;
  const between =
    <A extends { input: object }, R>(next: (args: A) => R, name = '') =>
    (args: A): R =>
      handle({ number: ++calls, name: name.replace(/Command$/, ''), input: { ...args.input } }, async () =>
        next(args),
      ) as R;
  return {
    ...action,
    clients(session) {
      // Clients are made once for a session: those of a copy are our own to disturb.
      const clients = action.clients({ ...session });
      for (const { middlewareStack } of Object.values(clients as Record<string, Disturbable>)) {
        if (each === 'call') {
          middlewareStack.add((next, { commandName }) => between(next, commandName), {
            step: 'initialize',
            priority: 'low',
          });
        } else {
          const last = { step: 'finalizeRequest', priority: 'low' } as const;
          middlewareStack.add((next, { commandName }) => between(next, commandName), last);
        }
      }
      return clients;
    },
  };
}

interface Disturbable {
  readonly middlewareStack: Pick<MiddlewareStack<object, object>, 'add'>;
}

/** As the SDK calls a request that was not answered in time. */
export const unanswered = (): Error => Object.assign(new Error('no answer'), { name: 'TimeoutError' });

/** A process that is killed when its n-th call has taken place, before it hears of it. */
export function mortal(action: Action, last: number): Action {
  let dead = false;
  return disturbed(action, 'call', async ({ number }, send) => {
    if (dead) throw unanswered();
    dead = number === last;
    const answer = await send();
    if (dead) throw unanswered();
    return answer;
  });
}
