"""AWS Lambda: what becomes of an event that a function is invoked with asynchronously.

Facts supplied, where moto differs:
- A function that fails, times out or dies is run once more after a minute, and again two minutes after that, under the
  same request id, unless it is configured to be tried less.
  https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
- An event that is older than its maximum age when its turn comes, six hours unless configured, is discarded.
  https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
- What succeeded, and what is discarded, is told to the destination that is configured for it, in the execution role. Of
  destinations this cloud knows queues.
  https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
- PutFunctionEventInvokeConfig replaces a configuration, UpdateFunctionEventInvokeConfig changes what it is given.
  https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
- A configuration is a resource of a stack.
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html

The clock of the embedded cloud says when a try is due. A fault of the runner itself ends an event: nobody would mend it.
"""

import functools
import json
import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.cloudformation.parsing import get_model_map
from moto.core.utils import iso_8601_datetime_with_milliseconds, utcfromtimestamp
from moto.utilities.arns import parse_arn

import clock
from cloudformation import StackResource
from doors import on_reset
from runner import Outcome, RunnerError, hand_over, require_runner, run
from service_roles import NotPermitted, assume_as_service, send_message
from timetable import Occurrence, brings_about, one_at_a_time

log = logging.getLogger(__name__)

# Seconds before the second and the third try.
WAITS = (60, 120)
MAXIMUM_AGE = 6 * 3600

put_config_as_moto = LambdaBackend.put_function_event_invoke_config


@dataclass(eq=False)
class Event:
    """An event that was accepted: its payload as JSON text, when, and how often the function was run with it."""

    function_arn: str
    payload: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accepted: float = field(default_factory=clock.now)
    tries: int = 0


@dataclass(eq=False)
class Waiting:
    """An event that is tried again at a moment, in seconds since 1970, and what it came to the last time."""

    moment: float
    event: Event
    last: Outcome


_waiting: list[Waiting] = []


def invoke_asynchronously(function_arn: str, payload: str) -> None:
    """Accepts an event for a function and waits for nothing. Raises RunnerError where nothing runs functions."""
    require_runner(function_arn)
    _hand_over(Event(function_arn, payload or '{}'))


def _hand_over(event: Event) -> None:
    hand_over(functools.partial(_try, event))


def _try(event: Event) -> None:
    event.tries += 1
    try:
        outcome = run(event.function_arn, event.payload, request_id=event.id)
    except RunnerError as error:
        log.info('an event is lost: %s', error)
        return
    if not outcome.error:
        _tell(event, outcome, 'Success')
    elif event.tries > _config(event).get('MaximumRetryAttempts', len(WAITS)):
        _tell(event, outcome, 'RetriesExhausted')
    else:
        _waiting.append(Waiting(clock.now() + WAITS[event.tries - 1], event, outcome))


@brings_about
def tries_due(after: float, until: float) -> Iterator[Occurrence]:
    """What is tried again. One that failed while the clock moved may have come due before `after`."""
    for waiting in list(_waiting):
        if waiting.moment <= until:
            yield waiting.moment, functools.partial(_try_again, waiting)


def _try_again(waiting: Waiting) -> None:
    _waiting.remove(waiting)
    age = clock.now() - waiting.event.accepted
    if age > _config(waiting.event).get('MaximumEventAgeInSeconds', MAXIMUM_AGE):
        _tell(waiting.event, waiting.last, 'EventAgeExceeded')
    else:
        _hand_over(waiting.event)


@on_reset
def forget() -> None:
    """Nothing waits for another try."""
    with one_at_a_time:
        _waiting.clear()


def _function(event: Event) -> LambdaFunction | None:
    arn = parse_arn(event.function_arn)
    try:
        return lambda_backends[arn.account][arn.region].get_function(event.function_arn)
    except LambdaClientError:
        return None


def _config(event: Event) -> dict[str, Any]:
    function = _function(event)
    return function.event_invoke_config[0].config if function and function.event_invoke_config else {}


def _tell(event: Event, outcome: Outcome, condition: str) -> None:
    function, kind = _function(event), 'OnSuccess' if condition == 'Success' else 'OnFailure'
    destination = _config(event).get('DestinationConfig', {}).get(kind, {}).get('Destination')
    if function is None or not destination:
        return
    if parse_arn(destination).service != 'sqs':
        log.warning('%s: destinations of this kind are not told by this cloud (%s)', event.function_arn, destination)
        return
    try:
        session = assume_as_service('lambda.amazonaws.com', function.role, function.function_name, event.function_arn)
        send_message(session, destination, json.dumps(_record(event, outcome, condition)))
    except (NotPermitted, LookupError) as error:
        log.error('%s: its destination is not told: %s', event.function_arn, error)


def _record(event: Event, outcome: Outcome, condition: str) -> dict[str, Any]:
    response = {'statusCode': 200, 'executedVersion': '$LATEST'}
    return {
        'version': '1.0',
        'timestamp': iso_8601_datetime_with_milliseconds(utcfromtimestamp(clock.now())),
        'requestContext': {
            'requestId': event.id,
            'functionArn': f'{event.function_arn}:$LATEST',
            'condition': condition,
            'approximateInvokeCount': event.tries,
        },
        'requestPayload': json.loads(event.payload),
        'responseContext': {**response, **({'functionError': outcome.error} if outcome.error else {})},
        'responsePayload': json.loads(outcome.payload),
    }


def put_config(backend: LambdaBackend, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Wraps LambdaBackend.put_function_event_invoke_config, after which the first of all configurations ever put counts."""
    backend.get_function(function_name).event_invoke_config.clear()
    return put_config_as_moto(backend, function_name, config)


def update_config(backend: LambdaBackend, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Replaces LambdaBackend.update_function_event_invoke_config."""
    known = backend.get_function(function_name).event_invoke_config
    return put_config(backend, function_name, {**(known[0].config if known else {}), **config})


class StackEventInvokeConfig(StackResource):
    """The configuration of a function's latest version."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str) -> None:
        numbers = ('MaximumRetryAttempts', 'MaximumEventAgeInSeconds')
        config = {name: int(properties[name]) for name in numbers if name in properties}
        config['DestinationConfig'] = properties.get('DestinationConfig', {})
        put_config(lambda_backends[account][region], properties['FunctionName'], config)

    @classmethod
    def remove(cls, properties: dict[str, Any], account: str, region: str) -> None:
        try:
            function = lambda_backends[account][region].get_function(properties['FunctionName'])
        except LambdaClientError:
            return
        function.event_invoke_config.clear()


LambdaBackend.put_function_event_invoke_config = put_config
LambdaBackend.update_function_event_invoke_config = update_config
get_model_map()['AWS::Lambda::EventInvokeConfig'] = StackEventInvokeConfig
