"""What a stack makes: the policies that moto leaves out, and the properties that it reads over."""

import copy
import io
import json
import zipfile

import pytest

HOME, SECURITY, MEMBER = 'eu-west-1', '111122223333', '444455556666'


class Stack:
    def __init__(self, client):
        self.client, self.stacks = client, client('cloudformation', SECURITY, HOME)

    def deploy(self, resources, update=False):
        call = self.stacks.update_stack if update else self.stacks.create_stack
        call(StackName='s', TemplateBody=json.dumps({'Resources': resources}), Capabilities=['CAPABILITY_IAM'])
        [stack] = self.stacks.describe_stacks(StackName='s')['Stacks']
        assert stack['StackStatus'] == ('UPDATE_COMPLETE' if update else 'CREATE_COMPLETE')

    def aws(self, service):
        return self.client(service, SECURITY, HOME)

    def attributes(self):
        sqs = self.aws('sqs')
        return sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName='q')['QueueUrl'], AttributeNames=['All'])[
            'Attributes'
        ]


@pytest.fixture
def stack(client):
    return Stack(client)


RULE = {
    'Type': 'AWS::Events::Rule',
    'Properties': {
        'Name': 'r',
        'EventPattern': {'source': ['firebreak']},
        'Targets': [{'Id': 't', 'Arn': {'Fn::GetAtt': ['Queue', 'Arn']}}],
    },
}
QUEUE = {'Type': 'AWS::SQS::Queue', 'Properties': {'QueueName': 'q', 'VisibilityTimeout': 60}}
QUEUE_POLICY = {
    'Type': 'AWS::SQS::QueuePolicy',
    'Properties': {
        'Queues': [{'Ref': 'Queue'}],
        'PolicyDocument': {
            'Statement': [
                {
                    'Effect': 'Allow',
                    'Principal': {'Service': 'events.amazonaws.com'},
                    'Action': 'sqs:SendMessage',
                    'Resource': {'Fn::GetAtt': ['Queue', 'Arn']},
                    'Condition': {'ArnEquals': {'aws:SourceArn': {'Fn::GetAtt': ['Rule', 'Arn']}}},
                }
            ]
        },
    },
}
BUS_POLICY = {
    'Type': 'AWS::Events::EventBusPolicy',
    'Properties': {
        'StatementId': 'organisation',
        'Statement': {
            'Effect': 'Allow',
            'Principal': '*',
            'Action': 'events:PutEvents',
            'Resource': f'arn:aws:events:{HOME}:{SECURITY}:event-bus/default',
            'Condition': {'StringEquals': {'aws:PrincipalOrgID': 'o-firebreak0'}},
        },
    },
}


def received(stack):
    sqs = stack.aws('sqs')
    return len(sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName='q')['QueueUrl']).get('Messages', []))


def put_event(stack, account=SECURITY, **entry):
    event = {'Source': 'firebreak', 'DetailType': 'd', 'Detail': '{}', **entry}
    return stack.client('events', account, HOME).put_events(Entries=[event])


def test_an_alarm_is_as_the_template_says_until_it_is_removed(stack):
    properties = {
        'AlarmName': 'dead-letters',
        'Namespace': 'AWS/SQS',
        'MetricName': 'ApproximateNumberOfMessagesVisible',
        'Dimensions': [{'Name': 'QueueName', 'Value': {'Fn::GetAtt': ['Queue', 'QueueName']}}],
        'Statistic': 'Maximum',
        'Period': 60,
        'EvaluationPeriods': 1,
        'ComparisonOperator': 'GreaterThanThreshold',
        'Threshold': 0,
        'AlarmActions': ['arn:aws:sns:eu-west-1:111122223333:people'],
    }
    stack.deploy({'Queue': QUEUE, 'Alarm': {'Type': 'AWS::CloudWatch::Alarm', 'Properties': properties}})
    [alarm] = stack.aws('cloudwatch').describe_alarms()['MetricAlarms']
    assert alarm['Dimensions'] == [{'Name': 'QueueName', 'Value': 'q'}]
    assert (alarm['MetricName'], alarm['Threshold']) == (properties['MetricName'], 0)
    assert alarm['AlarmActions'] == properties['AlarmActions']
    stack.deploy({'Queue': QUEUE}, update=True)
    assert stack.aws('cloudwatch').describe_alarms()['MetricAlarms'] == []


def test_a_queue_policy_admits_the_rule_until_it_is_removed(stack):
    stack.deploy({'Queue': QUEUE, 'Rule': RULE})
    put_event(stack)
    assert received(stack) == 0
    stack.deploy({'Queue': QUEUE, 'Rule': RULE, 'Policy': QUEUE_POLICY}, update=True)
    put_event(stack)
    assert received(stack) == 1
    stack.deploy({'Queue': QUEUE, 'Rule': RULE}, update=True)
    put_event(stack)
    assert received(stack) == 0


@pytest.mark.parametrize('legacy', [False, True], ids=['statement', 'legacy properties'])
def test_a_bus_policy_admits_the_organisation(stack, legacy):
    policy = copy.deepcopy(BUS_POLICY)
    if legacy:
        condition = {'Type': 'StringEquals', 'Key': 'aws:PrincipalOrgID', 'Value': 'o-firebreak0'}
        policy['Properties'] = {
            'StatementId': 'organisation',
            'Action': 'events:PutEvents',
            'Principal': '*',
            'Condition': condition,
        }
    stack.deploy({'Queue': QUEUE, 'Rule': RULE, 'Policy': QUEUE_POLICY, 'Bus': policy})
    put_event(stack, MEMBER, EventBusName=f'arn:aws:events:{HOME}:{SECURITY}:event-bus/default')
    assert received(stack) == 1
    [statement] = json.loads(stack.aws('events').describe_event_bus()['Policy'])['Statement']
    assert (statement['Sid'], statement['Condition']) == (
        'organisation',
        {'StringEquals': {'aws:PrincipalOrgID': 'o-firebreak0'}},
    )


def test_a_bucket_is_as_the_template_says(stack):
    bucket = {
        'Type': 'AWS::S3::Bucket',
        'Properties': {
            'BucketName': 'b-1',
            'PublicAccessBlockConfiguration': {'BlockPublicAcls': True, 'BlockPublicPolicy': True},
            'OwnershipControls': {'Rules': [{'ObjectOwnership': 'BucketOwnerPreferred'}]},
            'VersioningConfiguration': {'Status': 'Enabled'},
        },
    }
    statement = {
        'Effect': 'Allow',
        'Principal': {'AWS': MEMBER},
        'Action': 's3:GetObject',
        'Resource': 'arn:aws:s3:::b-1/*',
    }
    policy = {
        'Type': 'AWS::S3::BucketPolicy',
        'Properties': {'Bucket': {'Ref': 'Bucket'}, 'PolicyDocument': {'Statement': [statement]}},
    }
    plain = {'Type': 'AWS::S3::Bucket', 'Properties': {'BucketName': 'b-2'}}
    stack.deploy({'Bucket': bucket, 'Policy': policy, 'Plain': plain})
    s3 = stack.aws('s3')
    block = s3.get_public_access_block(Bucket='b-1')['PublicAccessBlockConfiguration']
    assert block == {
        'BlockPublicAcls': True,
        'IgnorePublicAcls': False,
        'BlockPublicPolicy': True,
        'RestrictPublicBuckets': False,
    }
    assert (
        s3.get_bucket_ownership_controls(Bucket='b-1')['OwnershipControls']['Rules']
        == bucket['Properties']['OwnershipControls']['Rules']
    )
    assert s3.get_bucket_versioning(Bucket='b-1')['Status'] == 'Enabled'
    assert json.loads(s3.get_bucket_policy(Bucket='b-1')['Policy'])['Statement'] == [statement]
    assert all(s3.get_public_access_block(Bucket='b-2')['PublicAccessBlockConfiguration'].values())


def table(**properties):
    return {
        'Type': 'AWS::DynamoDB::Table',
        'Properties': {
            'TableName': 't',
            'BillingMode': 'PAY_PER_REQUEST',
            'AttributeDefinitions': [{'AttributeName': 'pk', 'AttributeType': 'S'}],
            'KeySchema': [{'AttributeName': 'pk', 'KeyType': 'HASH'}],
            **properties,
        },
    }


def test_a_table_is_as_the_template_says(stack):
    full = table(
        PointInTimeRecoverySpecification={'PointInTimeRecoveryEnabled': True},
        TimeToLiveSpecification={'AttributeName': 'expires', 'Enabled': True},
        SSESpecification={'SSEEnabled': True, 'SSEType': 'KMS'},
        DeletionProtectionEnabled=True,
    )
    stack.deploy({'Table': table()})
    dynamodb = stack.aws('dynamodb')

    def seen():
        backups = dynamodb.describe_continuous_backups(TableName='t')['ContinuousBackupsDescription']
        description = dynamodb.describe_table(TableName='t')['Table']
        return (
            backups['PointInTimeRecoveryDescription']['PointInTimeRecoveryStatus'],
            dynamodb.describe_time_to_live(TableName='t')['TimeToLiveDescription'],
            description.get('SSEDescription', {}).get('SSEType'),
            description['DeletionProtectionEnabled'],
        )

    assert seen() == ('DISABLED', {'TimeToLiveStatus': 'DISABLED'}, None, False)
    stack.deploy({'Table': full}, update=True)
    recovery, time_to_live, _, protected = seen()
    assert (recovery, time_to_live, protected) == (
        'ENABLED',
        {'TimeToLiveStatus': 'ENABLED', 'AttributeName': 'expires'},
        True,
    )
    stack.deploy({'Table': table()}, update=True)
    stack.stacks.delete_stack(StackName='s')
    stack.deploy({'Table': full})
    assert seen() == ('ENABLED', {'TimeToLiveStatus': 'ENABLED', 'AttributeName': 'expires'}, 'KMS', True)


def test_a_queue_follows_its_template(stack):
    stack.deploy({'Queue': QUEUE, 'Rule': RULE, 'Policy': QUEUE_POLICY})
    changed = copy.deepcopy(QUEUE)
    changed['Properties'] |= {
        'VisibilityTimeout': 90,
        'MessageRetentionPeriod': 1209600,
        'RedrivePolicy': {'deadLetterTargetArn': {'Fn::GetAtt': ['Dead', 'Arn']}, 'maxReceiveCount': 3},
    }
    dead = {'Type': 'AWS::SQS::Queue', 'Properties': {'QueueName': 'dead'}}
    stack.deploy({'Dead': dead, 'Queue': QUEUE, 'Rule': RULE, 'Policy': QUEUE_POLICY}, update=True)
    stack.deploy({'Dead': dead, 'Queue': changed, 'Rule': RULE, 'Policy': QUEUE_POLICY}, update=True)
    attributes = stack.attributes()
    assert (attributes['VisibilityTimeout'], attributes['MessageRetentionPeriod']) == ('90', '1209600')
    assert json.loads(attributes['RedrivePolicy'])['maxReceiveCount'] == 3
    assert 'Policy' in attributes


def test_a_function_is_as_the_template_says(stack):
    code = io.BytesIO()
    with zipfile.ZipFile(code, 'w') as archive:
        archive.writestr('index.mjs', 'export const handler = () => {}')
    s3 = stack.aws('s3')
    s3.create_bucket(Bucket='code', CreateBucketConfiguration={'LocationConstraint': HOME})
    s3.put_object(Bucket='code', Key='f.zip', Body=code.getvalue())
    trust = {
        'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]
    }
    function = {
        'Type': 'AWS::Lambda::Function',
        'Properties': {
            'FunctionName': 'f',
            'Runtime': 'nodejs22.x',
            'Handler': 'index.handler',
            'Role': {'Fn::GetAtt': ['Role', 'Arn']},
            'Code': {'S3Bucket': 'code', 'S3Key': 'f.zip'},
            'Architectures': ['arm64'],
            'TracingConfig': {'Mode': 'Active'},
            'LoggingConfig': {'LogFormat': 'JSON', 'SystemLogLevel': 'WARN'},
        },
    }
    role = {'Type': 'AWS::IAM::Role', 'Properties': {'RoleName': 'worker', 'AssumeRolePolicyDocument': trust}}
    stack.deploy({'Role': role, 'Function': function})
    configuration = stack.aws('lambda').get_function_configuration(FunctionName='f')
    assert (configuration['Architectures'], configuration['TracingConfig']) == (['arm64'], {'Mode': 'Active'})
    levels = {'LogFormat': 'JSON', 'ApplicationLogLevel': 'INFO', 'SystemLogLevel': 'WARN', 'LogGroup': '/aws/lambda/f'}
    assert configuration['LoggingConfig'] == levels


def test_a_role_has_the_managed_policies_of_its_template(stack):
    document = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': '*'}]}
    policy = {'Type': 'AWS::IAM::ManagedPolicy', 'Properties': {'ManagedPolicyName': 'p', 'PolicyDocument': document}}
    read_only = 'arn:aws:iam::aws:policy/ReadOnlyAccess'

    def role(*arns):
        properties = {'RoleName': 'r', 'AssumeRolePolicyDocument': {'Statement': []}, 'ManagedPolicyArns': list(arns)}
        return {'Policy': policy, 'Role': {'Type': 'AWS::IAM::Role', 'Properties': properties}}

    def attached():
        found = stack.aws('iam').list_attached_role_policies(RoleName='r')['AttachedPolicies']
        return [policy['PolicyArn'] for policy in found]

    stack.deploy(role({'Ref': 'Policy'}))
    assert attached() == [f'arn:aws:iam::{SECURITY}:policy/p']
    stack.deploy(role(read_only), update=True)
    assert attached() == [read_only]


def test_setting_one_attribute_of_a_queue_keeps_its_policy(client):
    sqs = client('sqs', SECURITY, HOME)
    url = sqs.create_queue(
        QueueName='q', Attributes={'Policy': json.dumps({'Statement': [{'Sid': 's', 'Effect': 'Allow'}]})}
    )['QueueUrl']
    sqs.set_queue_attributes(QueueUrl=url, Attributes={'VisibilityTimeout': '5'})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
    assert (attributes['VisibilityTimeout'], 'Policy' in attributes) == ('5', True)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': ''})
    assert 'Policy' not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
