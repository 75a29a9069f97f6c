"""EventBridge: what reaches a target, what reaches a dead-letter queue, and what a caller may send."""

import json

import pytest
from botocore.exceptions import ClientError

HOME, US = 'eu-west-1', 'us-east-1'
SECURITY, MEMBER, OUTSIDE = '111122223333', '444455556666', '999900001111'
OURS = {
    'Source': 'firebreak',
    'DetailType': 'Response',
    'Detail': '{"outcome": "verified", "findings": [{"Id": "f1"}]}',
}
PATTERN = {'source': ['firebreak']}


class Bus:
    """An account's default bus with rules whose targets are queues of the same account and Region."""

    def __init__(self, client, account=SECURITY, region=HOME):
        self.events, self.sqs = client('events', account, region), client('sqs', account, region)
        self.account, self.region = account, region

    def queue(self, name, rule='r', policy=True):
        url = self.sqs.create_queue(QueueName=name)['QueueUrl']
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['QueueArn'])['Attributes']['QueueArn']
        statement = {
            'Effect': 'Allow',
            'Principal': {'Service': 'events.amazonaws.com'},
            'Action': 'sqs:SendMessage',
            'Resource': arn,
            'Condition': {'ArnEquals': {'aws:SourceArn': self.rule_arn(rule)}},
        }
        if policy:
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={'Policy': json.dumps({'Statement': [statement]})})
        return arn

    def rule_arn(self, rule='r'):
        return f'arn:aws:events:{self.region}:{self.account}:rule/{rule}'

    def rule(self, pattern=None, name='r', **target):
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern or PATTERN))
        self.events.put_targets(Rule=name, Targets=[{'Id': 't', **target}])

    def messages(self, name):
        url = self.sqs.get_queue_url(QueueName=name)['QueueUrl']
        return self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=['All']).get(
            'Messages', []
        )

    def bodies(self, name):
        return [message['Body'] for message in self.messages(name)]

    def put(self, **entry):
        return self.events.put_events(Entries=[{**OURS, **entry}])


@pytest.fixture
def bus(client):
    return Bus(client)


def test_the_envelope_has_every_field(bus):
    bus.rule(Arn=bus.queue('q'))
    answer = bus.put(Time='2026-11-03T14:05:00.700Z', Resources=['arn:x'])
    assert answer['FailedEntryCount'] == 0
    [body] = bus.bodies('q')
    assert json.loads(body) == {
        'version': '0',
        'id': answer['Entries'][0]['EventId'],
        'detail-type': 'Response',
        'source': 'firebreak',
        'account': SECURITY,
        'time': '2026-11-03T14:05:00Z',
        'region': HOME,
        'resources': ['arn:x'],
        'detail': json.loads(OURS['Detail']),
    }


def test_a_pattern_reaches_into_arrays_of_objects(bus):
    bus.rule({'detail': {'findings': {'Id': [{'prefix': 'f'}]}}}, Arn=bus.queue('q'))
    bus.put()
    bus.put(Detail='{"findings": [{"Id": "g"}]}')
    assert len(bus.bodies('q')) == 1


def test_a_disabled_rule_delivers_nothing_until_enabled(bus):
    bus.rule(Arn=bus.queue('q'))
    bus.events.disable_rule(Name='r')
    bus.put()
    assert bus.bodies('q') == []
    bus.events.enable_rule(Name='r')
    bus.put()
    assert len(bus.bodies('q')) == 1


def test_a_caller_cannot_speak_for_aws(bus):
    bus.rule({'source': [{'prefix': ''}]}, Arn=bus.queue('q'))
    answer = bus.put(Source='aws.guardduty')
    assert answer['FailedEntryCount'] == 1
    assert answer['Entries'][0]['ErrorCode'] == 'NotAuthorizedForSourceException'
    assert bus.bodies('q') == []


@pytest.mark.parametrize('detail', ['{', '[]', '"text"'])
def test_a_detail_that_is_no_object_is_malformed(bus, detail):
    assert bus.put(Detail=detail)['Entries'][0]['ErrorCode'] == 'MalformedDetail'


def test_a_missing_queue_fills_the_dead_letter_queue_with_the_reason(bus):
    missing = f'arn:aws:sqs:{HOME}:{SECURITY}:missing'
    bus.rule(Arn=missing, DeadLetterConfig={'Arn': bus.queue('dlq')})
    assert bus.put()['FailedEntryCount'] == 0
    [message] = bus.messages('dlq')
    attributes = {name: value['StringValue'] for name, value in message['MessageAttributes'].items()}
    assert attributes['ERROR_CODE'] == 'NO_RESOURCE'
    assert attributes['RULE_ARN'] == bus.rule_arn()
    assert attributes['TARGET_ARN'] == missing
    assert json.loads(message['Body'])['detail'] == json.loads(OURS['Detail'])


def test_a_queue_without_a_policy_for_the_rule_gets_nothing(bus):
    bus.rule(Arn=bus.queue('closed', policy=False), DeadLetterConfig={'Arn': bus.queue('dlq')})
    bus.rule(name='other', Arn=bus.queue('q', rule='r'))
    bus.put()
    assert bus.bodies('closed') == []
    assert bus.bodies('q') == []
    assert [m['MessageAttributes']['ERROR_CODE']['StringValue'] for m in bus.messages('dlq')] == ['NO_PERMISSIONS']


def test_a_lost_event_does_not_fail_the_caller(bus):
    bus.rule(Arn=bus.queue('closed', policy=False))
    assert bus.put()['FailedEntryCount'] == 0


def test_an_unsupported_target_is_skipped_and_the_others_are_served(bus):
    bus.rule(Arn=bus.queue('q'))
    bus.events.put_targets(Rule='r', Targets=[{'Id': 's', 'Arn': f'arn:aws:states:{HOME}:{SECURITY}:stateMachine:m'}])
    assert bus.put()['FailedEntryCount'] == 0
    assert len(bus.bodies('q')) == 1


def test_input_is_sent_as_it_stands(bus):
    bus.rule(Arn=bus.queue('q'), Input='{"a":  1}')
    bus.put()
    assert bus.bodies('q') == ['{"a":  1}']


def test_input_path_sends_a_part(bus):
    bus.rule(Arn=bus.queue('q'), InputPath='$.detail.findings[0]')
    bus.put()
    assert [json.loads(body) for body in bus.bodies('q')] == [{'Id': 'f1'}]


def test_input_transformer_quotes_what_json_needs_quoted(bus):
    bus.rule(
        Arn=bus.queue('q'),
        InputTransformer={
            'InputPathsMap': {'outcome': '$.detail.outcome', 'findings': '$.detail.findings'},
            'InputTemplate': '{"o": <outcome>, "text": "was <outcome> \\"so\\"", "f": <findings>, '
            '"r": <aws.events.rule-name>}',
        },
    )
    bus.put()
    [body] = bus.bodies('q')
    assert json.loads(body) == {'o': 'verified', 'text': 'was verified "so"', 'f': [{'Id': 'f1'}], 'r': 'r'}


def test_a_log_group_receives_the_envelope(bus, client):
    logs = client('logs', SECURITY, HOME)
    logs.create_log_group(logGroupName='/aws/events/all')
    bus.rule(Arn=f'arn:aws:logs:{HOME}:{SECURITY}:log-group:/aws/events/all')
    bus.put()
    [event] = logs.filter_log_events(logGroupName='/aws/events/all')['events']
    assert json.loads(event['message'])['account'] == SECURITY


def test_the_door_emits_for_aws(client, post):
    member = Bus(client, MEMBER, US)
    member.rule({'source': ['aws.guardduty'], 'detail': {'severity': [{'numeric': ['>=', 7]}]}}, Arn=member.queue('q'))
    entry = {
        'id': '6f0e2c1e-0000-4000-8000-000000000001',
        'source': 'aws.guardduty',
        'detailType': 'GuardDuty Finding',
        'detail': {'severity': 8},
        'time': '2026-11-03T14:05:00Z',
    }
    answer = post(
        '/firebreak/events', {'account': MEMBER, 'region': US, 'entries': [entry, {**entry, 'detail': {'severity': 2}}]}
    )
    [body] = member.bodies('q')
    assert answer['events'][0] == json.loads(body)
    assert (answer['events'][0]['time'], answer['events'][0]['id']) == (entry['time'], entry['id'])
    assert len(answer['events']) == 2


def test_put_rule_refuses_an_unknown_operator(bus):
    with pytest.raises(ClientError) as refusal:
        bus.events.put_rule(Name='r', EventPattern='{"source": [{"starts-with": "a"}]}')
    assert refusal.value.response['Error']['Code'] == 'InvalidEventPatternException'


def test_test_event_pattern_answers_a_result(bus):
    event = {
        'id': '1',
        'detail-type': 'd',
        'source': 's',
        'account': SECURITY,
        'time': '2026-11-03T14:05:00Z',
        'region': HOME,
    }
    answer = lambda pattern: bus.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))['Result']
    assert answer('{"source": ["s"]}') is True
    assert answer('{"source": ["t"]}') is False
    with pytest.raises(ClientError, match='InvalidEventPatternException'):
        answer('{"source": "s"}')


def test_an_archive_is_replayed_to_the_rules(bus):
    bus.rule(Arn=bus.queue('q'))
    bus_arn = f'arn:aws:events:{HOME}:{SECURITY}:event-bus/default'
    archive = bus.events.create_archive(ArchiveName='a', EventSourceArn=bus_arn)['ArchiveArn']
    bus.put()
    [first] = bus.bodies('q')
    bus.events.start_replay(
        ReplayName='again', EventSourceArn=archive, EventStartTime=0, EventEndTime=4e9, Destination={'Arn': bus_arn}
    )
    replayed = [json.loads(body) for body in bus.bodies('q') if 'replay-name' in body]
    assert [event['replay-name'] for event in replayed] == ['again']
    assert replayed[0]['detail'] == json.loads(first)['detail']
