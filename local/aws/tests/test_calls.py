"""The call log: what was called, by whom, on what, and how it ended."""

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, allow


def test_a_call_is_told_with_all_that_identifies_it(cloud):
    arn = cloud.role('storage', [allow('s3:GetBucketPublicAccessBlock')], account=MEMBER)
    cloud.client('s3', MEMBER).create_bucket(Bucket='bbb', CreateBucketConfiguration={'LocationConstraint': REGION})
    s3 = cloud.client('s3', credentials=cloud.assume(arn))
    cloud.client('s3', MEMBER).delete_public_access_block(Bucket='bbb')
    _, before = cloud.door('GET', '/calls')
    with pytest.raises(ClientError):
        s3.get_public_access_block(Bucket='bbb')
    with pytest.raises(ClientError):
        s3.delete_bucket_policy(Bucket='bbb')
    _, [missing, refused] = cloud.door('GET', f'/calls?since={before[-1]["sequence"]}')
    assert missing.pop('time') > 1_700_000_000
    assert 0 < missing.pop('duration') < 60_000
    assert missing == {
        'sequence': before[-1]['sequence'] + 1,
        'service': 's3',
        'operation': 'GetPublicAccessBlock',
        'region': REGION,
        'account': MEMBER,
        'principal': f'arn:aws:sts::{MEMBER}:assumed-role/storage/session',
        'actions': ['s3:GetBucketPublicAccessBlock'],
        'resources': ['arn:aws:s3:::bbb'],
        'decision': 'allowed',
        'status': 404,
        'error': 'NoSuchPublicAccessBlockConfiguration',
    }
    assert (refused['operation'], refused['decision'], refused['status'], refused['error']) == (
        'DeleteBucketPolicy', 'denied', 403, 'AccessDenied',
    )  # fmt: skip


@pytest.mark.parametrize(
    ('service', 'call', 'arguments', 'operation', 'resource'),
    [
        ('ec2', 'describe_vpcs', {}, 'DescribeVpcs', '*'),
        ('ec2', 'delete_snapshot', {'SnapshotId': 'snap-1'}, 'DeleteSnapshot', f'arn:aws:ec2:{REGION}::snapshot/snap-1'),
        ('ec2', 'modify_network_interface_attribute', {'NetworkInterfaceId': 'eni-1', 'Groups': ['sg-1']}, 'ModifyNetworkInterfaceAttribute', f'arn:aws:ec2:{REGION}:{SECURITY}:network-interface/eni-1'),
        ('ec2', 'revoke_security_group_ingress', {'GroupId': 'sg-1', 'SecurityGroupRuleIds': ['sgr-1']}, 'RevokeSecurityGroupIngress', f'arn:aws:ec2:{REGION}:{SECURITY}:security-group/sg-1'),
        ('ec2', 'create_tags', {'Resources': ['i-1'], 'Tags': [{'Key': 'a', 'Value': 'b'}]}, 'CreateTags', f'arn:aws:ec2:{REGION}:{SECURITY}:instance/i-1'),
        ('rds', 'modify_db_snapshot_attribute', {'DBSnapshotIdentifier': 's', 'AttributeName': 'restore'}, 'ModifyDBSnapshotAttribute', f'arn:aws:rds:{REGION}:{SECURITY}:snapshot:s'),
        ('rds', 'modify_db_cluster_snapshot_attribute', {'DBClusterSnapshotIdentifier': 's', 'AttributeName': 'restore'}, 'ModifyDBClusterSnapshotAttribute', f'arn:aws:rds:{REGION}:{SECURITY}:cluster-snapshot:s'),
        ('iam', 'get_role', {'RoleName': 'r'}, 'GetRole', f'arn:aws:iam::{SECURITY}:role/r'),
        ('sqs', 'get_queue_url', {'QueueName': 'q'}, 'GetQueueUrl', f'arn:aws:sqs:{REGION}:{SECURITY}:q'),
        ('lambda', 'invoke', {'FunctionName': 'f'}, 'Invoke', f'arn:aws:lambda:{REGION}:{SECURITY}:function:f'),
        ('lambda', 'get_function', {'FunctionName': f'arn:aws:lambda:{REGION}:{SECURITY}:function:f'}, 'GetFunction', f'arn:aws:lambda:{REGION}:{SECURITY}:function:f'),
        ('logs', 'put_retention_policy', {'logGroupName': '/a/b', 'retentionInDays': 1}, 'PutRetentionPolicy', f'arn:aws:logs:{REGION}:{SECURITY}:log-group:/a/b:*'),
        ('events', 'put_events', {'Entries': [{'Source': 'a', 'DetailType': 'b', 'Detail': '{}'}]}, 'PutEvents', f'arn:aws:events:{REGION}:{SECURITY}:event-bus/default'),
        ('events', 'describe_rule', {'Name': 'r'}, 'DescribeRule', f'arn:aws:events:{REGION}:{SECURITY}:rule/r'),
        ('events', 'describe_rule', {'Name': 'r', 'EventBusName': 'b'}, 'DescribeRule', f'arn:aws:events:{REGION}:{SECURITY}:rule/b/r'),
        ('events', 'describe_event_bus', {}, 'DescribeEventBus', f'arn:aws:events:{REGION}:{SECURITY}:event-bus/default'),
        ('securityhub', 'get_findings', {}, 'GetFindings', f'arn:aws:securityhub:{REGION}:{SECURITY}:hub/default'),
        ('sns', 'publish', {'TopicArn': f'arn:aws:sns:{REGION}:{SECURITY}:t', 'Message': 'm'}, 'Publish', f'arn:aws:sns:{REGION}:{SECURITY}:t'),
        ('ssm', 'get_parameter', {'Name': '/a/b'}, 'GetParameter', f'arn:aws:ssm:{REGION}:{SECURITY}:parameter/a/b'),
        ('kms', 'describe_key', {'KeyId': 'k'}, 'DescribeKey', f'arn:aws:kms:{REGION}:{SECURITY}:key/k'),
        ('dynamodb', 'describe_table', {'TableName': 't'}, 'DescribeTable', f'arn:aws:dynamodb:{REGION}:{SECURITY}:table/t'),
        ('dynamodb', 'query', {'TableName': 't', 'IndexName': 'index', 'KeyConditionExpression': 'a = :a', 'ExpressionAttributeValues': {':a': {'S': 'x'}}}, 'Query', f'arn:aws:dynamodb:{REGION}:{SECURITY}:table/t/index/index'),
        ('guardduty', 'get_detector', {'DetectorId': 'd'}, 'GetDetector', f'arn:aws:guardduty:{REGION}:{SECURITY}:detector/d'),
    ],
)  # fmt: skip
def test_the_operation_and_resource_of_a_call(cloud, service, call, arguments, operation, resource):
    try:
        getattr(cloud.client(service), call)(**arguments)
    except ClientError:
        pass
    _, recorded = cloud.door('GET', '/calls')
    entry = recorded[-1]
    assert (entry['service'], entry['operation'], entry['principal'], entry['account']) == (service, operation, 'root', SECURITY)
    assert entry['resources'][0] == resource


def test_it_can_be_emptied_and_goes_on_counting(cloud):
    cloud.client('s3').list_buckets()
    _, [first] = cloud.door('GET', '/calls')
    assert cloud.door('DELETE', '/calls') == (204, None)
    assert cloud.door('GET', '/calls') == (200, [])
    cloud.client('s3').list_buckets()
    assert cloud.door('GET', '/calls')[1][0]['sequence'] == first['sequence'] + 1
    assert cloud.door('GET', '/calls?since=x')[0] == 400


def test_doors_are_not_calls_and_unknown_ones_are_refused(cloud):
    assert cloud.door('GET', '/nothing')[0] == 404
    assert cloud.door('POST', '/calls')[0] == 405
    assert cloud.door('GET', '/calls') == (200, [])
