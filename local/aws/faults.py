"""Faults on demand: AWS as it is on a bad day, for tests.

`PUT /firebreak/faults` takes a list of rules and replaces all. A rule matches calls by the globs `service` (the SDK's
name), `operation`, `account`, `region`, `principal` and `resource`; absent ones match all. Of its matches it lets the
first `skip` pass, then affects every `every`-th (1), at most `times`. Its effects, any of:

- `latency`: milliseconds to wait
- `throttle`: {bucket, refillPerSecond}: a token bucket for each account and Region; an empty one is answered as the
  service answers it
- `error`: {status, code, message}
- `deny`: true refuses as IAM does where a service control policy forbids the call
- `hang`: accept the call and do not answer for up to so many seconds, then drop the connection
- `reset`: true drops the connection at once
- `pretend`: true answers as the service does when all went well, and nothing takes place
- `truncate`: true sends the first half of the answer; with `phase` `after`, since before there is none
- `tell`: a URL on 127.0.0.1, which gets a POST {operation, phase} and is waited for; then the connection is dropped.
  Whoever listens there ends the caller, who so dies at exactly this call

A glob may be a list of globs of which one must match. `phase` is `before` (default: the call does not take place) or `after` (it took place, and the caller is not told).
"""

import contextlib
import fnmatch
import json
import select
import socket
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

import errors
from api_call import ApiCall
from calls import Call
from doors import DoorError, door, on_reset

_GLOBS = ('service', 'operation', 'account', 'region', 'principal', 'resource')
_EFFECTS = ('latency', 'throttle', 'error', 'deny', 'hang', 'reset', 'pretend', 'truncate', 'tell')
_LOCAL = 'http://127.0.0.1:'
_KEYS = {*_GLOBS, *_EFFECTS, 'phase', 'skip', 'times', 'every'}


# Seconds that whoever is told may take.
_TOLD_SECONDS = 30


class Dropped(ConnectionError):
    """The connection is to end without an answer."""


@dataclass
class Rule:
    """A rule as it was put, and how often it matched and was applied."""

    given: dict[str, Any]
    matched: int = 0
    applied: int = 0
    buckets: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)


_rules: list[Rule] = []
_lock = threading.Lock()


@door('PUT', '/faults')
def put_faults(request):
    """A door of the embedded cloud, not of AWS: replaces all fault rules by the list in the body."""
    rules = request.json
    if not isinstance(rules, list):
        raise DoorError(400, 'the body must be a list of rules')
    for given in rules:
        _check(given)
    with _lock:
        _rules[:] = [Rule(given) for given in rules]


@door('GET', '/faults')
def get_faults(request):
    """A door of the embedded cloud, not of AWS: the rules, each with the number of calls it matched and affected."""
    with _lock:
        return [{**rule.given, 'matched': rule.matched, 'applied': rule.applied} for rule in _rules]


@door('DELETE', '/faults')
def delete_faults(request):
    """A door of the embedded cloud, not of AWS: removes all fault rules."""
    forget_faults()


@on_reset
def forget_faults() -> None:
    """Removes all fault rules."""
    with _lock:
        _rules.clear()


def _check(given: Any) -> None:
    if not isinstance(given, dict) or not given.keys() <= _KEYS:
        raise DoorError(400, f'a rule has only the keys {sorted(_KEYS)}')
    if not given.keys() & set(_EFFECTS):
        raise DoorError(400, f'a rule needs one of the effects {list(_EFFECTS)}')
    if given.get('phase', 'before') not in ('before', 'after'):
        raise DoorError(400, 'phase is before or after')
    if 'truncate' in given and given.get('phase') != 'after':
        raise DoorError(400, 'truncate needs the phase after')
    for key, wanted in (('error', {'status', 'code', 'message'}), ('throttle', {'bucket', 'refillPerSecond'})):
        if key in given and (not isinstance(given[key], dict) or given[key].keys() != wanted):
            raise DoorError(400, f'{key} has the keys {sorted(wanted)}')
    for key in ('skip', 'times', 'every', 'latency', 'hang'):
        value = given.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or (key == 'every' and value < 1):
            raise DoorError(400, f'{key} is no valid number')
    if not str(given.get('tell', _LOCAL)).startswith(_LOCAL):
        raise DoorError(400, f'tell begins with {_LOCAL}')


def apply(
    phase: str, call: ApiCall, entry: Call, connection: Any, answer: Response | None = None
) -> Response | None:
    """Does to a call what the rules of a phase say. What is to be answered instead is returned; a hang or reset raises
    Dropped. `answer` is what the call came to, after it took place."""
    with _lock:
        chosen = [rule for rule in _rules if rule.given.get('phase', 'before') == phase]
        affected = [rule for rule in chosen if _matches(rule, entry) and _due(rule)]
    for rule in affected:
        instead = _effect(rule, phase, call, entry, connection, answer)
        if instead:
            return instead
    return None


def _matches(rule: Rule, entry: Call) -> bool:
    actual = {
        'service': [entry.service],
        'operation': [entry.operation],
        'account': [entry.account],
        'region': [entry.region],
        'principal': [entry.principal],
        'resource': entry.resources,
    }
    return all(
        any(fnmatch.fnmatchcase(value, glob) for value in actual[key] for glob in _listed(rule.given[key]))
        for key in _GLOBS
        if key in rule.given
    )


def _listed(globs: str | list[str]) -> list[str]:
    return globs if isinstance(globs, list) else [globs]


def _due(rule: Rule) -> bool:
    rule.matched += 1
    position = rule.matched - rule.given.get('skip', 0)
    every = rule.given.get('every', 1)
    if position <= 0 or position % every or rule.applied >= rule.given.get('times', float('inf')):
        return False
    if 'throttle' not in rule.given:
        rule.applied += 1
    return True


def _effect(
    rule: Rule, phase: str, call: ApiCall, entry: Call, connection: Any, answer: Response | None
) -> Response | None:
    given = rule.given
    if 'latency' in given:
        time.sleep(given['latency'] / 1000)
    if 'throttle' in given and not _take_token(rule, (entry.account, call.region)):
        return errors.throttled(call)
    if 'error' in given:
        return errors.render(call, **given['error'])
    if given.get('deny'):
        entry.decision = 'denied'
        action = entry.actions[0] if entry.actions else call.operation
        sentence = f'User: {entry.principal} is not authorized to perform: {action}'
        return errors.access_denied(call, f'{sentence} with an explicit deny in a service control policy')
    if given.get('pretend'):
        return _success(call)
    if given.get('truncate') and answer:
        whole = answer.get_data()
        return Response(whole[: len(whole) // 2], answer.status, content_type=answer.content_type)
    if 'hang' in given:
        # A caller that goes away ends the wait.
        select.select([connection], [], [], given['hang'])
        raise Dropped
    if 'tell' in given:
        body = json.dumps({'operation': call.operation, 'phase': phase}).encode()
        urllib.request.urlopen(given['tell'], body, timeout=_TOLD_SECONDS).close()
        raise Dropped
    if given.get('reset'):
        raise Dropped
    return None


def _success(call: ApiCall) -> Response:
    """The answer to a call that went well, with nothing in it: no ids of what was made, no lists of what was changed."""
    operation = get_service_model(call.service).operation_model(call.operation)
    made = get_serializer_class(call.service, call.protocol)(operation).serialize({})
    return Response(made['body'], made['status_code'], made['headers'])


def _take_token(rule: Rule, key: tuple[str, str]) -> bool:
    bucket, refill = rule.given['throttle']['bucket'], rule.given['throttle']['refillPerSecond']
    with _lock:
        now = time.monotonic()
        tokens, seen = rule.buckets.get(key, (float(bucket), now))
        tokens = min(bucket, tokens + (now - seen) * refill)
        allowed = tokens >= 1
        rule.buckets[key] = (tokens - 1 if allowed else tokens, now)
        if not allowed:
            rule.applied += 1
        return allowed


def drop(connection: Any) -> None:
    """Ends a connection without an answer; the caller's next read sees its end."""
    # A caller that was killed may have ended it already.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
