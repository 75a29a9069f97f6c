"""AWS Lambda: functions run in the project's own runner, which takes event source mappings from here and polls.

Facts supplied, where moto differs:
- Invoke runs the function. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
- An event source mapping uses up receives of its queue only when its poller runs the function; moto would receive each
  message at once, in vain, and so spoil the redrive counts.
- A function has a LoggingConfig. https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse
from moto.dynamodb.models.table import Table
from moto.sqs.models import Queue

from doors import DoorError, door

# The longest that a function runs, and a little. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
TIMEOUT_SECONDS = 910
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PAYLOAD_BYTES = {'RequestResponse': 6 * 1_048_576, 'Event': 1_048_576}

_runner: list[str] = []
_handed_over: set[threading.Thread] = set()


@door('PUT', '/runner')
def put_runner(request):
    """A door of the embedded cloud, not of AWS: registers the process that runs functions.

    {url}: Invoke is sent there as `POST {url}/invoke` with {functionArn, payload}; payload is the event. It answers
    {payload} or {payload, functionError: 'Unhandled' | 'Handled'}. {url: null} takes the runner away.
    """
    url = request.json.get('url')
    if url is not None and not str(url).startswith('http://127.0.0.1:'):
        raise DoorError(400, 'url is http://127.0.0.1:PORT, or null')
    _runner[:] = [] if url is None else [url.rstrip('/')]


@door('GET', '/runner')
def get_runner(request):
    """A door of the embedded cloud, not of AWS: the registered runner, and the number of asynchronous invocations that
    it was handed and has not ended."""
    return {'url': _runner[0] if _runner else None, 'handedOver': len(_handed_over)}


@dataclass
class Outcome:
    """What a function returned: its payload as JSON text, and the kind of error if it failed."""

    payload: str
    error: str | None = None


class RunnerError(LambdaClientError):
    """The runner is missing or does not answer; told as Lambda tells a fault of its own."""

    code = 500

    def __init__(self, message: str):
        super().__init__('ServiceException', message)


class TimedOut(RunnerError):
    """The function did not end while it was waited for."""


class TooLarge(LambdaClientError):
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors"""

    code = 413

    def __init__(self, limit: int):
        super().__init__('RequestTooLargeException', f'Request must be smaller than {limit} bytes for the InvokeFunction operation')


class InvalidContent(LambdaClientError):
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors"""

    code = 400

    def __init__(self, reason: str):
        super().__init__('InvalidRequestContentException', f'Could not parse request body into json: {reason}')


def run(function_arn: str, payload: str, seconds: float = TIMEOUT_SECONDS) -> Outcome:
    """Has the runner run a function and waits for it. Raises RunnerError without a runner, or when it fails, and TimedOut
    after so many seconds, while the function may go on."""
    if not _runner:
        raise RunnerError(f'No runner is registered to run {function_arn}: PUT /firebreak/runner.')
    body = json.dumps({'functionArn': function_arn, 'payload': json.loads(payload or '{}')}).encode()
    request = urllib.request.Request(f'{_runner[0]}/invoke', body, {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            answer = json.load(response)
    except TimeoutError as error:
        raise TimedOut(f'{function_arn} did not end within {seconds} s') from error
    except (OSError, ValueError) as error:
        raise RunnerError(f'The runner did not run {function_arn}: {error}') from error
    return Outcome(json.dumps(answer.get('payload')), answer.get('functionError'))


def invoke_asynchronously(function_arn: str, payload: str) -> None:
    """Hands an event to the runner and waits for nothing, as a service that invokes a function does."""
    if not _runner:
        raise RunnerError(f'No runner is registered to run {function_arn}: PUT /firebreak/runner.')
    thread = threading.Thread(target=_run_quietly, args=(function_arn, payload), daemon=True)
    _handed_over.add(thread)
    thread.start()


def _run_quietly(function_arn: str, payload: str) -> None:
    try:
        run(function_arn, payload)
    except RunnerError as error:
        print(error, flush=True)
    finally:
        _handed_over.discard(threading.current_thread())


def invoke(response: LambdaResponse) -> tuple[int, dict[str, str], str]:
    """Replaces LambdaResponse.invoke."""
    name = unquote(response.path.rstrip('/').rsplit('/', 2)[-2])
    qualifier = response._get_param('Qualifier')
    kind = response.headers.get('X-Amz-Invocation-Type', 'RequestResponse')
    backend = lambda_backends[response.current_account][response.region]
    function = backend.get_function(name, qualifier)
    text = response.body or '{}'
    limit = PAYLOAD_BYTES.get(kind, PAYLOAD_BYTES['RequestResponse'])
    if len(text.encode()) > limit:
        raise TooLarge(limit)
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidContent(str(error)) from None
    if kind == 'DryRun':
        return 204, {'status': '204'}, ''
    if kind == 'Event':
        invoke_asynchronously(function.function_arn, text)
        return 202, {'status': '202'}, ''
    outcome = run(function.function_arn, text)
    headers = {'content-type': 'application/json', 'X-Amz-Executed-Version': str(function.version)}
    if outcome.error:
        headers['X-Amz-Function-Error'] = outcome.error
    return 200, headers, outcome.payload


def invoke_in_process(
    backend: LambdaBackend, function_name: str, qualifier: str | None, body: str, headers: dict, response_headers: dict
) -> str:
    """Replaces LambdaBackend.invoke, by which moto's other services call a function."""
    outcome = run(backend.get_function(function_name, qualifier).function_arn, body)
    if outcome.error:
        response_headers['x-amz-function-error'] = outcome.error
    return outcome.payload


def with_logging_config(get_configuration: Callable[..., dict]) -> Callable[..., dict]:
    """Around LambdaFunction.get_configuration: the logging configuration as AWS completes it."""

    def get(function: LambdaFunction, on_create: bool = False) -> dict:
        given = getattr(function, 'logging_config', {})
        config = {'LogFormat': 'Text', 'LogGroup': f'/aws/lambda/{function.function_name}', **given}
        if config['LogFormat'] == 'JSON':
            config = {'ApplicationLogLevel': 'INFO', 'SystemLogLevel': 'INFO', **config}
        return {**get_configuration(function, on_create), 'LoggingConfig': config}

    return get


LambdaFunction.get_configuration = with_logging_config(LambdaFunction.get_configuration)
LambdaResponse.invoke = invoke
LambdaBackend.invoke = invoke_in_process
# A mapping is stored and listed by the Lambda backend; what a queue or a table would poll it by stays empty.
for source in (Queue, Table):
    source.lambda_event_source_mappings = property(lambda self: {}, lambda self, value: None)
