"""AWS Lambda: functions run in the project's own runner, which takes event source mappings from here and polls.

Facts supplied, where moto differs:
- Invoke runs the function. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
- An event source mapping uses up receives of its queue only when its poller runs the function; moto would receive each
  message at once, in vain, and so spoil the redrive counts.
- A function has a LoggingConfig. https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
"""

import json
from collections.abc import Callable
from urllib.parse import unquote

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction, lambda_backends
from moto.awslambda.responses import LambdaResponse
from moto.dynamodb.models.table import Table
from moto.sqs.models import Queue

from asynchronous import invoke_asynchronously
from runner import run

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PAYLOAD_BYTES = {'RequestResponse': 6 * 1_048_576, 'Event': 1_048_576}


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
