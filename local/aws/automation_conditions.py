"""SSM Automation: what `aws:branch` chooses by, and `aws:loop` goes on by.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html
"""

from collections.abc import Callable
from typing import Any

from automation_values import text


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(f'{value} is not a number')
    return float(value)


def _boolean(value: Any) -> str:
    return text(value).lower()


OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    'StringEquals': lambda value, wanted: text(value) == text(wanted),
    'EqualsIgnoreCase': lambda value, wanted: text(value).lower() == text(wanted).lower(),
    'StartsWith': lambda value, wanted: text(value).startswith(text(wanted)),
    'EndsWith': lambda value, wanted: text(value).endswith(text(wanted)),
    'Contains': lambda value, wanted: (wanted in value) if isinstance(value, list) else text(wanted) in text(value),
    'NumericEquals': lambda value, wanted: _number(value) == _number(wanted),
    'NumericGreater': lambda value, wanted: _number(value) > _number(wanted),
    'NumericLesser': lambda value, wanted: _number(value) < _number(wanted),
    'NumericGreaterOrEquals': lambda value, wanted: _number(value) >= _number(wanted),
    'NumericLesserOrEquals': lambda value, wanted: _number(value) <= _number(wanted),
    'BooleanEquals': lambda value, wanted: _boolean(value) == _boolean(wanted),
}


class BadCondition(ValueError):
    """A condition that AWS does not know."""


def check_condition(condition: Any) -> None:
    """Raises BadCondition."""
    if not isinstance(condition, dict):
        raise BadCondition('a condition is a map')
    keys = set(condition) - {'NextStep'}
    for operator in ('And', 'Or'):
        if operator in keys:
            if keys != {operator} or not isinstance(condition[operator], list):
                raise BadCondition(f'{operator} stands alone, with a list of conditions')
            for each in condition[operator]:
                check_condition(each)
            return
    if 'Not' in keys:
        if keys != {'Not'}:
            raise BadCondition('Not stands alone, with a condition')
        check_condition(condition['Not'])
    elif 'Variable' not in keys or len(keys) != 2 or not keys - {'Variable'} <= set(OPERATIONS):
        raise BadCondition(f'a condition has a Variable and one operation of {", ".join(OPERATIONS)}')


def holds(condition: dict[str, Any]) -> bool:
    """Whether a condition holds, whose references are resolved. Raises ValueError for numbers that are none."""
    if 'And' in condition:
        return all(holds(each) for each in condition['And'])
    if 'Or' in condition:
        return any(holds(each) for each in condition['Or'])
    if 'Not' in condition:
        return not holds(condition['Not'])
    operation = next(key for key in condition if key in OPERATIONS)
    return OPERATIONS[operation](condition['Variable'], condition[operation])
