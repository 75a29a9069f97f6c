"""EventBridge Scheduler: when schedules fire on the embedded cloud's clock, in whose name, and what is refused."""

import datetime
import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import DAY, HOUR, MINUTE, REGION, SECURITY, allow, policy

ARN = f'arn:aws:lambda:{REGION}:{SECURITY}:function:f'
ROLE = f'arn:aws:iam::{SECURITY}:role/caller'
SCHEDULE = f'arn:aws:scheduler:{REGION}:{SECURITY}:schedule/default/s'
INVOKE = allow('lambda:InvokeFunction', resource=ARN)
OFF = {'Mode': 'OFF'}


def trust(**condition):
    statement = {'Effect': 'Allow', 'Principal': {'Service': 'scheduler.amazonaws.com'}, 'Action': 'sts:AssumeRole'}
    return {**statement, **condition}


class Schedules:
    """Schedules named `s` that invoke the function `f` in the role `caller`."""

    def __init__(self, cloud, runner):
        self.cloud, self.runner, self.client = cloud, runner, cloud.client('scheduler')
        cloud.role('caller', [INVOKE], trust())

    def create(self, expression, name='s', window=OFF, target=None, client=None, **settings):
        target = {'Arn': ARN, 'RoleArn': ROLE, 'Input': json.dumps({'by': name}), **(target or {})}
        return (client or self.client).create_schedule(
            Name=name, ScheduleExpression=expression, FlexibleTimeWindow=window, Target=target, **settings
        )

    def fired(self):
        """The payloads since the last time, once the runner has them all."""
        for _ in range(100):
            if self.cloud.door('GET', '/runner')[1]['handedOver'] == 0:
                return [self.runner.get_nowait()['payload'] for _ in range(self.runner.qsize())]
            time.sleep(0.05)
        pytest.fail('an invocation never ends')

    def names(self):
        return [schedule['Name'] for schedule in self.client.list_schedules()['Schedules']]


@pytest.fixture
def schedules(cloud, function, runner):
    return Schedules(cloud, runner)


def instant(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime('%Y-%m-%dT%H:%M:%S')


class TestTimes:
    def test_a_single_time_fires_once_and_the_schedule_stays(self, schedules, clock):
        schedules.create(f'at({instant(clock.now() + HOUR)})')
        clock.advance(HOUR - 30)
        assert schedules.fired() == []
        clock.advance(MINUTE)
        assert schedules.fired() == [{'by': 's'}]
        clock.advance(DAY)
        assert (schedules.fired(), schedules.names()) == ([], ['s'])

    def test_a_schedule_may_end_with_its_last_invocation(self, schedules, clock):
        schedules.create(f'at({instant(clock.now() + HOUR)})', name='once', ActionAfterCompletion='DELETE')
        end = clock.now() + 90 * MINUTE
        schedules.create('rate(1 hour)', name='often', EndDate=end, ActionAfterCompletion='DELETE')
        schedules.create('rate(1 day)', name='ever', ActionAfterCompletion='DELETE')
        clock.advance(30)
        assert sorted(schedules.names()) == ['ever', 'often', 'once']
        clock.advance(HOUR)
        assert schedules.names() == ['ever']
        assert sorted(each['by'] for each in schedules.fired()) == ['ever', 'often', 'often', 'once']

    def test_a_rate_begins_at_once_or_at_its_start(self, schedules, clock):
        schedules.create('rate(1 hour)', name='now')
        schedules.create('rate(1 hour)', name='later', StartDate=clock.now() + 150 * MINUTE)
        clock.advance(1)
        assert schedules.fired() == [{'by': 'now'}]
        clock.advance(149 * MINUTE)
        assert schedules.fired() == [{'by': 'now'}] * 2
        clock.advance(MINUTE)
        assert schedules.fired() == [{'by': 'later'}]
        clock.advance(HOUR)
        assert sorted(each['by'] for each in schedules.fired()) == ['later', 'now']

    def test_a_cron_goes_by_its_time_zone_between_start_and_end(self, schedules, clock):
        clock.advance_to(0)
        midnight = clock.now() + 20 * MINUTE
        schedules.create(
            'cron(0 9 * * ? *)',
            ScheduleExpressionTimezone='Asia/Tokyo',
            StartDate=midnight + DAY - HOUR,
            EndDate=midnight + 2 * DAY + HOUR,
            target={'Input': '"<aws.scheduler.scheduled-time>"'},
        )
        clock.advance(4 * DAY)
        # 09:00 in Tokyo is midnight.
        day = datetime.datetime.fromtimestamp(midnight + 5, datetime.UTC).date()
        expected = [(day + datetime.timedelta(days)).isoformat() + 'T00:00:00Z' for days in (1, 2)]
        assert sorted(schedules.fired()) == expected

    def test_a_disabled_schedule_does_not_fire_and_makes_up_for_nothing(self, schedules, clock):
        clock.advance_to(10)
        schedules.create('cron(0 * * * ? *)', State='DISABLED')
        clock.advance(HOUR)
        kept = {key: value for key, value in schedules.client.get_schedule(Name='s').items() if key in UPDATED}
        schedules.client.update_schedule(**{**kept, 'State': 'ENABLED'})
        clock.advance(1)
        assert schedules.fired() == []
        clock.advance(HOUR)
        assert schedules.fired() == [{'by': 's'}]
        schedules.client.update_schedule(**{**kept, 'State': 'DISABLED'})
        clock.advance(HOUR)
        assert schedules.fired() == []

    def test_a_flexible_window_puts_it_off_within_the_window(self, schedules, clock):
        clock.advance_to(10)
        schedules.create('cron(0 10 * * ? *)', window={'Mode': 'FLEXIBLE', 'MaximumWindowInMinutes': 60})
        clock.advance(19 * MINUTE)
        assert schedules.fired() == []
        clock.advance(62 * MINUTE)
        assert schedules.fired() == [{'by': 's'}]
        clock.advance(12 * HOUR)
        assert schedules.fired() == []

    def test_it_fires_by_itself(self, schedules, clock):
        schedules.create(f'at({instant(clock.now() + 2)})')
        assert schedules.runner.get(timeout=10)['payload'] == {'by': 's'}

    def test_one_that_is_deleted_does_not_fire(self, schedules, clock):
        schedules.create(f'at({instant(clock.now() + HOUR)})')
        schedules.client.delete_schedule(Name='s')
        clock.advance(2 * HOUR)
        assert schedules.fired() == []

    def test_it_goes_no_further_than_a_hundred_invocations(self, cloud, schedules):
        schedules.create('rate(1 minute)')
        status, answer = cloud.door('POST', '/clock', {'advance': 3 * HOUR})
        assert (status, 'schedule/default/s, rate(1 minute), would fire more than 100' in answer['message']) == (400, True)
        assert len(schedules.fired()) <= 1


UPDATED = ('Name', 'ScheduleExpression', 'FlexibleTimeWindow', 'Target', 'ActionAfterCompletion')


class TestInvocations:
    def test_keywords_of_the_input_are_filled_in(self, schedules, clock):
        at = instant(clock.now() + HOUR)
        words = ('schedule-arn', 'scheduled-time', 'execution-id', 'attempt-number')
        text = json.dumps({word: f'<aws.scheduler.{word}>' for word in words})
        schedules.create(f'at({at})', target={'Input': text})
        clock.advance(HOUR + 1)
        [payload] = schedules.fired()
        assert len(payload.pop('execution-id')) == 16
        assert payload == {'schedule-arn': SCHEDULE, 'scheduled-time': f'{at}Z', 'attempt-number': '1'}

    def test_without_input_it_is_a_scheduled_event(self, schedules, clock):
        at = instant(clock.now() + HOUR)
        target = {'Arn': ARN, 'RoleArn': ROLE}
        schedules.client.create_schedule(
            Name='s', ScheduleExpression=f'at({at})', FlexibleTimeWindow=OFF, Target=target
        )
        clock.advance(HOUR + 1)
        [payload] = schedules.fired()
        assert payload.pop('id')
        assert payload == {
            'version': '0',
            'detail-type': 'Scheduled Event',
            'source': 'aws.scheduler',
            'account': SECURITY,
            'time': f'{at}Z',
            'region': REGION,
            'resources': [SCHEDULE],
            'detail': '{}',
        }

    def dead_letters(self, client, schedules, clock, send=True):
        """What the dead-letter queue of a schedule that fires now gets."""
        sqs, arn = client('sqs'), f'arn:aws:sqs:{REGION}:{SECURITY}:dead'
        url = sqs.create_queue(QueueName='dead')['QueueUrl']
        if send:
            document = policy(allow('sqs:SendMessage', resource=arn))
            client('iam').put_role_policy(RoleName='caller', PolicyName='dead', PolicyDocument=document)
        schedules.create(f'at({instant(clock.now() + HOUR)})', target={'DeadLetterConfig': {'Arn': arn}})
        clock.advance(HOUR + 1)
        found = sqs.receive_message(QueueUrl=url, MessageAttributeNames=['All']).get('Messages', [])
        return [
            (json.loads(each['Body']), {name: value['StringValue'] for name, value in each['MessageAttributes'].items()})
            for each in found
        ]

    def test_the_role_must_be_allowed_to_invoke(self, client, schedules, clock):
        client('iam').delete_role_policy(RoleName='caller', PolicyName='inline')
        [(body, attributes)] = self.dead_letters(client, schedules, clock)
        assert schedules.fired() == []
        assert body == {'by': 's'}
        assert attributes['ERROR_CODE'] == 'AccessDeniedException'
        assert 'is not authorized to perform: lambda:InvokeFunction' in attributes['ERROR_MESSAGE']
        assert (attributes['SCHEDULE_ARN'], attributes['TARGET_ARN']) == (SCHEDULE, ARN)
        assert (attributes['RETRY_ATTEMPTS'], attributes['SCHEDULED_TIME'][-1]) == ('0', 'Z')

    def test_the_function_must_exist(self, client, schedules, clock, function):
        function.delete_function(FunctionName='f')
        [(_, attributes)] = self.dead_letters(client, schedules, clock)
        assert attributes['ERROR_CODE'] == 'ResourceNotFoundException'

    def test_the_role_must_be_allowed_to_send_to_the_queue(self, client, schedules, clock):
        client('iam').delete_role_policy(RoleName='caller', PolicyName='inline')
        assert self.dead_letters(client, schedules, clock, send=False) == []

    def test_the_role_must_still_trust_scheduler(self, client, schedules, clock):
        schedules.create(f'at({instant(clock.now() + HOUR)})', ActionAfterCompletion='DELETE')
        elsewhere = {'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}
        client('iam').update_assume_role_policy(RoleName='caller', PolicyDocument=policy(elsewhere))
        clock.advance(HOUR + 1)
        assert (schedules.fired(), schedules.names()) == ([], [])

    def test_the_trust_may_be_for_one_group(self, cloud, schedules, clock):
        schedules.client.create_schedule_group(Name='runs')
        group = f'arn:aws:scheduler:{REGION}:{SECURITY}:schedule-group/runs'
        condition = {'StringEquals': {'aws:SourceArn': group, 'aws:SourceAccount': SECURITY}}
        role = cloud.role('narrow', [INVOKE], trust(Condition=condition))
        at = f'at({instant(clock.now() + HOUR)})'
        with pytest.raises(ClientError, match='must allow AWS EventBridge Scheduler to assume the role'):
            schedules.create(at, target={'RoleArn': role})
        schedules.create(at, target={'RoleArn': role}, GroupName='runs')
        clock.advance(HOUR + 1)
        assert schedules.fired() == [{'by': 's'}]


class TestRefusals:
    @pytest.mark.parametrize(
        'expression', ['at(2020-01-01T00:00:00)', 'at(tomorrow)', 'rate(0 hours)', 'cron(0 10 * * *)', 'every day']
    )
    def test_an_expression_that_says_no_time_to_come(self, schedules, expression):
        with pytest.raises(ClientError, match='ValidationException.*Invalid Schedule Expression'):
            schedules.create(expression)
        assert schedules.names() == []

    def test_a_time_that_is_over_by_the_clock_that_was_moved(self, schedules, clock):
        at = instant(clock.now() + HOUR)
        clock.advance(2 * HOUR)
        with pytest.raises(ClientError, match='Invalid Schedule Expression'):
            schedules.create(f'at({at})')

    @pytest.mark.parametrize(
        'settings',
        [
            {'ScheduleExpressionTimezone': 'Europe/Atlantis'},
            {'EndDate': 1},
            {'window': {'Mode': 'FLEXIBLE'}},
            {'window': {'Mode': 'OFF', 'MaximumWindowInMinutes': 5}},
            {'target': {'Input': 'no JSON'}},
            {'target': {'RoleArn': f'{ROLE}-missing'}},
        ],
    )
    def test_what_makes_no_sense(self, schedules, settings):
        with pytest.raises(ClientError, match='ValidationException'):
            schedules.create('cron(0 9 * * ? *)', **settings)

    def test_what_lacks_a_role(self, cloud, schedules):
        careless = cloud.client('scheduler', parameter_validation=False)
        with pytest.raises(ClientError, match='ValidationException'):
            careless.create_schedule(
                Name='s', ScheduleExpression='rate(1 day)', FlexibleTimeWindow=OFF, Target={'Arn': ARN}
            )

    def test_a_group_must_exist(self, schedules):
        with pytest.raises(ClientError, match='ResourceNotFoundException'):
            schedules.create('rate(1 day)', GroupName='none')

    def test_a_name_is_taken_except_for_a_request_that_is_sent_again(self, schedules):
        made = schedules.create('rate(1 day)', ClientToken='one')
        assert schedules.create('rate(1 day)', ClientToken='one')['ScheduleArn'] == made['ScheduleArn'] == SCHEDULE
        with pytest.raises(ClientError, match='ConflictException'):
            schedules.create('rate(1 day)', ClientToken='two')

    def test_an_update_replaces_what_it_is_not_given(self, schedules):
        schedules.create('rate(1 day)', State='DISABLED', ActionAfterCompletion='DELETE')
        target = {'Arn': ARN, 'RoleArn': ROLE}
        schedules.client.update_schedule(
            Name='s', ScheduleExpression='rate(2 days)', FlexibleTimeWindow=OFF, Target=target
        )
        found = schedules.client.get_schedule(Name='s')
        assert (found['State'], found['ActionAfterCompletion']) == ('ENABLED', 'NONE')
        with pytest.raises(ClientError, match='ResourceNotFoundException'):
            schedules.client.update_schedule(
                Name='none', ScheduleExpression='rate(2 days)', FlexibleTimeWindow=OFF, Target=target
            )

    def test_groups(self, schedules):
        schedules.client.create_schedule_group(Name='runs')
        schedules.create('rate(1 day)', GroupName='runs')
        schedules.client.delete_schedule_group(Name='runs')
        assert schedules.names() == []
        for name, error in (('runs', 'ResourceNotFoundException'), ('default', 'ValidationException')):
            with pytest.raises(ClientError, match=error):
                schedules.client.delete_schedule_group(Name=name)


class TestPermissions:
    def caller(self, cloud, *statements):
        return cloud.client('scheduler', credentials=cloud.assume(cloud.role('maker', list(statements))))

    def test_a_schedule_and_the_role_that_is_passed_are_named(self, cloud, schedules):
        passing = {'StringEquals': {'iam:PassedToService': 'scheduler.amazonaws.com'}}
        maker = self.caller(
            cloud,
            allow('scheduler:CreateSchedule', 'scheduler:GetSchedule', 'scheduler:DeleteSchedule', resource=SCHEDULE),
            allow('iam:PassRole', resource=ROLE, Condition=passing),
        )
        schedules.create('rate(1 day)', client=maker)
        assert maker.get_schedule(Name='s')['Arn'] == SCHEDULE
        maker.delete_schedule(Name='s', GroupName='default')
        with pytest.raises(ClientError, match='CreateSchedule on resource: .*schedule/default/other because'):
            schedules.create('rate(1 day)', name='other', client=maker)

    def test_a_role_must_be_passed(self, cloud, schedules):
        maker = self.caller(cloud, allow('scheduler:*'))
        with pytest.raises(ClientError, match=f'iam:PassRole on resource: {ROLE} because'):
            schedules.create('rate(1 day)', client=maker)

    def test_groups_are_named(self, cloud, schedules):
        group = f'arn:aws:scheduler:{REGION}:{SECURITY}:schedule-group/runs'
        maker = self.caller(cloud, allow('scheduler:*ScheduleGroup', resource=group))
        maker.create_schedule_group(Name='runs')
        assert maker.get_schedule_group(Name='runs')['Arn'] == group
        with pytest.raises(ClientError, match='schedule-group/others'):
            maker.create_schedule_group(Name='others')

    def test_a_schedule_of_a_group(self, cloud, schedules):
        schedules.client.create_schedule_group(Name='runs')
        schedules.create('rate(1 day)', GroupName='runs')
        maker = self.caller(cloud, allow('scheduler:*', resource=SCHEDULE.replace('default', 'runs')))
        maker.delete_schedule(Name='s', GroupName='runs')
        assert schedules.names() == []


class TestStacks:
    @pytest.fixture
    def deploy(self, client, schedules):
        stacks = client('cloudformation')

        def call(schedule, update=False):
            group = {'Type': 'AWS::Scheduler::ScheduleGroup', 'Properties': {'Name': 'runs'}}
            role = {
                'Type': 'AWS::IAM::Role',
                'Properties': {
                    'RoleName': 'stacked',
                    'AssumeRolePolicyDocument': json.loads(policy(trust())),
                    'Policies': [{'PolicyName': 'invoke', 'PolicyDocument': json.loads(policy(INVOKE))}],
                },
            }
            properties = {
                'GroupName': {'Ref': 'Group'},
                'FlexibleTimeWindow': OFF,
                'Target': {'Arn': ARN, 'RoleArn': {'Fn::GetAtt': ['Role', 'Arn']}, 'Input': '{"by": "stack"}'},
                **(schedule or {}),
            }
            resources = {'Group': group, 'Role': role}
            if schedule:
                resources['Schedule'] = {'Type': 'AWS::Scheduler::Schedule', 'Properties': properties}
            outputs = {'Arn': {'Value': {'Fn::GetAtt': ['Schedule', 'Arn']}}, 'Name': {'Value': {'Ref': 'Schedule'}}}
            template = {'Resources': resources, **({'Outputs': outputs} if schedule else {})}
            change = stacks.update_stack if update else stacks.create_stack
            change(StackName='s', TemplateBody=json.dumps(template), Capabilities=['CAPABILITY_NAMED_IAM'])
            [stack] = stacks.describe_stacks(StackName='s')['Stacks']
            assert stack['StackStatus'] == ('UPDATE_COMPLETE' if update else 'CREATE_COMPLETE')
            return {output['OutputKey']: output['OutputValue'] for output in stack.get('Outputs', [])}

        return call

    def test_a_schedule_of_a_stack_fires_changes_and_goes(self, deploy, schedules, clock):
        clock.advance_to(10)
        told = deploy({'Name': 'nightly', 'ScheduleExpression': 'cron(0 10 * * ? *)'})
        assert told == {
            'Arn': f'arn:aws:scheduler:{REGION}:{SECURITY}:schedule/runs/nightly',
            'Name': 'nightly',
        }
        clock.advance(HOUR)
        assert schedules.fired() == [{'by': 'stack'}]
        deploy({'Name': 'nightly', 'ScheduleExpression': 'cron(0 12 * * ? *)', 'State': 'DISABLED'}, update=True)
        found = schedules.client.get_schedule(Name='nightly', GroupName='runs')
        assert (found['ScheduleExpression'], found['State']) == ('cron(0 12 * * ? *)', 'DISABLED')
        deploy(None, update=True)
        assert schedules.names() == []

    def test_all_properties(self, deploy, schedules):
        window = {'Mode': 'FLEXIBLE', 'MaximumWindowInMinutes': '15'}
        settings = {'Description': 'each quarter', 'ScheduleExpressionTimezone': 'Europe/Berlin'}
        name = deploy(
            {
                'ScheduleExpression': 'cron(0 14 ? 1,4,7,10 TUE#2 *)',
                'FlexibleTimeWindow': window,
                'StartDate': '2999-01-01T00:00:00Z',
                **settings,
            }
        )['Name']
        found = schedules.client.get_schedule(Name=name, GroupName='runs')
        assert found['FlexibleTimeWindow'] == {'Mode': 'FLEXIBLE', 'MaximumWindowInMinutes': 15}
        assert {key: found[key] for key in settings} == settings
        assert found['StartDate'].year == 2999
