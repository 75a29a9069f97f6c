"""EventBridge event patterns: does a pattern match an event, and would PutRule accept the pattern.

moto flattens the event and therefore never looks into arrays of objects, which is the shape of every Security Hub
event. AWS does, and it wants all keys below one array to be found in the same element of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
"""

import ipaddress
import json
import operator
import re

MAXIMUM_LENGTH = 2048
NUMERIC_LIMIT = 5e9
COMPARISONS = {'<': operator.lt, '<=': operator.le, '=': operator.eq, '>=': operator.ge, '>': operator.gt}
TEXT_OPERATORS = ('prefix', 'suffix', 'equals-ignore-case', 'wildcard')
OPERATORS = (*TEXT_OPERATORS, 'anything-but', 'numeric', 'cidr', 'exists')


class InvalidEventPattern(ValueError):
    """Why EventBridge refuses a pattern, in the words that follow `Event pattern is not valid. Reason: `."""


def matches(pattern: dict, event) -> bool:
    """Whether `event` (JSON, an envelope or a part of one) has all that `pattern` (JSON) asks for."""
    if isinstance(event, list):
        elements = [element for element in event if isinstance(element, (dict, list))]
        return any(matches(pattern, element) for element in elements) if elements else matches(pattern, {})
    fields = event if isinstance(event, dict) else {}
    return all(_field_matches(name, wanted, fields) for name, wanted in pattern.items())


def _field_matches(name: str, wanted, fields: dict) -> bool:
    if _is_or(name, wanted):
        return any(matches(alternative, fields) for alternative in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, fields.get(name, {}))
    values = _leaves(fields[name]) if name in fields else []
    return any(_alternative_matches(alternative, values) for alternative in wanted)


def _is_or(name: str, wanted) -> bool:
    """`$or` is an operator before two objects or more of field names, and the name of a field before anything else."""
    return (
        name == '$or'
        and isinstance(wanted, list)
        and len(wanted) > 1
        and all(isinstance(branch, dict) and not branch.keys() & set(OPERATORS) for branch in wanted)
    )


def _leaves(value) -> list:
    if isinstance(value, list):
        return [leaf for element in value for leaf in _leaves(element)]
    return [] if isinstance(value, dict) else [value]


def _alternative_matches(alternative, values: list) -> bool:
    if isinstance(alternative, dict) and 'exists' in alternative:
        return alternative['exists'] == bool(values)
    return any(_value_matches(alternative, value) for value in values)


def _value_matches(wanted, value) -> bool:
    if not isinstance(wanted, dict):
        return _equal(wanted, value)
    [(name, operand)] = wanted.items()
    if name == 'anything-but':
        return not any(_value_matches(refused, value) for refused in _refused(operand))
    if name == 'numeric':
        return _is_number(value) and all(
            COMPARISONS[symbol](value, bound) for symbol, bound in zip(operand[::2], operand[1::2])
        )
    return isinstance(value, str) and _text_matches(name, operand, value)


def _refused(operand) -> list:
    """The match values that an anything-but excludes: `"a"`, `["a", "b"]`, `{"prefix": "a"}` or `{"prefix": ["a"]}`."""
    if isinstance(operand, dict):
        [(name, values)] = operand.items()
        return [{name: value} for value in _as_list(values)]
    return _as_list(operand)


def _text_matches(name: str, operand, text: str) -> bool:
    if name == 'cidr':
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(operand, strict=False)
        except ValueError:
            return False
    if isinstance(operand, dict):
        operand, text = operand['equals-ignore-case'].lower(), text.lower()
    if name == 'prefix':
        return text.startswith(operand)
    if name == 'suffix':
        return text.endswith(operand)
    if name == 'wildcard':
        return _wildcard(operand).fullmatch(text) is not None
    return text.lower() == operand.lower()


def _wildcard(text: str) -> re.Pattern:
    r"""`*` stands for any characters; `\*` and `\\` for the characters themselves."""
    parts = re.findall(r'\\.|.', text, re.DOTALL)
    return re.compile(''.join('.*' if part == '*' else re.escape(part[-1]) for part in parts), re.DOTALL)


def _equal(wanted, value) -> bool:
    if _is_number(wanted) and _is_number(value):
        return wanted == value
    return type(wanted) is type(value) and wanted == value


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def parse(text: str) -> dict:
    """The pattern that `text` holds. Raises InvalidEventPattern where PutRule answers InvalidEventPatternException."""
    if len(text.encode()) > MAXIMUM_LENGTH:
        raise InvalidEventPattern(f'Pattern is longer than {MAXIMUM_LENGTH} characters')
    try:
        pattern = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidEventPattern('Invalid JSON') from error
    _require(isinstance(pattern, dict), 'Filter is not an object')
    _check_object(pattern)
    return pattern


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise InvalidEventPattern(reason)


def _check_object(pattern: dict) -> None:
    _require(bool(pattern), 'Empty objects are not allowed')
    for name, wanted in pattern.items():
        if _is_or(name, wanted):
            for branch in wanted:
                _check_object(branch)
        elif isinstance(wanted, dict):
            _check_object(wanted)
        else:
            _require(isinstance(wanted, list), f'"{name}" must be an object or an array')
            _require(bool(wanted), 'Empty arrays are not allowed')
            for alternative in wanted:
                _check_alternative(alternative)


def _check_alternative(alternative) -> None:
    _require(not isinstance(alternative, list), 'Match value must be String, number, true, false, or null')
    if not isinstance(alternative, dict):
        return
    _require(bool(alternative), 'Match expression name not found')
    _require(len(alternative) == 1, 'Only one key allowed in match expression')
    [(name, operand)] = alternative.items()
    _require(name in OPERATORS, f'Unrecognized match type {name}')
    if name == 'exists':
        _require(isinstance(operand, bool), 'exists match pattern must be either true or false.')
    elif name == 'numeric':
        _check_numeric(operand)
    elif name == 'cidr':
        _check_cidr(operand)
    elif name == 'anything-but':
        _check_anything_but(operand)
    else:
        _check_text(name, operand)


def _check_text(name: str, operand) -> None:
    if name in ('prefix', 'suffix') and isinstance(operand, dict):
        _require(list(operand) == ['equals-ignore-case'], f'Unsupported {name} pattern: {next(iter(operand), "")}')
        operand = operand['equals-ignore-case']
    _require(isinstance(operand, str), f'{name} match pattern must be a string')
    if name == 'wildcard':
        _require('**' not in re.sub(r'\\.', '', operand), 'Consecutive wildcard characters are not allowed')
        _require(not re.search(r'\\(?![*\\])', re.sub(r'\\[*\\]', '', operand)), 'Invalid escape character')


def _check_numeric(operand) -> None:
    _require(isinstance(operand, list), 'Value of numeric must be an array.')
    symbols, bounds = operand[::2], operand[1::2]
    _require(bool(operand) and len(symbols) == len(bounds), 'Invalid member in numeric match')
    for symbol, bound in zip(symbols, bounds):
        _require(isinstance(symbol, str) and symbol in COMPARISONS, f'Unrecognized numeric range operator: {symbol}')
        _require(_is_number(bound), f'Value of {symbol} must be numeric')
        _require(abs(bound) <= NUMERIC_LIMIT, 'Value must be between -5.0E9 and 5.0E9, inclusive')
    if len(symbols) == 2:
        _require(symbols[0] in ('>', '>=') and symbols[1] in ('<', '<='), f'Bad numeric range operator: {symbols[1]}')
        _require(bounds[0] < bounds[1], 'Bottom must be less than top')
    _require(len(symbols) <= 2, 'Too many terms in numeric range expression')


def _check_cidr(operand) -> None:
    _require(isinstance(operand, str), 'prefix match pattern must be a string')
    _require(operand.count('/') == 1, "Malformed CIDR, one '/' required")
    try:
        ipaddress.ip_network(operand, strict=False)
    except ValueError:
        raise InvalidEventPattern(f'Malformed CIDR, {operand}') from None


def _check_anything_but(operand) -> None:
    if isinstance(operand, dict):
        _require(len(operand) == 1, 'Only one key allowed in match expression')
        [(name, values)] = operand.items()
        _require(name in TEXT_OPERATORS, f'Unsupported anything-but pattern: {name}')
        for value in _as_list(values):
            _check_text(name, value)
            _require(bool(value), 'Null prefix/suffix not allowed')
        return
    values = _as_list(operand)
    _require(
        bool(values)
        and (all(isinstance(value, str) for value in values) or all(_is_number(value) for value in values)),
        'Inside anything but list, either all values are number or string, mixed type is not supported',
    )
