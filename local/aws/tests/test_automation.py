"""SSM Automation: how executions go on, fail, end and are told, and as whom they act."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, SERVER, Cloud, allow
from runbooks import ECHO, SSM, Automation, api, script, sleep, statuses, until


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
        automation.deploy([sleep('a', onCancel='step:c'), sleep('b'), sleep('c', 'PT0S', isEnd=True)])
        execution = automation.start()
        automation.waiting(execution, 'a')
        automation.ssm.stop_automation_execution(AutomationExecutionId=execution)
        found = automation.ended(execution)
        assert found['AutomationExecutionStatus'] == 'Cancelled'
        assert statuses(found) == {'a': 'Cancelled', 'b': 'Pending', 'c': 'Success'}
        with pytest.raises(ClientError, match='InvalidAutomationStatusUpdateException'):
            automation.ssm.stop_automation_execution(AutomationExecutionId=execution)


class TestEnd:
    def test_a_script_ends_with_the_cloud(self, tmp_path):
        process = subprocess.Popen(
            [sys.executable, str(SERVER), '--port', '0'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        cloud, mark = Cloud(json.loads(process.stdout.readline())['endpoint']), tmp_path / 'pid'
        automation = Automation(cloud)
        body = '  open(event, "w").write(str(os.getpid()))\n  time.sleep(60)'
        automation.deploy([script('a', f'import os, time\ndef handler(event, context):\n{body}', str(mark))])
        automation.start()
        until(lambda: mark.exists() and mark.read_text())
        process.stdin.close()
        assert process.wait(timeout=10) == 0
        until(lambda: not pathlib.Path(f'/proc/{mark.read_text()}').exists())

    def test_a_reset_ends_what_is_under_way(self, automation, cloud):
        automation.deploy([sleep('a', onCancel='step:b'), api('b', 'iam', 'CreateUser', UserName='ann')])
        execution = automation.start()
        automation.waiting(execution, 'a')
        urllib.request.urlopen(urllib.request.Request(f'{cloud.endpoint}/moto-api/reset', method='POST')).close()
        assert automation.ssm.describe_automation_executions()['AutomationExecutionMetadataList'] == []
        time.sleep(0.3)
        assert cloud.client('iam', MEMBER).list_users()['Users'] == []


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
            [script('a', ECHO, {name: f'{{{{ {name} }}}}' for name in self.DECLARED})],
            parameters=self.DECLARED,
            given={
                'Needed': 'abc',
                'Flag': 'true',
                'Count': '12',
                'Ids': ['i-1'],
                'Map': '{"a": 1}',
                'Maps': ['{"b": 2}', '{"c": 3}'],
            },
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


class TestIam:
    ASSUME = {'AutomationAssumeRole': {'type': 'String', 'default': ''}}
    ROLE = '{{ AutomationAssumeRole }}'
    WHO = api('who', 'sts', 'GetCallerIdentity', [('Arn', '$.Arn', 'String')])

    def deploy(self, automation, steps=None):
        automation.deploy(steps or [self.WHO], parameters=self.ASSUME, assumeRole=self.ROLE, outputs=['who.Arn'])

    def test_it_acts_in_the_role_of_the_document(self, automation, cloud):
        role = cloud.role('runbook', [allow('s3:ListAllMyBuckets')], SSM, MEMBER)
        make = api('make', 's3', 'CreateBucket', Bucket='bucket')
        self.deploy(automation, [self.WHO, api('list', 's3', 'ListBuckets'), make])
        found = automation.ended(automation.start(AutomationAssumeRole=role))
        name = f'Automation-{found["AutomationExecutionId"]}'
        assert found['Outputs']['who.Arn'] == [f'arn:aws:sts::{MEMBER}:assumed-role/runbook/{name}']
        assert statuses(found) == {'who': 'Success', 'list': 'Success', 'make': 'Failed'}
        assert 'AccessDenied' in found['FailureMessage']
        assert found['StepExecutions'][2]['FailureDetails']['FailureType'] == 'Permission'

    def test_without_one_it_acts_as_the_starter(self, automation, cloud):
        role = cloud.role('analyst', [allow('ssm:*')], account=MEMBER)
        credentials = cloud.assume(role)
        text = 'import boto3\ndef handler(event, context): boto3.client("s3").list_buckets()'
        self.deploy(automation, [self.WHO, script('list', text)])
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
        to_ssm = {'StringEquals': {'iam:PassedToService': 'ssm.amazonaws.com'}}
        passing = allow('iam:PassRole', resource=role, Condition=to_ssm)
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

        def start(**more):
            given = {'DocumentName': 'Runbook', 'ClientToken': token, **more}
            return automation.ssm.start_automation_execution(**given)['AutomationExecutionId']

        assert start() == start()
        with pytest.raises(ClientError, match='IdempotentParameterMismatch'):
            start(Parameters={'A': ['b']})
