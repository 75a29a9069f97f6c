"""Schedule expressions, rate(...) and cron(...), and at(...) for EventBridge Scheduler: when do they fire.

Rules know UTC alone; Scheduler has a time zone, whose clock may leave out an hour, which then fires nothing, or show it
twice, which then fires once.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import calendar
import dataclasses
import datetime
import itertools
import math
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

UNITS = {'minute': 60, 'hour': 3600, 'day': 86400}
MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# Day 1 of a week is Sunday.
WEEKDAYS = {'SUN': 1, 'MON': 2, 'TUE': 3, 'WED': 4, 'THU': 5, 'FRI': 6, 'SAT': 7}
DAY = datetime.timedelta(days=1)


class InvalidScheduleExpression(ValueError):
    """What PutRule and CreateSchedule refuse, and why."""


@dataclass(frozen=True)
class At:
    """Once, at `time`, in seconds since 1970."""

    time: float

    def occurrences(self, made: float, after: float, until: float) -> Iterator[float]:
        """The time if it is in (after, until]; when the schedule was made does not matter."""
        if after < self.time <= until:
            yield self.time


@dataclass(frozen=True)
class Rate:
    """Every `period` seconds from the moment that the rule was made."""

    period: int

    def occurrences(self, made: float, after: float, until: float) -> Iterator[float]:
        """The times in (after, until], in order, in seconds since 1970, of a rule that was made at `made`."""
        number = max(1, math.floor((after - made) / self.period))
        while (time := made + number * self.period) <= until:
            if time > after:
                yield time
            number += 1


@dataclass(frozen=True)
class Cron:
    """The minutes of a time zone that all fields admit. Of `day` and `weekday`, one is `?`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    day: str
    months: frozenset[int]
    weekday: str
    years: frozenset[int]
    zone: datetime.tzinfo = datetime.UTC

    def occurrences(self, made: float, after: float, until: float) -> Iterator[float]:
        """The times in (after, until], in order, in seconds since 1970; when the rule was made does not matter."""
        date = datetime.datetime.fromtimestamp(after, self.zone).date()
        last = datetime.datetime.fromtimestamp(until, self.zone).date()
        while date <= last:
            if self.falls_on(date):
                for hour, minute in itertools.product(sorted(self.hours), sorted(self.minutes)):
                    time = _moment(datetime.datetime.combine(date, datetime.time(hour, minute)), self.zone)
                    if time is not None and after < time <= until:
                        yield time
            date += DAY

    def falls_on(self, date: datetime.date) -> bool:
        """Whether the expression admits a date."""
        if date.year not in self.years or date.month not in self.months:
            return False
        return _is_day(self.day, date) if self.weekday == '?' else _is_weekday(self.weekday, date)


def parse_in_zone(text: str, name: str) -> At | Rate | Cron:
    """The schedule that `text` describes for EventBridge Scheduler, in a time zone. Raises InvalidScheduleExpression."""
    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidScheduleExpression(f'{name} is no time zone') from error
    match = re.fullmatch(r'at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)', text)
    if match is None:
        schedule = parse(text)
        return dataclasses.replace(schedule, zone=zone) if isinstance(schedule, Cron) else schedule
    try:
        time = _moment(datetime.datetime.fromisoformat(match[1]), zone)
    except ValueError as error:
        raise InvalidScheduleExpression(str(error)) from error
    _require(time is not None, f'the clocks of {name} never show {match[1]}')
    return At(time)


def parse(text: str) -> Rate | Cron:
    """The schedule that `text` describes for a rule, in UTC. Raises InvalidScheduleExpression."""
    if match := re.fullmatch(r'rate\(([1-9]\d*) (minute|hour|day)(s?)\)', text):
        number, unit, plural = int(match[1]), match[2], bool(match[3])
        _require(plural == (number != 1), 'the unit is singular after 1 and plural after any other number')
        return Rate(number * UNITS[unit])
    match = re.fullmatch(r'cron\((.*)\)', text)
    _require(match is not None, f'{text} is neither rate(value unit) nor cron(fields)')
    fields = match[1].split()
    _require(len(fields) == 6, f'cron takes 6 fields, not {len(fields)}')
    minutes, hours, day, months, weekday, years = (field.upper() for field in fields)
    _require((day == '?') != (weekday == '?'), 'one of day-of-month and day-of-week is ?')
    cron = Cron(
        _values(minutes, 0, 59),
        _values(hours, 0, 23),
        day,
        _values(months, 1, 12, MONTHS),
        weekday,
        _values(years, 1970, 2199),
    )
    for date in (datetime.date(1970, 1, 1), datetime.date(1970, 1, 31)):
        _is_day(day, date) if weekday == '?' else _is_weekday(weekday, date)
    return cron


def _moment(shown: datetime.datetime, zone: datetime.tzinfo) -> float | None:
    """When the clocks of a zone show a time first, in seconds since 1970; None when they leave it out."""
    moment = shown.replace(tzinfo=zone).timestamp()
    return moment if datetime.datetime.fromtimestamp(moment, zone).replace(tzinfo=None) == shown else None


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise InvalidScheduleExpression(reason)


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """The numbers of a field made of `*`, values, ranges (`1-5`) and steps (`1/10`, `*/10`, `1-30/10`), with commas."""
    values: set[int] = set()
    for part in field.split(','):
        span, slash, step = part.partition('/')
        first, dash, last = span.partition('-')
        start = low if span == '*' else _number(first, low, high, names)
        end = _number(last, low, high, names) if dash else high if span == '*' or slash else start
        _require(start <= end, f'{part} begins after its end')
        values.update(range(start, end + 1, _number(step, 1, high) if slash else 1))
    return frozenset(values)


def _number(text: str, low: int, high: int, names: dict[str, int] | None = None) -> int:
    number = (names or {}).get(text)
    if number is None:
        _require(re.fullmatch(r'[0-9]{1,4}', text) is not None, f'{text} is no value')
        number = int(text)
    _require(low <= number <= high, f'{text} is not between {low} and {high}')
    return number


def _is_day(field: str, date: datetime.date) -> bool:
    length = calendar.monthrange(date.year, date.month)[1]
    if field == 'L':
        return date.day == length
    if field.endswith('W'):
        # The working day nearest to a day, in the same month; none in a month without that day.
        day = length if field == 'LW' else _number(field[:-1], 1, 31)
        return day <= length and date.day == _nearest_working_day(date.year, date.month, day, length)
    return date.day in _values(field, 1, 31)


def _nearest_working_day(year: int, month: int, day: int, length: int) -> int:
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def _is_weekday(field: str, date: datetime.date) -> bool:
    weekday = date.isoweekday() % 7 + 1
    if '#' in field:
        wanted, _, instance = field.partition('#')
        number = _number(instance, 1, 5)
        return weekday == _number(wanted, 1, 7, WEEKDAYS) and number == (date.day + 6) // 7
    if field == 'L':
        return weekday == 7
    if field.endswith('L'):
        length = calendar.monthrange(date.year, date.month)[1]
        return weekday == _number(field[:-1], 1, 7, WEEKDAYS) and date.day > length - 7
    return weekday in _values(field, 1, 7, WEEKDAYS)
