"""SSM Automation: values of documents: references to others (`{{ step.Output }}`), selectors of outputs, texts.

- A string that is one reference becomes what it refers to, with its type; within other text it becomes text.
- What refers to the output of a step that has not run, or that had no such value, stays as it is written.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-branch.html (the examples)
- A selector is a JSONPath. One that can find several things answers a list.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html
"""

import datetime
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from jsonpath_ng.ext import parse

REFERENCE = re.compile(r'\{\{\s*([A-Za-z0-9_.:-]+)\s*\}\}')

# The types of outputs, and what Python has for them.
TYPES: dict[str, type | tuple[type, ...]] = {
    'String': str,
    'Integer': int,
    'Boolean': bool,
    'StringList': list,
    'StringMap': dict,
    'MapList': list,
}

# What a reference finds where there is nothing.
MISSING = object()


class BadSelector(ValueError):
    """A selector that is no JSONPath."""


class WrongType(ValueError):
    """A value that is not of the type that the document says."""


def references(value: Any) -> Iterator[str]:
    """The names that all texts within a value refer to."""
    if isinstance(value, dict):
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, str):
        yield from REFERENCE.findall(value)


def resolve(value: Any, find: Callable[[str], Any]) -> Any:
    """A value with what its references refer to in their place."""
    if isinstance(value, dict):
        return {key: resolve(each, find) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, find) for each in value]
    if not isinstance(value, str):
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        found = find(whole[1])
        return value if found is MISSING else found

    def text_of(match: re.Match[str]) -> str:
        found = find(match[1])
        return match[0] if found is MISSING else text(found)

    return REFERENCE.sub(text_of, value)


def text(value: Any) -> str:
    """A value within a text, or as the API tells it."""
    return value if isinstance(value, str) else json.dumps(plain(value))


def texts(value: Any) -> list[str]:
    """A value as the API tells outputs: a list of texts."""
    return [text(each) for each in value] if isinstance(value, list) else [text(value)]


def plain(value: Any) -> Any:
    """A value as JSON has it: times are texts."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    return value


@cache
def _parsed(selector: str) -> Any:
    try:
        return parse(selector)
    # Its parser has errors of several kinds.
    except Exception as error:
        raise BadSelector(f'{selector} is not a valid JSONPath: {error}') from error


def check_selector(selector: str) -> None:
    """Raises BadSelector."""
    _parsed(selector)


def select(selector: str, response: Any) -> Any:
    """What a selector finds, or MISSING."""
    found = [match.value for match in _parsed(selector).find(response)]
    if _finds_several(selector):
        return found
    return found[0] if found else MISSING


def _finds_several(selector: str) -> bool:
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", '', selector)
    return bool(re.search(r'\*|\.\.|\?|\[[^\]]*[:,]', bare))


def typed(value: Any, wanted: str) -> Any:
    """A value that was selected, as an output of a type. Raises WrongType."""
    if wanted == 'String' and isinstance(value, int | float):
        return text(value)
    if wanted == 'StringList' and isinstance(value, list):
        return [text(each) for each in value]
    kind = TYPES[wanted]
    if not isinstance(value, kind) or (wanted == 'Integer' and isinstance(value, bool)):
        raise WrongType(f'is not of the type {wanted}: {text(value)[:200]}')
    if wanted == 'MapList' and not all(isinstance(each, dict) for each in value):
        raise WrongType(f'is not of the type MapList: {text(value)[:200]}')
    return value
