"""The process that runs functions, which registers itself here: local/runner.ts."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from moto.awslambda.exceptions import LambdaClientError

from doors import DoorError, door

# The longest that a function runs, and a little. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
TIMEOUT_SECONDS = 910

_runner: list[str] = []
_handed_over: set[threading.Thread] = set()


@door('PUT', '/runner')
def put_runner(request):
    """A door of the embedded cloud, not of AWS: registers the process that runs functions.

    {url}: Invoke is sent there as `POST {url}/invoke` with {functionArn, payload, requestId?}; payload is the event. It
    answers {payload} or {payload, functionError: 'Unhandled' | 'Handled'}. {url: null} takes the runner away.
    """
    url = request.json.get('url')
    if url is not None and not str(url).startswith('http://127.0.0.1:'):
        raise DoorError(400, 'url is http://127.0.0.1:PORT, or null')
    _runner[:] = [] if url is None else [url.rstrip('/')]


@door('GET', '/runner')
def get_runner(request):
    """A door of the embedded cloud, not of AWS: the registered runner, and the number of asynchronous invocations that
    it was handed and has not ended; those that wait for another try are not counted."""
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


def require_runner(function_arn: str) -> None:
    """Raises RunnerError without a runner."""
    if not _runner:
        raise RunnerError(f'No runner is registered to run {function_arn}: PUT /firebreak/runner.')


def run(
    function_arn: str, payload: str, seconds: float = TIMEOUT_SECONDS, request_id: str | None = None
) -> Outcome:
    """Has the runner run a function and waits for it. Raises RunnerError without a runner, or when it fails, and TimedOut
    after so many seconds, while the function may go on. The runner chooses a request id when it is given none."""
    require_runner(function_arn)
    invocation = {'functionArn': function_arn, 'payload': json.loads(payload or '{}')}
    body = json.dumps({**invocation, **({'requestId': request_id} if request_id else {})}).encode()
    request = urllib.request.Request(f'{_runner[0]}/invoke', body, {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            answer = json.load(response)
    except TimeoutError as error:
        raise TimedOut(f'{function_arn} did not end within {seconds} s') from error
    except (OSError, ValueError) as error:
        raise RunnerError(f'The runner did not run {function_arn}: {error}') from error
    return Outcome(json.dumps(answer.get('payload')), answer.get('functionError'))


def hand_over(work: Callable[[], None]) -> None:
    """Does in a thread what runs a function, and counts it as handed over until it ends."""

    def counted() -> None:
        try:
            work()
        finally:
            _handed_over.discard(threading.current_thread())

    thread = threading.Thread(target=counted, daemon=True)
    _handed_over.add(thread)
    thread.start()
