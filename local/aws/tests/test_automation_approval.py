"""SSM Automation: people are asked, and who of them is heard."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, allow, policy
from runbooks import SECONDS, sleep, statuses, step


class TestApproval:
    PERSON = 'arn:aws:iam::111122223333:role/x'

    def deploy(self, automation, approvers, **inputs):
        automation.deploy([step('approve', 'approve', {'Approvers': approvers, **inputs}), sleep('after', 'PT0S')])

    def signal(self, automation, execution, credentials=None, kind='Approve', comment='go'):
        ssm = automation.cloud.client('ssm', automation.account, credentials)
        ssm.send_automation_signal(AutomationExecutionId=execution, SignalType=kind, Payload={'Comment': [comment]})

    @pytest.fixture
    def people(self, cloud):
        """Credentials of two sessions of a role, and the role's ARN."""
        role = cloud.role('people', [allow('ssm:*')], account=MEMBER)
        sts = cloud.client('sts', MEMBER)
        return role, [sts.assume_role(RoleArn=role, RoleSessionName=name)['Credentials'] for name in ('ann', 'bob')]

    def test_one_of_the_approvers_approves(self, automation, people):
        role, (ann, _) = people
        self.deploy(automation, [role])
        execution = automation.start()
        found = automation.waiting(execution, 'approve')
        automation.until(execution, lambda found: found['AutomationExecutionStatus'] == 'Waiting')
        with pytest.raises(ClientError, match='InvalidAutomationSignalException'):
            self.signal(automation, execution)
        self.signal(automation, execution, ann)
        found = automation.ended(execution)
        assert found['AutomationExecutionStatus'] == 'Success'
        outputs = found['StepExecutions'][0]['Outputs']
        assert outputs['ApprovalStatus'] == ['Approved']
        [decision] = [json.loads(each) for each in outputs['ApproverDecisions']]
        assert decision['Approver'] == f'arn:aws:sts::{MEMBER}:assumed-role/people/ann'
        assert (decision['Decision'], decision['Comment']) == ('Approve', 'go')
        with pytest.raises(ClientError, match='InvalidAutomationSignalException'):
            self.signal(automation, execution, ann)

    def test_two_are_needed(self, automation, people):
        role, (ann, bob) = people
        sessions = [f'arn:aws:sts::{MEMBER}:assumed-role/people/{name}' for name in ('ann', 'bob')]
        self.deploy(automation, sessions, MinRequiredApprovals=2)
        execution = automation.start()
        automation.until(execution, lambda found: found['AutomationExecutionStatus'] == 'Waiting')
        self.signal(automation, execution, ann)
        with pytest.raises(ClientError, match='InvalidAutomationSignalException'):
            self.signal(automation, execution, ann)
        assert automation.get(execution)['AutomationExecutionStatus'] == 'Waiting'
        self.signal(automation, execution, bob)
        assert automation.ended(execution)['AutomationExecutionStatus'] == 'Success'

    def test_a_rejection_fails_it(self, automation, people):
        role, (ann, _) = people
        self.deploy(automation, [role])
        execution = automation.start()
        automation.until(execution, lambda found: found['AutomationExecutionStatus'] == 'Waiting')
        self.signal(automation, execution, ann, 'Reject')
        found = automation.ended(execution)
        assert found['AutomationExecutionStatus'] == 'Failed'
        assert statuses(found) == {'approve': 'Failed', 'after': 'Pending'}
        assert found['StepExecutions'][0]['Outputs']['ApprovalStatus'] == ['Rejected']
        assert 'assumed-role/people/ann' in found['FailureMessage']

    def test_it_times_out_after_a_week(self, automation, clock):
        self.deploy(automation, ['ann'])
        execution = automation.start()
        automation.until(execution, lambda found: found['AutomationExecutionStatus'] == 'Waiting')
        clock.advance(7 * 86400 - 60)
        assert automation.get(execution)['AutomationExecutionStatus'] == 'Waiting'
        clock.advance(61)
        assert automation.ended(execution)['AutomationExecutionStatus'] == 'TimedOut'

    def test_a_topic_is_told(self, automation, client):
        sns, sqs = client('sns', MEMBER), client('sqs', MEMBER)
        topic = sns.create_topic(Name='AutomationApprovals')['TopicArn']
        queue = f'arn:aws:sqs:{REGION}:{MEMBER}:q'
        admitted = policy(allow('sqs:SendMessage', resource=queue, Principal={'Service': 'sns.amazonaws.com'}))
        url = sqs.create_queue(QueueName='q', Attributes={'Policy': admitted})['QueueUrl']
        sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint=queue)
        self.deploy(automation, ['ann'], NotificationArn=topic, Message='please')
        execution = automation.start()
        automation.until(execution, lambda found: found['AutomationExecutionStatus'] == 'Waiting')
        end = time.monotonic() + SECONDS
        messages = []
        while not messages and time.monotonic() < end:
            messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get('Messages', [])
        message = json.loads(messages[0]['Body'])['Message']
        assert message.startswith('please')
        assert execution in message
