"""Amazon EventBridge Scheduler: what callers send and what is refused; what schedules do is in schedule_delivery.py.

Facts supplied, where moto differs:
- An expression that says no time, or a single one that is over, is refused, and so are a group that does not exist and a
  role that does not trust Scheduler for the group. A CreateSchedule that is sent again with its ClientToken changes nothing
  and succeeds.
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
- UpdateSchedule replaces all that CreateSchedule sets, and puts what it is not given back to the default.
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
- DeleteScheduleGroup deletes the group's schedules with it, and never the group `default`.
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
"""

import json
from typing import Any

import moto.scheduler.models
from moto.core.utils import utcfromtimestamp
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule
from moto.scheduler.responses import EventBridgeSchedulerResponse
from moto.utilities.arns import parse_arn

import clock
from schedule_delivery import SCHEDULER
from schedule_expression import At, InvalidScheduleExpression, parse_in_zone
from service_roles import trusts
from timetable import one_at_a_time

create_as_moto = EventBridgeSchedulerBackend.create_schedule
update_as_moto = EventBridgeSchedulerBackend.update_schedule
delete_group_as_moto = EventBridgeSchedulerBackend.delete_schedule_group
create_response_as_moto = EventBridgeSchedulerResponse.create_schedule
update_response_as_moto = EventBridgeSchedulerResponse.update_schedule


def create_schedule(backend: EventBridgeSchedulerBackend, **given: Any) -> Schedule:
    """Wraps `EventBridgeSchedulerBackend.create_schedule`."""
    group = backend.get_schedule_group(given['group_name'])
    _check(group.arn, given)
    with one_at_a_time:
        return _made(create_as_moto(backend, **given), given['action_after_completion'])


def update_schedule(backend: EventBridgeSchedulerBackend, **given: Any) -> Schedule:
    """Wraps `EventBridgeSchedulerBackend.update_schedule`."""
    group = backend.get_schedule_group(given['group_name'])
    group.get_schedule(given['name'])
    _check(group.arn, given)
    with one_at_a_time:
        schedule = update_as_moto(backend, **{**given, 'state': given['state'] or 'ENABLED'})
        return _made(schedule, None)


def _made(schedule: Schedule, action_after_completion: str | None) -> Schedule:
    schedule.made = clock.now()
    schedule.client_token = None
    schedule.action_after_completion = action_after_completion or 'NONE'
    return schedule


def _check(group_arn: str, given: dict[str, Any]) -> None:
    """Raises ValidationException for what AWS refuses."""
    for name in ('schedule_expression', 'target', 'flexible_time_window'):
        if not given[name]:
            raise ValidationException(f'1 validation error detected: {name} must not be null')
    expression, target, window = given['schedule_expression'], given['target'], given['flexible_time_window']
    try:
        times = parse_in_zone(expression, given['schedule_expression_timezone'] or 'UTC')
    except InvalidScheduleExpression as error:
        raise ValidationException(f'Invalid Schedule Expression {expression}.') from error
    if isinstance(times, At) and times.time <= clock.now():
        raise ValidationException(f'Invalid Schedule Expression {expression}.')
    if given['end_date'] and given['end_date'] < max(clock.now(), given['start_date'] or 0):
        raise ValidationException('The EndDate you specify must come after the StartDate and cannot be in the past.')
    if (window['Mode'] == 'FLEXIBLE') != ('MaximumWindowInMinutes' in window):
        raise ValidationException('MaximumWindowInMinutes must be specified for a FlexibleTimeWindow of Mode FLEXIBLE only.')
    if not trusts(target.get('RoleArn', ''), SCHEDULER, group_arn):
        raise ValidationException(
            'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.'
        )
    try:
        json.loads(target.get('Input') or '{}')
    except ValueError as error:
        if parse_arn(target['Arn']).service == 'lambda':
            raise ValidationException('Invalid Request. Input must be valid JSON for a Lambda target.') from error


def create_response(response: EventBridgeSchedulerResponse) -> str:
    """Wraps `EventBridgeSchedulerResponse.create_schedule`, which does not know a request that is sent again."""
    token, known = response._get_param('ClientToken'), _named(response)
    if known and token and known.client_token == token:
        return json.dumps({'ScheduleArn': known.arn})
    with one_at_a_time:
        answer = create_response_as_moto(response)
        _named(response).client_token = token
    return answer


def update_response(response: EventBridgeSchedulerResponse) -> str:
    """Wraps `EventBridgeSchedulerResponse.update_schedule`, which leaves ActionAfterCompletion out."""
    with one_at_a_time:
        answer = update_response_as_moto(response)
        _named(response).action_after_completion = response._get_param('ActionAfterCompletion') or 'NONE'
    return answer


def _named(response: EventBridgeSchedulerResponse) -> Schedule | None:
    name = response.uri.split('?')[0].split('/')[-1]
    group = response.scheduler_backend.get_schedule_group(response._get_param('GroupName'))
    return group.schedules.get(name)


def delete_schedule_group(backend: EventBridgeSchedulerBackend, name: str | None) -> None:
    """Wraps `EventBridgeSchedulerBackend.delete_schedule_group`."""
    group = backend.get_schedule_group(name)
    if group.name == 'default':
        raise ValidationException('The default schedule group cannot be deleted.')
    delete_group_as_moto(backend, name)


moto.scheduler.models.unix_time = clock.now
moto.scheduler.models.utcnow = lambda: utcfromtimestamp(clock.now())
EventBridgeSchedulerBackend.create_schedule = create_schedule
EventBridgeSchedulerBackend.update_schedule = update_schedule
EventBridgeSchedulerBackend.delete_schedule_group = delete_schedule_group
EventBridgeSchedulerResponse.create_schedule = create_response
EventBridgeSchedulerResponse.update_schedule = update_response
