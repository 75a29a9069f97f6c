"""Amazon EventBridge: what callers send and what is refused; delivery is in event_delivery.py.

Facts supplied, where moto differs:
- The source of a caller's event never begins with `aws.`.
  https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
- The bus may be named by an ARN of another account, whose bus policy then decides.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-permissions.html
- PutRule and TestEventPattern refuse the patterns that AWS refuses; TestEventPattern answers Result.
  https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
- PutPermission with a Policy replaces the bus's whole policy, and a Principal of * stays *.
  https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html

AWS services emit their events on the default bus by a way of their own, which no caller has: the door
`POST /firebreak/events`, and `emit` for the other files here.
"""

import datetime
import json
import time
import uuid

from moto.core.exceptions import JsonRESTError
from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventBus, EventBusPolicyStatement, EventPatternParser, EventsBackend, events_backends
from moto.events.responses import EventsHandler
from moto.utilities.arns import parse_arn

import event_pattern
from doors import DoorError, door
from event_delivery import admits, envelope, publish

MAXIMUM_ENTRIES = 10
REQUIRED = ('Source', 'DetailType', 'Detail')


def put_events(backend: EventsBackend, entries: list[dict]) -> list[dict]:
    """Replaces `EventsBackend.put_events`: an EventId or an ErrorCode for each entry of a caller in this account."""
    if len(entries) > MAXIMUM_ENTRIES:
        raise JsonRESTError(
            'ValidationException',
            "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to satisfy constraint: "
            f'Member must have length less than or equal to {MAXIMUM_ENTRIES}',
        )
    return [_put_entry(backend, entry) for entry in entries]


def _put_entry(backend: EventsBackend, entry: dict) -> dict:
    for name in REQUIRED:
        if not entry.get(name):
            return _refused('InvalidArgument', f'Parameter {name} is not valid. Reason: {name} is a required argument.')
    if entry['Source'].startswith('aws.'):
        return _refused('NotAuthorizedForSourceException', 'Not authorized for the source.')
    try:
        detail = json.loads(entry['Detail'])
    except json.JSONDecodeError:
        detail = None
    if not isinstance(detail, dict):
        return _refused('MalformedDetail', 'Detail is malformed.')
    event = _event(backend.account_id, backend.region_name, entry, detail)
    publish(_bus(backend, entry.get('EventBusName') or 'default', event), event)
    return {'EventId': event['id']}


def _refused(code: str, message: str) -> dict:
    return {'ErrorCode': code, 'ErrorMessage': message}


def _event(account: str, region: str, entry: dict, detail: dict) -> dict:
    now = time.time()
    return {
        'version': '0',
        'id': str(uuid.uuid4()),
        'detail-type': entry['DetailType'],
        'source': entry['Source'],
        'account': account,
        'time': entry.get('Time') or now,
        'region': region,
        'resources': entry.get('Resources') or [],
        'detail': detail,
        'ingestion-time': now,
    }


def _bus(sender: EventsBackend, name: str, event: dict) -> EventBus:
    arn = parse_arn(name) if name.startswith('arn:') else None
    if arn is None or arn.account == sender.account_id:
        return sender.describe_event_bus(name.split('/')[-1])
    bus = events_backends[arn.account][arn.region].describe_event_bus(arn.resource_id)
    if not admits(bus, sender.account_id, {}, event):
        raise JsonRESTError(
            'AccessDeniedException',
            f'User: arn:aws:iam::{sender.account_id}:root is not authorized to perform: events:PutEvents on resource: '
            f'{name} because no resource-based policy allows the events:PutEvents action',
        )
    return bus


def emit(
    account: str, region: str, source: str, detail_type: str, detail: dict, resources=(), id=None, at=None
) -> dict:
    """Put an event of an AWS service on the default bus of `account` in `region` and return its envelope.

    `id` and `at` (seconds since 1970) are chosen here when absent.
    """
    entry = {'DetailType': detail_type, 'Source': source, 'Time': at, 'Resources': list(resources)}
    event = {**_event(account, region, entry, detail), **({'id': id} if id else {})}
    publish(events_backends[account][region].event_buses['default'], event)
    return envelope(event)


@door('POST', '/events')
def emit_events(request):
    """A door of the embedded cloud, not of AWS: an AWS service emits events on the default bus.

    `{account, region, entries: [{id?, source, detailType, detail, resources?, time?}]}`, `time` in ISO 8601. Answers
    `{events}`, the envelopes as rules saw them.
    """
    body = request.json
    try:
        events = [
            emit(
                body['account'],
                body['region'],
                entry['source'],
                entry['detailType'],
                entry['detail'],
                entry.get('resources', []),
                entry.get('id'),
                _seconds(entry['time']) if entry.get('time') else None,
            )
            for entry in body['entries']
        ]
    except KeyError as error:
        raise DoorError(400, f'{error} is missing, or is no account or Region of this cloud') from error
    return {'events': events}


@door('POST', '/event-pattern')
def match_events(request):
    """A door of the embedded cloud, not of AWS: whether each event matches one of some patterns, as Lambda asks of an
    event source's records. `{patterns, events}`, the patterns as JSON text; answers `{matches}`, a boolean per event.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
    """
    body = request.json
    try:
        patterns = [event_pattern.parse(pattern) for pattern in body['patterns']]
    except event_pattern.InvalidEventPattern as error:
        raise DoorError(400, f'Event pattern is not valid. Reason: {error}') from error
    return {'matches': [any(event_pattern.matches(pattern, event) for pattern in patterns) for event in body['events']]}


def _seconds(time_text: str) -> float:
    try:
        time_told = datetime.datetime.fromisoformat(time_text)
    except ValueError as error:
        raise DoorError(400, f'{time_text} is not an ISO 8601 time') from error
    return time_told.replace(tzinfo=time_told.tzinfo or datetime.UTC).timestamp()


def parse_pattern(parser: EventPatternParser) -> dict:
    """Replaces `EventPatternParser.parse`."""
    try:
        return event_pattern.parse(parser.pattern) if parser.pattern else {}
    except event_pattern.InvalidEventPattern as error:
        raise InvalidEventPatternException(reason=str(error)) from error


def test_event_pattern(handler: EventsHandler) -> str:
    """Answers TestEventPattern. The event must carry the fields that the envelope has."""
    pattern = parse_pattern(EventPatternParser(handler._get_param('EventPattern')))
    try:
        event = json.loads(handler._get_param('Event'))
    except json.JSONDecodeError as error:
        raise JsonRESTError('ValidationException', 'Parameter Event is not valid.') from error
    missing = [name for name in ('id', 'detail-type', 'source', 'account', 'time', 'region') if name not in event]
    if missing:
        raise JsonRESTError('ValidationException', f'Parameter Event is not valid. Reason: {missing[0]} is missing.')
    return json.dumps({'Result': event_pattern.matches(pattern, event)})


def replace_policy(bus: EventBus, policy: dict) -> None:
    """Replaces `EventBus.add_policy`."""
    statements = policy['Statement'] if isinstance(policy['Statement'], list) else [policy['Statement']]
    bus._statements = {statement['Sid']: EventBusPolicyStatement.from_dict(statement) for statement in statements}


def add_permission(bus: EventBus, statement_id: str, action: str, principal: dict, condition: dict | None) -> None:
    """Replaces `EventBus.add_permission`."""
    everyone = principal['AWS'].endswith('::*:root')
    bus._statements[statement_id] = EventBusPolicyStatement(
        sid=statement_id,
        principal='*' if everyone else principal,
        action=action,
        resource=bus.arn,
        condition=condition,
    )


EventsBackend.put_events = put_events
EventPatternParser.parse = parse_pattern
EventsHandler.test_event_pattern = test_event_pattern
EventBus.add_policy = replace_policy
EventBus.add_permission = add_permission
