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

import functools
import uuid
from collections.abc import Iterator

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends

import clock
import schedule_expression
from event_delivery import deliver
from timetable import Occurrence, brings_about, few, one_at_a_time

put_rule_as_moto = EventsBackend.put_rule


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
        rule.made = clock.now()
    return rule


@brings_about
def rules_due(after: float, until: float) -> Iterator[Occurrence]:
    """What the enabled rules with a schedule tell their targets."""
    for rule in _scheduled_rules():
        if rule.state != 'DISABLED':
            schedule = schedule_expression.parse(rule.scheduled_expression)
            moments = schedule.occurrences(rule.made, max(after, rule.made), until)
            for moment in few(f'{rule.arn}, {rule.scheduled_expression}', moments, after, until):
                yield moment, functools.partial(deliver, rule, _event(rule, moment))


def _scheduled_rules() -> Iterator[Rule]:
    for regions in list(events_backends.values()):
        for backend in list(regions.values()):
            for bus in list(backend.event_buses.values()):
                yield from (rule for rule in list(bus.rules.values()) if rule.scheduled_expression)


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


EventsBackend.put_rule = put_rule
