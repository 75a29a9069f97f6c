"""The embedded cloud's own doors: JSON over HTTP under `/firebreak/`, beside the AWS API and never part of it.

A service file adds one with a decorator; the path may hold `<name>` parts, which arrive as keyword arguments:

    @door('PUT', '/clock')
    def set_clock(request):
        \"\"\"A door of the embedded cloud, not of AWS: ...\"\"\"
        return {'now': request.json['now']}

A door gets the werkzeug request and returns what is sent back as JSON with status 200; None is sent as 204, and a
werkzeug Response as it is. It raises
`DoorError(status, message)` to refuse. `request.json` of a malformed body raises a 400 by itself.
"""

import json
from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

PREFIX = '/firebreak'

_map = Map()
_doors: dict[str, Callable[..., Any]] = {}
_on_reset: list[Callable[[], None]] = []


class DoorError(Exception):
    """A request that a door refuses: an HTTP status and a message for the caller."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def door(method: str, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as the door `method` `/firebreak{path}`. Two doors of the same name are an error."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = f'{method} {path}'
        if name in _doors:
            raise ValueError(f'the door {name} exists already')
        _doors[name] = function
        _map.add(Rule(PREFIX + path, methods=[method], endpoint=name))
        return function

    return register


def on_reset(function: Callable[[], None]) -> Callable[[], None]:
    """Registers a function that forgets a file's own state; it runs right after moto has reset its state."""
    _on_reset.append(function)
    return function


def run_reset() -> None:
    """Runs all functions registered with `on_reset`."""
    for function in _on_reset:
        function()


def answer(environ: dict[str, Any]) -> Response:
    """The response of the door that the WSGI request names; 404 or 405 as JSON where there is none."""
    try:
        name, arguments = _map.bind_to_environ(environ).match()
        result = _doors[name](Request(environ), **arguments)
    except HTTPException as error:
        return _json(error.code or 500, {'message': error.description or error.name})
    except DoorError as error:
        return _json(error.status, {'message': str(error)})
    if isinstance(result, Response):
        return result
    return Response(status=204) if result is None else _json(200, result)


def _json(status: int, body: Any) -> Response:
    return Response(json.dumps(body, default=str), status=status, content_type='application/json')
