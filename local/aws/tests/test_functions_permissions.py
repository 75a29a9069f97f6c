"""What a function's role is let do: publish, put events, tell findings, keep parameters, invoke another function."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import REGION, SECURITY, allow
from test_events import PATTERN, Bus

PLACE = f'{REGION}:{SECURITY}'
TOPIC, QUEUE = f'arn:aws:sns:{PLACE}:alerts', f'arn:aws:sqs:{PLACE}:inbox'


def policy_of(service, source):
    return {
        'Effect': 'Allow',
        'Principal': {'Service': service},
        'Action': 'sqs:SendMessage',
        'Resource': QUEUE,
        'Condition': {'ArnEquals': {'aws:SourceArn': source}},
    }


@pytest.fixture
def session(cloud):
    """`session(service, *statements)`: a client with a role that has those statements alone."""

    def open_session(service, *statements):
        return cloud.client(service, credentials=cloud.assume(cloud.role(f'of-{service}', list(statements))))

    return open_session


def denied(call, **arguments) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response['Error']
    assert answer['Code'] in ('AccessDenied', 'AccessDeniedException', 'AuthorizationError'), answer
    return answer['Message']


class TestTopics:
    @pytest.fixture
    def inbox(self, client):
        """A topic with a queue, from a stack; `inbox()` answers the messages."""
        resources = {
            'Topic': {'Type': 'AWS::SNS::Topic', 'Properties': {'TopicName': 'alerts'}},
            'Queue': {'Type': 'AWS::SQS::Queue', 'Properties': {'QueueName': 'inbox'}},
        }
        client('cloudformation').create_stack(StackName='s', TemplateBody=json.dumps({'Resources': resources}))
        sqs = client('sqs')
        url = sqs.get_queue_url(QueueName='inbox')['QueueUrl']
        self.admit = lambda source: sqs.set_queue_attributes(
            QueueUrl=url, Attributes={'Policy': json.dumps({'Statement': [policy_of('sns.amazonaws.com', source)]})}
        )
        self.admit(TOPIC)
        client('sns').subscribe(TopicArn=TOPIC, Protocol='sqs', Endpoint=QUEUE)

        def messages():
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=['All'])
            return [json.loads(message['Body']) for message in found.get('Messages', [])]

        return messages

    def publish(self, sns):
        attributes = {'severity': {'DataType': 'String', 'StringValue': 'HIGH'}}
        told = {'Subject': 'Verified', 'Message': 'A bucket is closed', 'MessageAttributes': attributes}
        return sns.publish(TopicArn=TOPIC, **told)

    def test_a_queue_gets_what_a_role_publishes(self, session, inbox):
        answer = self.publish(session('sns', allow('sns:Publish', resource=TOPIC)))
        [message] = inbox()
        assert {name: message[name] for name in ('Type', 'MessageId', 'TopicArn', 'Subject', 'Message')} == {
            'Type': 'Notification',
            'MessageId': answer['MessageId'],
            'TopicArn': TOPIC,
            'Subject': 'Verified',
            'Message': 'A bucket is closed',
        }
        assert message['MessageAttributes'] == {'severity': {'Type': 'String', 'Value': 'HIGH'}}

    def test_the_topic_must_be_permitted(self, session, inbox):
        sns = session('sns', allow('sns:Publish', resource=f'{TOPIC}-of-others'))
        assert f'is not authorized to perform: sns:Publish on resource: {TOPIC}' in denied(
            sns.publish, TopicArn=TOPIC, Message='m'
        )
        assert inbox() == []

    def test_a_queue_gets_nothing_from_a_topic_that_its_policy_does_not_admit(self, session, inbox):
        self.admit(f'{TOPIC}-of-others')
        self.publish(session('sns', allow('sns:Publish', resource=TOPIC)))
        assert inbox() == []

    def test_a_subscription_goes_with_its_stack(self, client, inbox):
        resources = {
            'Topic': {'Type': 'AWS::SNS::Topic', 'Properties': {'TopicName': 'other'}},
            'Subscription': {
                'Type': 'AWS::SNS::Subscription',
                'Properties': {
                    'TopicArn': {'Ref': 'Topic'},
                    'Protocol': 'sqs',
                    'Endpoint': QUEUE,
                    'RawMessageDelivery': False,
                    'FilterPolicy': {'severity': ['HIGH']},
                },
            },
        }
        stacks, sns, topic = client('cloudformation'), client('sns'), f'arn:aws:sns:{PLACE}:other'
        stacks.create_stack(StackName='o', TemplateBody=json.dumps({'Resources': resources}))
        self.admit(topic)
        for severity in ('LOW', 'HIGH'):
            attributes = {'severity': {'DataType': 'String', 'StringValue': severity}}
            sns.publish(TopicArn=topic, Message=severity, MessageAttributes=attributes)
        assert [message['Message'] for message in inbox()] == ['HIGH']
        stacks.delete_stack(StackName='o')
        assert [each['TopicArn'] for each in sns.list_subscriptions()['Subscriptions']] == [TOPIC]


class TestEvents:
    ENTRY = {'Source': 'firebreak', 'DetailType': 'Response', 'Detail': '{"outcome": "verified"}'}
    BUS = f'arn:aws:events:{PLACE}:event-bus/default'

    @pytest.mark.parametrize('statement', [{}, {'Condition': {'StringEquals': {'events:source': 'firebreak'}}}])
    def test_a_role_puts_events_on_the_default_bus(self, client, session, statement):
        bus = Bus(client)
        bus.rule(PATTERN, Arn=bus.queue('q'))
        events = session('events', allow('events:PutEvents', resource=self.BUS, **statement))
        assert events.put_events(Entries=[self.ENTRY])['FailedEntryCount'] == 0
        assert [json.loads(body)['detail'] for body in bus.bodies('q')] == [{'outcome': 'verified'}]

    @pytest.mark.parametrize(
        'statement',
        [
            allow('events:PutEvents', resource=f'arn:aws:events:{PLACE}:event-bus/other'),
            allow('events:PutEvents', resource=BUS, Condition={'StringEquals': {'events:source': 'another'}}),
        ],
    )
    def test_the_bus_and_the_source_must_be_permitted(self, session, statement):
        message = denied(session('events', statement).put_events, Entries=[self.ENTRY])
        assert f'is not authorized to perform: events:PutEvents on resource: {self.BUS}' in message


class TestFindings:
    FINDING = f'arn:aws:securityhub:{PLACE}:product/{SECURITY}/default'

    def update(self, hub):
        return hub.batch_update_findings(
            FindingIdentifiers=[{'Id': 'f', 'ProductArn': self.FINDING}], Workflow={'Status': 'NOTIFIED'}
        )

    def test_a_role_tells_findings(self, client, session):
        client('securityhub').enable_security_hub()
        hub = session(
            'securityhub', allow('securityhub:BatchUpdateFindings', resource=f'arn:aws:securityhub:{PLACE}:hub/default')
        )
        assert [finding['ErrorCode'] for finding in self.update(hub)['UnprocessedFindings']] == ['FindingNotFound']

    def test_it_must_be_permitted(self, session):
        hub = session('securityhub', allow('iam:Get*'))
        assert 'securityhub:BatchUpdateFindings' in denied(lambda: self.update(hub))


class TestParameters:
    @pytest.fixture(autouse=True)
    def stack(self, client):
        parameter = {'Name': '/firebreak/switch', 'Type': 'String', 'Value': 'on'}
        resources = {'Switch': {'Type': 'AWS::SSM::Parameter', 'Properties': parameter}}
        client('cloudformation').create_stack(StackName='s', TemplateBody=json.dumps({'Resources': resources}))

    def test_a_role_reads_and_writes_a_parameter(self, session):
        arn = f'arn:aws:ssm:{PLACE}:parameter/firebreak/switch'
        ssm = session('ssm', allow('ssm:GetParameter', 'ssm:PutParameter', resource=arn))
        assert ssm.get_parameter(Name='/firebreak/switch')['Parameter']['Value'] == 'on'
        assert ssm.put_parameter(Name='/firebreak/switch', Value='off', Overwrite=True)['Version'] == 2
        assert ssm.get_parameter(Name='/firebreak/switch')['Parameter']['Value'] == 'off'
        assert f'{arn}-other' in denied(ssm.get_parameter, Name='/firebreak/switch-other')
        assert 'ssm:PutParameter' in denied(ssm.put_parameter, Name='/firebreak/other', Value='x')


class TestInvocations:
    ARN = f'arn:aws:lambda:{PLACE}:function:f'

    def test_a_role_invokes_a_function(self, session, function, runner):
        functions = session('lambda', allow('lambda:InvokeFunction', resource=self.ARN))
        for name in ('f', self.ARN):
            answer = functions.invoke(FunctionName=name, Payload='{"a": 1}')
            assert answer['StatusCode'] == 200
            assert runner.get(timeout=5) == {'functionArn': self.ARN, 'payload': {'a': 1}}

    def test_the_function_must_be_permitted(self, session, function, runner):
        functions = session('lambda', allow('lambda:InvokeFunction', resource=f'{self.ARN}-other'))
        for name in ('f', self.ARN):
            assert self.ARN in denied(functions.invoke, FunctionName=name)
        assert runner.empty()
