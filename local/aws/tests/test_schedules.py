"""Schedules on the embedded cloud's clock, and the queues that go by it."""

import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import DAY, HOUR, MINUTE
from test_events import HOME, SECURITY, Bus


class Schedules(Bus):
    """Rules with a schedule and a queue, both named `r`."""

    def schedule(self, expression, name='r', arn=None, state='ENABLED', **target):
        self.events.put_rule(Name=name, ScheduleExpression=expression, State=state)
        self.events.put_targets(Rule=name, Targets=[{'Id': 't', 'Arn': arn or self.queue(name, rule=name), **target}])

    def messages(self, name):
        url = self.sqs.get_queue_url(QueueName=name)['QueueUrl']
        found = super().messages(name)
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message['ReceiptHandle'])
        return found

    def events_at(self, name='r'):
        return [json.loads(body) for body in self.bodies(name)]


@pytest.fixture
def schedules(client):
    return Schedules(client)


class TestClock:
    def test_it_shows_real_time_until_it_is_advanced(self, clock):
        assert abs(clock.now() - time.time()) < 5
        assert abs(clock.advance(DAY) - time.time() - DAY) < 5
        clock.advance(0.5)
        assert abs(clock.now() - time.time() - DAY - 0.5) < 5

    @pytest.mark.parametrize('advance', [-1, None, 'soon', True, 1e9])
    def test_it_goes_forward_by_at_most_a_year(self, cloud, advance):
        assert cloud.door('POST', '/clock', {'advance': advance})[0] == 400


class TestSchedules:
    def test_a_rule_fires_once_per_occurrence_with_the_scheduled_event(self, schedules, clock):
        clock.advance_to(10)
        schedules.schedule('cron(0 10,11 * * ? *)')
        clock.advance(10 * MINUTE)
        assert schedules.events_at() == []
        today = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC).date().isoformat()
        clock.advance(2 * HOUR)
        first, second = schedules.events_at()
        assert first.pop('id') != second['id']
        assert first == {
            'version': '0',
            'detail-type': 'Scheduled Event',
            'source': 'aws.events',
            'account': SECURITY,
            'time': f'{today}T10:00:00Z',
            'region': HOME,
            'resources': [schedules.rule_arn()],
            'detail': {},
        }
        assert second['time'] == f'{today}T11:00:00Z'
        clock.advance(HOUR)
        assert schedules.events_at() == []

    def test_a_rate_counts_from_when_the_rule_was_made(self, schedules, clock):
        schedules.schedule('rate(1 hour)')
        clock.advance(HOUR - 30)
        assert schedules.events_at() == []
        clock.advance(HOUR)
        assert len(schedules.events_at()) == 1

    def test_rules_fire_in_the_order_of_their_times(self, schedules, clock):
        clock.advance_to(10)
        arn = schedules.queue('q', rule='*')
        schedules.schedule('cron(30 10 * * ? *)', name='a', arn=arn)
        schedules.schedule('cron(0 10,11 * * ? *)', name='b', arn=arn)
        clock.advance(2 * HOUR)
        assert [event['time'][11:16] for event in schedules.events_at('q')] == ['10:00', '10:30', '11:00']

    def test_a_disabled_rule_does_not_fire_and_makes_up_for_nothing(self, schedules, clock):
        clock.advance_to(10)
        schedules.schedule('cron(0 * * * ? *)', state='DISABLED')
        clock.advance(HOUR)
        schedules.events.enable_rule(Name='r')
        clock.advance(HOUR)
        assert [event['time'][11:16] for event in schedules.events_at()] == ['11:00']
        schedules.events.disable_rule(Name='r')
        clock.advance(HOUR)
        assert schedules.events_at() == []

    def test_it_goes_no_further_than_a_hundred_occurrences(self, cloud, schedules, clock):
        schedules.schedule('rate(1 minute)')
        before = clock.now()
        status, answer = cloud.door('POST', '/clock', {'advance': 101.5 * MINUTE})
        assert status == 400
        assert 'rule/r, rate(1 minute), would fire more than 100 times in 6090 s' in answer['message']
        assert clock.now() - before < MINUTE
        assert schedules.events_at() == []
        clock.advance(100 * MINUTE)
        url = schedules.sqs.get_queue_url(QueueName='r')['QueueUrl']
        attributes = schedules.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
        assert attributes['ApproximateNumberOfMessages'] == '100'

    def test_a_target_may_have_its_own_input(self, schedules, clock):
        schedules.schedule('rate(1 hour)', Input='{"sweep": true}')
        clock.advance(HOUR)
        assert schedules.events_at() == [{'sweep': True}]
        transformer = {'InputPathsMap': {'at': '$.time'}, 'InputTemplate': '{"at": <at>}'}
        schedules.schedule('rate(1 hour)', InputTransformer=transformer)
        clock.advance(HOUR)
        [event] = schedules.events_at()
        assert list(event) == ['at']

    def test_a_queue_must_admit_the_rule(self, schedules, clock):
        schedules.schedule('rate(1 hour)', arn=schedules.queue('q', rule='another'))
        clock.advance(HOUR)
        assert schedules.events_at('q') == []

    def test_a_function_is_invoked(self, schedules, clock, function, runner):
        function.add_permission(
            FunctionName='f',
            StatementId='rule',
            Action='lambda:InvokeFunction',
            Principal='events.amazonaws.com',
            SourceArn=schedules.rule_arn(),
        )
        arn = function.get_function_configuration(FunctionName='f')['FunctionArn']
        schedules.schedule('rate(1 day)', arn=arn)
        clock.advance(DAY)
        handed = runner.get(timeout=10)
        assert handed['functionArn'] == arn
        assert handed['payload']['detail-type'] == 'Scheduled Event'
        for _ in range(50):
            if clock.cloud.door('GET', '/runner')[1]['handedOver'] == 0:
                return
            time.sleep(0.1)
        pytest.fail('the invocation never ends')

    def test_time_passes_by_itself(self, schedules, clock):
        schedules.schedule('rate(1 minute)')
        clock.advance(MINUTE - 3)
        assert schedules.events_at() == []
        for _ in range(80):
            if schedules.events_at():
                return
            time.sleep(0.1)
        pytest.fail('nothing fires by itself')

    def test_a_rule_of_a_stack_fires(self, client, schedules, clock):
        arn = schedules.queue('r')
        rule = {'Name': 'r', 'ScheduleExpression': 'rate(1 hour)', 'Targets': [{'Id': 't', 'Arn': arn}]}
        template = {'Resources': {'Rule': {'Type': 'AWS::Events::Rule', 'Properties': rule}}}
        client('cloudformation').create_stack(StackName='s', TemplateBody=json.dumps(template))
        clock.advance(HOUR)
        assert [event['resources'] for event in schedules.events_at()] == [[schedules.rule_arn()]]

    @pytest.mark.parametrize('expression', ['rate(1 minutes)', 'cron(0 10 * * *)', 'every day'])
    def test_an_expression_that_says_no_time_is_refused(self, schedules, expression):
        with pytest.raises(ClientError, match='Parameter ScheduleExpression is not valid'):
            schedules.events.put_rule(Name='r', ScheduleExpression=expression)


class TestQueues:
    @pytest.fixture
    def queue(self, client):
        sqs = client('sqs')
        return sqs, sqs.create_queue(QueueName='q', Attributes={'DelaySeconds': '900'})['QueueUrl']

    def counts(self, queue):
        sqs, url = queue
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['All'])['Attributes']
        names = ('', 'Delayed', 'NotVisible')
        return [int(attributes[f'ApproximateNumberOfMessages{name}']) for name in names]

    def receive(self, queue, **arguments):
        sqs, url = queue
        return [message['Body'] for message in sqs.receive_message(QueueUrl=url, **arguments).get('Messages', [])]

    def test_a_delayed_message_comes_due(self, queue, clock):
        sqs, url = queue
        sqs.send_message(QueueUrl=url, MessageBody='by the queue')
        sqs.send_message(QueueUrl=url, MessageBody='by itself', DelaySeconds=300)
        assert (self.receive(queue), self.counts(queue)) == ([], [0, 2, 0])
        clock.advance(300)
        assert (self.receive(queue), self.counts(queue)) == (['by itself'], [0, 1, 1])
        clock.advance(600)
        assert sorted(self.receive(queue, MaxNumberOfMessages=10)) == ['by itself', 'by the queue']

    def test_a_message_that_was_received_is_visible_again(self, queue, clock):
        sqs, url = queue
        sqs.send_message(QueueUrl=url, MessageBody='m')
        clock.advance(900)
        assert self.receive(queue, VisibilityTimeout=3600) == ['m']
        clock.advance(3590)
        assert self.receive(queue) == []
        clock.advance(10)
        assert self.receive(queue) == ['m']
