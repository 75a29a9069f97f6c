"""SSM Automation: what steps do: call, assert, wait, choose, remember, run scripts, functions and other automations."""

import http.server
import json
import threading

import pytest
from conftest import MEMBER, REGION, SECURITY, allow
from runbooks import ECHO, SSM, Automation, api, script, sleep, statuses, step

WHO = """import boto3
def handler(event, context):
  print('noise')
  return {'who': boto3.client('sts').get_caller_identity()['Arn'], 'n': event['list']}
"""


def number(operation, than):
    return {'Variable': '{{ Number }}', f'Numeric{operation}': than}


class TestSteps:
    def test_calls_aws_with_typed_values_and_selects_outputs(self, automation, client):
        vpc = client('ec2', MEMBER).create_vpc(CidrBlock='10.0.0.0/16')['Vpc']['VpcId']
        found = automation.run(
            [
                api(
                    'group',
                    'ec2',
                    'CreateSecurityGroup',
                    [('Id', '$.GroupId', 'String')],
                    GroupName='g',
                    Description='d',
                    VpcId='{{ Vpc }}',
                ),
                api(
                    'describe',
                    'ec2',
                    'describe_security_groups',
                    [
                        ('Names', '$.SecurityGroups[*].GroupName', 'StringList'),
                        ('All', '$.SecurityGroups', 'MapList'),
                        ('Nothing', '$.None', 'String'),
                    ],
                    GroupIds=['{{ group.Id }}'],
                ),
            ],
            parameters={'Vpc': {'type': 'AWS::EC2::VPC::Id'}},
            outputs=['group.Id', 'describe.Names', 'describe.Nothing'],
            given={'Vpc': vpc},
        )
        assert found['AutomationExecutionStatus'] == 'Success'
        assert found['Outputs']['describe.Names'] == ['g']
        assert found['Outputs']['describe.Nothing'][0].startswith('No output available yet')
        described = found['StepExecutions'][1]
        assert described['Inputs']['GroupIds'] == json.dumps(found['Outputs']['group.Id'])
        assert json.loads(described['Outputs']['All'][0])['VpcId'] == vpc
        assert found['Parameters'] == {'Vpc': [vpc]}
        assert found['ExecutedBy'] == f'arn:aws:iam::{MEMBER}:root'

    def test_an_error_of_aws_ends_it(self, automation):
        found = automation.run([api('a', 's3', 'ListObjectsV2', Bucket='nowhere'), sleep()])
        assert found['AutomationExecutionStatus'] == 'Failed'
        began = 'Step fails when it is Execute/Cancelling action. An error occurred (NoSuchBucket)'
        assert found['FailureMessage'].startswith(began)
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
            ({'And': [number('Greater', 2), number('LesserOrEquals', 3)]}, True),
            ({'And': [number('Greater', 2), number('Lesser', 3)]}, False),
            ({'Or': [number('Equals', 4), {'Variable': '{{ Flag }}', 'BooleanEquals': True}]}, True),
            ({'Or': [number('Equals', 4), number('GreaterOrEquals', 5)]}, False),
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
        steps = [step('a', 'branch', choices), sleep('c', 'PT0S'), step('d', 'branch', choices, isEnd=True), sleep('b')]
        found = automation.run(steps)
        assert statuses(found) == {'a': 'Success', 'c': 'Success', 'd': 'Success', 'b': 'Pending'}

    def test_an_assertion(self, automation, client):
        client('s3', MEMBER).create_bucket(Bucket='bucket', CreateBucketConfiguration={'LocationConstraint': REGION})
        asked = {'Service': 's3', 'Api': 'GetBucketLocation', 'Bucket': 'bucket'}
        asked['PropertySelector'] = '$.LocationConstraint'
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
        wanted = {'PropertySelector': '$.Attributes.DelaySeconds', 'DesiredValues': ['2']}
        automation.deploy([step('wait', 'waitForAwsResourceProperty', {**asked, **wanted})])
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
                script(
                    'read',
                    ECHO,
                    {
                        'count': '{{ variable:count }}',
                        'where': '{{ global:REGION }} {{ global:ACCOUNT_ID }}',
                        'id': '{{ automation:EXECUTION_ID }}',
                    },
                ),
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
                script(
                    'a',
                    WHO,
                    {'list': ['x', 2]},
                    [('Who', '$.Payload.who', 'String'), ('Rest', '$.Payload.n', 'StringList')],
                ),
                script('b', ECHO, {'whole': '{{ a.Payload }}', 'part': 'by {{ a.Who }}'}),
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
        found = automation.run(
            [
                script('a', 'def handler(event, context): return {1, 2}', onFailure='Continue'),
                script('b', 'def handler(event, context): return "x" * 110000'),
            ]
        )
        assert 'not JSON serializable' in found['StepExecutions'][0]['FailureMessage']
        assert 'more than 100 KB' in found['FailureMessage']

    def test_it_ends_when_its_time_is_over(self, automation, clock):
        automation.deploy([script('a', 'import time\ndef handler(event, context): time.sleep(60)')])
        execution = automation.start()
        automation.waiting(execution, 'a')
        clock.advance(601)
        assert automation.ended(execution)['AutomationExecutionStatus'] == 'TimedOut'


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


class TestLoops:
    def test_for_each(self, automation):
        arn, each = [('Arn', '$.User.Arn', 'String')], '{{ loop.CurrentIteratorValue }}'
        inner = [api('make', 'iam', 'CreateUser', arn, UserName=each)]
        found = automation.run(
            [step('loop', 'loop', {'Iterators': '{{ Users }}', 'IteratorDataType': 'String', 'Steps': inner})],
            parameters={'Users': {'type': 'StringList'}},
            outputs=['make.Arn'],
            given={'Users': ['ann', 'bob']},
        )
        assert found['AutomationExecutionStatus'] == 'Success'
        assert found['Outputs']['make.Arn'] == [f'arn:aws:iam::{MEMBER}:user/bob']
        parents = [each['ParentStepDetails'] for each in found['StepExecutions'] if each['StepName'] == 'make']
        assert [(each['StepName'], each['Iteration'], each['IteratorValue']) for each in parents] == [
            ('loop', 1, 'ann'),
            ('loop', 2, 'bob'),
        ]

    def test_while(self, automation):
        text = 'def handler(event, context): return {"n": event["n"] + 1}'
        again = {'Variable': '{{ count.N }}', 'NumericLesser': 3}
        found = automation.run(
            [
                step(
                    'loop',
                    'loop',
                    {
                        'LoopCondition': again,
                        'MaxIterations': 5,
                        'Steps': [
                            script('count', text, {'n': '{{ variable:n }}'}, [('N', '$.Payload.n', 'Integer')]),
                            step('keep', 'updateVariable', {'Name': 'variable:n', 'Value': '{{ count.N }}'}),
                        ],
                    },
                )
            ],
            variables={'n': {'type': 'Integer', 'default': 0}},
        )
        assert found['AutomationExecutionStatus'] == 'Success'
        assert found['Variables'] == {'n': ['3']}

    def test_a_failure_within_ends_it(self, automation):
        inner = [api('a', 'iam', 'GetUser', UserName='nobody')]
        found = automation.run([step('loop', 'loop', {'Iterators': ['a', 'b'], 'Steps': inner}), sleep('b', 'PT0S')])
        assert found['AutomationExecutionStatus'] == 'Failed'
        assert [(each['StepName'], each['StepStatus']) for each in found['StepExecutions']] == [
            ('loop', 'Failed'),
            ('b', 'Pending'),
            ('a', 'Failed'),
        ]

    def test_its_last_step_may_end_all(self, automation):
        inner = [sleep('a', 'PT0S', isEnd=True)]
        found = automation.run([step('loop', 'loop', {'Iterators': ['x', 'y'], 'Steps': inner}), sleep('b')])
        assert found['AutomationExecutionStatus'] == 'Success'
        assert [(each['StepName'], each['StepStatus']) for each in found['StepExecutions']] == [
            ('loop', 'Success'),
            ('b', 'Pending'),
            ('a', 'Success'),
        ]

    def test_a_loop_is_checked(self, automation):
        inner = [sleep('a', nextStep='outside')]
        loop = step('loop', 'loop', {'Iterators': ['a'], 'Steps': inner})
        automation.refused([loop, sleep('outside')], 'do not exist')
        automation.refused([step('loop', 'loop', {'Steps': [sleep()]})], 'either Iterators or a LoopCondition')


class TestNested:
    def test_an_automation_starts_another(self, automation):
        who = api('who', 'sts', 'GetCallerIdentity', [('Arn', '$.Arn', 'String')])
        automation.deploy([who], name='Child', outputs=['who.Arn'])
        start = step('child', 'executeAutomation', {'DocumentName': 'Child'})
        found = automation.run([start], outputs=['child.Output'])
        assert found['Outputs']['child.Output'] == [f'arn:aws:iam::{MEMBER}:root']
        child = automation.get(found['StepExecutions'][0]['Outputs']['ExecutionId'][0])
        assert child['ParentAutomationExecutionId'] == found['AutomationExecutionId']

    def test_one_that_fails_fails_the_step_and_nesting_ends(self, automation):
        found = automation.run([step('again', 'executeAutomation', {'DocumentName': 'Runbook'})])
        assert found['AutomationExecutionStatus'] == 'Failed'
        assert 'nested more than 5 deep' in found['FailureMessage']
