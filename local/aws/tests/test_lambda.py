"""Lambda: Invoke runs in the registered runner, and a mapped queue keeps its messages for it."""

import io
import json
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.exceptions import ClientError
from conftest import REGION, SECURITY, allow


class Runner:
    """A process that runs functions, for as long as a test: it answers what `answers` says and keeps what it was sent."""

    def __init__(self):
        self.sent, self.answer, self.received = [], {'payload': {'ok': True}}, threading.Event()
        self.seconds = 0
        runner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers['Content-Length']))
                runner.sent.append((self.path, json.loads(body)))
                runner.received.set()
                time.sleep(runner.seconds)
                answer = json.dumps(runner.answer).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server.server_port}'


@pytest.fixture
def runner(cloud):
    runner = Runner()
    assert cloud.door('PUT', '/runner', {'url': runner.url}) == (204, None)
    yield runner
    runner.server.shutdown()
    runner.server.server_close()


ARN = f'arn:aws:lambda:{REGION}:{SECURITY}:function:identity'


@pytest.fixture
def functions(cloud):
    code = io.BytesIO()
    with zipfile.ZipFile(code, 'w') as archive:
        archive.writestr('index.mjs', 'export const handler = () => {}')
    role = cloud.role('worker', trust={'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'})
    client = cloud.client('lambda')
    client.create_function(FunctionName='identity', Runtime='nodejs22.x', Role=role, Handler='index.handler', Code={'ZipFile': code.getvalue()})
    return client


def test_the_runner_runs_it_and_its_payload_comes_back(functions, runner):
    answer = functions.invoke(FunctionName='identity', Payload=b'{"a": "\xc3\xa9"}')
    assert (answer['StatusCode'], json.load(answer['Payload'])) == (200, {'ok': True})
    assert 'FunctionError' not in answer
    assert runner.sent == [('/invoke', {'functionArn': ARN, 'payload': {'a': 'é'}})]


def test_a_function_error_is_told(functions, runner):
    runner.answer = {'payload': {'errorMessage': 'no', 'errorType': 'Error'}, 'functionError': 'Unhandled'}
    answer = functions.invoke(FunctionName=ARN)
    assert (answer['StatusCode'], answer['FunctionError'], json.load(answer['Payload'])['errorMessage']) == (200, 'Unhandled', 'no')


def test_an_event_is_accepted_at_once(functions, runner):
    assert functions.invoke(FunctionName='identity', InvocationType='Event', Payload=b'{"n": 1}')['StatusCode'] == 202
    assert runner.received.wait(10)
    assert runner.sent[0][1]['payload'] == {'n': 1}


def test_a_dry_run_runs_nothing(functions, runner):
    assert functions.invoke(FunctionName='identity', InvocationType='DryRun')['StatusCode'] == 204
    assert runner.sent == []


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [({'FunctionName': 'missing'}, 'ResourceNotFoundException'), ({'FunctionName': 'identity', 'Payload': b'{'}, 'InvalidRequestContentException')],
)
def test_what_is_not_run(functions, runner, arguments, code):
    with pytest.raises(ClientError) as error:
        functions.invoke(**arguments)
    assert error.value.response['Error']['Code'] == code
    assert runner.sent == []


def test_without_a_runner_the_error_says_so(functions):
    with pytest.raises(ClientError) as error:
        functions.invoke(FunctionName='identity')
    assert error.value.response['Error']['Code'] == 'ServiceException'
    assert 'No runner is registered' in error.value.response['Error']['Message']


def test_who_may_invoke_is_decided_by_iam(cloud, functions, runner):
    arn = cloud.role('operator', [allow('lambda:InvokeFunction', resource=ARN)])
    cloud.client('lambda', credentials=cloud.assume(arn)).invoke(FunctionName='identity')
    nobody = cloud.client('lambda', credentials=cloud.assume(cloud.role('nobody')))
    with pytest.raises(ClientError) as error:
        nobody.invoke(FunctionName='identity')
    assert error.value.response['Error']['Code'] == 'AccessDeniedException'
    assert len(runner.sent) == 1


def test_a_mapping_is_enabled_and_listed_and_the_queue_untouched(cloud, functions, runner):
    sqs = cloud.client('sqs')
    url = sqs.create_queue(QueueName='identity')['QueueUrl']
    queue = f'arn:aws:sqs:{REGION}:{SECURITY}:identity'
    functions.create_event_source_mapping(FunctionName='identity', EventSourceArn=queue, BatchSize=5, FunctionResponseTypes=['ReportBatchItemFailures'])
    [mapping] = functions.list_event_source_mappings()['EventSourceMappings']
    assert (mapping['State'], mapping['EventSourceArn'], mapping['FunctionArn']) == ('Enabled', queue, ARN)
    sqs.send_message(QueueUrl=url, MessageBody='x')
    assert runner.sent == []
    [message] = sqs.receive_message(QueueUrl=url, AttributeNames=['ApproximateReceiveCount'])['Messages']
    assert message['Attributes']['ApproximateReceiveCount'] == '1'


def test_functions_and_mappings_of_a_stack_are_visible(cloud, runner):
    role = cloud.role('worker')
    template = {
        'Resources': {
            'Queue': {'Type': 'AWS::SQS::Queue', 'Properties': {'QueueName': 'identity'}},
            'Function': {
                'Type': 'AWS::Lambda::Function',
                'Properties': {'FunctionName': 'identity', 'Runtime': 'nodejs22.x', 'Role': role, 'Handler': 'index.handler', 'Code': {'ZipFile': 'x'}},
            },
            'Mapping': {
                'Type': 'AWS::Lambda::EventSourceMapping',
                'Properties': {'FunctionName': {'Fn::GetAtt': ['Function', 'Arn']}, 'EventSourceArn': {'Fn::GetAtt': ['Queue', 'Arn']}},
            },
        }
    }
    cloud.client('cloudformation').create_stack(StackName='s', TemplateBody=json.dumps(template))
    functions = cloud.client('lambda')
    assert [function['FunctionArn'] for function in functions.list_functions()['Functions']] == [ARN]
    [mapping] = functions.list_event_source_mappings()['EventSourceMappings']
    assert mapping['State'] == 'Enabled'
    assert json.load(functions.invoke(FunctionName='identity')['Payload']) == {'ok': True}


def test_a_mapping_of_a_stream_is_as_its_stack_says(cloud):
    table = {
        'TableName': 'ledger',
        'BillingMode': 'PAY_PER_REQUEST',
        'AttributeDefinitions': [{'AttributeName': 'pk', 'AttributeType': 'S'}],
        'KeySchema': [{'AttributeName': 'pk', 'KeyType': 'HASH'}],
        'StreamSpecification': {'StreamViewType': 'NEW_AND_OLD_IMAGES'},
    }
    function = {
        'FunctionName': 'identity',
        'Runtime': 'nodejs24.x',
        'Role': cloud.role('worker'),
        'Handler': 'index.handler',
        'Code': {'ZipFile': 'x'},
    }
    # As the Serverless Framework writes it.
    mapping = {
        'BatchSize': 25,
        'ParallelizationFactor': 1,
        'StartingPosition': 'TRIM_HORIZON',
        'Enabled': True,
        'EventSourceArn': {'Fn::GetAtt': ['Ledger', 'StreamArn']},
        'FunctionName': {'Fn::GetAtt': ['Function', 'Arn']},
        'MaximumRetryAttempts': 0,
        'BisectBatchOnFunctionError': False,
        'FunctionResponseTypes': ['ReportBatchItemFailures'],
        'DestinationConfig': {'OnFailure': {'Destination': {'Fn::GetAtt': ['Queue', 'Arn']}}},
        'FilterCriteria': {'Filters': [{'Pattern': '{"eventName":["INSERT"]}'}]},
    }
    resources = {
        'Ledger': {'Type': 'AWS::DynamoDB::Table', 'Properties': table},
        'Queue': {'Type': 'AWS::SQS::Queue', 'Properties': {'QueueName': 'lost'}},
        'Function': {'Type': 'AWS::Lambda::Function', 'Properties': function},
    }

    def deploy(call, **changes):
        changed = {'Type': 'AWS::Lambda::EventSourceMapping', 'Properties': {**mapping, **changes}}
        call(StackName='s', TemplateBody=json.dumps({'Resources': {**resources, 'Mapping': changed}}))
        [found] = functions.list_event_source_mappings()['EventSourceMappings']
        again = functions.get_event_source_mapping(UUID=found['UUID'])
        assert {name: value for name, value in found.items() if again[name] != value} == {}
        return found

    stacks, functions = cloud.client('cloudformation'), cloud.client('lambda')
    stream = {
        **{name: value for name, value in mapping.items() if name not in ('Enabled', 'FunctionName')},
        'EventSourceArn': None,
        'DestinationConfig': {'OnFailure': {'Destination': f'arn:aws:sqs:{REGION}:{SECURITY}:lost'}},
        'FunctionArn': ARN,
        'State': 'Enabled',
    }
    found = deploy(stacks.create_stack)
    stream['EventSourceArn'] = cloud.client('dynamodb').describe_table(TableName='ledger')['Table']['LatestStreamArn']
    assert {name: found[name] for name in stream} == stream
    changes = {'MaximumRetryAttempts': 3, 'BisectBatchOnFunctionError': True}
    found = deploy(stacks.update_stack, **changes)
    assert {name: found[name] for name in stream} == {**stream, **changes}


def test_the_runner_is_on_this_machine(cloud):
    assert cloud.door('PUT', '/runner', {'url': 'http://192.0.2.1:80'})[0] == 400
    assert cloud.door('GET', '/runner') == (200, {'url': None, 'handedOver': 0})
