"""What tests of SSM Automation share: a way to write runbooks, and to start them and see how they end."""

import time

import pytest
import yaml
from botocore.exceptions import ClientError
from conftest import MEMBER

SSM = {'Effect': 'Allow', 'Principal': {'Service': 'ssm.amazonaws.com'}, 'Action': 'sts:AssumeRole'}
SECONDS = 20
ECHO = 'def handler(event, context): return event'


class Automation:
    """Runbooks of an account, which root deploys."""

    def __init__(self, cloud, account=MEMBER):
        self.cloud = cloud
        self.account = account
        self.ssm = cloud.client('ssm', account)

    def deploy(self, steps, name='Runbook', **more):
        content = {'schemaVersion': '0.3', 'mainSteps': steps, **more}
        self.ssm.create_document(
            Name=name, Content=yaml.safe_dump(content), DocumentType='Automation', DocumentFormat='YAML'
        )

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


def until(happened):
    end = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


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
