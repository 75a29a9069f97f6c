import { type AutomationExecution, GetAutomationExecutionCommand, type SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod/mini';
import { ACCOUNT_ID } from '../../engine/arn.ts';
import { json, read, shape } from '../../engine/findings/reader.ts';

/** What the documents of our remediations are called: this, and the remediation's id. */
export const PREFIX = 'Firebreak-';

/** Steps of the documents that call us. */
export const STEPS = ['plan', 'apply', 'deny', 'verify', 'result'] as const;
export type Step = (typeof STEPS)[number];

/** An execution of one of our runbooks, as SSM tells it: nothing of it was said by whoever invoked us. */
export interface Automation {
  readonly id: string;
  readonly remediation: string;
  /** ARN of the person who started it. */
  readonly by: string;
  readonly asked: Parameters;
  /** What somebody said at the step that asks for an approval. */
  readonly word?: Word;
  /** Why that step failed, where it did. */
  readonly failure?: string;
}

interface Word {
  readonly verb: 'approve' | 'deny';
  /** ARN of the person. */
  readonly by: string;
  readonly comment?: string;
}

const parameters = shape(() =>
  z.object({
    Action: z._default(z.enum(['Apply', 'Restore']), 'Apply'),
    Target: z._default(z.string().check(z.maxLength(512)), ''),
    Account: z._default(
      z.string().check(z.refine((text) => text === '' || ACCOUNT_ID.test(text), 'is no account')),
      '',
    ),
    Region: z._default(z.string().check(z.regex(/^[a-z0-9-]{0,30}$/, 'is not a Region')), ''),
    Response: z._default(z.string().check(z.maxLength(60)), ''),
    // Who says nothing wants nothing changed.
    DryRun: z._default(z.enum(['true', 'false']), 'true'),
    Reason: z._default(z.string().check(z.maxLength(200)), ''),
    Approvers: z._default(z.array(z.string()), []),
  }),
);
type Parameters = z.infer<ReturnType<typeof parameters>>;

const decisions = shape(() =>
  z.array(z.object({ Approver: z.string(), Decision: z.enum(['Approve', 'Reject']), Comment: z.optional(z.string()) })),
);

/**
 * The execution whose step calls us: of a document of ours, in progress, and at that step. A document of another account has its
 * ARN for a name, and no other of ours has this one.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetAutomationExecution.html
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html
 *
 * @param remediations ids of those that have a document
 * @throws when it is none
 */
export async function automationAt(
  step: Step,
  id: string,
  ssm: SSMClient,
  remediations: ReadonlySet<string>,
): Promise<Automation> {
  const { AutomationExecution: told } = await ssm.send(
    new GetAutomationExecutionCommand({ AutomationExecutionId: id }),
  );
  const name = told?.DocumentName ?? '';
  const remediation = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : '';
  if (!told || !remediations.has(remediation)) throw new Error(`${id} is no execution of a runbook for a remediation`);
  if (told.AutomationExecutionStatus !== 'InProgress' || stepOf(told, step)?.StepStatus !== 'InProgress') {
    throw new Error(`${id} is not at its step ${step}`);
  }
  const { ExecutedBy: by } = told;
  if (!by) throw new Error(`nobody started ${id}`);
  const { data: asked, rejection } = read(parameters, singles(told.Parameters), 'Parameters');
  if (rejection !== undefined) throw new Error(rejection);
  // Whatever a step of that name may be in a document that somebody edited: only SSM itself says who approved.
  const approval = stepOf(told, 'approve');
  const isAsked = approval?.Action === 'aws:approve';
  const word = isAsked ? wordOf(approval.Outputs) : undefined;
  const failure = isAsked ? approval.FailureMessage : undefined;
  return { id, remediation, by, asked, ...(word && { word }), ...(failure && { failure }) };
}

const stepOf = ({ StepExecutions = [] }: AutomationExecution, name: string) =>
  StepExecutions.find(({ StepName }) => StepName === name);

/** Parameters as they are declared: all but one have one value. */
const singles = (given: Readonly<Record<string, readonly string[]>> = {}): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(given).map(([name, values]) => [name, name === 'Approvers' ? values : values[0]]));

/**
 * What was decided at a step of aws:approve, and by whom. One who rejects is enough, and the runbooks ask for one who approves.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html
 */
function wordOf(outputs: Readonly<Record<string, readonly string[]>> = {}): Word | undefined {
  const status = outputs.ApprovalStatus?.[0];
  const wanted = status === 'Approved' ? 'Approve' : status === 'Rejected' ? 'Reject' : undefined;
  const { data = [], rejection } = read(
    decisions,
    (outputs.ApproverDecisions ?? []).flatMap(json),
    'ApproverDecisions',
  );
  if (rejection !== undefined) throw new Error(rejection);
  const found = data.find(({ Decision }) => Decision === wanted);
  if (!found) return undefined;
  const comment = found.Comment?.trim().slice(0, 500);
  return { verb: wanted === 'Approve' ? 'approve' : 'deny', by: found.Approver, ...(comment && { comment }) };
}
