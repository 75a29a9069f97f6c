"""Amazon EventBridge Scheduler: schedules fire, which moto stores and forgets. They go by the embedded cloud's clock.

Facts supplied:
- at(...) fires once, cron(...) at its times, and rate(...) first at StartDate, or at once without one; all in the time zone
  of the schedule, between StartDate and EndDate, which at(...) ignores, and while the schedule is enabled.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
- A flexible time window puts each invocation off to some moment within it, here always the same one.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
- A function is invoked asynchronously with Input, in which the keywords in angle brackets are filled in, or with a default
  event. https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
- It is invoked in the schedule's role, which must trust Scheduler, whose source is the schedule's group.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
- What IAM or Lambda refuses goes to the dead-letter queue with the reason in message attributes, or nowhere.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
- ActionAfterCompletion deletes a schedule after its last invocation.
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html

A refusal is not tried again: the retry policy is kept, and nothing here is refused for a while only.
"""

import functools
import json
import logging
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcfromtimestamp
from moto.scheduler.models import Schedule, ScheduleGroup, scheduler_backends
from moto.utilities.arns import parse_arn

from asynchronous import invoke_asynchronously
from principals import Session
from runner import RunnerError
from schedule_expression import At, Cron, Rate, parse_in_zone
from service_roles import NotPermitted, assume_as_service, require, send_message
from timetable import Occurrence, brings_about, few

log = logging.getLogger(__name__)

SCHEDULER = 'scheduler.amazonaws.com'


class Undelivered(Exception):
    """A target was not invoked. `code` is what its service calls the reason."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@brings_about
def schedules_due(after: float, until: float) -> Iterator[Occurrence]:
    """The invocations of the enabled schedules."""
    for group, schedule in _schedules():
        if schedule.state == 'ENABLED':
            moments = _invocations(schedule, after, until)
            for moment, scheduled in few(f'{schedule.arn}, {schedule.schedule_expression}', moments, after, until):
                yield moment, functools.partial(_fire, group, schedule, scheduled)


def _schedules() -> Iterator[tuple[ScheduleGroup, Schedule]]:
    for regions in list(scheduler_backends.values()):
        for backend in list(regions.values()):
            for group in list(backend.schedule_groups.values()):
                yield from ((group, schedule) for schedule in list(group.schedules.values()))


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
    if isinstance(times, At):
        yield from times.occurrences(start, after, until)
        return
    # A rate counts from a start that is itself the first time.
    first = start - times.period if isinstance(times, Rate) else start
    for time in times.occurrences(first, after, min(until, schedule.end_date or until)):
        if time >= max(start, schedule.made):
            yield time


def _times(schedule: Schedule) -> At | Rate | Cron:
    return parse_in_zone(schedule.schedule_expression, schedule.schedule_expression_timezone)


def _fire(group: ScheduleGroup, schedule: Schedule, scheduled: float) -> None:
    if group.schedules.get(schedule.name) is not schedule:
        return
    text = _input(schedule, scheduled)
    try:
        _invoke(group, schedule, text)
    except Undelivered as failure:
        log.warning('%s did not invoke %s: %s %s', schedule.arn, schedule.target['Arn'], failure.code, failure)
        _dead_letter(group, schedule, scheduled, text, failure)
    if schedule.action_after_completion == 'DELETE' and _is_last(schedule, scheduled):
        group.schedules.pop(schedule.name, None)


def _is_last(schedule: Schedule, scheduled: float) -> bool:
    if isinstance(_times(schedule), At):
        return True
    return bool(schedule.end_date) and next(_occurrences(schedule, scheduled, schedule.end_date), None) is None


def _input(schedule: Schedule, scheduled: float) -> str:
    keywords = {
        'schedule-arn': schedule.arn,
        'scheduled-time': _instant(scheduled),
        'execution-id': _execution_id(schedule, scheduled),
        'attempt-number': '1',
    }
    text = schedule.target.get('Input') or json.dumps(_default_event(schedule, scheduled))
    for name, value in keywords.items():
        text = text.replace(f'<aws.scheduler.{name}>', value)
    return text


def _default_event(schedule: Schedule, scheduled: float) -> dict[str, Any]:
    arn = parse_arn(schedule.arn)
    return {
        'version': '0',
        'id': str(uuid.uuid4()),
        'detail-type': 'Scheduled Event',
        'source': 'aws.scheduler',
        'account': arn.account,
        'time': _instant(scheduled),
        'region': arn.region,
        'resources': [schedule.arn],
        'detail': '{}',
    }


def _instant(moment: float) -> str:
    return iso_8601_datetime_without_milliseconds(utcfromtimestamp(moment))


def _execution_id(schedule: Schedule, scheduled: float) -> str:
    return f'{zlib.crc32(schedule.arn.encode()):08x}{zlib.crc32(str(scheduled).encode()):08x}'


def _invoke(group: ScheduleGroup, schedule: Schedule, text: str) -> None:
    arn = schedule.target['Arn']
    parsed = parse_arn(arn)
    if parsed.service != 'lambda':
        raise Undelivered('NotImplemented', f'Targets of kind {parsed.service} are not invoked by this cloud.')
    try:
        require(_session(group, schedule), 'lambda:InvokeFunction', arn)
        function = lambda_backends[parsed.account][parsed.region].get_function(arn)
        invoke_asynchronously(function.function_arn, text)
    except NotPermitted as error:
        raise Undelivered('AccessDeniedException', str(error)) from error
    except RunnerError as error:
        raise Undelivered('ServiceException', str(error)) from error
    except LambdaClientError as error:
        raise Undelivered('ResourceNotFoundException', f'Function not found: {arn}') from error


def _session(group: ScheduleGroup, schedule: Schedule) -> Session:
    return assume_as_service(SCHEDULER, schedule.target['RoleArn'], _execution_id(schedule, 0), group.arn)


def _dead_letter(
    group: ScheduleGroup, schedule: Schedule, scheduled: float, text: str, failure: Undelivered
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
        send_message(_session(group, schedule), queue, text, reason)
    except (NotPermitted, LookupError) as lost:
        log.error('schedule %s lost an invocation: its dead-letter queue %s: %s', schedule.arn, queue, lost)
