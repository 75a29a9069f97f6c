"""The matcher against 1,500 answers of AWS's own rule engine, and the patterns that PutRule refuses."""

import json
from pathlib import Path

import pytest

from event_pattern import MAXIMUM_LENGTH, InvalidEventPattern, matches, parse

CASES = Path(__file__).parents[3] / 'events' / 'eventbridge-cases.ndjson'


def test_agrees_with_aws_on_every_recorded_case():
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    assert len(cases) == 1500
    assert [case for case in cases if matches(case['pattern'], case['event']) != case['match']] == []
    assert {case['match'] for case in cases} == {True, False}


def test_every_recorded_pattern_is_accepted():
    for line in CASES.read_text().splitlines():
        pattern = json.loads(line)['pattern']
        assert parse(json.dumps(pattern)) == pattern


def test_keys_below_an_array_are_found_in_one_element():
    event = {'findings': [{'Label': 'HIGH', 'State': 'ARCHIVED'}, {'Label': 'LOW', 'State': 'ACTIVE'}]}
    assert matches({'findings': {'Label': ['HIGH'], 'State': ['ARCHIVED']}}, event)
    assert not matches({'findings': {'Label': ['HIGH'], 'State': ['ACTIVE']}}, event)


@pytest.mark.parametrize(
    ('pattern', 'reason'),
    [
        ('{', 'Invalid JSON'),
        ('[]', 'Filter is not an object'),
        ('{}', 'Empty objects are not allowed'),
        ('{"a": {}}', 'Empty objects are not allowed'),
        ('{"a": []}', 'Empty arrays are not allowed'),
        ('{"a": "b"}', '"a" must be an object or an array'),
        ('{"a": {"b": 1}}', '"b" must be an object or an array'),
        ('{"a": [["b"]]}', 'Match value must be String, number, true, false, or null'),
        ('{"a": [{"starts-with": "b"}]}', 'Unrecognized match type starts-with'),
        ('{"a": [{"prefix": "b", "suffix": "c"}]}', 'Only one key allowed in match expression'),
        ('{"a": [{"prefix": 1}]}', 'prefix match pattern must be a string'),
        ('{"a": [{"exists": "yes"}]}', 'exists match pattern must be either true or false.'),
        ('{"a": [{"numeric": ["~", 1]}]}', 'Unrecognized numeric range operator: ~'),
        ('{"a": [{"numeric": [">", 5, "<", 1]}]}', 'Bottom must be less than top'),
        ('{"a": [{"numeric": [">", 6e9]}]}', 'Value must be between -5.0E9 and 5.0E9, inclusive'),
        ('{"a": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required"),
        ('{"a": [{"anything-but": ["b", 1]}]}', 'Inside anything but list, either all values are number or string'),
        ('{"a": [{"anything-but": {"numeric": [">", 1]}}]}', 'Unsupported anything-but pattern: numeric'),
        ('{"a": [{"wildcard": "b**"}]}', 'Consecutive wildcard characters'),
        ('{"$or": [{"a": ["b"]}, {}]}', 'Empty objects are not allowed'),
        (json.dumps({'a': ['x' * MAXIMUM_LENGTH]}), 'longer than 2048 characters'),
    ],
)
def test_refuses_what_put_rule_refuses(pattern, reason):
    with pytest.raises(InvalidEventPattern, match=None) as refusal:
        parse(pattern)
    assert reason in str(refusal.value)


def test_a_door_matches_events_with_any_of_some_patterns(post, cloud):
    changes = (('INSERT', 'a'), ('MODIFY', 'b'))
    events = [{'eventName': name, 'dynamodb': {'Keys': {'sk': {'S': key}}}} for name, key in changes]
    patterns = ['{"eventName": ["REMOVE"]}', '{"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "b"}]}}}}']
    assert post('/event-pattern', {'patterns': patterns, 'events': events}) == {'matches': [False, True]}
    status, answer = cloud.door('POST', '/event-pattern', {'patterns': ['{"a": 1}'], 'events': []})
    assert (status, answer['message'][:27]) == (400, 'Event pattern is not valid.')
