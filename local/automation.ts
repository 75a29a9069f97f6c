import {
  type AutomationExecution,
  CreateDocumentCommand,
  GetAutomationExecutionCommand,
  SendAutomationSignalCommand,
  SSMClient,
  type SSMClientConfig,
  StartAutomationExecutionCommand,
  type StepExecution,
} from '@aws-sdk/client-ssm';
import { Pause } from './pause.ts';

/** Milliseconds that an execution may take, or take until it waits, before a test gives up. */
const PATIENCE_MS = 60_000;

/** An execution at its end. */
export interface Ended {
  /** `Success`, `Failed`, `TimedOut` or `Cancelled`. */
  readonly status: string;
  /** Of the document, as `step.Output`. What never came is a sentence that says so. */
  readonly outputs: Readonly<Record<string, readonly string[]>>;
  /** Of all steps, also of those that were not reached, which are `Pending`. */
  readonly steps: readonly StepExecution[];
  /** Why it failed, or empty. */
  readonly failure: string;
}

/** Creates an Automation document from YAML. @throws what SSM refuses */
export async function deployDocument(config: SSMClientConfig, Name: string, Content: string): Promise<void> {
  await new SSMClient(config).send(
    new CreateDocumentCommand({ Name, Content, DocumentType: 'Automation', DocumentFormat: 'YAML' }),
  );
}

/** Starts an automation as `config`'s caller. Answers the execution's id. @throws what SSM refuses */
export async function startAutomation(
  config: SSMClientConfig,
  DocumentName: string,
  parameters: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<string> {
  const { AutomationExecutionId } = await new SSMClient(config).send(
    new StartAutomationExecutionCommand({
      DocumentName,
      Parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, [value].flat()])),
    }),
  );
  if (!AutomationExecutionId) throw new Error(`${DocumentName} was started without an id`);
  return AutomationExecutionId;
}

/** The end of an execution. @throws when it has not ended within a minute */
export async function ended(config: SSMClientConfig, execution: string): Promise<Ended> {
  const found = await seen(config, execution, ({ ExecutionEndTime }) => ExecutionEndTime !== undefined);
  return {
    status: found.AutomationExecutionStatus ?? '',
    outputs: found.Outputs ?? {},
    steps: found.StepExecutions ?? [],
    failure: found.FailureMessage ?? '',
  };
}

/** An execution that is at a step. @throws when it ends elsewhere, or is not there within a minute */
export async function waitingFor(
  config: SSMClientConfig,
  execution: string,
  step: string,
): Promise<AutomationExecution> {
  return await seen(config, execution, ({ StepExecutions = [], FailureMessage, ExecutionEndTime }) => {
    const { Action, StepStatus = '' } = StepExecutions.find(({ StepName }) => StepName === step) ?? {};
    if (ExecutionEndTime) throw new Error(`${execution} ended and does not wait for ${step}: ${FailureMessage}`);
    return StepStatus === (Action === 'aws:approve' ? 'Waiting' : 'InProgress');
  });
}

/** Approves or rejects, as `config`'s caller. @throws what SSM refuses */
export async function signal(
  config: SSMClientConfig,
  AutomationExecutionId: string,
  SignalType: 'Approve' | 'Reject',
  comment = 'by a test',
): Promise<void> {
  await new SSMClient(config).send(
    new SendAutomationSignalCommand({ AutomationExecutionId, SignalType, Payload: { Comment: [comment] } }),
  );
}

async function seen(
  config: SSMClientConfig,
  AutomationExecutionId: string,
  admit: (execution: AutomationExecution) => boolean,
): Promise<AutomationExecution> {
  const ssm = new SSMClient(config);
  const pause = new Pause();
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const { AutomationExecution: found } = await ssm.send(new GetAutomationExecutionCommand({ AutomationExecutionId }));
    if (found && admit(found)) return found;
    if (Date.now() > end)
      throw new Error(`${AutomationExecutionId} is ${found?.AutomationExecutionStatus} at ${found?.CurrentStepName}`);
    await pause.rest();
  }
}
