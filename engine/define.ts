import type { SessionConfig } from './aws/session.ts';
import type { Action, Context, Plan, Remediation, Target } from './remediation.ts';
import { type Change, changes, equal, part, type State, withPart } from './state.ts';

/** One set of clients for a session: to make them and to let them find their settings costs as much as a call. */
function oncePerSession<C>(clients: (session: SessionConfig) => C): (session: SessionConfig) => C {
  const made = new WeakMap<SessionConfig, { clients: C }>();
  return (session) => {
    const known = made.get(session) ?? { clients: clients(session) };
    made.set(session, known);
    return known.clients;
  };
}

/** Declares an act in the general form. */
export const defineAction = <C, P>(action: Action<C, P>): Action<C, P> => ({
  ...action,
  clients: oncePerSession((session) => action.clients(session)),
});

/** Declares a remediation, and derives from its states how to plan, apply, verify and undo it. */
export function defineRemediation<C, S extends State, F extends object, P>(
  remediation: Remediation<C, S, F, P>,
): Action<C, P> {
  const { read, desired, write, decline, caution, ...declaration } = remediation;
  const { lasting = [] } = declaration;

  /** The states that an engine hands back are the ones that `read` made, or were checked by the schema. */
  const own = (state: State): S => state as S;

  async function plan(clients: C, target: Target, context: Context<P>): Promise<Plan> {
    const { state, facts } = await read.call(remediation, clients, target, context);
    return { before: state, after: desired.call(remediation, state, { ...context, facts }), facts };
  }

  return {
    ...declaration,
    clients: oncePerSession((session) => remediation.clients(session)),
    plan,
    ...(decline && { decline: (plan: Plan, context) => decline.call(remediation, plan as Plan<S, F>, context) }),
    ...(caution && { caution: (plan: Plan, context) => caution.call(remediation, plan as Plan<S, F>, context) }),

    apply: (clients, target, { before, after, facts }, context) =>
      write.call(remediation, clients, target, own(after), own(before), { ...context, facts: facts as F }),

    async verify(clients, target, { after }, context) {
      const { state } = await read.call(remediation, clients, target, context);
      return changes(after, state);
    },

    async undo(clients, target, recorded, context) {
      const { state: current, facts } = await read.call(remediation, clients, target, context);
      const changedSince: Change[] = [];
      let next: State = current;
      for (const { part: name, from: before, to: after } of changes(recorded.before, recorded.after)) {
        if (lasting.includes(name)) continue;
        const found = part(current, name);
        if (equal(found, after) || remediation.transitional?.(name, found)) next = withPart(next, name, before);
        else if (!equal(found, before)) changedSince.push({ part: name, from: after, to: found });
      }
      return { before: current, after: changedSince.length > 0 ? current : next, facts, changedSince };
    },
  };
}
