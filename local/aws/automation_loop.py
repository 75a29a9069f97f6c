"""SSM Automation: the actions that run other steps: `aws:loop` and `aws:executeAutomation`.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-loop.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAutomation.html
"""

import functools
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from automation_actions import POLLING
from automation_conditions import holds
from automation_execution import PARENT, Execution, StepFailed, StepRun, Task, action, executions
from automation_values import resolve, text, texts

MOST_ITERATIONS = 100
# https://docs.aws.amazon.com/general/latest/gr/ssm.html
MOST_NESTED = 5


@action('aws:loop', lazy=('Steps', 'LoopCondition'))
def loop(task: Task) -> dict[str, Any]:
    """Runs its steps for each of a list, or until a condition no longer holds."""
    steps, execution = task.inputs['Steps'], task.execution
    for iteration, value in _iterations(task):
        execution.keep(task.run.step['name'], 'CurrentIteratorValue', value)
        make = functools.partial(StepRun, parent=task.run, iteration=iteration, value=value)
        execution.go(steps, lambda step, make=make: execution.add(make(step)))
        execution.current = task.run
    return {}


def _iterations(task: Task) -> Iterator[tuple[int, Any]]:
    inputs, execution = task.inputs, task.execution
    if 'Iterators' in inputs:
        listed = inputs['Iterators']
        if not isinstance(listed, list) or len(listed) > MOST_ITERATIONS:
            raise StepFailed(f'Iterators is a list of at most {MOST_ITERATIONS}')
        yield from enumerate(listed, 1)
        return
    for iteration in range(1, min(int(inputs.get('MaxIterations', MOST_ITERATIONS)), MOST_ITERATIONS) + 1):
        yield iteration, None
        try:
            if not holds(resolve(inputs['LoopCondition'], execution.find)):
                return
        except ValueError as error:
            raise StepFailed(str(error)) from error


@action('aws:executeAutomation')
def execute_automation(task: Task) -> dict[str, Any]:
    """Starts another automation and waits for its end."""
    execution, inputs = task.execution, task.inputs
    if _depth(execution) >= MOST_NESTED:
        raise StepFailed(f'Automations are nested more than {MOST_NESTED} deep')
    given = {key: texts(value) for key, value in (inputs.get('RuntimeParameters') or {}).items()}
    version = {'DocumentVersion': text(inputs['DocumentVersion'])} if 'DocumentVersion' in inputs else {}
    try:
        ssm = task.calls.client('ssm', user_agent_extra=f'{PARENT}{execution.id}')
        started = ssm.start_automation_execution(DocumentName=inputs['DocumentName'], Parameters=given, **version)
    except (ClientError, BotoCoreError) as error:
        raise StepFailed(str(error)) from error
    child = executions[execution.account, execution.region][started['AutomationExecutionId']]
    task.wait(POLLING, lambda: child.ended is not None)
    if child.status != 'Success':
        raise StepFailed(f'Automation execution {child.id} ended {child.status}: {child.failure}', POLLING)
    outputs = [value for values in child.outputs().values() for value in values]
    return {'ExecutionId': child.id, 'Status': child.status, 'Output': outputs}


def _depth(execution: Execution) -> int:
    group, depth = executions[execution.account, execution.region], 0
    while execution.parent and depth < MOST_NESTED:
        execution, depth = group[execution.parent], depth + 1
    return depth
