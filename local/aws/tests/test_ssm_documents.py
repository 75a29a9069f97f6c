"""SSM documents: what is refused, versions, and documents of stacks."""

import json

import pytest
import yaml
from botocore.exceptions import ClientError
from conftest import MEMBER
from runbooks import api, script, sleep, statuses, step


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
            ([sleep('a'), sleep('b'), sleep('c', nextStep='b')], 'circles: b -> c -> b'),
            ([sleep(onFailure='Retry')], 'onFailure'),
            ([sleep(unknown=1)], 'unknown properties'),
            ([step('a', 'sleep', {})], 'Duration'),
            ([api('a', 'ec2', 'DescribeVpcs', VpcIds=['{{ Vpc }}'])], r"refers to \['Vpc'\]"),
            ([api('a', 'ec2', 'DescribeVpcs', [('A', '$.[', 'String')])], 'JSONPath'),
            ([api('a', 'ec2', 'DescribeVpcs', [('A', '$.A', 'Text')])], 'invalid Type'),
            ([step('a', 'executeAwsApi', {'Service': 'ec2'})], r"lacks the inputs \['Api'\]"),
            ([step('a', 'branch', {'Choices': [{'NextStep': 'a', 'Variable': 'x', 'Matches': 'y'}]})], 'StringEquals'),
            ([script('a', 'def handler(e, c): return "{{ global:DATE }}"')], 'InputPayload'),
            ([step('a', 'executeScript', {'Runtime': 'python3.7', 'Handler': 'h', 'Script': ''})], 'Runtime'),
        ],
    )
    def test_what_is_refused(self, automation, steps, match):
        automation.refused(steps, match)

    def test_its_outputs_and_parameters_are_checked(self, automation):
        automation.refused([sleep()], 'outputs name sleep.x', outputs=['sleep.x'])
        automation.refused([sleep()], 'invalid type', parameters={'A': {'type': 'Text'}})
        for declared in ({'default': True}, {'default': 'x', 'allowedValues': ['y']}, {'default': '', 'minChars': 1}):
            automation.refused([sleep()], 'Parameter A', parameters={'A': {'type': 'String', **declared}})
        automation.refused([sleep()], 'assumeRole refers', assumeRole='{{ Role }}')

    def test_its_size(self, automation):
        with pytest.raises(ClientError, match='MaxDocumentSizeExceeded'):
            automation.deploy([sleep()], description='x' * 65536)

    def test_versions(self, automation):
        automation.deploy([sleep('a', 'PT0S')])
        content = {'schemaVersion': '0.3', 'mainSteps': [sleep('b', 'PT0S')]}

        def update(content):
            given = {'Content': json.dumps(content), 'DocumentFormat': 'JSON', 'DocumentVersion': '$LATEST'}
            automation.ssm.update_document(Name='Runbook', **given)

        update(content)
        assert list(statuses(automation.ended(automation.start()))) == ['a']
        start = automation.ssm.start_automation_execution
        latest = start(DocumentName='Runbook', DocumentVersion='2')['AutomationExecutionId']
        assert list(statuses(automation.ended(latest))) == ['b']
        with pytest.raises(ClientError, match='AutomationDefinitionVersionNotFoundException'):
            start(DocumentName='Runbook', DocumentVersion='9')
        with pytest.raises(ClientError, match='InvalidDocumentContent'):
            update({})

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
