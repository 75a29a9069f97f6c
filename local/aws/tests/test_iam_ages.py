"""Access keys of any age, used and unused."""

import datetime

import pytest
from botocore.exceptions import ClientError

SECURITY, MEMBER = '111122223333', '444455556666'


@pytest.fixture
def iam(client):
    iam = client('iam', MEMBER)
    iam.create_user(UserName='alice')
    return iam


@pytest.fixture
def key(iam):
    return iam.create_access_key(UserName='alice')['AccessKey']['AccessKeyId']


def utc(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.UTC)


def test_a_key_gets_the_ages_that_the_door_sets(iam, key, post):
    used = {'date': '2026-02-03T04:05:06Z', 'serviceName': 's3', 'region': 'eu-west-1'}
    post(
        '/firebreak/access-keys',
        {'account': MEMBER, 'accessKeyId': key, 'createDate': '2025-01-02T03:04:05Z', 'lastUsed': used},
    )
    [listed] = iam.list_access_keys(UserName='alice')['AccessKeyMetadata']
    assert listed['CreateDate'] == utc(2025, 1, 2, 3, 4, 5)
    answer = iam.get_access_key_last_used(AccessKeyId=key)
    assert answer['UserName'] == 'alice'
    assert answer['AccessKeyLastUsed'] == {
        'LastUsedDate': utc(2026, 2, 3, 4, 5, 6),
        'ServiceName': 's3',
        'Region': 'eu-west-1',
    }


def test_a_key_that_was_never_used_has_no_date(iam, key, post):
    never = {'ServiceName': 'N/A', 'Region': 'N/A'}
    assert iam.get_access_key_last_used(AccessKeyId=key)['AccessKeyLastUsed'] == never
    used = {'date': '2026-02-03T04:05:06+01:00', 'serviceName': 's3', 'region': 'eu-west-1'}
    post('/firebreak/access-keys', {'account': MEMBER, 'accessKeyId': key, 'lastUsed': used})
    assert iam.get_access_key_last_used(AccessKeyId=key)['AccessKeyLastUsed']['LastUsedDate'] == utc(
        2026, 2, 3, 3, 5, 6
    )
    post('/firebreak/access-keys', {'account': MEMBER, 'accessKeyId': key, 'createDate': '2025-01-02T03:04:05Z'})
    assert 'LastUsedDate' in iam.get_access_key_last_used(AccessKeyId=key)['AccessKeyLastUsed']
    post('/firebreak/access-keys', {'account': MEMBER, 'accessKeyId': key, 'lastUsed': None})
    assert iam.get_access_key_last_used(AccessKeyId=key)['AccessKeyLastUsed'] == never


def test_an_unknown_key_or_date_is_refused(cloud, key):
    assert cloud.door('POST', '/access-keys', {'account': SECURITY, 'accessKeyId': key})[0] == 404
    assert (
        cloud.door('POST', '/access-keys', {'account': MEMBER, 'accessKeyId': key, 'createDate': 'long ago'})[0] == 400
    )


def test_the_key_of_another_account_is_unknown(client, key):
    with pytest.raises(ClientError) as error:
        client('iam', SECURITY).get_access_key_last_used(AccessKeyId=key)
    assert error.value.response['Error']['Code'] == 'NoSuchEntity'


def test_keys_are_listed_in_pages(iam, key):
    second = iam.create_access_key(UserName='alice')['AccessKey']['AccessKeyId']
    first = iam.list_access_keys(UserName='alice', MaxItems=1)
    assert first['IsTruncated'] is True
    rest = iam.list_access_keys(UserName='alice', MaxItems=1, Marker=first['Marker'])
    assert rest['IsTruncated'] is False
    assert [each['AccessKeyId'] for page in (first, rest) for each in page['AccessKeyMetadata']] == [key, second]
