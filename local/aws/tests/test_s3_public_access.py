"""What makes a bucket policy public, by the rules and examples of the S3 user guide."""

import json

import pytest

from s3_public_access import is_public_policy

ANY = {'Effect': 'Allow', 'Principal': '*', 'Action': 's3:GetObject', 'Resource': 'arn:aws:s3:::b/*'}


def public(*statements):
    return is_public_policy(json.dumps({'Version': '2012-10-17', 'Statement': list(statements)}))


def limited(operator, key, value):
    return {**ANY, 'Condition': {operator: {key: value}}}


@pytest.mark.parametrize(
    'principal',
    ['*', {'AWS': '*'}, {'AWS': ['arn:aws:iam::111122223333:root', '*']}, {'AWS': 'arn:aws:iam::111122223333:role/*'}],
)
def test_a_wildcard_principal_is_public(principal):
    assert public({**ANY, 'Principal': principal})


@pytest.mark.parametrize(
    'principal',
    [
        {'AWS': 'arn:aws:iam::999900001111:root'},
        {'AWS': ['111122223333', 'arn:aws:iam::111122223333:role/r']},
        {'Service': 'cloudtrail.amazonaws.com'},
        {'CanonicalUser': '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be'},
    ],
)
def test_a_fixed_principal_is_not_public(principal):
    assert not public({**ANY, 'Principal': principal})


def test_allowing_all_but_some_is_public():
    statement = {key: value for key, value in ANY.items() if key != 'Principal'}
    assert public({**statement, 'NotPrincipal': {'AWS': 'arn:aws:iam::111122223333:root'}})


def test_a_deny_neither_makes_public_nor_private():
    deny = {**ANY, 'Effect': 'Deny'}
    assert not public(deny)
    assert public(ANY, {**deny, 'Condition': {'Bool': {'aws:SecureTransport': 'false'}}})


@pytest.mark.parametrize(
    ('operator', 'key', 'value'),
    [
        ('StringEquals', 'aws:PrincipalOrgID', 'o-firebreak0'),
        ('StringEquals', 'aws:SourceVpc', 'vpc-91237329'),
        ('StringEquals', 'AWS:SourceVpce', ['vpce-1', 'vpce-2']),
        ('StringLike', 'aws:SourceAccount', '111122223333'),
        ('ArnLike', 'aws:SourceArn', 'arn:aws:sns:eu-west-1:111122223333:topic'),
        ('StringEquals', 'aws:SourceOwner', '111122223333'),
        ('StringEquals', 'aws:userid', 'AROAEXAMPLE:session'),
        ('StringEquals', 's3:x-amz-server-side-encryption-aws-kms-key-id', 'arn:aws:kms:eu-west-1:111122223333:key/k'),
        ('StringEquals', 's3:DataAccessPointAccount', '111122223333'),
        ('ArnLike', 's3:DataAccessPointArn', 'arn:aws:s3:eu-west-1:111122223333:accesspoint/*'),
        ('IpAddress', 'aws:SourceIp', '203.0.113.0/24'),
        ('IpAddress', 'aws:SourceIp', ['12.0.0.0/8', '2001:db8::/32']),
        ('IpAddress', 'aws:SourceIp', '10.0.0.0/8'),
    ],
)
def test_a_fixed_origin_is_not_public(operator, key, value):
    assert not public(limited(operator, key, value))


@pytest.mark.parametrize(
    ('operator', 'key', 'value'),
    [
        ('StringLike', 'aws:SourceVpc', 'vpc-*'),
        ('StringEquals', 'aws:SourceVpc', ['vpc-1', 'vpc-*']),
        ('StringEquals', 'aws:userid', '${aws:userid}'),
        ('ArnLike', 'aws:SourceArn', 'arn:aws:sns:*:*:*'),
        ('ArnLike', 's3:DataAccessPointArn', 'arn:aws:s3:eu-west-1:*:accesspoint/*'),
        ('IpAddress', 'aws:SourceIp', '0.0.0.0/0'),
        ('IpAddress', 'aws:SourceIp', '12.0.0.0/7'),
        ('IpAddress', 'aws:SourceIp', ['203.0.113.0/24', '::/0']),
        ('IpAddress', 'aws:SourceIp', '2001:db8::/31'),
        ('NotIpAddress', 'aws:SourceIp', '203.0.113.0/24'),
        ('StringNotEquals', 'aws:PrincipalOrgID', 'o-firebreak0'),
        ('StringEqualsIfExists', 'aws:SourceVpc', 'vpc-1'),
        ('StringEquals', 'aws:UserAgent', 'secret'),
        ('Bool', 'aws:SecureTransport', 'true'),
    ],
)
def test_a_loose_origin_is_public(operator, key, value):
    assert public(limited(operator, key, value))


def test_one_public_statement_makes_the_policy_public():
    fixed = {**ANY, 'Principal': {'AWS': '111122223333'}}
    assert not public(fixed)
    assert public(fixed, ANY)
