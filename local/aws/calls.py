"""A log of every AWS call that the embedded cloud answered, as CloudTrail would tell it and at once: how tests count calls."""

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass, field

from doors import DoorError, door, on_reset

LIMIT = 200_000


@dataclass(slots=True)
class Call:
    """One finished call. `time` is epoch seconds at its start, `duration` milliseconds, `service` the SDK's name of it
    (s3, lambda, dynamodb), `actions` the IAM actions it stands for, `error` the AWS error code or None.
    A call that took place although its connection was dropped has the status that nobody was told; one that did not
    take place has the status 0."""

    time: float
    service: str
    operation: str
    region: str
    account: str = ''
    principal: str = ''
    actions: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    decision: str = 'allowed'
    status: int = 0
    error: str | None = None
    duration: float = 0
    sequence: int = 0


_calls: deque[Call] = deque(maxlen=LIMIT)
_sequence = itertools.count(1)
_lock = threading.Lock()


def record(call: Call) -> None:
    """Appends a call and gives it the next sequence number; the oldest is dropped beyond `LIMIT`."""
    with _lock:
        call.sequence = next(_sequence)
        _calls.append(call)


@door('GET', '/calls')
def read_calls(request):
    """A door of the embedded cloud, not of AWS: the calls with a sequence number above `since` (0), oldest first."""
    try:
        since = int(request.args.get('since', '0'))
    except ValueError:
        raise DoorError(400, 'since must be a sequence number') from None
    with _lock:
        newest_first = list(itertools.takewhile(lambda call: call.sequence > since, reversed(_calls)))
    return [asdict(call) for call in reversed(newest_first)]


@door('DELETE', '/calls')
def clear_calls(request):
    """A door of the embedded cloud, not of AWS: forgets the calls so far; sequence numbers go on."""
    forget()


@on_reset
def forget() -> None:
    """Empties the log."""
    with _lock:
        _calls.clear()
