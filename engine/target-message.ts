import type { Finding } from './findings/finding.ts';
import type { Action, Target } from './remediation.ts';
import type { Request } from './respond.ts';

/** What a worker sends itself for each of several resources of one finding. */
interface TargetMessage {
  readonly firebreak: 'target';
  readonly response: string;
  readonly remediation: string;
  readonly target: Target;
  readonly finding: Finding;
  readonly correlation: string;
}

const BEGINNING = '{"firebreak":"target",';

export const toMessage = ({ id, action, target, finding, correlation }: Request): string =>
  JSON.stringify({
    firebreak: 'target',
    response: id,
    remediation: action.id,
    target,
    finding,
    correlation,
  } satisfies TargetMessage);

/**
 * The request in a message of our own, or undefined when it is not one. No finding can pass for one: EventBridge writes the
 * outermost level of an event, and the queue takes messages from our rules and this worker alone.
 * @throws when it is for a remediation that this worker does not have any more
 */
export function fromMessage(body: string, actions: readonly Action[]): Request | undefined {
  if (!body.startsWith(BEGINNING)) return undefined;
  const { response: id, remediation, target, finding, correlation } = JSON.parse(body) as TargetMessage;
  const action = actions.find((known) => known.id === remediation);
  if (!action) throw new Error(`no remediation ${remediation} in this worker`);
  return { id, action, target, finding, correlation };
}
