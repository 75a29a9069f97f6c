"""The embedded cloud's clock: real time, and what tests have moved it on by. Schedules and queues go by it."""

import time

from doors import on_reset

_advanced = [0.0]


def now() -> float:
    """Seconds since 1970."""
    return time.time() + _advanced[0]


def advance(seconds: float) -> None:
    """Moves the clock on."""
    _advanced[0] += seconds


@on_reset
def forget() -> None:
    """The clock shows the real time again."""
    _advanced[0] = 0.0
