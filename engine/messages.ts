import * as z from 'zod/mini';
import { ACCOUNT_ID } from './arn.ts';
import type { Finding } from './findings/finding.ts';
import { shape } from './findings/reader.ts';
import type { Action, Target } from './remediation.ts';
import type { Request } from './respond.ts';
import { isResponseId } from './targets.ts';

/** What a worker sends itself for each of several resources of one finding. */
interface TargetMessage {
  readonly firebreak: 'target';
  readonly response: string;
  readonly remediation: string;
  readonly target: Target;
  readonly finding: Finding;
  readonly correlation: string;
  readonly siblings?: number;
}

/**
 * Of an event, at most: SQS takes a message with it, and it is as much as an event could have before 2026.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
 */
export const EVENT_BYTES = 262_144;
const isOfEventSize = (event: unknown): boolean => Buffer.byteLength(JSON.stringify(event)) <= EVENT_BYTES;

const responseId = () => z.string().check(z.refine(isResponseId, 'is not the id of a response'));

const instruction = shape(() =>
  z.union([
    /**
     * About a response that the ledger knows, with all that the instruction needs: go on with the plan that was approved, end
     * what was denied or is overdue, go on with what was left open, try again what was deferred, look whether a fix still holds.
     */
    z.strictObject({ do: z.enum(['approve', 'deny', 'expire', 'resume', 'again', 'look']), response: responseId() }),
    /** `undo`: id of the response that takes it back. `preview`: that only plans it, for whom; no order is needed for that. */
    z.strictObject({
      do: z.literal('undo'),
      response: responseId(),
      undo: responseId(),
      preview: z.optional(z.strictObject({ by: z.string().check(z.maxLength(2_048)) })),
    }),
    /** Run a remediation of the worker on one resource that no finding names. */
    z.strictObject({
      do: z.literal('run'),
      remediation: z.string().check(z.maxLength(100)),
      arn: z.string().check(z.maxLength(2_048)),
      account: z.string().check(z.regex(ACCOUNT_ID)),
      region: z.string().check(z.maxLength(30)),
      /** For people. The same words on the same day are the same run, where nobody asked for it. */
      reason: z.string().check(z.maxLength(200)),
      /** Where a person did. */
      asked: z.optional(
        z.strictObject({
          /** ARN, as IAM knows them. */
          by: z.string().check(z.maxLength(2_048)),
          /** At most: only a plan, or no change before an approval. */
          mode: z.enum(['observe', 'approval']),
          /** What they started, once. */
          execution: z.string().check(z.maxLength(100)),
        }),
      ),
    }),
    /** Take an event as if EventBridge had brought it. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
    z.strictObject({
      do: z.literal('replay'),
      worker: z.string().check(z.regex(/^[a-z][a-z0-9-]{0,40}$/)),
      event: z.record(z.string(), z.unknown()).check(z.refine(isOfEventSize, `has more than ${EVENT_BYTES} bytes`)),
      /** Parameters by remediation: they count only where the event is about one thing that a simulation made. */
      judgedBy: z.optional(z.record(z.string(), z.record(z.string(), z.unknown()))),
    }),
  ]),
);

/** What approve, undo, sweep and simulate tell a worker. */
export type Instruction = z.infer<ReturnType<typeof instruction>>;
/** The one that is no word about a response, but an event. */
export type Replay = Extract<Instruction, { readonly do: 'replay' }>;

/** What a worker's Lambda is invoked with by approve, undo, sweep and simulate: it sends each to its own queue. */
const instructions = shape(() =>
  z.strictObject({ firebreak: z.literal('instructions'), instructions: z.array(instruction()) }),
);

const TARGET = '{"firebreak":"target",';
const INSTRUCTION = '{"firebreak":"instruction",';

export const toMessage = ({ id, action, target, finding, correlation, siblings }: Request): string =>
  JSON.stringify({
    firebreak: 'target',
    response: id,
    remediation: action.id,
    target,
    finding,
    correlation,
    ...(siblings && { siblings }),
  } satisfies TargetMessage);

/**
 * The request in a message of our own, or undefined when it is not one. No finding can pass for one: EventBridge writes the
 * outermost level of an event. The queue's policy admits our rules and this worker; within the security account, IAM decides
 * who else may send.
 * @throws when it is for a remediation that this worker does not have any more
 */
export function fromMessage(body: string, actions: readonly Action[]): Request | undefined {
  if (!body.startsWith(TARGET)) return undefined;
  const { response: id, remediation, target, finding, correlation, siblings } = JSON.parse(body) as TargetMessage;
  return { id, action: actionOf(remediation, actions), target, finding, correlation, ...(siblings && { siblings }) };
}

export function actionOf(remediation: string, actions: readonly Action[]): Action {
  const action = actions.find((known) => known.id === remediation);
  if (!action) throw new Error(`no remediation ${remediation} in this worker`);
  return action;
}

/** The messages of the instructions that a Lambda was invoked with. @throws on what it cannot mean */
export const instructionMessages = (event: unknown): readonly string[] =>
  z.parse(instructions(), event).instructions.map(instructionMessage);

const instructionMessage = (one: Instruction): string => `${INSTRUCTION}"instruction":${JSON.stringify(one)}}`;

/** To the worker itself: to look whether a fix still holds. */
export const lookMessage = (response: string): string => instructionMessage({ do: 'look', response });

/** The instruction in a message of our own, or undefined when it is not one. */
export const fromInstruction = (body: string): Instruction | undefined =>
  body.startsWith(INSTRUCTION)
    ? z.parse(instruction(), (JSON.parse(body) as { instruction: unknown }).instruction)
    : undefined;
