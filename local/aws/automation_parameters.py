"""SSM Automation: the parameters of a document, and the values that an execution is started with.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
"""

import json
import re
from typing import Any

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
MOST_CHARACTERS = 512
_PYTHON = {'String': str, 'StringList': list, 'Boolean': bool, 'Integer': int, 'StringMap': dict, 'MapList': list}
TYPES = tuple(_PYTHON)
_AWS_TYPE = re.compile(r'AWS(::\w+){3,4}|List<AWS(::\w+){3,4}>')
DECLARED = {
    'type',
    'description',
    'default',
    'allowedValues',
    'allowedPattern',
    'displayType',
    'minItems',
    'maxItems',
    'minChars',
    'maxChars',
}


class BadParameter(ValueError):
    """A parameter that is declared or given wrongly: a sentence about it."""


def plain_type(declared: str) -> str | None:
    """The type of a parameter without what AWS knows of the resources that it names; None where it is no type."""
    if declared in TYPES:
        return declared
    if _AWS_TYPE.fullmatch(str(declared)):
        return 'StringList' if declared.startswith('List<') else 'String'
    return None


def check_declaration(name: str, declaration: Any) -> None:
    """Raises BadParameter for what a document cannot say of a parameter."""
    if not re.fullmatch(r'[A-Za-z0-9_-]{1,64}', name):
        raise BadParameter(f'Parameter name {name} is invalid')
    if not isinstance(declaration, dict) or not declaration.keys() <= DECLARED:
        raise BadParameter(f'Parameter {name} has other properties than {sorted(DECLARED)}')
    if plain_type(declaration.get('type', '')) is None:
        raise BadParameter(f'Parameter {name} has an invalid type: {declaration.get("type")}')
    try:
        re.compile(declaration.get('allowedPattern', ''))
    except re.error as error:
        raise BadParameter(f'Parameter {name} has an invalid allowedPattern: {error}') from error
    if 'default' in declaration:
        # In YAML, what reads as a number or as true is no text.
        if type(declaration['default']) is not _PYTHON[plain_type(declaration['type']) or '']:
            raise BadParameter(f'Parameter {name} has a default that is no {declaration["type"]}')
        _check(name, declaration, declaration['default'])


def values(declared: dict[str, Any], given: dict[str, list[str]]) -> dict[str, Any]:
    """The value of each parameter: what is given or else its default, by its type. Raises BadParameter."""
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise BadParameter(f'Parameters {unknown} are not defined in the document.')
    found = {}
    for name, declaration in declared.items():
        if name in given:
            found[name] = _typed(name, plain_type(declaration['type']) or '', given[name])
            _check(name, declaration, found[name])
        elif 'default' in declaration:
            found[name] = declaration['default']
        else:
            raise BadParameter(f'Missing required parameter {name}.')
    return found


def _typed(name: str, kind: str, given: list[str]) -> Any:
    if any(len(each) > MOST_CHARACTERS for each in given):
        raise BadParameter(f'Parameter {name} has a value of more than {MOST_CHARACTERS} characters.')
    if kind == 'StringList':
        return list(given)
    if kind == 'MapList':
        parts = [_json(name, each) for each in given]
        maps = parts[0] if len(parts) == 1 and isinstance(parts[0], list) else parts
        if not all(isinstance(each, dict) for each in maps):
            raise BadParameter(f'Parameter {name} is not a valid MapList.')
        return maps
    if len(given) != 1:
        raise BadParameter(f'Parameter {name} of the type {kind} takes one value.')
    if kind == 'String':
        return given[0]
    if kind == 'Boolean' and given[0].lower() in ('true', 'false'):
        return given[0].lower() == 'true'
    if kind == 'Integer' and re.fullmatch(r'-?\d+', given[0]):
        return int(given[0])
    value = _json(name, given[0]) if kind == 'StringMap' else None
    if not isinstance(value, dict):
        raise BadParameter(f'Parameter {name} is not a valid {kind}.')
    return value


def _json(name: str, given: str) -> Any:
    try:
        return json.loads(given)
    except ValueError as error:
        raise BadParameter(f'Parameter {name} is not valid JSON.') from error


def _check(name: str, declaration: dict[str, Any], value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    allowed, pattern = declaration.get('allowedValues'), declaration.get('allowedPattern')
    if allowed is not None and not all(each in allowed for each in items):
        raise BadParameter(f'Parameter {name} has a value that is not in the allowed values {allowed}.')
    for each in items:
        if pattern is not None and isinstance(each, str) and not re.fullmatch(pattern, each):
            raise BadParameter(f'Parameter {name} has a value that does not match the allowed pattern {pattern}.')
        if isinstance(each, str) and not _within(len(each), declaration, 'Chars'):
            raise BadParameter(f'Parameter {name} has a value with a wrong number of characters.')
    if isinstance(value, list) and not _within(len(value), declaration, 'Items'):
        raise BadParameter(f'Parameter {name} has a wrong number of items.')


def _within(size: int, declaration: dict[str, Any], what: str) -> bool:
    return declaration.get(f'min{what}', 0) <= size <= declaration.get(f'max{what}', size)
