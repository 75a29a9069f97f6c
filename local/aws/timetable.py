"""What the embedded cloud's clock brings about: scheduled rules, schedules, second tries. A door moves it on."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import clock
from doors import DoorError, door, on_reset

log = logging.getLogger(__name__)

Time = TypeVar('Time')
# A moment, in seconds since 1970, and what happens then.
Occurrence = tuple[float, Callable[[], None]]

# The most that one rule or schedule fires in one step of the clock.
MOST_OCCURRENCES = 100
# Seconds between two looks while time passes by itself.
PACE = 1
YEAR = 366 * 86400

# Held while the clock moves, and by whoever changes what it brings about.
one_at_a_time = threading.RLock()
_sources: list[Callable[[float, float], Iterable[Occurrence]]] = []
_looked_at = [clock.now()]


class TooMany(Exception):
    """Something would fire more often in one step of the clock than anyone wants to wait for."""


def brings_about(source: Callable[[float, float], Iterable[Occurrence]]):
    """Registers a function that tells the occurrences in (after, until], in seconds since 1970, and changes nothing."""
    _sources.append(source)
    return source


def few(name: str, times: Iterator[Time], after: float, until: float) -> list[Time]:
    """The times, of what is called `name`, that a step fires. Raises TooMany for more than MOST_OCCURRENCES."""
    found = list(itertools.islice(times, MOST_OCCURRENCES + 1))
    if len(found) > MOST_OCCURRENCES:
        raise TooMany(
            f'{name}, would fire more than {MOST_OCCURRENCES} times in {round(until - after)} s: '
            'advance the clock in smaller steps'
        )
    return found


def step(seconds: float = 0) -> None:
    """Moves the clock on and fires what came due, oldest first. Raises TooMany before anything happens."""
    with one_at_a_time:
        after, until = _looked_at[0], clock.now() + seconds
        due = [occurrence for source in _sources for occurrence in source(after, until)]
        # What a target does about an event, it does at the new time.
        clock.advance(seconds)
        _looked_at[0] = until
        for _, fire in sorted(due, key=lambda occurrence: occurrence[0]):
            fire()


@on_reset
def look_from_now() -> None:
    """What has come due until now is forgotten."""
    _looked_at[0] = clock.now()


@door('POST', '/clock')
def advance_clock(request):
    """A door of the embedded cloud, not of AWS: `{advance}`, in seconds, moves the clock on; `{now}` is the new time.

    At most a year. When it answers, what came due has fired: queues have their messages, and the runner is being handed
    the invocations. 400, and the clock stays, when a rule or schedule would fire more than 100 times.
    """
    seconds = request.json.get('advance')
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= YEAR:
        raise DoorError(400, f'advance is a number of seconds from 0 to {YEAR}')
    try:
        step(seconds)
    except TooMany as error:
        raise DoorError(400, str(error)) from error
    return get_clock(request)


@door('GET', '/clock')
def get_clock(request):
    """A door of the embedded cloud, not of AWS: `{now}`, what schedules and queues go by, in seconds since 1970."""
    return {'now': clock.now()}


def _let_time_pass() -> None:
    while True:
        time.sleep(PACE)
        try:
            step()
        except TooMany as missed:
            log.warning('this machine slept; what was missed does not fire: %s', missed)
            look_from_now()
        except Exception:
            log.exception('what came due did not all happen')


threading.Thread(target=_let_time_pass, daemon=True).start()
