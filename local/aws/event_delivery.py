"""What EventBridge does once an event is on a bus: rules, targets, dead-letter queues.

Facts supplied, where moto differs:
- A disabled rule delivers nothing. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html
- Every field of the envelope is there, `account` too, and `time` has whole seconds.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
- A queue, its dead-letter queue and a function get an event only if their own policy admits EventBridge for this rule.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
- What cannot be delivered goes to the target's dead-letter queue with the reason in message attributes; the caller of
  PutEvents never learns of it. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
- A bus of another account or Region gets the event with its first account and Region, if its policy admits the sender,
  and does not pass it on to a third. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
"""

import copy
import json
import logging
import time
import uuid

from moto.awslambda.models import lambda_backends
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcfromtimestamp
from moto.events.models import EventBus, EventPattern, Rule, events_backends
from moto.logs.models import logs_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

import event_pattern
from asynchronous import invoke_asynchronously
from input_transformer import target_input
from organization import organization_id
from policy import Principal, resource_policy_allows
from runner import RunnerError

log = logging.getLogger(__name__)

EVENTBRIDGE = Principal('', '', service='events.amazonaws.com')
FORWARDED = 'forwarded'

deliver_as_moto = Rule.send_to_targets


class DeliveryFailed(Exception):
    """A target did not take an event. `code` is one of EventBridge's dead-letter error codes."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def publish(bus: EventBus, event: dict) -> None:
    """Hand `event` (in moto's form: `time` in seconds since 1970) to the rules of `bus`."""
    for rule in list(bus.rules.values()):
        rule.send_to_targets(event)


def envelope(event: dict) -> dict:
    """The event as rules match it and targets receive it."""
    fields = (
        'version',
        'id',
        'detail-type',
        'source',
        'account',
        'time',
        'region',
        'resources',
        'detail',
        'replay-name',
    )
    sent = {field: event[field] for field in fields if field in event}
    sent['time'] = iso_8601_datetime_without_milliseconds(utcfromtimestamp(float(event['time'])))
    return sent


def send_to_targets(rule: Rule, event: dict, transform_input: bool = True) -> None:
    """Replaces `Rule.send_to_targets`. moto sends replayed events untransformed; AWS treats them as any other."""
    if rule.state != 'DISABLED' and rule.event_pattern.matches_event(event):
        deliver(rule, event)


def deliver(rule: Rule, event: dict) -> None:
    """Send `event` (in moto's form: `time` in seconds since 1970) to each target of `rule`, or to its dead-letter queue."""
    for target in list(rule.targets):
        try:
            _deliver(rule, target, event)
        except DeliveryFailed as failure:
            log.warning('rule %s could not deliver to %s: %s %s', rule.arn, target['Arn'], failure.code, failure)
            _dead_letter(rule, target, event, failure)


def _deliver(rule: Rule, target: dict, event: dict) -> None:
    arn = parse_arn(target['Arn'])
    if arn.service == 'sqs':
        group = target.get('SqsParameters', {}).get('MessageGroupId')
        _send_message(rule, target['Arn'], target_input(target, envelope(event), rule), group)
    elif arn.service == 'events' and arn.resource_type == 'event-bus':
        _forward(rule, target, arn, event)
    elif arn.service == 'lambda':
        _invoke(rule, target, arn, event)
    elif arn.service == 'logs':
        _put_log_event(arn, target_input(target, envelope(event), rule))
    elif arn.service == 'events':
        alone = copy.copy(rule)
        alone.targets = [target]
        deliver_as_moto(alone, event)
    else:
        log.warning(
            'rule %s: targets of kind %s are not delivered to by this cloud (%s)', rule.arn, arn.service, target['Arn']
        )


def _send_message(
    rule: Rule, queue_arn: str, body: str, group: str | None = None, attributes: dict | None = None
) -> None:
    arn = parse_arn(queue_arn)
    backend = sqs_backends[arn.account][arn.region]
    queue = backend.queues.get(arn.resource_id)
    if queue is None:
        raise DeliveryFailed('NO_RESOURCE', 'The specified queue does not exist.')
    if not resource_policy_allows(queue.policy, EVENTBRIDGE, 'sqs:SendMessage', queue_arn, _source(rule)):
        raise DeliveryFailed('NO_PERMISSIONS', f'The policy of {queue_arn} does not allow {rule.arn} to send messages.')
    try:
        backend.send_message(arn.resource_id, body, message_attributes=attributes, group_id=group)
    except Exception as error:
        raise DeliveryFailed('ERROR_FROM_TARGET', str(error)) from error


def _source(rule: Rule) -> dict[str, list[str]]:
    return {'aws:sourcearn': [rule.arn], 'aws:sourceaccount': [rule.account_id]}


def _forward(rule: Rule, target: dict, arn, event: dict) -> None:
    if FORWARDED in event:
        third = 'ACCOUNT' if arn.account != rule.account_id else 'REGION'
        raise DeliveryFailed(
            f'THIRD_{third}_HOP_DETECTED', 'An event that came from another bus is not forwarded again.'
        )
    bus = events_backends[arn.account][arn.region].event_buses.get(arn.resource_id)
    if bus is None:
        raise DeliveryFailed('NO_RESOURCE', f'Event bus {arn.resource_id} does not exist.')
    if arn.account != rule.account_id and not admits(bus, rule.account_id, _source(rule), event):
        raise DeliveryFailed('NO_PERMISSIONS', f'The policy of {bus.arn} does not admit account {rule.account_id}.')
    publish(bus, {**event, FORWARDED: True})


def admits(bus: EventBus, account: str, context: dict[str, list[str]], event: dict) -> bool:
    """Whether the policy of `bus` lets `account` put `event` on it; `context` adds condition keys of the request."""
    organization = organization_id(account)
    keys = {
        'aws:principalaccount': [account],
        'aws:principalorgid': [organization] if organization else [],
        'events:source': [event['source']],
        'events:detail-type': [event['detail-type']],
        **context,
    }
    sender = Principal(account, f'arn:aws:iam::{account}:root')
    return resource_policy_allows(bus.policy, sender, 'events:PutEvents', bus.arn, keys)


def _invoke(rule: Rule, target: dict, arn, event: dict) -> None:
    try:
        function = lambda_backends[arn.account][arn.region].get_function(target['Arn'])
    except Exception as error:
        raise DeliveryFailed('NO_RESOURCE', f'{target["Arn"]} does not exist.') from error
    policy = json.dumps({'Statement': function.policy.statements})
    if not resource_policy_allows(policy, EVENTBRIDGE, 'lambda:InvokeFunction', target['Arn'], _source(rule)):
        raise DeliveryFailed('NO_PERMISSIONS', f'The policy of {target["Arn"]} does not allow {rule.arn} to invoke it.')
    try:
        invoke_asynchronously(target['Arn'], target_input(target, envelope(event), rule))
    except RunnerError as error:
        raise DeliveryFailed('ERROR_FROM_TARGET', str(error)) from error


def _put_log_event(arn, text: str) -> None:
    backend = logs_backends[arn.account][arn.region]
    group = arn.resource_id.removesuffix(':*')
    if group not in backend.groups:
        raise DeliveryFailed('NO_RESOURCE', f'Log group {group} does not exist.')
    stream = str(uuid.uuid4())
    backend.create_log_stream(group, stream)
    backend.put_log_events(group, stream, [{'timestamp': int(time.time() * 1000), 'message': text}])


def _dead_letter(rule: Rule, target: dict, event: dict, failure: DeliveryFailed) -> None:
    queue_arn = target.get('DeadLetterConfig', {}).get('Arn')
    if not queue_arn:
        return
    reason = {
        'ERROR_CODE': failure.code,
        'ERROR_MESSAGE': str(failure),
        'RETRY_ATTEMPTS': '0',
        'RULE_ARN': rule.arn,
        'TARGET_ARN': target['Arn'],
    }
    attributes = {name: {'DataType': 'String', 'StringValue': value} for name, value in reason.items()}
    try:
        _send_message(rule, queue_arn, json.dumps(envelope(event)), attributes=attributes)
    except DeliveryFailed as lost:
        log.error('rule %s lost an event: its dead-letter queue %s: %s', rule.arn, queue_arn, lost)


def matches_event(pattern: EventPattern, event: dict) -> bool:
    """Replaces `EventPattern.matches_event`. A rule with a schedule alone has no pattern and matches no event."""
    return bool(pattern.get_pattern()) and event_pattern.matches(pattern.get_pattern(), envelope(event))


Rule.send_to_targets = send_to_targets
EventPattern.matches_event = matches_event
