"""Condition blocks of IAM policies: operators, set operators and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import datetime
import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

# The condition keys of a request: names in lower case, each with all its values as strings.
Context = dict[str, list[str]]


def as_list(value) -> list:
    """A policy element that may be one value, a list of them, or absent, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=20_000)
def _pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    # A literal *, ? or $ is written ${*}, ${?} or ${$}.
    parts = re.split(r'(\$\{[*?$]\}|\*|\?)', pattern)
    special = {'*': '.*', '?': '.'}
    expression = ''.join(special.get(part) or re.escape(re.sub(r'^\$\{(.)\}$', r'\1', part)) for part in parts)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def wildcard_match(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Whether `text` fits `pattern`, where `*` is any characters and `?` exactly one."""
    return _pattern(pattern, ignore_case).fullmatch(text) is not None


class MissingKey(Exception):
    """A policy variable whose key is not in the request: the element that holds it matches nothing."""


def substitute(text: str, context: Context) -> str:
    """`text` with its policy variables `${key}` and `${key, 'default'}` filled in.

    Raises MissingKey for a key that the request does not carry, or carries more than once.
    """
    if '${' not in text:
        return text

    def value(match: re.Match[str]) -> str:
        key, _, default = match[1].partition(',')
        values = context.get(key.strip().lower(), [])
        if len(values) == 1:
            return re.sub(r'([*?])', r'${\1}', values[0])
        if default and not values:
            return default.strip().strip("'")
        raise MissingKey(key)

    return re.sub(r'\$\{([^*?$}][^}]*)\}', value, text)


def conditions_hold(block: dict, context: Context) -> bool:
    """Whether every operator and every key of a Condition block holds."""
    return all(
        _holds(operator, key, [str(value) for value in as_list(values)], context)
        for operator, keys in block.items()
        for key, values in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    quantifier, _, name = operator.rpartition(':')
    actual = context.get(key.lower(), [])
    if name == 'Null':
        return (not actual) == (_boolean(wanted[0]) if wanted else False)
    if name.endswith('IfExists'):
        if not actual:
            return True
        name = name.removesuffix('IfExists')
    negated, compare = _operator(name)
    try:
        wanted = [substitute(value, context) for value in wanted]
    except MissingKey:
        return negated

    def one(value: str) -> bool:
        matched = any(_safely(compare, expected, value) for expected in wanted)
        return not matched if negated else matched

    if quantifier == 'ForAllValues':
        return all(one(value) for value in actual)
    if quantifier == 'ForAnyValue':
        return any(one(value) for value in actual)
    if not actual:
        return negated
    return all(one(value) for value in actual) if negated else any(one(value) for value in actual)


def _safely(compare: Callable[[str, str], bool], wanted: str, actual: str) -> bool:
    try:
        return compare(wanted, actual)
    except ValueError:
        return False


def _boolean(text: str) -> bool:
    return text.lower() == 'true'


def _arn_match(wanted: str, actual: str) -> bool:
    # Each of the six parts of an ARN is matched by itself: a wildcard never reaches over a colon before the resource.
    patterns, parts = wanted.split(':', 5), actual.split(':', 5)
    if patterns == ['*']:
        return True
    return len(patterns) == len(parts) and all(map(wildcard_match, patterns, parts))


def _moment(text: str) -> float:
    if re.fullmatch(r'\d+', text):
        return float(text)
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _in_network(wanted: str, actual: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    'StringEquals': lambda wanted, actual: wanted == actual,
    'StringEqualsIgnoreCase': lambda wanted, actual: wanted.lower() == actual.lower(),
    'StringLike': wildcard_match,
    # ArnEquals and ArnLike behave identically.
    'ArnEquals': _arn_match,
    'ArnLike': _arn_match,
    'Bool': lambda wanted, actual: _boolean(wanted) == _boolean(actual),
    'BinaryEquals': lambda wanted, actual: wanted == actual,
    'NumericEquals': lambda wanted, actual: float(actual) == float(wanted),
    'NumericLessThan': lambda wanted, actual: float(actual) < float(wanted),
    'NumericLessThanEquals': lambda wanted, actual: float(actual) <= float(wanted),
    'NumericGreaterThan': lambda wanted, actual: float(actual) > float(wanted),
    'NumericGreaterThanEquals': lambda wanted, actual: float(actual) >= float(wanted),
    'DateEquals': lambda wanted, actual: _moment(actual) == _moment(wanted),
    'DateLessThan': lambda wanted, actual: _moment(actual) < _moment(wanted),
    'DateLessThanEquals': lambda wanted, actual: _moment(actual) <= _moment(wanted),
    'DateGreaterThan': lambda wanted, actual: _moment(actual) > _moment(wanted),
    'DateGreaterThanEquals': lambda wanted, actual: _moment(actual) >= _moment(wanted),
    'IpAddress': _in_network,
}
NEGATIONS = {
    'StringNotEquals': 'StringEquals',
    'StringNotEqualsIgnoreCase': 'StringEqualsIgnoreCase',
    'StringNotLike': 'StringLike',
    'ArnNotEquals': 'ArnEquals',
    'ArnNotLike': 'ArnLike',
    'NumericNotEquals': 'NumericEquals',
    'DateNotEquals': 'DateEquals',
    'NotIpAddress': 'IpAddress',
}


def check_operators(block: dict) -> None:
    """Raises ValueError when a Condition block uses an operator that IAM does not have."""
    for operator in block:
        name = operator.rpartition(':')[2].removesuffix('IfExists')
        if name != 'Null':
            _operator(name)


def _operator(name: str) -> tuple[bool, Callable[[str, str], bool]]:
    if name in NEGATIONS:
        return True, OPERATORS[NEGATIONS[name]]
    if name in OPERATORS:
        return False, OPERATORS[name]
    raise ValueError(f'{name} is no condition operator')
