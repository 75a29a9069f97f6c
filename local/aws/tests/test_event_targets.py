"""EventBridge targets that are no queues: functions, and the buses of other accounts and Regions."""

import json

import pytest
from botocore.exceptions import ClientError
from test_events import HOME, MEMBER, OUTSIDE, SECURITY, US, Bus


@pytest.fixture
def bus(client):
    return Bus(client)


class TestFunctionTargets:
    """A rule that invokes a function, which the registered runner runs."""

    def permit(self, function, rule_arn):
        function.add_permission(
            FunctionName='f',
            StatementId='rule',
            Action='lambda:InvokeFunction',
            Principal='events.amazonaws.com',
            SourceArn=rule_arn,
        )

    def test_the_function_gets_the_event(self, bus, function, runner):
        self.permit(function, bus.rule_arn())
        arn = function.get_function_configuration(FunctionName='f')['FunctionArn']
        bus.rule(Arn=arn)
        answer = bus.put()
        handed = runner.get(timeout=10)
        assert handed['functionArn'] == arn
        assert handed['payload']['id'] == answer['Entries'][0]['EventId']

    @pytest.mark.parametrize('permission', [None, 'arn:aws:events:eu-west-1:111122223333:rule/another'])
    def test_it_must_permit_the_rule(self, bus, function, runner, permission):
        if permission:
            self.permit(function, permission)
        arn = function.get_function_configuration(FunctionName='f')['FunctionArn']
        bus.rule(Arn=arn, DeadLetterConfig={'Arn': bus.queue('dlq')})
        assert bus.put()['FailedEntryCount'] == 0
        assert [m['MessageAttributes']['ERROR_CODE']['StringValue'] for m in bus.messages('dlq')] == ['NO_PERMISSIONS']
        assert runner.empty()

    def test_a_missing_function_or_runner_fills_the_dead_letter_queue(self, bus, function):
        self.permit(function, bus.rule_arn())
        arn = function.get_function_configuration(FunctionName='f')['FunctionArn']
        bus.rule(Arn=arn, DeadLetterConfig={'Arn': bus.queue('dlq')})
        bus.put()
        bus.rule(Arn=f'{arn}-missing', DeadLetterConfig={'Arn': bus.queue('dlq')})
        bus.put()
        codes = [m['MessageAttributes']['ERROR_CODE']['StringValue'] for m in bus.messages('dlq')]
        assert codes == ['ERROR_FROM_TARGET', 'NO_RESOURCE']


class TestForwarding:
    """A member account's rule sends to the security account's bus in the home Region."""

    @pytest.fixture
    def security(self, bus):
        bus.rule(Arn=bus.queue('q'))
        return bus

    def admit_the_organisation(self, bus, identifier='o-firebreak0'):
        bus.events.put_permission(
            StatementId='organisation',
            Action='events:PutEvents',
            Principal='*',
            Condition={'Type': 'StringEquals', 'Key': 'aws:PrincipalOrgID', 'Value': identifier},
        )

    def member(self, client, account=MEMBER, region=US):
        member = Bus(client, account, region)
        dlq = member.queue('dlq')
        member.rule(Arn=f'arn:aws:events:{HOME}:{SECURITY}:event-bus/default', DeadLetterConfig={'Arn': dlq})
        return member

    def test_an_event_keeps_its_first_account_and_region(self, client, security):
        self.admit_the_organisation(security)
        answer = self.member(client).put()
        [body] = security.bodies('q')
        arrived = json.loads(body)
        assert (arrived['account'], arrived['region']) == (MEMBER, US)
        assert arrived['id'] == answer['Entries'][0]['EventId']

    def test_without_a_policy_nothing_arrives(self, client, security):
        member = self.member(client)
        member.put()
        assert security.bodies('q') == []
        assert [m['MessageAttributes']['ERROR_CODE']['StringValue'] for m in member.messages('dlq')] == [
            'NO_PERMISSIONS'
        ]

    def test_an_account_outside_the_organisation_is_not_admitted(self, client, security):
        self.admit_the_organisation(security)
        self.member(client, OUTSIDE).put()
        assert security.bodies('q') == []

    def test_an_organisation_of_the_organizations_api_counts(self, client, security):
        organizations = client('organizations', SECURITY, US)
        identifier = organizations.create_organization(FeatureSet='ALL')['Organization']['Id']
        account = organizations.create_account(Email='m@example.com', AccountName='m')['CreateAccountStatus'][
            'AccountId'
        ]
        self.admit_the_organisation(security, identifier)
        self.member(client, account).put()
        self.member(client, MEMBER).put()
        assert [json.loads(body)['account'] for body in security.bodies('q')] == [account]

    def test_a_forwarded_event_is_not_forwarded_again(self, client, security):
        self.admit_the_organisation(security)
        third = f'arn:aws:events:{US}:{SECURITY}:event-bus/default'
        security.rule(name='on', Arn=third, DeadLetterConfig={'Arn': security.queue('dlq', rule='on')})
        self.member(client).put()
        [message] = security.messages('dlq')
        assert message['MessageAttributes']['ERROR_CODE']['StringValue'] == 'THIRD_REGION_HOP_DETECTED'

    def test_a_caller_needs_the_policy_of_a_foreign_bus(self, client, security):
        bus_arn = f'arn:aws:events:{HOME}:{SECURITY}:event-bus/default'
        with pytest.raises(ClientError, match='AccessDeniedException'):
            Bus(client, MEMBER).put(EventBusName=bus_arn)
        self.admit_the_organisation(security)
        Bus(client, MEMBER).put(EventBusName=bus_arn)
        assert [json.loads(body)['account'] for body in security.bodies('q')] == [MEMBER]
