"""The embedded cloud's clock: real time, and what tests have moved it on by. Schedules, queues and automations go by it."""

import threading
import time
from collections.abc import Callable

from doors import on_reset

_advanced = [0.0]
_changed = threading.Condition()


def now() -> float:
    """Seconds since 1970."""
    return time.time() + _advanced[0]


def advance(seconds: float) -> None:
    """Moves the clock on."""
    _advanced[0] += seconds
    wake()


def wait_for(happened: Callable[[], bool], until: float) -> bool:
    """Waits for something to have happened, of which `wake` tells, or for a moment. Answers whether it happened."""
    with _changed:
        while not happened():
            left = until - now()
            if left <= 0:
                return False
            _changed.wait(min(left, threading.TIMEOUT_MAX))
    return True


def wake() -> None:
    """Has all who wait look again at what they wait for."""
    with _changed:
        _changed.notify_all()


@on_reset
def forget() -> None:
    """The clock shows the real time again."""
    _advanced[0] = 0.0
    wake()
