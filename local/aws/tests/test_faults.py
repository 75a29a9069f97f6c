"""Faults: each effect, what a rule matches, and whether the call took place."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from conftest import REGION, allow


def put(cloud, *rules):
    status, answer = cloud.door('PUT', '/faults', list(rules))
    assert status == 204, answer


def codes(call, times, **arguments) -> list[str]:
    found = []
    for _ in range(times):
        try:
            call(**arguments)
            found.append('ok')
        except ClientError as error:
            found.append(error.response['Error']['Code'])
    return found


ERROR = {'status': 503, 'code': 'Busy', 'message': 'later'}


@pytest.mark.parametrize(
    ('counts', 'expected'),
    [
        ({}, ['Busy'] * 5),
        ({'times': 2}, ['Busy', 'Busy', 'ok', 'ok', 'ok']),
        ({'skip': 1, 'times': 2}, ['ok', 'Busy', 'Busy', 'ok', 'ok']),
        ({'every': 2}, ['ok', 'Busy', 'ok', 'Busy', 'ok']),
    ],
)
@pytest.mark.parametrize(
    ('service', 'call'),
    [('s3', 'list_buckets'), ('ec2', 'describe_vpcs'), ('iam', 'list_users'), ('dynamodb', 'list_tables'), ('lambda', 'list_functions')],
)
def test_errors_at_the_counted_matches(cloud, counts, expected, service, call):
    put(cloud, {'service': service, 'error': ERROR, **counts})
    assert codes(getattr(cloud.client(service), call), 5) == expected


def test_rules_match_by_all_they_name(cloud):
    arn = cloud.role('worker', [allow('s3:*')])
    mine, root = cloud.client('s3', credentials=cloud.assume(arn)), cloud.client('s3')
    root.create_bucket(Bucket='aaa', CreateBucketConfiguration={'LocationConstraint': REGION})
    root.create_bucket(Bucket='bbb', CreateBucketConfiguration={'LocationConstraint': REGION})
    put(cloud, {'service': 's3', 'operation': 'Get*Acl', 'principal': '*:assumed-role/worker/*', 'resource': 'arn:aws:s3:::aaa', 'region': REGION, 'error': ERROR})
    assert codes(mine.get_bucket_acl, 1, Bucket='aaa') == ['Busy']
    assert codes(mine.get_bucket_acl, 1, Bucket='bbb') == ['ok']
    assert codes(root.get_bucket_acl, 1, Bucket='aaa') == ['ok']
    assert codes(mine.get_bucket_location, 1, Bucket='aaa') == ['ok']
    assert cloud.door('GET', '/faults')[1][0]['applied'] == 1
    cloud.door('DELETE', '/faults')
    assert codes(mine.get_bucket_acl, 1, Bucket='aaa') == ['ok']


def test_latency(cloud):
    s3 = cloud.client('s3')
    s3.list_buckets()
    put(cloud, {'service': 's3', 'latency': 300})
    started = time.monotonic()
    s3.list_buckets()
    assert 0.3 <= time.monotonic() - started < 5


@pytest.mark.parametrize(
    ('service', 'call', 'code'),
    [('ec2', 'describe_vpcs', 'RequestLimitExceeded'), ('s3', 'list_buckets', 'SlowDown'), ('iam', 'list_users', 'Throttling'), ('dynamodb', 'list_tables', 'ThrottlingException'), ('lambda', 'list_functions', 'TooManyRequestsException')],
)
def test_a_token_bucket_throttles_as_the_service_does(cloud, service, call, code):
    put(cloud, {'service': service, 'throttle': {'bucket': 2, 'refillPerSecond': 0}})
    assert codes(getattr(cloud.client(service), call), 4) == ['ok', 'ok', code, code]
    # Another Region has a bucket of its own.
    assert codes(getattr(cloud.client(service, region='us-east-1'), call), 1) == ['ok']


def test_a_token_bucket_refills(cloud):
    put(cloud, {'service': 'ec2', 'throttle': {'bucket': 1, 'refillPerSecond': 5}})
    ec2 = cloud.client('ec2')
    assert codes(ec2.describe_vpcs, 2) == ['ok', 'RequestLimitExceeded']
    time.sleep(0.4)
    assert codes(ec2.describe_vpcs, 1) == ['ok']


def test_a_hung_call_is_not_answered_and_did_not_take_place(cloud):
    put(cloud, {'operation': 'CreateUser', 'hang': 10})
    iam = cloud.client('iam', read_timeout=1)
    started = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        iam.create_user(UserName='ann')
    assert 1 <= time.monotonic() - started < 5
    assert cloud.client('iam').list_users()['Users'] == []


def test_a_hung_call_ends_by_itself_without_an_answer(cloud):
    put(cloud, {'operation': 'ListUsers', 'hang': 0.3})
    with pytest.raises((ConnectionClosedError, EndpointConnectionError, HTTPClientError)):
        cloud.client('iam').list_users()
    _, recorded = cloud.door('GET', '/calls')
    assert (recorded[-1]['status'], recorded[-1]['error']) == (0, 'ConnectionDropped')


@pytest.mark.parametrize(('phase', 'users', 'status'), [('before', [], 0), ('after', ['ann'], 200)])
def test_a_reset_before_or_after_the_change(cloud, phase, users, status):
    put(cloud, {'operation': 'CreateUser', 'reset': True, 'phase': phase, 'times': 1})
    iam = cloud.client('iam')
    with pytest.raises((ConnectionClosedError, EndpointConnectionError, HTTPClientError)):
        iam.create_user(UserName='ann')
    assert [user['UserName'] for user in iam.list_users()['Users']] == users
    dropped = [call for call in cloud.door('GET', '/calls')[1] if call['error'] == 'ConnectionDropped']
    assert [(call['operation'], call['status']) for call in dropped] == [('CreateUser', status)]


@pytest.mark.parametrize(('phase', 'users'), [('before', []), ('after', ['ann'])])
def test_somebody_is_told_while_the_caller_waits(cloud, phase, users):
    told = []

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
            told.append([user['UserName'] for user in cloud.client('iam').list_users()['Users']])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    ear = HTTPServer(('127.0.0.1', 0), Ear)
    threading.Thread(target=ear.serve_forever, daemon=True).start()
    put(cloud, {'operation': 'CreateUser', 'phase': phase, 'times': 1, 'tell': f'http://127.0.0.1:{ear.server_port}'})
    with pytest.raises((ConnectionClosedError, EndpointConnectionError, HTTPClientError)):
        cloud.client('iam').create_user(UserName='ann')
    ear.shutdown()
    assert told == [{'operation': 'CreateUser', 'phase': phase}, users]


@pytest.mark.parametrize(
    ('service', 'call', 'code', 'action'),
    [
        ('s3', 'list_buckets', 'AccessDenied', 's3:ListAllMyBuckets'),
        ('ec2', 'describe_vpcs', 'UnauthorizedOperation', 'ec2:DescribeVpcs'),
        ('dynamodb', 'list_tables', 'AccessDeniedException', 'dynamodb:ListTables'),
    ],
)
def test_a_denied_call_is_refused_as_iam_does(cloud, service, call, code, action):
    put(cloud, {'service': service, 'deny': True, 'times': 1})
    client = cloud.client(service)
    with pytest.raises(ClientError, match=f'not authorized to perform: {action}') as refused:
        getattr(client, call)()
    assert refused.value.response['Error']['Code'] == code
    assert cloud.door('GET', '/calls')[1][-1]['decision'] == 'denied'
    getattr(client, call)()


@pytest.mark.parametrize(
    ('service', 'call', 'arguments'),
    [
        ('iam', 'create_user', {'UserName': 'ann'}),
        ('ec2', 'create_security_group', {'GroupName': 'open', 'Description': 'none'}),
        ('s3', 'create_bucket', {'Bucket': 'aaa', 'CreateBucketConfiguration': {'LocationConstraint': REGION}}),
        ('rds', 'create_db_parameter_group', {'DBParameterGroupName': 'a', 'DBParameterGroupFamily': 'mysql8.0', 'Description': 'none'}),
        ('dynamodb', 'put_item', {'TableName': 'none', 'Item': {'pk': {'S': 'a'}}}),
    ],
)
def test_a_pretended_call_is_answered_well_and_does_nothing(cloud, service, call, arguments):
    put(cloud, {'service': service, 'pretend': True, 'times': 1})
    client = cloud.client(service)
    assert getattr(client, call)(**arguments)['ResponseMetadata']['HTTPStatusCode'] == 200
    if service == 'dynamodb':
        with pytest.raises(ClientError, match='ResourceNotFoundException'):
            client.put_item(**arguments)
    else:
        # Nothing is there yet that a second call could stumble over.
        assert getattr(client, call)(**arguments)['ResponseMetadata']['HTTPStatusCode'] == 200


def test_half_an_answer_comes_after_the_change(cloud):
    put(cloud, {'operation': 'CreateUser', 'truncate': True, 'phase': 'after', 'times': 1})
    iam = cloud.client('iam')
    with pytest.raises(ResponseParserError):
        iam.create_user(UserName='ann')
    assert [user['UserName'] for user in iam.list_users()['Users']] == ['ann']


def test_one_of_several_globs_is_enough(cloud):
    put(cloud, {'operation': ['ListUsers', 'ListRo*'], 'error': ERROR})
    iam = cloud.client('iam')
    assert codes(iam.list_users, 1) + codes(iam.list_roles, 1) + codes(iam.list_groups, 1) == ['Busy', 'Busy', 'ok']


def test_an_error_after_the_change(cloud):
    put(cloud, {'operation': 'CreateUser', 'error': ERROR, 'phase': 'after'})
    iam = cloud.client('iam')
    assert codes(iam.create_user, 1, UserName='ann') == ['Busy']
    assert [user['UserName'] for user in iam.list_users()['Users']] == ['ann']


@pytest.mark.parametrize(
    'rules',
    [{}, [1], [{'service': 's3'}], [{'latency': -1}], [{'latency': 1, 'phase': 'during'}], [{'latency': 1, 'servce': 's3'}], [{'error': {'code': 'x'}}], [{'latency': 1, 'every': 0}], [{'tell': 'http://example.com'}, {'truncate': True}]],
)
def test_a_rule_that_says_nothing_clear_is_refused(cloud, rules):
    put(cloud, {'service': 's3', 'latency': 1})
    assert cloud.door('PUT', '/faults', rules)[0] == 400
    assert len(cloud.door('GET', '/faults')[1]) == 1
