"""The evaluator by itself: condition operators, policy variables, and what holds for every policy."""

import random

import pytest
from conditions import MissingKey, conditions_hold, substitute, wildcard_match
from conftest import MEMBER, SECURITY, allow, deny, policy
from policy import Policies, Principal, decide, parse

ROLE = f'arn:aws:iam::{SECURITY}:role/worker'
WORKER = Principal(SECURITY, f'arn:aws:sts::{SECURITY}:assumed-role/worker/session', role_arn=ROLE)


@pytest.mark.parametrize(
    ('block', 'context', 'holds'),
    [
        ({'StringEquals': {'k': 'a'}}, ['a'], True),
        ({'StringEquals': {'K': ['b', 'a']}}, ['a'], True),
        ({'StringEquals': {'k': 'A'}}, ['a'], False),
        ({'StringEquals': {'k': 'a'}}, [], False),
        ({'StringEqualsIfExists': {'k': 'a'}}, [], True),
        ({'StringEqualsIgnoreCase': {'k': 'A'}}, ['a'], True),
        ({'StringNotEquals': {'k': ['a', 'b']}}, ['c'], True),
        ({'StringNotEquals': {'k': ['a', 'b']}}, ['b'], False),
        ({'StringNotEquals': {'k': 'a'}}, [], True),
        ({'StringLike': {'k': 'a*?c'}}, ['abbc'], True),
        ({'StringLike': {'k': 'a?'}}, ['a'], False),
        ({'StringNotLike': {'k': 'a*'}}, ['b'], True),
        ({'ArnLike': {'k': 'arn:aws:iam::*:role/w*'}}, [ROLE], True),
        ({'ArnEquals': {'k': 'arn:aws:*:role/worker'}}, [ROLE], False),
        ({'ArnNotLike': {'k': 'arn:aws:iam::*:role/w*'}}, [ROLE], False),
        ({'Bool': {'k': 'true'}}, ['True'], True),
        ({'Bool': {'k': True}}, ['true'], True),
        ({'Bool': {'k': 'false'}}, [], False),
        ({'NumericLessThan': {'k': '10'}}, ['9'], True),
        ({'NumericLessThanEquals': {'k': 10}}, ['10'], True),
        ({'NumericGreaterThan': {'k': '10'}}, ['9.5'], False),
        ({'NumericEquals': {'k': '10'}}, ['ten'], False),
        ({'NumericNotEquals': {'k': '10'}}, ['11'], True),
        ({'DateGreaterThan': {'k': '2026-01-01T00:00:00Z'}}, ['2026-01-01T00:00:01Z'], True),
        ({'DateLessThan': {'k': '2026-01-01'}}, ['1767225599'], True),
        ({'IpAddress': {'k': '10.0.0.0/8'}}, ['10.1.2.3'], True),
        ({'IpAddress': {'k': '10.0.0.0/8'}}, ['11.1.2.3'], False),
        ({'NotIpAddress': {'k': ['10.0.0.0/8', '192.168.0.1']}}, ['192.168.0.1'], False),
        ({'IpAddress': {'k': '2001:db8::/32'}}, ['10.0.0.1'], False),
        ({'Null': {'k': 'true'}}, [], True),
        ({'Null': {'k': 'true'}}, ['a'], False),
        ({'Null': {'k': 'false'}}, ['a'], True),
        ({'ForAllValues:StringEquals': {'k': ['a', 'b']}}, ['a', 'b'], True),
        ({'ForAllValues:StringEquals': {'k': ['a', 'b']}}, ['a', 'c'], False),
        ({'ForAllValues:StringEquals': {'k': 'a'}}, [], True),
        ({'ForAnyValue:StringEquals': {'k': ['a', 'b']}}, ['c', 'b'], True),
        ({'ForAnyValue:StringEquals': {'k': 'a'}}, [], False),
        ({'ForAnyValue:StringNotEquals': {'k': 'a'}}, ['a', 'b'], True),
        ({'ForAllValues:StringNotLike': {'k': 'a*'}}, ['b', 'ab'], False),
        ({'StringEquals': {'k': 'a'}, 'Null': {'other': 'true'}}, ['a'], True),
        ({'StringEquals': {'k': 'a', 'other': 'x'}}, ['a'], False),
    ],
)  # fmt: skip
def test_condition_operators(block, context, holds):
    assert conditions_hold(block, {'k': context} if context else {}) is holds


def test_an_unknown_operator_is_no_policy():
    with pytest.raises(ValueError, match='StringAlmost'):
        parse(policy(allow('*', Condition={'StringAlmost': {'k': 'a'}})))


class TestVariables:
    def test_they_are_filled_in_and_what_they_hold_is_literal(self):
        text = substitute('arn:aws:s3:::b/${aws:username}/*', {'aws:username': ['*']})
        assert wildcard_match(text, 'arn:aws:s3:::b/*/x')
        assert not wildcard_match(text, 'arn:aws:s3:::b/ann/x')

    def test_a_missing_one_has_its_default_or_matches_nothing(self):
        assert substitute("a-${aws:username, 'none'}", {}) == 'a-none'
        with pytest.raises(MissingKey):
            substitute('a-${aws:username}', {})

    def test_escaped_characters_are_literal(self):
        assert wildcard_match('a${*}b', 'a*b')
        assert not wildcard_match('a${*}b', 'axb')


@pytest.mark.parametrize(
    ('statement', 'action', 'resource', 'allowed'),
    [
        (allow('s3:Get*'), 's3:GetObject', 'arn:aws:s3:::b/k', True),
        (allow('S3:getobject'), 's3:GetObject', 'arn:aws:s3:::b/k', True),
        (allow('s3:*', resource='arn:aws:s3:::b/*'), 's3:GetObject', 'arn:aws:s3:::B/k', False),
        ({'Effect': 'Allow', 'NotAction': 'iam:*', 'Resource': '*'}, 's3:GetObject', '*', True),
        ({'Effect': 'Allow', 'NotAction': 'iam:*', 'Resource': '*'}, 'iam:ListUsers', '*', False),
        ({'Effect': 'Allow', 'Action': '*', 'NotResource': 'arn:aws:s3:::b'}, 's3:ListBucket', 'arn:aws:s3:::b', False),
        ({'Effect': 'Allow', 'Action': '*', 'NotResource': 'arn:aws:s3:::b'}, 's3:ListBucket', 'arn:aws:s3:::c', True),
        (allow('*', resource='arn:aws:s3:::${aws:none}'), 's3:ListBucket', 'arn:aws:s3:::b', False),
    ],
)
def test_statements(statement, action, resource, allowed):
    assert decide(WORKER, Policies([policy(statement)]), action, resource, SECURITY, {}).allowed is allowed


ACTIONS = ['s3:GetObject', 's3:PutObject', 'iam:ListUsers']
RESOURCES = ['arn:aws:s3:::b/k', 'arn:aws:s3:::c/k', '*']


def some_statements(chance: random.Random) -> list[dict]:
    """Statements as anyone might write them, principals included."""
    return [
        {
            'Effect': chance.choice(['Allow', 'Allow', 'Deny']),
            chance.choice(['Action', 'Action', 'NotAction']): chance.sample([*ACTIONS, 's3:*', '*'], k=chance.randint(1, 2)),
            'Resource': chance.choice([*RESOURCES, 'arn:aws:s3:::*']),
            'Principal': chance.choice(['*', {'AWS': ROLE}, {'AWS': SECURITY}, {'AWS': WORKER.arn}, {'AWS': MEMBER}]),
            **chance.choice([{}, {'Condition': {'StringEquals': {'aws:RequestedRegion': 'eu-west-1'}}}]),
        }
        for _ in range(chance.randint(0, 4))
    ]


def request_of(chance: random.Random) -> dict:
    """A random request with random policies of every kind."""
    maybe = lambda kind: chance.choice([None, kind])  # noqa: E731
    return {
        'policies': Policies(
            [policy(some_statements(chance))],
            boundary=maybe(policy(some_statements(chance))),
            session=maybe([policy(some_statements(chance))]),
            unlimited=chance.random() < 0.2,
        ),
        'action': chance.choice(ACTIONS),
        'resource': chance.choice(RESOURCES),
        'resource_account': chance.choice([SECURITY, MEMBER]),
        'context': {'aws:requestedregion': [chance.choice(['eu-west-1', 'us-east-1'])]},
        'resource_policy': maybe(policy(some_statements(chance))),
    }


REFUSE_ALL = {**deny('*'), 'Principal': '*'}


@pytest.mark.parametrize('seed', range(20))
def test_an_explicit_deny_always_wins(seed):
    chance = random.Random(seed)
    for _ in range(100):
        request = request_of(chance)
        policies = request['policies']
        denied = policy([*some_statements(chance), REFUSE_ALL])
        for changed in (
            {'policies': Policies([*policies.identity, denied], policies.boundary, policies.session, policies.unlimited)},
            {'policies': Policies(policies.identity, denied, policies.session, policies.unlimited)},
            {'policies': Policies(policies.identity, policies.boundary, [denied], policies.unlimited)},
            {'resource_policy': denied},
        ):
            decision = decide(WORKER, **{**request, **changed})
            assert not decision.allowed
            assert decision.reason.startswith('with an explicit deny in ')


@pytest.mark.parametrize('seed', range(20))
def test_a_session_policy_never_gives_what_the_role_has_not(seed):
    chance = random.Random(1_000 + seed)
    allowed = 0
    for _ in range(100):
        request = request_of(chance)
        policies = request['policies']
        without = Policies(policies.identity, policies.boundary, None, policies.unlimited)
        narrowed = Policies(policies.identity, policies.boundary, [policy(some_statements(chance))], policies.unlimited)
        if decide(WORKER, **{**request, 'policies': narrowed}).allowed:
            allowed += 1
            assert decide(WORKER, **{**request, 'policies': without}).allowed
    assert allowed > 0


@pytest.mark.parametrize('seed', range(10))
def test_another_account_is_let_in_by_both_sides_only(seed):
    chance = random.Random(2_000 + seed)
    for _ in range(100):
        request = {**request_of(chance), 'resource_account': MEMBER}
        if decide(WORKER, **request).allowed:
            assert not decide(WORKER, **{**request, 'resource_policy': None}).allowed
            policies = request['policies']
            nothing = Policies([], policies.boundary, policies.session)
            assert not decide(WORKER, **{**request, 'policies': nothing}).allowed
