"""Amazon EventBridge: rules with a schedule fire, which moto stores and forgets. They go by the embedded cloud's clock.

Facts supplied:
- A rule fires its targets at the times of its expression, in UTC, while it is enabled; `rate` counts from the moment
  that the rule was made. What it missed while disabled, it does not make up for.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
- Targets get a `Scheduled Event` of `aws.events` with the rule in `resources`, or their Input.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
- PutRule refuses an expression that says no time.
  https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
"""

import itertools
import logging
import threading
import time
import uuid

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends

import clock
import schedule_expression
from doors import DoorError, door
from event_delivery import deliver

log = logging.getLogger(__name__)

# The most that one rule fires in one step of the clock.
MOST_OCCURRENCES = 100
# Seconds between two looks at the schedules while time passes by itself.
PACE = 1
YEAR = 366 * 86400

put_rule_as_moto = EventsBackend.put_rule
one_at_a_time = threading.RLock()


class TooMany(Exception):
    """A rule would fire more often in one step of the clock than anyone wants to wait for."""


def put_rule(backend: EventsBackend, *arguments, **named) -> Rule:
    """Wraps `EventsBackend.put_rule`, which makes a rule anew when it changes it."""
    expression = named.get('scheduled_expression')
    if expression:
        try:
            schedule_expression.parse(expression)
        except schedule_expression.InvalidScheduleExpression as error:
            raise ValidationException(f'Parameter ScheduleExpression is not valid. Reason: {error}') from error
    with one_at_a_time:
        rule = put_rule_as_moto(backend, *arguments, **named)
        rule.made = rule.looked_at = clock.now()
    return rule


def step(seconds: float = 0) -> None:
    """Moves the clock on and fires what came due, oldest first. Raises TooMany before anything happens."""
    with one_at_a_time:
        until = clock.now() + seconds
        rules = list(_scheduled_rules())
        due = [(moment, rule) for rule in rules for moment in _occurrences(rule, until)]
        # What a target does about an event, it does at the new time.
        clock.advance(seconds)
        for rule in rules:
            rule.looked_at = until
        for moment, rule in sorted(due, key=lambda each: each[0]):
            deliver(rule, _event(rule, moment))


def _scheduled_rules():
    for regions in list(events_backends.values()):
        for backend in list(regions.values()):
            for bus in list(backend.event_buses.values()):
                yield from (rule for rule in list(bus.rules.values()) if rule.scheduled_expression)


def _occurrences(rule: Rule, until: float) -> list[float]:
    if rule.state == 'DISABLED':
        return []
    schedule = schedule_expression.parse(rule.scheduled_expression)
    occurrences = schedule.occurrences(rule.made, rule.looked_at, until)
    found = list(itertools.islice(occurrences, MOST_OCCURRENCES + 1))
    if len(found) > MOST_OCCURRENCES:
        seconds = round(until - rule.looked_at)
        raise TooMany(
            f'{rule.arn}, {rule.scheduled_expression}, would fire more than {MOST_OCCURRENCES} times in {seconds} s: '
            'advance the clock in smaller steps'
        )
    return found


def _event(rule: Rule, moment: float) -> dict:
    return {
        'version': '0',
        'id': str(uuid.uuid4()),
        'detail-type': 'Scheduled Event',
        'source': 'aws.events',
        'account': rule.account_id,
        'time': moment,
        'region': rule.region_name,
        'resources': [rule.arn],
        'detail': {},
    }


@door('POST', '/clock')
def advance_clock(request):
    """A door of the embedded cloud, not of AWS: `{advance}`, in seconds, moves the clock on; `{now}` is the new time.

    At most a year. When it answers, the schedules that came due have fired: queues have their messages, and the runner is
    being handed the invocations. 400, and the clock stays, when a rule would fire more than 100 times.
    """
    seconds = request.json.get('advance')
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= YEAR:
        raise DoorError(400, f'advance is a number of seconds from 0 to {YEAR}')
    try:
        step(seconds)
    except TooMany as error:
        raise DoorError(400, str(error)) from error
    return get_clock(request)


@door('GET', '/clock')
def get_clock(request):
    """A door of the embedded cloud, not of AWS: `{now}`, what schedules and queues go by, in seconds since 1970."""
    return {'now': clock.now()}


def _let_time_pass() -> None:
    while True:
        time.sleep(PACE)
        try:
            step()
        except TooMany as missed:
            log.warning('this machine slept; what was missed does not fire: %s', missed)
            for rule in _scheduled_rules():
                rule.looked_at = clock.now()
        except Exception:
            log.exception('schedules cannot be looked at')


EventsBackend.put_rule = put_rule
threading.Thread(target=_let_time_pass, daemon=True).start()
