"""AssumeRole: who is trusted, what a session is limited by, and how long it lasts."""

import datetime
import json
import random

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, OUTSIDE, SECURITY, allow, deny, policy


def refusal(call, *arguments, **named) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(*arguments, **named)
    answer = error.value.response['Error']
    return answer['Code'], answer['Message']


def trust(principal, **condition) -> dict:
    statement = {'Effect': 'Allow', 'Principal': {'AWS': principal}, 'Action': 'sts:AssumeRole'}
    return {**statement, 'Condition': condition} if condition else statement


def test_the_role_must_exist(cloud):
    missing = f'arn:aws:iam::{MEMBER}:role/nobody'
    code, message = refusal(cloud.client('sts').assume_role, RoleArn=missing, RoleSessionName='session')
    assert code == 'AccessDenied'
    assert f'is not authorized to perform: sts:AssumeRole on resource: {missing}' in message


def test_another_account_needs_trust_and_a_policy_of_its_own(cloud):
    worker = cloud.role('worker')
    target = cloud.role('firebreak-identity', [allow('iam:ListUsers')], trust(worker), MEMBER)
    credentials = cloud.assume(worker)
    assert refusal(cloud.assume, target, credentials)[1].endswith(
        'because no identity-based policy allows the sts:AssumeRole action'
    )
    cloud.client('iam').put_role_policy(
        RoleName='worker', PolicyName='assume', PolicyDocument=policy(allow('sts:AssumeRole', resource=target))
    )
    chained = cloud.assume(target, credentials)
    cloud.client('iam', MEMBER).create_user(UserName='member-user')
    users = cloud.client('iam', credentials=chained).list_users()['Users']
    assert [user['UserName'] for user in users] == ['member-user']
    identity = cloud.client('sts', credentials=chained).get_caller_identity()
    assert identity['Arn'] == f'arn:aws:sts::{MEMBER}:assumed-role/firebreak-identity/session'
    assert identity['Account'] == MEMBER


def test_a_trust_of_one_role_refuses_every_other_caller(cloud):
    worker, other = (cloud.role(name, [allow('sts:AssumeRole')]) for name in ('worker', 'other'))
    target = cloud.role('target', trust=trust(worker), account=MEMBER)
    cloud.assume(target, cloud.assume(worker))
    for attempt in (lambda: cloud.assume(target, cloud.assume(other)), lambda: cloud.assume(target, account=SECURITY)):
        code, message = refusal(attempt)
        assert code == 'AccessDenied'
        assert message.endswith('because no role trust policy allows the sts:AssumeRole action')


def test_in_its_own_account_a_role_that_names_the_caller_needs_no_more(cloud):
    caller = cloud.role('caller')
    cloud.assume(cloud.role('named', trust=trust(caller)), cloud.assume(caller))
    delegated = cloud.role('delegated', trust=trust(f'arn:aws:iam::{SECURITY}:root'))
    assert 'no identity-based policy' in refusal(cloud.assume, delegated, cloud.assume(caller))[1]


@pytest.mark.parametrize(
    ('condition', 'arguments', 'allowed'),
    [
        ({'StringEquals': {'sts:ExternalId': 'secret'}}, {'ExternalId': 'secret'}, True),
        ({'StringEquals': {'sts:ExternalId': 'secret'}}, {'ExternalId': 'guess'}, False),
        ({'StringEquals': {'sts:ExternalId': 'secret'}}, {}, False),
        ({'StringEquals': {'aws:PrincipalOrgID': 'o-firebreak0'}}, {}, True),
        ({'StringEquals': {'aws:PrincipalOrgID': 'o-other'}}, {}, False),
        ({'ArnEquals': {'aws:PrincipalArn': f'arn:aws:iam::{SECURITY}:role/caller'}}, {}, True),
        ({'ArnLike': {'aws:PrincipalArn': 'arn:aws:iam::*:role/call*'}}, {}, True),
        ({'ArnLike': {'aws:PrincipalArn': 'arn:aws:iam::*:role/other*'}}, {}, False),
        ({'StringLike': {'sts:RoleSessionName': 'sess*'}}, {}, True),
    ],
)
def test_conditions_of_the_trust(cloud, condition, arguments, allowed):
    caller = cloud.role('caller', [allow('sts:AssumeRole')])
    target = cloud.role('target', trust=trust('*', **condition), account=MEMBER)
    if allowed:
        cloud.assume(target, cloud.assume(caller), **arguments)
    else:
        assert refusal(cloud.assume, target, cloud.assume(caller), **arguments)[0] == 'AccessDenied'


def test_an_account_outside_the_organisation_is_not_trusted(cloud):
    target = cloud.role('target', trust=trust('*', StringEquals={'aws:PrincipalOrgID': 'o-firebreak0'}), account=MEMBER)
    cloud.assume(target, account=SECURITY)
    assert refusal(cloud.assume, target, account=OUTSIDE)[0] == 'AccessDenied'


class TestSessionPolicySize:
    def short(self, length):
        text = policy(allow('s3:*'))
        return text[:-1] + ' ' * (length - len(text)) + '}'

    def test_2048_characters_are_the_limit(self, cloud):
        arn = cloud.role('worker')
        cloud.assume(arn, Policy=self.short(2_048))
        code, message = refusal(cloud.assume, arn, Policy=self.short(2_049))
        assert code == 'ValidationError'
        assert "at 'policy' failed to satisfy constraint" in message

    def test_the_packed_size_is_told_and_limited(self, cloud):
        arn = cloud.role('worker')
        sts = cloud.client('sts')

        def assume(document):
            return sts.assume_role(RoleArn=arn, RoleSessionName='session', Policy=document)

        random_names = random.Random(7)
        names = [''.join(random_names.choices('abcdefghijklmnopqrstuvwxyz0123456789', k=60)) for _ in range(29)]
        small = assume(policy(allow('s3:*')))['PackedPolicySize']
        assert 0 < small < assume(policy(allow('s3:*', resource=[f'arn:aws:s3:::{name}' for name in names[:8]])))['PackedPolicySize'] <= 100
        code, message = refusal(assume, json.dumps({'Statement': {'Effect': 'Allow', 'Action': 's3:*', 'Resource': names}}))
        assert code == 'PackedPolicyTooLarge'
        assert 'of allotted space' in message
        assert 'PackedPolicySize' not in sts.assume_role(RoleArn=arn, RoleSessionName='session')

    @pytest.mark.parametrize('text', ['{', '[]', '{"Version": "2012-10-17"}', policy({'Effect': 'Maybe', 'Action': '*', 'Resource': '*'})])
    def test_what_is_no_policy_is_refused(self, cloud, text):
        assert refusal(cloud.assume, cloud.role('worker'), Policy=text)[0] == 'MalformedPolicyDocument'


class TestDuration:
    @pytest.mark.parametrize('seconds', [899, 3_601, 43_201])
    def test_it_has_limits(self, cloud, seconds):
        sts = cloud.client('sts', parameter_validation=False)
        arguments = {'RoleArn': cloud.role('worker'), 'RoleSessionName': 'session', 'DurationSeconds': seconds}
        assert refusal(sts.assume_role, **arguments)[0] == 'ValidationError'

    def test_a_role_may_allow_more_but_not_to_a_chain(self, cloud):
        arn = cloud.role('worker', [allow('sts:AssumeRole')])
        cloud.client('iam').update_role(RoleName='worker', MaxSessionDuration=7_200)
        credentials = cloud.assume(arn, DurationSeconds=7_200)
        lasts = credentials['Expiration'] - datetime.datetime.now(datetime.UTC)
        assert 7_100 < lasts.total_seconds() <= 7_201
        cloud.assume(arn, credentials, DurationSeconds=3_600)
        assert 'role chaining' in refusal(cloud.assume, arn, credentials, DurationSeconds=3_601)[1]

    @pytest.mark.parametrize(
        ('service', 'call', 'code'),
        [('s3', 'list_buckets', 'ExpiredToken'), ('iam', 'list_users', 'ExpiredToken'), ('ec2', 'describe_vpcs', 'RequestExpired'), ('dynamodb', 'list_tables', 'ExpiredTokenException')],
    )
    def test_a_session_ends(self, cloud, service, call, code):
        credentials = cloud.assume(cloud.role('worker', [allow('*')]), DurationSeconds=900)
        client = cloud.client(service, credentials=credentials)
        getattr(client, call)()
        assert cloud.door('POST', '/sessions/expire', {'accessKeyId': credentials['AccessKeyId']})[0] == 204
        assert refusal(getattr(client, call))[0] == code


def test_a_token_of_another_session_is_refused(cloud):
    arn = cloud.role('worker', [allow('*')])
    first, second = cloud.assume(arn), cloud.assume(arn)
    mixed = {**first, 'SessionToken': second['SessionToken']}
    assert refusal(cloud.client('iam', credentials=mixed).list_users)[0] == 'InvalidClientTokenId'


def test_a_session_of_a_deleted_role_may_do_nothing(cloud):
    credentials = cloud.assume(cloud.role('worker', [allow('*')]))
    iam = cloud.client('iam')
    iam.delete_role_policy(RoleName='worker', PolicyName='inline')
    iam.delete_role(RoleName='worker')
    assert refusal(cloud.client('s3', credentials=credentials).list_buckets)[0] == 'AccessDenied'


def test_a_cut_off_date_revokes_older_sessions_only(cloud):
    arn = cloud.role('worker', [allow('s3:ListAllMyBuckets')])
    old = cloud.assume(arn)
    cut = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)).strftime('%Y-%m-%dT%H:%M:%SZ')
    statement = deny('*', Condition={'DateLessThan': {'aws:TokenIssueTime': cut}})
    cloud.client('iam').put_role_policy(RoleName='worker', PolicyName='AWSRevokeOlderSessions', PolicyDocument=policy(statement))
    assert 'explicit deny' in refusal(cloud.client('s3', credentials=old).list_buckets)[1]
    past = statement | {'Condition': {'DateLessThan': {'aws:TokenIssueTime': '2020-01-01T00:00:00Z'}}}
    cloud.client('iam').put_role_policy(RoleName='worker', PolicyName='AWSRevokeOlderSessions', PolicyDocument=policy(past))
    cloud.client('s3', credentials=old).list_buckets()


def test_a_door_tells_the_policies_of_a_session_and_decides_by_them(cloud):
    role = cloud.role('reader', [allow('iam:*')])
    session_policy = policy(allow('iam:ListUsers'))
    answer = cloud.client('sts').assume_role(RoleArn=role, RoleSessionName='looking', Policy=session_policy)
    _, [told] = cloud.door('GET', '/sessions?name=looking')
    assert told == {
        'accessKeyId': answer['Credentials']['AccessKeyId'],
        'arn': answer['AssumedRoleUser']['Arn'],
        'policies': [session_policy],
        'packedPolicySize': answer['PackedPolicySize'],
    }
    questions = [{'action': action, 'resource': '*'} for action in ('iam:ListUsers', 'iam:DeleteUser', 's3:GetObject')]
    _, decisions = cloud.door('POST', '/sessions/decisions', {'accessKeyId': told['accessKeyId'], 'questions': questions})
    assert [decision['allowed'] for decision in decisions] == [True, False, False]
    assert 'no session policy' in decisions[1]['reason']
    assert 'no identity-based policy' in decisions[2]['reason']
    assert cloud.door('POST', '/sessions/decisions', {'accessKeyId': 'ASIANONE', 'questions': []})[0] == 404
