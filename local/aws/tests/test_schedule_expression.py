"""Schedule expressions: which minutes they mean, and what is none."""

import calendar
import datetime
import random

import pytest
from schedule_expression import MONTHS, WEEKDAYS, InvalidScheduleExpression, parse, parse_in_zone

UTC = datetime.UTC


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def times(expression: str, after: str, until: str) -> list[str]:
    found = parse(expression).occurrences(at(after), at(after), at(until))
    return [datetime.datetime.fromtimestamp(time, UTC).strftime('%Y-%m-%dT%H:%M') for time in found]


@pytest.mark.parametrize(
    'expression, expected',
    [
        ('cron(0 10 * * ? *)', ['2026-01-01T10:00', '2026-01-02T10:00', '2026-01-03T10:00']),
        ('cron(15,45 6-7/2 2 * ? 2026)', ['2026-01-02T06:15', '2026-01-02T06:45']),
        ('cron(0 18 ? * MON-FRI *)', ['2026-01-01T18:00', '2026-01-02T18:00']),
        ('cron(0 8/12 1 jan ? *)', ['2026-01-01T08:00', '2026-01-01T20:00']),
        ('cron(0 0 1 * ? 2027)', []),
        ('cron(0 0 * * ? *)', ['2026-01-02T00:00', '2026-01-03T00:00', '2026-01-04T00:00']),
        ('rate(1 day)', ['2026-01-02T00:00', '2026-01-03T00:00', '2026-01-04T00:00']),
        ('rate(36 hours)', ['2026-01-02T12:00', '2026-01-04T00:00']),
    ],
)
def test_in_the_first_three_days_of_2026(expression, expected):
    assert times(expression, '2026-01-01T00:00', '2026-01-04T00:00') == expected


@pytest.mark.parametrize(
    'day, weekday, expected',
    [
        ('L', '?', ['01-31', '02-28', '03-31']),
        ('LW', '?', ['01-30', '02-27', '03-31']),
        # 2026: the 1st of February and of March is a Sunday, the 31st of January a Saturday.
        ('1W', '?', ['01-01', '02-02', '03-02']),
        ('31W', '?', ['01-30', '03-31']),
        ('?', '6L', ['01-30', '02-27', '03-27']),
        ('?', 'TUE#2', ['01-13', '02-10', '03-10']),
        ('?', '1#5', ['03-29']),
    ],
)
def test_days_of_the_first_quarter_of_2026(day, weekday, expected):
    found = times(f'cron(0 12 {day} * {weekday} *)', '2026-01-01T00:00', '2026-04-01T00:00')
    assert [time[5:10] for time in found] == expected


def test_the_last_day_of_the_week_is_saturday():
    saturdays = times('cron(0 0 ? * L *)', '2026-01-01T00:00', '2026-01-12T00:00')
    assert saturdays == ['2026-01-03T00:00', '2026-01-10T00:00']


def test_an_occurrence_belongs_to_one_of_two_steps_that_meet_at_it():
    for expression in ('cron(0/7 * * * ? *)', 'rate(7 minutes)'):
        schedule, made = parse(expression), at('2026-01-01T00:00')
        marks = [made, *(made + 60 * minute for minute in (7, 20, 21, 100)), made + 86400]
        parts = [time for a, b in zip(marks, marks[1:]) for time in schedule.occurrences(made, a, b)]
        assert parts == list(schedule.occurrences(made, marks[0], marks[-1]))


@pytest.mark.parametrize(
    'expression',
    [
        '',
        'rate(0 minutes)',
        'rate(1 minutes)',
        'rate(5 minute)',
        'rate(5 seconds)',
        'cron(0 10 * * *)',
        'cron(0 10 * * ? * *)',
        'cron(0 10 * * * *)',
        'cron(0 10 ? * ? *)',
        'cron(60 10 * * ? *)',
        'cron(0 24 * * ? *)',
        'cron(0 10 0 * ? *)',
        'cron(0 10 32W * ? *)',
        'cron(0 10 * 13 ? *)',
        'cron(0 10 ? * 8 *)',
        'cron(0 10 ? * 3#6 *)',
        'cron(0 10 ? * 3#1,6#3 *)',
        'cron(0 10 * * ? 1969)',
        'cron(5-1 10 * * ? *)',
        'cron(0/0 10 * * ? *)',
        'cron(,1 10 * * ? *)',
        'cron(x 10 * * ? *)',
        'cron(-1 10 * * ? *)',
        '0 10 * * ? *',
    ],
)
def test_what_says_no_time_is_refused(expression):
    with pytest.raises(InvalidScheduleExpression):
        parse(expression)


class Field:
    """A random field, as text and as the numbers that it was made from."""

    def __init__(self, chance: random.Random, low: int, high: int, names: dict[str, int] | None = None):
        by_number = {number: name for name, number in (names or {}).items()}

        def write(number: int) -> str:
            return by_number[number] if names and chance.random() < 0.5 else str(number)

        texts, self.numbers = [], set()
        for _ in range(chance.randint(1, 3)):
            first, last = sorted((chance.randint(low, high), chance.randint(low, high)))
            step = chance.randint(1, 7)
            text, numbers = chance.choice(
                [
                    (write(first), {first}),
                    (f'{write(first)}-{write(last)}', set(range(first, last + 1))),
                    (f'{write(first)}/{step}', {n for n in range(first, high + 1) if (n - first) % step == 0}),
                    (f'*/{step}', {n for n in range(low, high + 1) if (n - low) % step == 0}),
                    (f'{write(first)}-{write(last)}/{step}', set(range(first, last + 1, step))),
                    ('*', set(range(low, high + 1))),
                ]
            )
            texts.append(text)
            self.numbers |= numbers
        self.text = ','.join(texts)


@pytest.mark.parametrize('seed', range(100))
def test_it_fires_in_exactly_the_minutes_that_each_field_admits(seed):
    chance = random.Random(seed)
    minutes, hours = Field(chance, 0, 59), Field(chance, 0, 23)
    months = Field(chance, 1, 12, MONTHS)
    some_years = [('*', range(1970, 2200)), ('2024-2025', (2024, 2025)), ('2024/2', range(2024, 2200, 2))]
    year, years = chance.choice(some_years)
    days, weekdays = Field(chance, 1, 31), Field(chance, 1, 7, WEEKDAYS)
    by_day = chance.random() < 0.5
    day, weekday = (days.text, '?') if by_day else ('?', weekdays.text)
    expression = f'cron({minutes.text} {hours.text} {day} {months.text} {weekday} {year})'
    start = at(f'{chance.randint(2024, 2026)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T00:00')
    start += chance.randint(0, 86400)
    until = start + chance.randint(0, 4 * 86400)

    def admits(time: int) -> bool:
        moment = datetime.datetime.fromtimestamp(time, UTC)
        sunday_first = (calendar.weekday(moment.year, moment.month, moment.day) + 1) % 7 + 1
        return (
            moment.minute in minutes.numbers
            and moment.hour in hours.numbers
            and moment.month in months.numbers
            and moment.year in years
            and (moment.day in days.numbers if by_day else sunday_first in weekdays.numbers)
        )

    whole_minutes = range(int(start // 60 + 1) * 60, int(until) + 1, 60)
    assert list(parse(expression).occurrences(0, start, until)) == [time for time in whole_minutes if admits(time)]


@pytest.mark.parametrize('seed', range(20))
def test_a_rate_counts_from_when_the_rule_was_made(seed):
    chance = random.Random(seed)
    made, period = chance.uniform(0, 2e9), 60 * chance.randint(2, 500)
    after = made + chance.uniform(0, 1e6)
    until = after + chance.uniform(0, 1e6)
    found = list(parse(f'rate({period // 60} minutes)').occurrences(made, after, until))
    everything = [made + number * period for number in range(1, int((until - made) // period) + 2)]
    assert found == [time for time in everything if after < time <= until]


def in_zone(expression: str, zone: str, after: str, until: str) -> list[str]:
    found = parse_in_zone(expression, zone).occurrences(at(after), at(after), at(until))
    return [datetime.datetime.fromtimestamp(time, UTC).strftime('%d %H:%M') for time in found]


@pytest.mark.parametrize(
    'expression, zone, expected',
    [
        # In Berlin the night of 29 March 2026 has no 02:30.
        ('cron(30 2 * * ? *)', 'Europe/Berlin', ['28 01:30', '30 00:30']),
        ('cron(30 2 * * ? *)', 'UTC', ['28 02:30', '29 02:30', '30 02:30']),
        ('cron(0 9 * * ? *)', 'America/New_York', ['28 13:00', '29 13:00', '30 13:00']),
        # It still is the evening before.
        ('cron(0 20 28 3 ? 2026)', 'America/New_York', ['29 00:00']),
        ('rate(1 day)', 'Europe/Berlin', ['29 00:00', '30 00:00', '31 00:00']),
        ('at(2026-03-29T03:00:05)', 'Europe/Berlin', ['29 01:00']),
    ],
)
def test_in_a_time_zone(expression, zone, expected):
    assert in_zone(expression, zone, '2026-03-28T00:00', '2026-03-31T00:00') == expected


def test_an_hour_that_comes_twice_fires_once():
    assert in_zone('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-10-24T12:00', '2026-10-25T12:00') == ['25 00:30']


@pytest.mark.parametrize(
    'expression, zone',
    [
        ('at(2026-03-29T02:30:00)', 'Europe/Berlin'),
        ('at(2026-02-30T00:00:00)', 'UTC'),
        ('at(2026-02-20)', 'UTC'),
        ('cron(0 9 * * ? *)', 'Europe/Atlantis'),
        ('cron(0 9 * * ? *)', '../../etc/passwd'),
        ('cron(0 9 * * *)', 'UTC'),
    ],
)
def test_what_says_no_time_in_a_zone(expression, zone):
    with pytest.raises(InvalidScheduleExpression):
        parse_in_zone(expression, zone)


def test_a_rule_knows_no_single_time():
    with pytest.raises(InvalidScheduleExpression):
        parse('at(2026-03-29T03:00:00)')
