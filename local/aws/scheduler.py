"""Amazon EventBridge Scheduler: schedules fire, which moto stores and forgets. They go by the embedded cloud's clock.

Facts supplied, where moto differs:
- at(...) fires once, cron(...) at its times, and rate(...) first at StartDate, or at once without one; all in the time zone
  of the schedule, between StartDate and EndDate, which at(...) ignores, and while the schedule is enabled.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
- A flexible time window puts each invocation off to some moment within it, here always the same one.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
- A function is invoked asynchronously with Input, in which the keywords in angle brackets are filled in, or with a default
  event. https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
- It is invoked in the schedule's role, which must trust Scheduler for the schedule's group, also when a schedule is made.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
- What IAM or Lambda refuses goes to the dead-letter queue with the reason in message attributes, or nowhere.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
- ActionAfterCompletion deletes a schedule after its last invocation.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html
- An expression that says no time, or a single one that is over, is refused, and so is a group that does not exist.
- A CreateSchedule that is sent again with its ClientToken changes nothing and succeeds.
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
- UpdateSchedule replaces all that CreateSchedule sets, and puts what it is not given back to the default.
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
- DeleteScheduleGroup deletes the group's schedules with it, and never the group `default`.
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html

A refusal is not tried again: the retry policy is kept, and nothing here is refused for a while only.
"""

import functools
import json
import logging
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import moto.scheduler.models
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcfromtimestamp
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends
from moto.scheduler.responses import EventBridgeSchedulerResponse
from moto.utilities.arns import parse_arn

import clock
from asynchronous import invoke_asynchronously
from runner import RunnerError
from schedule_expression import At, Cron, InvalidScheduleExpression, Rate, parse_in_zone
from service_roles import NotPermitted, assume_as_service, require, send_message, trusts
from timetable import Occurrence, brings_about, few, one_at_a_time

log = logging.getLogger(__name__)

SCHEDULER = 'scheduler.amazonaws.com'

create_as_moto = EventBridgeSchedulerBackend.create_schedule
update_as_moto = EventBridgeSchedulerBackend.update_schedule
delete_group_as_moto = EventBridgeSchedulerBackend.delete_schedule_group
create_response_as_moto = EventBridgeSchedulerResponse.create_schedule
update_response_as_moto = EventBridgeSchedulerResponse.update_schedule


class Undelivered(Exception):
    """A target was not invoked. `code` is what its service calls the reason."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


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
    answer = create_response_as_moto(response)
    _named(response).client_token = token
    return answer


def update_response(response: EventBridgeSchedulerResponse) -> str:
    """Wraps `EventBridgeSchedulerResponse.update_schedule`, which leaves ActionAfterCompletion out."""
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


@brings_about
def schedules_due(after: float, until: float) -> Iterator[Occurrence]:
    """The invocations of the enabled schedules."""
    for backend, schedule in _schedules():
        if schedule.state == 'ENABLED':
            moments = _invocations(schedule, after, until)
            for moment, scheduled in few(f'{schedule.arn}, {schedule.schedule_expression}', moments, after, until):
                yield moment, functools.partial(_fire, backend, schedule, scheduled)


def _schedules() -> Iterator[tuple[EventBridgeSchedulerBackend, Schedule]]:
    for regions in list(scheduler_backends.values()):
        for backend in list(regions.values()):
            for group in list(backend.schedule_groups.values()):
                yield from ((backend, schedule) for schedule in list(group.schedules.values()))


def _invocations(schedule: Schedule, after: float, until: float) -> Iterator[tuple[float, float]]:
    """When a schedule invokes its target in (after, until], each with the time for which it was scheduled."""
    window = 60 * schedule.flexible_time_window.get('MaximumWindowInMinutes', 0)
    for scheduled in _occurrences(schedule, after - window, until):
        moment = scheduled + (zlib.crc32(f'{schedule.arn} {scheduled}'.encode()) % window if window else 0)
        if after < moment <= until:
            yield moment, scheduled


def _occurrences(schedule: Schedule, after: float, until: float) -> Iterator[float]:
    """The times of a schedule in (after, until] since it was made or last changed."""
    times = _times(schedule)
    start = schedule.start_date or schedule.made
    end = until
    if not isinstance(times, At):
        end = min(until, schedule.end_date or until)
    # A rate counts from a start that is itself the first time.
    first = start - times.period if isinstance(times, Rate) else start
    for time in times.occurrences(first, after, end):
        if time >= schedule.made and (isinstance(times, At) or time >= start):
            yield time


def _times(schedule: Schedule) -> At | Rate | Cron:
    return parse_in_zone(schedule.schedule_expression, schedule.schedule_expression_timezone)


def _fire(backend: EventBridgeSchedulerBackend, schedule: Schedule, scheduled: float) -> None:
    target, text = schedule.target, _input(backend, schedule, scheduled)
    try:
        _invoke(backend, schedule, text)
    except Undelivered as failure:
        log.warning('schedule %s did not invoke %s: %s %s', schedule.arn, target['Arn'], failure.code, failure)
        _dead_letter(backend, schedule, scheduled, text, failure)
    if schedule.action_after_completion == 'DELETE' and _is_last(schedule, scheduled):
        backend.schedule_groups[schedule.group_name].schedules.pop(schedule.name, None)


def _is_last(schedule: Schedule, scheduled: float) -> bool:
    if isinstance(_times(schedule), At):
        return True
    return bool(schedule.end_date) and next(_occurrences(schedule, scheduled, schedule.end_date), None) is None


def _input(backend: EventBridgeSchedulerBackend, schedule: Schedule, scheduled: float) -> str:
    keywords = {
        'schedule-arn': schedule.arn,
        'scheduled-time': _instant(scheduled),
        'execution-id': _execution_id(schedule, scheduled),
        'attempt-number': '1',
    }
    text = schedule.target.get('Input') or json.dumps(_default_event(backend, schedule, scheduled))
    for name, value in keywords.items():
        text = text.replace(f'<aws.scheduler.{name}>', value)
    return text


def _default_event(backend: EventBridgeSchedulerBackend, schedule: Schedule, scheduled: float) -> dict[str, Any]:
    return {
        'version': '0',
        'id': str(uuid.uuid4()),
        'detail-type': 'Scheduled Event',
        'source': 'aws.scheduler',
        'account': backend.account_id,
        'time': _instant(scheduled),
        'region': backend.region_name,
        'resources': [schedule.arn],
        'detail': '{}',
    }


def _instant(moment: float) -> str:
    return iso_8601_datetime_without_milliseconds(utcfromtimestamp(moment))


def _execution_id(schedule: Schedule, scheduled: float) -> str:
    return f'{zlib.crc32(schedule.arn.encode()):08x}{zlib.crc32(str(scheduled).encode()):08x}'


def _invoke(backend: EventBridgeSchedulerBackend, schedule: Schedule, text: str) -> None:
    arn = schedule.target['Arn']
    parsed = parse_arn(arn)
    if parsed.service != 'lambda':
        raise Undelivered('NotImplemented', f'Targets of kind {parsed.service} are not invoked by this cloud.')
    try:
        require(_session(backend, schedule), 'lambda:InvokeFunction', arn)
        function = lambda_backends[parsed.account][parsed.region].get_function(arn)
        invoke_asynchronously(function.function_arn, text)
    except NotPermitted as error:
        raise Undelivered('AccessDeniedException', str(error)) from error
    except RunnerError as error:
        raise Undelivered('ServiceException', str(error)) from error
    except LambdaClientError as error:
        raise Undelivered('ResourceNotFoundException', f'Function not found: {arn}') from error


def _session(backend: EventBridgeSchedulerBackend, schedule: Schedule):
    group = backend.get_schedule_group(schedule.group_name)
    return assume_as_service(SCHEDULER, schedule.target['RoleArn'], _execution_id(schedule, 0), group.arn)


def _dead_letter(
    backend: EventBridgeSchedulerBackend, schedule: Schedule, scheduled: float, text: str, failure: Undelivered
) -> None:
    queue = schedule.target.get('DeadLetterConfig', {}).get('Arn')
    if not queue:
        return
    reason = {
        'ERROR_CODE': failure.code,
        'ERROR_MESSAGE': str(failure),
        'EXECUTION_ID': _execution_id(schedule, scheduled),
        'IS_PAYLOAD_TRUNCATED': 'false',
        'RETRY_ATTEMPTS': '0',
        'SCHEDULED_TIME': _instant(scheduled),
        'SCHEDULE_ARN': schedule.arn,
        'TARGET_ARN': schedule.target['Arn'],
    }
    try:
        send_message(_session(backend, schedule), queue, text, reason)
    except (NotPermitted, LookupError) as lost:
        log.error('schedule %s lost an invocation: its dead-letter queue %s: %s', schedule.arn, queue, lost)


moto.scheduler.models.unix_time = clock.now
moto.scheduler.models.utcnow = lambda: utcfromtimestamp(clock.now())
EventBridgeSchedulerBackend.create_schedule = create_schedule
EventBridgeSchedulerBackend.update_schedule = update_schedule
EventBridgeSchedulerBackend.delete_schedule_group = delete_schedule_group
EventBridgeSchedulerResponse.create_schedule = create_response
EventBridgeSchedulerResponse.update_schedule = update_response
