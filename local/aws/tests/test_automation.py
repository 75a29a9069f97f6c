"""SSM Automation: documents, executions, approvals, scripts; with IAM, on the embedded cloud's clock."""

import http.server
import json
import threading
import time

import pytest
import yaml
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, allow
from test_schedules import Clock

SSM = {'Effect': 'Allow', 'Principal': {'Service': 'ssm.amazonaws.com'}, 'Action': 'sts:AssumeRole'}
SECONDS = 20


class Automation:
    """Runbooks of an account, which root deploys."""

    def __init__(self, cloud, account=MEMBER):
        self.cloud = cloud
        self.account = account
        self.ssm = cloud.client('ssm', account)

    def deploy(self, steps, name='Runbook', **more):
        content = {'schemaVersion': '0.3', 'mainSteps': steps, **more}
        self.ssm.create_document(Name=name, Content=yaml.safe_dump(content), DocumentType='Automation', DocumentFormat='YAML')

    def start(self, credentials=None, name='Runbook', **parameters):
        ssm = self.cloud.client('ssm', self.account, credentials)
        given = {key: value if isinstance(value, list) else [value] for key, value in parameters.items()}
        return ssm.start_automation_execution(DocumentName=name, Parameters=given)['AutomationExecutionId']

    def get(self, execution):
        return self.ssm.get_automation_execution(AutomationExecutionId=execution)['AutomationExecution']

    def until(self, execution, admit):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            found = self.get(execution)
            if admit(found):
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def ended(self, execution):
        return self.until(execution, lambda found: 'ExecutionEndTime' in found)

    def waiting(self, execution, step):
        return self.until(execution, lambda found: found.get('CurrentStepName') == step)

    def run(self, steps, credentials=None, given=None, **more):
        self.deploy(steps, **more)
        return self.ended(self.start(credentials, **(given or {})))

    def refused(self, steps, match, **more):
        with pytest.raises(ClientError, match=match) as raised:
            self.deploy(steps, **more)
        assert raised.value.response['Error']['Code'] == 'InvalidDocumentContent'


@pytest.fixture
def automation(cloud):
    return Automation(cloud)


@pytest.fixture
def clock(cloud):
    return Clock(cloud)


def step(name, action, inputs, **more):
    return {'name': name, 'action': f'aws:{action}', 'inputs': inputs, **more}


def api(name, service, operation, outputs=(), **inputs):
    selected = [{'Name': n, 'Selector': selector, 'Type': kind} for n, selector, kind in outputs]
    return step(name, 'executeAwsApi', {'Service': service, 'Api': operation, **inputs}, outputs=selected)


def script(name, text, payload=None, outputs=(), **more):
    inputs = {'Runtime': 'python3.11', 'Handler': 'handler', 'Script': text, 'InputPayload': payload or {}}
    selected = [{'Name': n, 'Selector': selector, 'Type': kind} for n, selector, kind in outputs]
    return step(name, 'executeScript', inputs, outputs=selected, **more)


def sleep(name='sleep', duration='PT1H', **more):
    return step(name, 'sleep', {'Duration': duration}, **more)


def statuses(found):
    return {each['StepName']: each['StepStatus'] for each in found['StepExecutions']}


class TestSteps:
    def test_calls_aws_with_typed_values_and_selects_outputs(self, automation, client):
        vpc = client('ec2', MEMBER).create_vpc(CidrBlock='10.0.0.0/16')['Vpc']['VpcId']
        found = automation.run(
            [
                api('group', 'ec2', 'CreateSecurityGroup', [('Id', '$.GroupId', 'String')], GroupName='g', Description='d', VpcId='{{ Vpc }}'),
                api('describe', 'ec2', 'describe_security_groups', [('Names', '$.SecurityGroups[*].GroupName', 'StringList'), ('All', '$.SecurityGroups', 'MapList'), ('Nothing', '$.None', 'String')], GroupIds=['{{ group.Id }}']),
            ],
            parameters={'Vpc': {'type': 'AWS::EC2::VPC::Id'}},
            outputs=['group.Id', 'describe.Names', 'describe.Nothing'],
            given={'Vpc': vpc},
        )
        assert found['AutomationExecutionStatus'] == 'Success'
        assert found['Outputs']['describe.Names'] == ['g']
        assert found['Outputs']['describe.Nothing'] == ['No output available yet because the step is not successfully executed']
        described = found['StepExecutions'][1]
        assert described['Inputs']['GroupIds'] == json.dumps(found['Outputs']['group.Id'])
        assert json.loads(described['Outputs']['All'][0])['VpcId'] == vpc
        assert found['Parameters'] == {'Vpc': [vpc]}
        assert found['ExecutedBy'] == f'arn:aws:iam::{MEMBER}:root'

    def test_an_error_of_aws_ends_it(self, automation):
        found = automation.run([api('a', 's3', 'ListObjectsV2', Bucket='nowhere'), sleep()])
        assert found['AutomationExecutionStatus'] == 'Failed'
        assert found['FailureMessage'].startswith('Step fails when it is Execute/Cancelling action. An error occurred (NoSuchBucket)')
        assert statuses(found) == {'a': 'Failed', 'sleep': 'Pending'}

    @pytest.mark.parametrize(
        ('operation', 'reason'),
        [('NoSuchThing', 'has no operation'), ('GetObject', 'streaming operation')],
    )
    def test_what_cannot_be_called(self, automation, operation, reason):
        assert reason in automation.run([api('a', 's3', operation)])['FailureMessage']

    @pytest.mark.parametrize(
        ('condition', 'holds'),
        [
            ({'Variable': '{{ Text }}', 'StringEquals': 'Contain'}, True),
            ({'Variable': '{{ Text }}', 'EqualsIgnoreCase': 'contain'}, True),
            ({'Not': {'Variable': '{{ Text }}', 'StartsWith': 'Con'}}, False),
            ({'And': [{'Variable': '{{ Number }}', 'NumericGreater': 2}, {'Variable': '{{ Number }}', 'NumericLesserOrEquals': 3}]}, True),
            ({'Or': [{'Variable': '{{ Number }}', 'NumericEquals': 4}, {'Variable': '{{ Flag }}', 'BooleanEquals': True}]}, True),
            ({'Variable': '{{ List }}', 'Contains': 'a'}, True),
            ({'Variable': '{{ List }}', 'Contains': 'c'}, False),
        ],
    )
    def test_branches(self, automation, condition, holds):
        found = automation.run(
            [
                step('choose', 'branch', {'Choices': [{'NextStep': 'yes', **condition}], 'Default': 'no'}),
                sleep('no', 'PT0S', isEnd=True),
                sleep('yes', 'PT0S'),
            ],
            parameters={
                'Text': {'type': 'String', 'default': 'Contain'},
                'Number': {'type': 'Integer', 'default': 3},
                'Flag': {'type': 'Boolean', 'default': False},
                'List': {'type': 'StringList', 'default': ['a', 'b']},
            },
            given={'Flag': 'true'},
        )
        assert statuses(found)['yes' if holds else 'no'] == 'Success'
        assert statuses(found)['no' if holds else 'yes'] == 'Pending'

    def test_a_branch_without_a_choice_that_holds_goes_on_or_ends(self, automation):
        choices = {'Choices': [{'NextStep': 'b', 'Variable': 'x', 'StringEquals': 'y'}]}
        found = automation.run([step('a', 'branch', choices), sleep('c', 'PT0S'), step('d', 'branch', {**choices, 'Choices': [{**choices['Choices'][0], 'NextStep': 'b'}]}, isEnd=True), sleep('b')])
        assert statuses(found) == {'a': 'Success', 'c': 'Success', 'd': 'Success', 'b': 'Pending'}

    def test_an_assertion(self, automation, client):
        client('s3', MEMBER).create_bucket(Bucket='bucket', CreateBucketConfiguration={'LocationConstraint': REGION})
        asked = {'Service': 's3', 'Api': 'GetBucketLocation', 'Bucket': 'bucket', 'PropertySelector': '$.LocationConstraint'}
        found = automation.run(
            [
                step('right', 'assertAwsResourceProperty', {**asked, 'DesiredValues': ['x', REGION]}),
                step('wrong', 'assertAwsResourceProperty', {**asked, 'DesiredValues': ['x']}),
            ]
        )
        assert statuses(found) == {'right': 'Success', 'wrong': 'Failed'}
        assert f'Property value {REGION} is not in the desired values ["x"]' in found['FailureMessage']

    def test_waiting_for_a_property(self, automation, client):
        queue = client('sqs', MEMBER).create_queue(QueueName='q', Attributes={'DelaySeconds': '1'})['QueueUrl']
        asked = {'Service': 'sqs', 'Api': 'GetQueueAttributes', 'QueueUrl': queue, 'AttributeNames': ['DelaySeconds']}
        automation.deploy([step('wait', 'waitForAwsResourceProperty', {**asked, 'PropertySelector': '$.Attributes.DelaySeconds', 'DesiredValues': ['2']})])
        execution = automation.start()
        automation.waiting(execution, 'wait')
        client('sqs', MEMBER).set_queue_attributes(QueueUrl=queue, Attributes={'DelaySeconds': '2'})
        assert automation.ended(execution)['AutomationExecutionStatus'] == 'Success'

    def test_waiting_in_vain(self, automation, clock):
        asked = {'Service': 'sts', 'Api': 'GetCallerIdentity', 'PropertySelector': '$.Account', 'DesiredValues': ['x']}
        automation.deploy([step('wait', 'waitForAwsResourceProperty', asked, timeoutSeconds=60)])
        execution = automation.start()
        automation.waiting(execution, 'wait')
        clock.advance(61)
        found = automation.ended(execution)
        assert found['AutomationExecutionStatus'] == 'TimedOut'
        assert statuses(found) == {'wait': 'TimedOut'}
        assert found['FailureMessage'].startswith('Step timed out while step is')

    def test_sleeps_by_the_clock(self, automation, clock):
        automation.deploy([sleep(duration='PT2H')])
        execution = automation.start()
        automation.waiting(execution, 'sleep')
        clock.advance(7199)
        assert automation.get(execution)['AutomationExecutionStatus'] == 'InProgress'
        clock.advance(2)
        assert automation.ended(execution)['AutomationExecutionStatus'] == 'Success'

    def test_variables(self, automation):
        found = automation.run(
            [
                step('set', 'updateVariable', {'Name': 'variable:count', 'Value': '{{ Given }}'}),
                script('read', 'def handler(event, context): return event', {'count': '{{ variable:count }}', 'where': '{{ global:REGION }} {{ global:ACCOUNT_ID }}', 'id': '{{ automation:EXECUTION_ID }}'}),
            ],
            parameters={'Given': {'type': 'Integer', 'default': 7}},
            variables={'count': {'type': 'Integer', 'default': 1}},
        )
        assert json.loads(found['StepExecutions'][1]['Outputs']['Payload'][0]) == {
            'count': 7,
            'where': f'{REGION} {MEMBER}',
            'id': found['AutomationExecutionId'],
        }


class TestScripts:
    def test_what_the_handler_returns_is_the_output(self, automation):
        found = automation.run(
            [
                script('a', 'import boto3\ndef handler(event, context):\n  print("noise")\n  return {"who": boto3.client("sts").get_caller_identity()["Arn"], "n": event["list"]}', {'list': ['x', 2]}, [('Who', '$.Payload.who', 'String'), ('Rest', '$.Payload.n', 'StringList')]),
                script('b', 'def handler(event, context): return event', {'whole': '{{ a.Payload }}', 'part': 'by {{ a.Who }}'}),
            ]
        )
        arn = f'arn:aws:iam::{MEMBER}:root'
        assert found['StepExecutions'][0]['Outputs']['Rest'] == ['x', '2']
        assert json.loads(found['StepExecutions'][1]['Outputs']['Payload'][0]) == {
            'whole': {'who': arn, 'n': ['x', 2]},
            'part': f'by {arn}',
        }

    def test_an_exception_is_told(self, automation):
        found = automation.run([script('a', "def handler(event, context):\n  return event['nothing']")])
        assert found['FailureMessage'].startswith('Step fails when it is Poll action status for completion. Traceback')
        assert "KeyError - 'nothing'" in found['FailureMessage']
        assert 'line 2, in handler' in found['FailureMessage']

    def test_an_output_that_is_no_json_or_too_large(self, automation):
        found = automation.run([script('a', 'def handler(event, context): return {1, 2}', onFailure='Continue'), script('b', 'def handler(event, context): return "x" * 110000')])
        assert 'not JSON serializable' in found['StepExecutions'][0]['FailureMessage']
        assert 'more than 100 KB' in found['FailureMessage']

    def test_it_ends_when_its_time_is_over(self, automation, clock):
        automation.deploy([script('a', 'import time\ndef handler(event, context): time.sleep(60)')])
        execution = automation.start()
        automation.waiting(execution, 'a')
        clock.advance(601)
        assert automation.ended(execution)['AutomationExecutionStatus'] == 'TimedOut'


class TestFailures:
    FAILS = api('a', 'iam', 'GetUser', UserName='nobody')

    @pytest.mark.parametrize(
        ('more', 'status', 'reached'),
        [
            ({}, 'Failed', []),
            ({'isCritical': False}, 'Success', []),
            ({'onFailure': 'Continue'}, 'Success', ['b', 'c']),
            ({'onFailure': 'Continue', 'isCritical': True}, 'Failed', ['b', 'c']),
            ({'onFailure': 'step:c'}, 'Failed', ['c']),
            ({'onFailure': 'step:c', 'isCritical': False}, 'Success', ['c']),
            ({'onFailure': 'Continue', 'isEnd': True}, 'Success', []),
        ],
    )
    def test_what_a_failure_does(self, automation, more, status, reached):
        found = automation.run([{**self.FAILS, **more}, sleep('b', 'PT0S'), sleep('c', 'PT0S')])
        assert found['AutomationExecutionStatus'] == status
        assert [name for name, each in statuses(found).items() if each == 'Success'] == reached

    def test_a_step_is_tried_again(self, automation, cloud):
        automation.deploy([{**self.FAILS, 'maxAttempts': 3}])
        cloud.door('DELETE', '/calls')
        automation.ended(automation.start())
        calls = [call for call in cloud.door('GET', '/calls')[1] if call['operation'] == 'GetUser']
        assert len(calls) == 3

    def test_it_can_be_stopped(self, automation):
        automation.deploy([sleep('a', onCancel='step:c'), sleep('b'), sleep('c', 'PT0S')])
        execution = automation.start()
        automation.waiting(execution, 'a')
        automation.ssm.stop_automation_execution(AutomationExecutionId=execution)
        found = automation.ended(execution)
        assert found['AutomationExecutionStatus'] == 'Cancelled'
        assert statuses(found) == {'a': 'Cancelled', 'b': 'Pending', 'c': 'Success'}
        with pytest.raises(ClientError, match='InvalidAutomationStatusUpdateException'):
            automation.ssm.stop_automation_execution(AutomationExecutionId=execution)


class TestParameters:
    DECLARED = {
        'Needed': {'type': 'String', 'allowedPattern': '[a-z]+', 'maxChars': 5},
        'Choice': {'type': 'String', 'default': 'A', 'allowedValues': ['A', 'B']},
        'Flag': {'type': 'Boolean', 'default': False},
        'Count': {'type': 'Integer', 'default': 1},
        'Ids': {'type': 'List<AWS::EC2::Instance::Id>', 'default': [], 'maxItems': 1},
        'Map': {'type': 'StringMap', 'default': {}},
        'Maps': {'type': 'MapList', 'default': []},
    }

    def test_they_have_types(self, automation):
        found = automation.run(
            [script('a', 'def handler(event, context): return event', {name: f'{{{{ {name} }}}}' for name in self.DECLARED})],
            parameters=self.DECLARED,
            given={'Needed': 'abc', 'Flag': 'true', 'Count': '12', 'Ids': ['i-1'], 'Map': '{"a": 1}', 'Maps': ['{"b": 2}', '{"c": 3}']},
        )
        assert json.loads(found['StepExecutions'][0]['Outputs']['Payload'][0]) == {
            'Needed': 'abc',
            'Choice': 'A',
            'Flag': True,
            'Count': 12,
            'Ids': ['i-1'],
            'Map': {'a': 1},
            'Maps': [{'b': 2}, {'c': 3}],
        }

    @pytest.mark.parametrize(
        'given',
        [
            {},
            {'Needed': 'UPPER'},
            {'Needed': 'toolong'},
            {'Needed': ['a', 'b']},
            {'Needed': 'a', 'Choice': 'C'},
            {'Needed': 'a', 'Flag': 'yes'},
            {'Needed': 'a', 'Count': 'x'},
            {'Needed': 'a', 'Ids': ['i-1', 'i-2']},
            {'Needed': 'a', 'Map': '[]'},
            {'Needed': 'a', 'Unknown': 'x'},
            {'Needed': 'a' * 513},
        ],
    )
    def test_what_is_refused(self, automation, given):
        automation.deploy([sleep()], parameters=self.DECLARED)
        with pytest.raises(ClientError, match='InvalidAutomationExecutionParametersException'):
            automation.start(**given)


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
        admit = {'Effect': 'Allow', 'Principal': {'Service': 'sns.amazonaws.com'}, 'Action': 'sqs:SendMessage', 'Resource': queue}
        url = sqs.create_queue(QueueName='q', Attributes={'Policy': json.dumps({'Version': '2012-10-17', 'Statement': admit})})['QueueUrl']
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


class TestIam:
    ASSUME = {'AutomationAssumeRole': {'type': 'String', 'default': ''}}
    ROLE = '{{ AutomationAssumeRole }}'
    WHO = api('who', 'sts', 'GetCallerIdentity', [('Arn', '$.Arn', 'String')])

    def deploy(self, automation, steps=None):
        automation.deploy(steps or [self.WHO], parameters=self.ASSUME, assumeRole=self.ROLE, outputs=['who.Arn'])

    def test_it_acts_in_the_role_of_the_document(self, automation, cloud):
        role = cloud.role('runbook', [allow('s3:ListAllMyBuckets')], SSM, MEMBER)
        self.deploy(automation, [self.WHO, api('list', 's3', 'ListBuckets'), api('make', 's3', 'CreateBucket', Bucket='bucket')])
        found = automation.ended(automation.start(AutomationAssumeRole=role))
        name = f'Automation-{found["AutomationExecutionId"]}'
        assert found['Outputs']['who.Arn'] == [f'arn:aws:sts::{MEMBER}:assumed-role/runbook/{name}']
        assert statuses(found) == {'who': 'Success', 'list': 'Success', 'make': 'Failed'}
        assert 'AccessDenied' in found['FailureMessage']
        assert found['StepExecutions'][2]['FailureDetails']['FailureType'] == 'Permission'

    def test_without_one_it_acts_as_the_starter(self, automation, cloud):
        role = cloud.role('analyst', [allow('ssm:*')], account=MEMBER)
        credentials = cloud.assume(role)
        self.deploy(automation, [self.WHO, script('list', 'import boto3\ndef handler(event, context): boto3.client("s3").list_buckets()')])
        found = automation.ended(automation.start(credentials))
        arn = f'arn:aws:sts::{MEMBER}:assumed-role/analyst/session'
        assert found['Outputs']['who.Arn'] == [arn]
        assert found['ExecutedBy'] == arn
        assert 'AccessDenied' in found['FailureMessage']

    def test_the_role_must_trust_the_service(self, automation, cloud):
        role = cloud.role('other', [allow('*')], account=MEMBER)
        self.deploy(automation)
        with pytest.raises(ClientError, match='unable to be assumed'):
            automation.start(AutomationAssumeRole=role)
        with pytest.raises(ClientError, match='format of the supplied assume role ARN is invalid'):
            automation.start(AutomationAssumeRole='role')

    def test_the_starter_must_be_allowed_to_start_and_to_pass_the_role(self, automation, cloud):
        role = cloud.role('runbook', [allow('*')], SSM, MEMBER)
        self.deploy(automation)
        documents = f'arn:aws:ssm:{REGION}:{MEMBER}:document/Runbook'
        executions = f'arn:aws:ssm:{REGION}:{MEMBER}:automation-execution/*'
        nobody = cloud.assume(cloud.role('nobody', [allow('ssm:Describe*')], account=MEMBER))
        starter = [{**allow('ssm:StartAutomationExecution'), 'Resource': [documents, executions]}]
        cannot = cloud.assume(cloud.role('cannot', starter, account=MEMBER))
        passing = allow('iam:PassRole', resource=role, Condition={'StringEquals': {'iam:PassedToService': 'ssm.amazonaws.com'}})
        can = cloud.assume(cloud.role('can', [*starter, passing], account=MEMBER))
        with pytest.raises(ClientError, match='ssm:StartAutomationExecution'):
            automation.start(nobody, AutomationAssumeRole=role)
        with pytest.raises(ClientError, match=f'iam:PassRole on resource: {role}'):
            automation.start(cannot, AutomationAssumeRole=role)
        found = automation.ended(automation.start(can, AutomationAssumeRole=role))
        assert found['AutomationExecutionStatus'] == 'Success'


class TestApi:
    def test_what_does_not_exist(self, automation):
        nothing = {'AutomationExecutionId': '4105a4fc-f944-11e6-9d32-0123456789ab'}
        for call, given in (
            (automation.ssm.get_automation_execution, nothing),
            (automation.ssm.stop_automation_execution, nothing),
            (automation.ssm.send_automation_signal, {**nothing, 'SignalType': 'Approve'}),
            (automation.ssm.describe_automation_step_executions, nothing),
        ):
            with pytest.raises(ClientError, match='AutomationExecutionNotFoundException'):
                call(**given)
        with pytest.raises(ClientError, match='AutomationDefinitionNotFoundException'):
            automation.start()

    def test_executions_are_an_accounts_and_regions(self, automation, cloud):
        automation.run([sleep('a', 'PT0S')])
        for other in (cloud.client('ssm', SECURITY), cloud.client('ssm', MEMBER, region='us-east-1')):
            assert other.describe_automation_executions()['AutomationExecutionMetadataList'] == []

    def test_lists(self, automation):
        automation.deploy([sleep('a', 'PT0S'), sleep('b', 'PT0S')])
        first, second = automation.start(), automation.start()
        automation.ended(first), automation.ended(second)

        def listed(**arguments):
            found = automation.ssm.describe_automation_executions(**arguments)
            return [each['AutomationExecutionId'] for each in found['AutomationExecutionMetadataList']]

        assert listed() == [second, first]
        assert listed(MaxResults=1) == [second]
        assert listed(Filters=[{'Key': 'ExecutionId', 'Values': [first]}]) == [first]
        assert listed(Filters=[{'Key': 'ExecutionStatus', 'Values': ['Failed']}]) == []
        assert listed(Filters=[{'Key': 'DocumentNamePrefix', 'Values': ['Run']}]) == [second, first]
        steps = automation.ssm.describe_automation_step_executions(
            AutomationExecutionId=first, Filters=[{'Key': 'StepName', 'Values': ['b']}]
        )['StepExecutions']
        assert [each['StepName'] for each in steps] == ['b']

    def test_a_client_token_starts_once(self, automation):
        automation.deploy([sleep()], parameters={'A': {'type': 'String', 'default': 'a'}})
        token = '4105a4fc-f944-11e6-9d32-0123456789ab'
        start = automation.ssm.start_automation_execution
        first = start(DocumentName='Runbook', ClientToken=token)
        assert start(DocumentName='Runbook', ClientToken=token)['AutomationExecutionId'] == first['AutomationExecutionId']
        with pytest.raises(ClientError, match='IdempotentParameterMismatch'):
            start(DocumentName='Runbook', ClientToken=token, Parameters={'A': ['b']})


class TestDocuments:
    @pytest.mark.parametrize(
        ('steps', 'match'),
        [
            ([], 'mainSteps'),
            ([step('a b', 'sleep', {'Duration': 'PT1S'})], 'name'),
            ([step('a', 'fly', {})], 'unknown action aws:fly'),
            ([sleep('a'), sleep('a')], 'not unique'),
            ([sleep(nextStep='x')], r"do not exist: \['x'\]"),
            ([sleep(onFailure='step:x')], 'do not exist'),
            ([sleep(onFailure='Retry')], 'onFailure'),
            ([sleep(unknown=1)], 'unknown properties'),
            ([step('a', 'sleep', {})], 'Duration'),
            ([api('a', 'ec2', 'DescribeVpcs', VpcIds=['{{ Vpc }}'])], r"refers to \['Vpc'\]"),
            ([api('a', 'ec2', 'DescribeVpcs', [('A', '$.[', 'String')])], 'JSONPath'),
            ([api('a', 'ec2', 'DescribeVpcs', [('A', '$.A', 'Text')])], 'invalid Type'),
            ([step('a', 'executeAwsApi', {'Service': 'ec2'})], r"lacks the inputs \['Api'\]"),
            ([step('a', 'branch', {'Choices': [{'NextStep': 'a', 'Variable': 'x', 'Matches': 'y'}]})], 'StringEquals'),
            ([script('a', 'def handler(e, c): return "{{ global:DATE }}"')], 'InputPayload'),
            ([step('a', 'executeScript', {'Runtime': 'python3.7', 'Handler': 'h', 'Script': ''})], 'unsupported Runtime'),
        ],
    )
    def test_what_is_refused(self, automation, steps, match):
        automation.refused(steps, match)

    def test_its_outputs_and_parameters_are_checked(self, automation):
        automation.refused([sleep()], 'outputs name sleep.x', outputs=['sleep.x'])
        automation.refused([sleep()], 'invalid type', parameters={'A': {'type': 'Text'}})
        automation.refused([sleep()], 'assumeRole refers', assumeRole='{{ Role }}')

    def test_its_size(self, automation):
        with pytest.raises(ClientError, match='MaxDocumentSizeExceeded'):
            automation.deploy([sleep()], description='x' * 65536)

    def test_versions(self, automation):
        automation.deploy([sleep('a', 'PT0S')])
        content = {'schemaVersion': '0.3', 'mainSteps': [sleep('b', 'PT0S')]}
        automation.ssm.update_document(Name='Runbook', Content=json.dumps(content), DocumentFormat='JSON', DocumentVersion='$LATEST')
        assert list(statuses(automation.ended(automation.start()))) == ['a']
        start = automation.ssm.start_automation_execution
        latest = start(DocumentName='Runbook', DocumentVersion='2')['AutomationExecutionId']
        assert list(statuses(automation.ended(latest))) == ['b']
        with pytest.raises(ClientError, match='AutomationDefinitionVersionNotFoundException'):
            start(DocumentName='Runbook', DocumentVersion='9')
        with pytest.raises(ClientError, match='InvalidDocumentContent'):
            automation.ssm.update_document(Name='Runbook', Content='{}', DocumentFormat='JSON', DocumentVersion='$LATEST')

    @pytest.mark.parametrize('method', ['Replace', 'NewVersion'])
    def test_a_stack_has_one(self, automation, client, method):
        stacks = client('cloudformation', MEMBER)

        def template(name, form):
            content = {'schemaVersion': '0.3', 'mainSteps': [sleep(name, 'PT0S')]}
            properties = {
                'Name': 'Runbook',
                'DocumentType': 'Automation',
                'UpdateMethod': method,
                'Content': content if form == 'object' else yaml.safe_dump(content),
                **({} if form == 'object' else {'DocumentFormat': 'YAML'}),
            }
            return json.dumps({'Resources': {'R': {'Type': 'AWS::SSM::Document', 'Properties': properties}}})

        stacks.create_stack(StackName='s', TemplateBody=template('a', 'object'))
        assert list(statuses(automation.ended(automation.start()))) == ['a']
        stacks.update_stack(StackName='s', TemplateBody=template('b', 'text'))
        assert list(statuses(automation.ended(automation.start()))) == ['b']
        described = automation.ssm.describe_document(Name='Runbook')['Document']
        assert described['DefaultVersion'] == ('2' if method == 'NewVersion' else '1')
        stacks.delete_stack(StackName='s')
        with pytest.raises(ClientError, match='InvalidDocument'):
            automation.ssm.describe_document(Name='Runbook')


class TestFunctions:
    def function(self, cloud, answer):
        """The runner answers all invocations so; what it got."""
        received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                received.append(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        assert cloud.door('PUT', '/runner', {'url': f'http://127.0.0.1:{server.server_port}'})[0] == 204
        return server, received

    INVOKE = step(
        'invoke',
        'invokeLambdaFunction',
        {'FunctionName': 'f', 'Payload': '{"execution": "{{ automation:EXECUTION_ID }}"}'},
        outputs=[{'Name': 'Plan', 'Selector': '$.Payload.plan', 'Type': 'StringMap'}],
    )

    def test_it_is_invoked_and_waited_for(self, cloud, function):
        automation = Automation(cloud, SECURITY)
        server, received = self.function(cloud, {'payload': {'plan': {'a': 1}}})
        found = automation.run([self.INVOKE], outputs=['invoke.Plan', 'invoke.StatusCode', 'invoke.Payload'])
        server.shutdown()
        assert found['AutomationExecutionStatus'] == 'Success'
        assert received[0]['payload'] == {'execution': found['AutomationExecutionId']}
        assert json.loads(found['Outputs']['invoke.Plan'][0]) == {'a': 1}
        assert json.loads(found['Outputs']['invoke.Payload'][0]) == {'plan': {'a': 1}}
        assert found['Outputs']['invoke.StatusCode'] == ['200']

    def test_a_function_that_fails_fails_the_step(self, cloud, function):
        automation = Automation(cloud, SECURITY)
        server, _ = self.function(cloud, {'payload': {'errorMessage': 'no'}, 'functionError': 'Unhandled'})
        found = automation.run([self.INVOKE])
        server.shutdown()
        assert found['AutomationExecutionStatus'] == 'Failed'
        assert 'FunctionError Unhandled' in found['FailureMessage']

    def test_iam_is_asked(self, cloud, function):
        automation = Automation(cloud, SECURITY)
        role = cloud.role('runbook', [allow('s3:*')], SSM)
        found = automation.run([self.INVOKE], assumeRole=role)
        assert 'lambda:InvokeFunction' in found['FailureMessage']
