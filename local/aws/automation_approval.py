"""SSM Automation: the action `aws:approve`, and the signals of people that it waits for.

Facts supplied:
- The step waits until as many of its approvers as it needs approve, or one rejects, which fails it; a week unless it
  says otherwise. Its outputs say what was decided and by whom; AWS does not document how a decision looks.
- Approvers are IAM users by name or ARN, roles by ARN, and sessions of roles by ARN.
- The topic that is told has a name that begins with Automation.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html
"""

import datetime
import threading
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import clock
from automation_execution import Execution, StepFailed, Task, action
from automation_values import text
from principals import Caller

WEEK, MONTH = 7 * 86400, 30 * 86400
MOST_APPROVERS, MOST_CHARACTERS = 10, 4096
STAGE = 'verifying the approval'
SIGNALS = ('Approve', 'Reject')


class NotAdmitted(ValueError):
    """A signal of somebody who is not asked, or was heard already, or that nothing waits for."""


@dataclass
class Approval:
    """What an approve step waits for, and what was decided so far: the approvers' ARNs with their signals."""

    approvers: list[str]
    needed: int
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def decided(self) -> bool:
        signals = [decision['Decision'] for decision in self.decisions.values()]
        return 'Reject' in signals or signals.count('Approve') >= self.needed

    def outputs(self) -> dict[str, Any]:
        """The outputs of the step."""
        status = 'Waiting'
        if self.decided():
            rejected = any(decision['Decision'] == 'Reject' for decision in self.decisions.values())
            status = 'Rejected' if rejected else 'Approved'
        return {'ApprovalStatus': status, 'ApproverDecisions': list(self.decisions.values())}


@action('aws:approve', seconds=WEEK, most=MONTH)
def approve(task: Task) -> dict[str, Any]:
    """Waits for people."""
    execution, run = task.execution, task.run
    approval = _asked(task.inputs)
    execution.approval, execution.state, run.status = approval, 'Waiting', 'Waiting'
    try:
        _tell(task)
        task.wait(STAGE, approval.decided)
    finally:
        execution.approval, execution.state = None, 'InProgress'
        run.outputs.update(approval.outputs())
    outputs = approval.outputs()
    if outputs['ApprovalStatus'] == 'Rejected':
        by = next(each['Approver'] for each in outputs['ApproverDecisions'] if each['Decision'] == 'Reject')
        raise StepFailed(f'The approval was rejected by {by}', STAGE)
    return outputs


def _asked(inputs: dict[str, Any]) -> Approval:
    approvers = inputs['Approvers']
    if not isinstance(approvers, list) or not 1 <= len(approvers) <= MOST_APPROVERS:
        raise StepFailed(f'Approvers is a list of 1 to {MOST_APPROVERS}')
    needed = int(inputs.get('MinRequiredApprovals', 1))
    if not 1 <= needed <= len(approvers):
        raise StepFailed(f'MinRequiredApprovals is a number from 1 to that of the approvers, {len(approvers)}')
    return Approval([text(each) for each in approvers], needed)


def _tell(task: Task) -> None:
    topic, message = task.inputs.get('NotificationArn'), text(task.inputs.get('Message', ''))
    if not topic:
        return
    if not topic.rpartition(':')[2].startswith('Automation'):
        raise StepFailed(f'The name of the topic {topic} does not begin with Automation')
    if len(message) > MOST_CHARACTERS:
        raise StepFailed(f'The message has more than {MOST_CHARACTERS} characters')
    execution = task.execution
    lines = [
        message,
        f'Automation {execution.document}, execution {execution.id}, waits at step {task.run.step["name"]}.',
        f'aws ssm send-automation-signal --automation-execution-id {execution.id} --signal-type Approve',
        f'aws ssm send-automation-signal --automation-execution-id {execution.id} --signal-type Reject',
    ]
    try:
        task.calls.client('sns').publish(
            TopicArn=topic, Subject='AWS Systems Manager Automation - approval required', Message='\n\n'.join(lines)
        )
    except (ClientError, BotoCoreError) as error:
        raise StepFailed(str(error)) from error


def hear(execution: Execution, caller: Caller, signal: str, comment: str) -> None:
    """Takes somebody's decision. Raises NotAdmitted."""
    approval: Approval | None = execution.approval
    if approval is None:
        raise NotAdmitted('The execution does not wait for an approval.')
    by = caller.principal.arn
    if not _names(caller) & set(approval.approvers):
        raise NotAdmitted(f'{by} is none of the approvers of this step.')
    with approval.lock:
        if approval.decided() or by in approval.decisions:
            raise NotAdmitted(f'{by} is too late, or has decided already.')
        time = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC).isoformat(timespec='milliseconds')
        approval.decisions[by] = {'Approver': by, 'Decision': signal, 'Comment': comment, 'Time': time}
    clock.wake()


def _names(caller: Caller) -> set[str]:
    names = {caller.principal.arn, caller.principal.role_arn}
    return {name for name in names if name} | ({caller.user.name} if caller.user else set())
