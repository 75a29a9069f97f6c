"""SSM Automation: the actions that call AWS, wait, choose and remember.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-assertAwsResourceProperty.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-waitForAwsResourceProperty.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-branch.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-sleep.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-update-variable.html
"""

import datetime
import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import clock
from automation_calls import NoSuchOperation
from automation_conditions import holds
from automation_task import StepFailed, Task, action
from automation_values import MISSING, select, text

POLLING = 'Poll action status for completion'
# Seconds between two looks at what is waited for: right after the first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5
# What the inputs of an API call are not.
_OWN = ('Service', 'Api', 'PropertySelector', 'DesiredValues')


@action('aws:executeAwsApi')
def execute_aws_api(task: Task) -> dict[str, Any]:
    """Calls an operation."""
    parameters = {key: value for key, value in task.inputs.items() if key not in _OWN}
    try:
        return task.calls.call(task.inputs['Service'], task.inputs['Api'], parameters)
    except ClientError as error:
        kind = 'Permission' if 'AccessDenied' in str(error) or 'UnauthorizedOperation' in str(error) else 'Action'
        raise StepFailed(str(error), kind=kind) from error
    except (BotoCoreError, NoSuchOperation) as error:
        raise StepFailed(str(error)) from error


@action('aws:assertAwsResourceProperty')
def assert_property(task: Task) -> dict[str, Any]:
    """Fails unless a property has one of the desired values."""
    found = _property(task)
    if not _desired(task, found):
        desired = text(task.inputs['DesiredValues'])
        raise StepFailed(f'{_said(found)} is not in the desired values {desired}', kind='Verification')
    return {}


@action('aws:waitForAwsResourceProperty', seconds=3600)
def wait_for_property(task: Task) -> dict[str, Any]:
    """Looks until a property has one of the desired values."""
    pause = FIRST_PAUSE
    while True:
        if _desired(task, _property(task)):
            return {}
        task.wait(POLLING, until=clock.now() + pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _property(task: Task) -> Any:
    return select(task.inputs['PropertySelector'], execute_aws_api(task))


def _desired(task: Task, found: Any) -> bool:
    desired = [_comparable(each) for each in task.inputs['DesiredValues']]
    # Where a selector finds several, all have to be as desired.
    values = found if isinstance(found, list) else [] if found is MISSING else [found]
    return bool(values) and all(_comparable(each) in desired for each in values)


def _comparable(value: Any) -> str:
    return text(value).lower() if isinstance(value, bool) or text(value) in ('True', 'False') else text(value)


def _said(found: Any) -> str:
    return 'No property value of the API output' if found is MISSING else f'Property value {text(found)}'


@action('aws:branch')
def branch(task: Task) -> dict[str, Any]:
    """Goes on with the first choice that holds, or the default."""
    try:
        chosen = next((each['NextStep'] for each in task.inputs['Choices'] if holds(each)), None)
    except ValueError as error:
        raise StepFailed(str(error)) from error
    task.run.chosen = chosen or task.inputs.get('Default')
    return {}


@action('aws:sleep')
def sleep(task: Task) -> dict[str, Any]:
    """Waits for a duration or until a time, both in ISO 8601."""
    task.wait('sleeping', until=_waking(task.inputs))
    return {}


def _waking(inputs: dict[str, Any]) -> float:
    if 'Timestamp' in inputs:
        try:
            return datetime.datetime.fromisoformat(text(inputs['Timestamp'])).timestamp()
        except ValueError as error:
            raise StepFailed(f'{inputs["Timestamp"]} is no timestamp') from error
    match = re.fullmatch(r'P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?', text(inputs['Duration']))
    if not match or not any(match.groups()):
        raise StepFailed(f'{inputs["Duration"]} is no duration')
    days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    return clock.now() + datetime.timedelta(days, seconds, 0, 0, minutes, hours).total_seconds()


@action('aws:updateVariable')
def update_variable(task: Task) -> dict[str, Any]:
    """Gives a variable another value."""
    name = text(task.inputs['Name']).removeprefix('variable:')
    if name not in task.execution.variables:
        raise StepFailed(f'There is no variable {name}')
    task.execution.variables[name] = task.inputs['Value']
    return {}
