"""Operations of AWS that moto has not at all: read, checked and answered by botocore's own service models.

    @operation('ssm', 'CreateOpsItem')
    def create_ops_item(call, caller):
        \"\"\"Answers CreateOpsItem.\"\"\"
        return {'OpsItemId': ...}

It gets the call, whose parameters keep to the limits of the model, and the caller; it returns the answer by the SDK's names,
or raises a Failure with the code of an error of the service and that error's own members.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

import errors
from api_call import ApiCall
from pages import InvalidToken, page
from principals import Caller

Answer = dict[str, Any] | None

_operations: dict[tuple[str, str], Callable[[ApiCall, Caller], Answer]] = {}


def operation(service: str, name: str) -> Callable[..., Callable[[ApiCall, Caller], Answer]]:
    """Registers a function as the operation `name` of a service, both as botocore calls them."""

    def register(function: Callable[[ApiCall, Caller], Answer]) -> Callable[[ApiCall, Caller], Answer]:
        _operations[service, name] = function
        return function

    return register


class Failure(Exception):
    """An error of a service, with the members that the model has for it."""

    def __init__(self, code: str, message: str, **members: Any):
        super().__init__(message)
        self.code = code
        self.members = members


def serves(call: ApiCall) -> bool:
    """Whether this cloud has the operation of a call here."""
    return (call.service, call.operation) in _operations


def answer(call: ApiCall, caller: Caller) -> Response:
    """The response to a call that is served here."""
    model = get_service_model(call.service).operation_model(call.operation)
    try:
        violation = next(violations(model.input_shape, call.parameters), None) if model.input_shape else None
        if violation:
            raise Failure('ValidationException', f'1 validation error detected: {violation}')
        result = _operations[call.service, call.operation](call, caller)
    except Failure as error:
        status = next((shape.metadata.get('error') for shape in model.error_shapes if shape.name == error.code), None)
        code = (status or {}).get('httpStatusCode', 400)
        return errors.render(call, code, error.code, str(error), **error.members)
    made = get_serializer_class(call.service, call.protocol)(model).serialize(result)
    return Response(made['body'], made['status_code'], made['headers'])


def violations(shape: Shape, value: Any, at: str = '') -> Iterator[str]:
    """In AWS's words, what of a value is not as its model says: required members, lengths, ranges, patterns and enumerations."""
    constraint = _constraint(shape, value)
    if constraint:
        yield f"Value at '{at}' failed to satisfy constraint: Member must {constraint}"
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            place = f'{at}.{name}' if at else name
            if value.get(name) is not None:
                yield from violations(member, value[name], place)
            elif name in shape.required_members:
                yield f"Value at '{place}' failed to satisfy constraint: Member must not be null"
    elif isinstance(shape, ListShape):
        for index, each in enumerate(value, 1):
            yield from violations(shape.member, each, f'{at}.{index}.member')
    elif isinstance(shape, MapShape):
        for key, each in value.items():
            yield from violations(shape.key, key, f'{at}.key')
            yield from violations(shape.value, each, f'{at}.{key}.member')


def _constraint(shape: Shape, value: Any) -> str | None:
    least, most = shape.metadata.get('min'), shape.metadata.get('max')
    pattern = _pattern(shape.metadata.get('pattern'))
    kind, size = ('value', value) if isinstance(value, int | float) else ('length', _length(value))
    if shape.metadata.get('enum') and value not in shape.metadata['enum']:
        return f'satisfy enum value set: [{", ".join(shape.metadata["enum"])}]'
    if most is not None and size > most:
        return f'have {kind} less than or equal to {most}'
    if least is not None and size < least:
        return f'have {kind} greater than or equal to {least}'
    if pattern and not pattern.search(value):
        return f'satisfy regular expression pattern: {shape.metadata["pattern"]}'
    return None


def _length(value: Any) -> int:
    # A time has no length, and a text the one that Java counts.
    if isinstance(value, str):
        return len(value.encode('utf-16-le')) // 2
    return 0 if isinstance(value, datetime) else len(value)


@cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """A pattern of a model, which is written for Java; None where Python cannot read it."""
    try:
        return re.compile(text) if text else None
    except re.error:
        return None


def page_of(call: ApiCall, items: list, result: str) -> dict[str, Any]:
    """A page of a list answer under the name `result`, by the call's size and token of a page."""
    # Services of a REST protocol begin the names of members with a small letter.
    size, token = ('maxResults', 'nextToken') if call.protocol == 'rest-json' else ('MaxResults', 'NextToken')
    try:
        found, following = page(items, call.parameters.get(size), call.parameters.get(token))
    except InvalidToken as error:
        raise Failure('ValidationException', f'{token} is not valid') from error
    return {result: found, **({token: following} if following else {})}
