"""IAM as the API shows it: who may do what, and how AWS says no."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, allow, deny, policy


def refusal(call, *arguments, **named) -> tuple[str, str]:
    """The error code and message of a refused call."""
    with pytest.raises(ClientError) as error:
        call(*arguments, **named)
    answer = error.value.response['Error']
    return answer['Code'], answer['Message']


def test_a_role_may_do_what_its_policy_says_and_nothing_else(cloud):
    arn = cloud.role('reader', [allow('sqs:ListQueues')])
    credentials = cloud.assume(arn)
    sqs = cloud.client('sqs', credentials=credentials)
    sqs.list_queues()
    code, message = refusal(sqs.create_queue, QueueName='q')
    assert code == 'AccessDenied'
    assert message == (
        f'User: arn:aws:sts::{SECURITY}:assumed-role/reader/session is not authorized to perform: sqs:CreateQueue on '
        f'resource: arn:aws:sqs:{REGION}:{SECURITY}:q because no identity-based policy allows the sqs:CreateQueue action'
    )


def test_a_change_of_the_role_counts_for_open_sessions(cloud):
    credentials = cloud.assume(cloud.role('worker', [allow('s3:ListAllMyBuckets')]))
    s3 = cloud.client('s3', credentials=credentials)
    s3.list_buckets()
    cloud.client('iam').delete_role_policy(RoleName='worker', PolicyName='inline')
    assert refusal(s3.list_buckets)[0] == 'AccessDenied'


def test_an_instance_is_started_only_where_and_as_allowed(cloud):
    ec2 = cloud.client('ec2')
    vpc = ec2.create_vpc(CidrBlock='10.0.0.0/16')['Vpc']['VpcId']
    tags = [{'ResourceType': 'subnet', 'Tags': [{'Key': 'for', 'Value': 'tests'}]}]
    open_one = ec2.create_subnet(VpcId=vpc, CidrBlock='10.0.1.0/24', TagSpecifications=tags)['Subnet']['SubnetId']
    other = ec2.create_subnet(VpcId=vpc, CidrBlock='10.0.2.0/24')['Subnet']['SubnetId']
    arn = f'arn:aws:ec2:{REGION}:{SECURITY}'
    in_subnet = {'StringEquals': {'aws:ResourceTag/for': 'tests'}}
    small = {'StringEqualsIfExists': {'ec2:InstanceType': 't4g.nano'}}
    statements = [
        allow('ec2:RunInstances', resource=[f'{arn}:{part}/*' for part in ('instance', 'network-interface', 'volume')], Condition=small),
        allow('ec2:RunInstances', resource=f'{arn}:subnet/*', Condition=in_subnet),
        allow('ec2:RunInstances', resource=[f'{arn}:security-group/*', f'arn:aws:ec2:{REGION}::image/*']),
    ]
    caller = cloud.client('ec2', credentials=cloud.assume(cloud.role('starter', statements)))

    def start(kind, subnet):
        interface = {'DeviceIndex': 0, 'SubnetId': subnet}
        arguments = {'ImageId': 'ami-12345678', 'MinCount': 1, 'MaxCount': 1, 'NetworkInterfaces': [interface]}
        return caller.run_instances(InstanceType=kind, **arguments)

    assert start('t4g.nano', open_one)['Instances']
    assert f'{arn}:instance/*' in refusal(start, 'm7g.metal', open_one)[1]
    assert f'{arn}:subnet/{other}' in refusal(start, 't4g.nano', other)[1]


def test_a_user_is_made_under_the_path_that_it_gets_and_tagged_with_a_permission_for_that(cloud):
    users = f'arn:aws:iam::{SECURITY}:user/robots/*'
    making = [allow('iam:CreateUser', resource=users)]
    iam = cloud.client('iam', credentials=cloud.assume(cloud.role('maker', making)))
    iam.create_user(UserName='one', Path='/robots/')
    assert f'{SECURITY}:user/two' in refusal(iam.create_user, UserName='two')[1]
    tagged = {'UserName': 'three', 'Path': '/robots/', 'Tags': [{'Key': 'a', 'Value': 'b'}]}
    assert f'iam:TagUser on resource: arn:aws:iam::{SECURITY}:user/robots/three' in refusal(iam.create_user, **tagged)[1]


@pytest.mark.parametrize(
    ('service', 'call', 'arguments', 'code'),
    [
        ('ec2', 'describe_snapshots', {}, 'UnauthorizedOperation'),
        ('s3', 'list_buckets', {}, 'AccessDenied'),
        ('iam', 'list_users', {}, 'AccessDenied'),
        ('rds', 'describe_db_snapshots', {}, 'AccessDenied'),
        ('sns', 'list_topics', {}, 'AuthorizationError'),
        ('dynamodb', 'list_tables', {}, 'AccessDeniedException'),
        ('events', 'list_rules', {}, 'AccessDeniedException'),
        ('securityhub', 'get_findings', {}, 'AccessDeniedException'),
        ('lambda', 'list_functions', {}, 'AccessDeniedException'),
        ('logs', 'describe_log_groups', {}, 'AccessDeniedException'),
        ('kms', 'list_keys', {}, 'AccessDeniedException'),
        ('cloudformation', 'list_stacks', {}, 'AccessDenied'),
    ],
)
def test_each_protocol_refuses_as_aws_does(cloud, service, call, arguments, code):
    client = cloud.client(service, credentials=cloud.assume(cloud.role('nobody')))
    answered, message = refusal(getattr(client, call), **arguments)
    assert answered == code
    assert 'because no identity-based policy allows the' in message


class TestSessionPolicy:
    ROLE = [allow('ec2:*', 's3:*')]

    def test_it_narrows_the_role(self, cloud):
        arn = cloud.role('worker', self.ROLE)
        ec2 = cloud.client('ec2', credentials=cloud.assume(arn, Policy=policy(allow('ec2:DescribeSnapshots'))))
        ec2.describe_snapshots(OwnerIds=['self'])
        code, message = refusal(ec2.create_volume, AvailabilityZone=f'{REGION}a', Size=1)
        assert code == 'UnauthorizedOperation'
        assert message.endswith('because no session policy allows the ec2:CreateVolume action')

    def test_it_gives_nothing_that_the_role_has_not(self, cloud):
        arn = cloud.role('worker', self.ROLE)
        iam = cloud.client('iam', credentials=cloud.assume(arn, Policy=policy(allow('*'))))
        assert 'no identity-based policy' in refusal(iam.list_users)[1]

    def test_a_deny_in_it_wins(self, cloud):
        arn = cloud.role('worker', self.ROLE)
        credentials = cloud.assume(arn, Policy=policy([allow('*'), deny('s3:ListAllMyBuckets')]))
        assert refusal(cloud.client('s3', credentials=credentials).list_buckets)[1].endswith(
            'with an explicit deny in a session policy'
        )

    def test_managed_policies_narrow_too(self, cloud):
        arn = cloud.role('worker', self.ROLE)
        credentials = cloud.assume(arn, PolicyArns=[{'arn': 'arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess'}])
        cloud.client('ec2', credentials=credentials).describe_instances()
        assert 'no session policy' in refusal(cloud.client('s3', credentials=credentials).list_buckets)[1]


def test_a_permissions_boundary_limits_the_role(cloud):
    iam = cloud.client('iam')
    boundary = iam.create_policy(PolicyName='limit', PolicyDocument=policy(allow('s3:*')))['Policy']['Arn']
    arn = cloud.role('worker', [allow('*')])
    iam.put_role_permissions_boundary(RoleName='worker', PermissionsBoundary=boundary)
    credentials = cloud.assume(arn)
    cloud.client('s3', credentials=credentials).list_buckets()
    message = refusal(cloud.client('iam', credentials=credentials).list_users)[1]
    assert message.endswith('because no permissions boundary allows the iam:ListUsers action')


def test_an_attached_policy_of_aws_denies(cloud):
    arn = cloud.role('worker', [allow('*')])
    iam = cloud.client('iam')
    iam.attach_role_policy(RoleName='worker', PolicyArn='arn:aws:iam::aws:policy/AWSDenyAll')
    message = refusal(cloud.client('s3', credentials=cloud.assume(arn)).list_buckets)[1]
    assert message.endswith('with an explicit deny in an identity-based policy')


class TestUsers:
    @pytest.fixture
    def user(self, cloud):
        iam = cloud.client('iam')
        iam.create_user(UserName='ann', Path='/people/')
        iam.put_user_policy(UserName='ann', PolicyName='own', PolicyDocument=policy(allow('iam:*', resource=f'arn:aws:iam::{SECURITY}:user/people/${{aws:username}}')))
        return {**iam.create_access_key(UserName='ann')['AccessKey'], 'SessionToken': None}

    def test_its_policies_count(self, cloud, user):
        iam = cloud.client('iam', credentials=user)
        assert iam.get_user()['User']['UserName'] == 'ann'
        assert cloud.client('sts', credentials=user).get_caller_identity()['Arn'] == f'arn:aws:iam::{SECURITY}:user/people/ann'
        assert refusal(iam.list_users)[0] == 'AccessDenied'

    def test_its_groups_count(self, cloud, user):
        root = cloud.client('iam')
        root.create_group(GroupName='staff')
        root.put_group_policy(GroupName='staff', PolicyName='list', PolicyDocument=policy(allow('s3:ListAllMyBuckets')))
        s3 = cloud.client('s3', credentials=user)
        assert refusal(s3.list_buckets)[0] == 'AccessDenied'
        root.add_user_to_group(GroupName='staff', UserName='ann')
        s3.list_buckets()

    def test_an_inactive_key_is_no_key_and_an_active_one_is_again(self, cloud, user):
        root = cloud.client('iam')
        own = cloud.client('iam', credentials=user)
        root.update_access_key(UserName='ann', AccessKeyId=user['AccessKeyId'], Status='Inactive')
        assert refusal(own.get_user)[0] == 'InvalidClientTokenId'
        for service, call, code in (
            ('s3', 'list_buckets', 'InvalidAccessKeyId'),
            ('ec2', 'describe_vpcs', 'AuthFailure'),
            ('dynamodb', 'list_tables', 'UnrecognizedClientException'),
        ):
            assert refusal(getattr(cloud.client(service, credentials=user), call))[0] == code
        root.update_access_key(UserName='ann', AccessKeyId=user['AccessKeyId'], Status='Active')
        own.get_user()
        root.delete_access_key(UserName='ann', AccessKeyId=user['AccessKeyId'])
        assert refusal(own.get_user)[0] == 'InvalidClientTokenId'

    def test_a_key_is_its_owners_resource(self, cloud, user):
        arn = cloud.role('keys', [allow('iam:UpdateAccessKey', resource=f'arn:aws:iam::{SECURITY}:user/people/ann')])
        iam = cloud.client('iam', credentials=cloud.assume(arn))
        iam.update_access_key(UserName='ann', AccessKeyId=user['AccessKeyId'], Status='Inactive')
        cloud.client('iam').create_user(UserName='bob')
        code, message = refusal(iam.update_access_key, UserName='bob', AccessKeyId=user['AccessKeyId'], Status='Inactive')
        assert code == 'AccessDenied'
        assert f'on resource: arn:aws:iam::{SECURITY}:user/bob ' in message


class TestDynamoDB:
    @pytest.fixture
    def table(self, cloud):
        keys = [{'AttributeName': 'pk', 'KeyType': 'HASH'}, {'AttributeName': 'sk', 'KeyType': 'RANGE'}]
        cloud.client('dynamodb').create_table(
            TableName='ledger',
            KeySchema=keys,
            AttributeDefinitions=[{'AttributeName': key['AttributeName'], 'AttributeType': 'S'} for key in keys],
            BillingMode='PAY_PER_REQUEST',
        )
        statement = allow(
            'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query', 'dynamodb:BatchWriteItem',
            resource=f'arn:aws:dynamodb:{REGION}:{SECURITY}:table/ledger',
            Condition={'ForAllValues:StringLike': {'dynamodb:LeadingKeys': ['identity#*']}},
        )  # fmt: skip
        return cloud.client('dynamodb', credentials=cloud.assume(cloud.role('identity', [statement])))

    def item(self, partition, kind='Put'):
        key = {'pk': {'S': partition}, 'sk': {'S': 'x'}}
        if kind == 'Update':
            return {kind: {'TableName': 'ledger', 'Key': key, 'UpdateExpression': 'SET a = :a', 'ExpressionAttributeValues': {':a': {'S': '1'}}}}
        return {kind: {'TableName': 'ledger', 'Key' if kind == 'Delete' else 'Item': key}}

    def test_only_its_own_partition_keys(self, table):
        table.put_item(**self.item('identity#1')['Put'])
        table.get_item(TableName='ledger', Key={'pk': {'S': 'identity#1'}, 'sk': {'S': 'x'}})
        table.update_item(**self.item('identity#1', 'Update')['Update'])
        for call, arguments in (
            (table.put_item, self.item('storage#1')['Put']),
            (table.update_item, self.item('storage#1', 'Update')['Update']),
            (table.get_item, {'TableName': 'ledger', 'Key': {'pk': {'S': 'storage#1'}, 'sk': {'S': 'x'}}}),
        ):
            assert refusal(call, **arguments)[0] == 'AccessDeniedException'

    def test_an_item_with_no_other_attributes(self, cloud, table):
        statement = allow(
            'dynamodb:PutItem',
            resource=f'arn:aws:dynamodb:{REGION}:{SECURITY}:table/ledger',
            Condition={'ForAllValues:StringEquals': {'dynamodb:Attributes': ['pk', 'sk', 'order']}},
        )
        orders = cloud.client('dynamodb', credentials=cloud.assume(cloud.role('orders', [statement])))
        item = {'pk': {'S': 'identity#1'}, 'sk': {'S': 'ORDER'}, 'order': {'S': '{}'}}
        orders.put_item(TableName='ledger', Item=item)
        plan = {**item, 'plan': {'S': '{}'}}
        assert refusal(orders.put_item, TableName='ledger', Item=plan)[0] == 'AccessDeniedException'

    def test_an_update_of_no_other_attributes(self, cloud, table):
        statement = allow(
            'dynamodb:UpdateItem',
            resource=f'arn:aws:dynamodb:{REGION}:{SECURITY}:table/ledger',
            Condition={'ForAllValues:StringEquals': {'dynamodb:Attributes': ['pk', 'sk', 'told', 'since']}},
        )
        register = cloud.client('dynamodb', credentials=cloud.assume(cloud.role('register', [statement])))
        update = {'TableName': 'ledger', 'Key': {'pk': {'S': 'identity#1'}, 'sk': {'S': 'REGISTER'}}}
        values = {':told': {'N': '1'}}
        register.update_item(
            **update,
            UpdateExpression='SET #told = :told, since = if_not_exists(since, :told)',
            ConditionExpression='attribute_not_exists(told) OR #told = :told',
            ExpressionAttributeNames={'#told': 'told'},
            ExpressionAttributeValues=values,
        )
        for expression, more in (
            ('SET told = :told, plan = :told', {}),
            ('SET told = :told REMOVE #plan', {'ExpressionAttributeNames': {'#plan': 'plan'}}),
            ('SET told = :told', {'ConditionExpression': 'plan = :told'}),
        ):
            call = {'UpdateExpression': expression, 'ExpressionAttributeValues': values, **more}
            assert refusal(register.update_item, **update, **call)[0] == 'AccessDeniedException'

    def test_a_query_names_its_partition(self, table):
        def query(partition):
            return table.query(
                TableName='ledger',
                KeyConditionExpression='#p = :p AND begins_with(sk, :s)',
                ExpressionAttributeNames={'#p': 'pk'},
                ExpressionAttributeValues={':p': {'S': partition}, ':s': {'S': 'x'}},
            )

        assert query('identity#1')['Count'] == 0
        assert refusal(query, 'storage#1')[0] == 'AccessDeniedException'

    def test_a_transaction_needs_the_action_and_key_of_every_item(self, table):
        table.transact_write_items(TransactItems=[self.item('identity#1'), self.item('identity#2', 'Update')])
        for second in (self.item('storage#1'), self.item('identity#1', 'Delete')):
            code, message = refusal(table.transact_write_items, TransactItems=[self.item('identity#3'), second])
            assert code == 'AccessDeniedException'
        assert 'dynamodb:DeleteItem' in message
        assert 'Item' not in table.get_item(TableName='ledger', Key={'pk': {'S': 'identity#3'}, 'sk': {'S': 'x'}})

    def test_a_batch_is_refused_for_one_foreign_key(self, table):
        def write(*partitions):
            requests = [{'PutRequest': {'Item': {'pk': {'S': name}, 'sk': {'S': 'b'}}}} for name in partitions]
            table.batch_write_item(RequestItems={'ledger': requests})

        write('identity#1', 'identity#2')
        assert refusal(write, 'identity#1', 'storage#1')[0] == 'AccessDeniedException'


class TestEC2:
    def test_creating_with_tags_needs_create_tags(self, cloud):
        ec2 = cloud.client('ec2')
        volume = ec2.create_volume(AvailabilityZone=f'{REGION}a', Size=1)['VolumeId']
        tags = [{'ResourceType': 'snapshot', 'Tags': [{'Key': 'firebreak', 'Value': 'r-1'}]}]
        create = [allow('ec2:CreateSnapshot')]
        plain = cloud.client('ec2', credentials=cloud.assume(cloud.role('plain', create)))
        plain.create_snapshot(VolumeId=volume)
        code, message = refusal(plain.create_snapshot, VolumeId=volume, TagSpecifications=tags)
        assert code == 'UnauthorizedOperation'
        assert f'ec2:CreateTags on resource: arn:aws:ec2:{REGION}::snapshot/*' in message
        condition = {'StringEquals': {'ec2:CreateAction': 'CreateSnapshot', 'aws:RequestTag/firebreak': 'r-1'}}
        tagging = cloud.role('tagging', [*create, allow('ec2:CreateTags', Condition=condition)])
        client = cloud.client('ec2', credentials=cloud.assume(tagging))
        snapshot = client.create_snapshot(VolumeId=volume, TagSpecifications=tags)['SnapshotId']
        assert refusal(client.create_tags, Resources=[snapshot], Tags=[{'Key': 'a', 'Value': 'b'}])[0] == 'UnauthorizedOperation'

    def test_a_tag_of_the_resource_decides(self, cloud):
        ec2 = cloud.client('ec2')
        vpc = ec2.describe_vpcs()['Vpcs'][0]['VpcId']
        tags = [{'ResourceType': 'security-group', 'Tags': [{'Key': 'firebreak', 'Value': 'quarantine'}]}]
        ours = ec2.create_security_group(GroupName='ours', Description='x', VpcId=vpc, TagSpecifications=tags)['GroupId']
        other = ec2.create_security_group(GroupName='other', Description='x', VpcId=vpc)['GroupId']
        statement = allow('ec2:DeleteSecurityGroup', Condition={'StringEquals': {'aws:ResourceTag/firebreak': 'quarantine'}})
        client = cloud.client('ec2', credentials=cloud.assume(cloud.role('sweep', [statement])))
        assert refusal(client.delete_security_group, GroupId=other)[0] == 'UnauthorizedOperation'
        client.delete_security_group(GroupId=ours)

    def test_one_snapshot_only(self, cloud):
        ec2 = cloud.client('ec2')
        volume = ec2.create_volume(AvailabilityZone=f'{REGION}a', Size=1)['VolumeId']
        mine, other = (ec2.create_snapshot(VolumeId=volume)['SnapshotId'] for _ in range(2))
        statement = allow('ec2:ModifySnapshotAttribute', resource=f'arn:aws:ec2:{REGION}::snapshot/{mine}')
        arn = cloud.role('snapshots', [allow('ec2:ModifySnapshotAttribute')])
        client = cloud.client('ec2', credentials=cloud.assume(arn, Policy=policy(statement)))
        change = {'Attribute': 'createVolumePermission', 'OperationType': 'remove', 'GroupNames': ['all']}
        client.modify_snapshot_attribute(SnapshotId=mine, **change)
        code, message = refusal(client.modify_snapshot_attribute, SnapshotId=other, **change)
        assert code == 'UnauthorizedOperation'
        assert message.endswith(
            f'is not authorized to perform: ec2:ModifySnapshotAttribute on resource: arn:aws:ec2:{REGION}::snapshot/{other} '
            'because no session policy allows the ec2:ModifySnapshotAttribute action'
        )


class TestS3:
    @pytest.fixture
    def bucket(self, cloud):
        s3 = cloud.client('s3', MEMBER)
        s3.create_bucket(Bucket='evidence', CreateBucketConfiguration={'LocationConstraint': REGION})
        s3.put_object(Bucket='evidence', Key='a', Body=b'1')
        return s3

    def test_operations_ask_for_the_actions_of_iam(self, cloud, bucket):
        actions = ['s3:GetBucketPublicAccessBlock', 's3:PutBucketPublicAccessBlock', 's3:DeleteObject', 's3:ListBucket']
        resources = ['arn:aws:s3:::evidence', 'arn:aws:s3:::evidence/*']
        arn = cloud.role('storage', [allow(*actions, resource=resources)], account=MEMBER)
        s3 = cloud.client('s3', credentials=cloud.assume(arn))
        block = dict.fromkeys(('BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'), True)
        s3.put_public_access_block(Bucket='evidence', PublicAccessBlockConfiguration=block)
        assert s3.get_public_access_block(Bucket='evidence')['PublicAccessBlockConfiguration'] == block
        s3.delete_public_access_block(Bucket='evidence')
        s3.head_bucket(Bucket='evidence')
        s3.list_objects_v2(Bucket='evidence')
        s3.delete_objects(Bucket='evidence', Delete={'Objects': [{'Key': 'a'}]})
        code, message = refusal(s3.get_bucket_policy, Bucket='evidence')
        assert code == 'AccessDenied'
        assert 's3:GetBucketPolicy on resource: "arn:aws:s3:::evidence" because' in message

    def test_another_account_needs_both_policies(self, cloud, bucket):
        arn = cloud.role('reader', [allow('s3:GetObject')])
        s3 = cloud.client('s3', credentials=cloud.assume(arn))
        assert refusal(s3.get_object, Bucket='evidence', Key='a')[1].endswith(
            'because no resource-based policy allows the s3:GetObject action'
        )
        statement = {**allow('s3:GetObject', resource='arn:aws:s3:::evidence/*'), 'Principal': {'AWS': arn}}
        bucket.put_bucket_policy(Bucket='evidence', Policy=policy(statement))
        assert s3.get_object(Bucket='evidence', Key='a')['Body'].read() == b'1'
        cloud.client('iam').delete_role_policy(RoleName='reader', PolicyName='inline')
        assert 'no identity-based policy' in refusal(s3.get_object, Bucket='evidence', Key='a')[1]

    def test_a_bucket_policy_alone_lets_a_role_of_the_same_account_in_and_its_deny_keeps_out(self, cloud, bucket):
        arn = cloud.role('reader', account=MEMBER)
        s3 = cloud.client('s3', credentials=cloud.assume(arn))
        statement = {**allow('s3:GetObject', resource='arn:aws:s3:::evidence/*'), 'Principal': {'AWS': arn}}
        bucket.put_bucket_policy(Bucket='evidence', Policy=policy(statement))
        s3.get_object(Bucket='evidence', Key='a')
        refused = {**statement, 'Effect': 'Deny', 'Principal': '*'}
        bucket.put_bucket_policy(Bucket='evidence', Policy=policy([statement, refused]))
        assert refusal(s3.get_object, Bucket='evidence', Key='a')[1].endswith('with an explicit deny in a resource-based policy')

    def test_the_owner_of_a_bucket_may_be_demanded(self, cloud, bucket):
        condition = {'StringEquals': {'s3:ResourceAccount': SECURITY}}
        arn = cloud.role('reader', [allow('s3:GetObject', Condition=condition)], account=MEMBER)
        assert refusal(cloud.client('s3', credentials=cloud.assume(arn)).get_object, Bucket='evidence', Key='a')[0] == 'AccessDenied'


def test_a_queue_of_another_account_lets_in_whom_its_policy_names(cloud):
    owner = cloud.client('sqs', MEMBER)
    url = owner.create_queue(QueueName='inbox')['QueueUrl']
    arn = cloud.role('sender', [allow('sqs:SendMessage')])
    sender = cloud.client('sqs', credentials=cloud.assume(arn))
    assert 'no resource-based policy' in refusal(sender.send_message, QueueUrl=url, MessageBody='x')[1]
    statement = {'Effect': 'Allow', 'Principal': {'AWS': arn}, 'Action': 'sqs:SendMessage', 'Resource': '*'}
    owner.set_queue_attributes(QueueUrl=url, Attributes={'Policy': json.dumps({'Statement': [statement]})})
    sender.send_message_batch(QueueUrl=url, Entries=[{'Id': '1', 'MessageBody': 'x'}])
    assert owner.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']['ApproximateNumberOfMessages'] == '1'


def test_a_region_may_be_demanded(cloud):
    arn = cloud.role('home', [allow('ec2:DescribeVpcs', Condition={'StringEquals': {'aws:RequestedRegion': REGION}})])
    credentials = cloud.assume(arn)
    cloud.client('ec2', credentials=credentials).describe_vpcs()
    assert refusal(cloud.client('ec2', credentials=credentials, region='us-east-1').describe_vpcs)[0] == 'UnauthorizedOperation'
