"""Asynchronous invocation: tries by the embedded cloud's clock, configurations, and what destinations are told."""

import http.server
import json
import threading
import time

import pytest
from botocore.exceptions import ClientError
from conftest import REGION, SECURITY, allow, policy

ARN = f'arn:aws:lambda:{REGION}:{SECURITY}:function:f'
QUEUE = f'arn:aws:sqs:{REGION}:{SECURITY}:told'
HOUR = 3600
ERROR = {'errorType': 'RangeError', 'errorMessage': 'as asked'}


class Runner:
    """Answers the first `failures` invocations with an error, and keeps all."""

    def __init__(self, cloud):
        self.cloud, self.failures, self.sent = cloud, 0, []
        runner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                runner.sent.append(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
                failed = len(runner.sent) <= runner.failures
                answer = {'payload': ERROR, 'functionError': 'Unhandled'} if failed else {'payload': {'ok': True}}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        assert cloud.door('PUT', '/runner', {'url': f'http://127.0.0.1:{self.server.server_port}'})[0] == 204

    def tries(self):
        """How often it ran something, once it runs nothing."""
        for _ in range(100):
            if self.cloud.door('GET', '/runner')[1]['handedOver'] == 0:
                return len(self.sent)
            time.sleep(0.05)
        pytest.fail('an invocation never ends')


@pytest.fixture
def runner(cloud):
    runner = Runner(cloud)
    yield runner
    runner.server.shutdown()
    runner.server.server_close()


@pytest.fixture
def told(client):
    """The records in the queue `told`."""
    sqs = client('sqs')
    url = sqs.create_queue(QueueName='told')['QueueUrl']

    def read():
        messages = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get('Messages', [])
        return [json.loads(message['Body']) for message in messages]

    return read


def permit_destination(client):
    statement = allow('sqs:SendMessage', resource=QUEUE)
    client('iam').put_role_policy(RoleName='f', PolicyName='tell', PolicyDocument=policy(statement))


def accept(function, payload=b'{"n": 1}'):
    assert function.invoke(FunctionName='f', InvocationType='Event', Payload=payload)['StatusCode'] == 202


def test_a_failure_is_tried_again_after_one_minute_and_after_two(function, runner, clock):
    runner.failures = 9
    accept(function)
    assert runner.tries() == 1
    clock.advance(58)
    assert runner.tries() == 1
    clock.advance(3)
    assert runner.tries() == 2
    clock.advance(117)
    assert runner.tries() == 2
    clock.advance(5)
    assert runner.tries() == 3
    clock.advance(24 * HOUR)
    assert runner.tries() == 3
    assert [sent['payload'] for sent in runner.sent] == [{'n': 1}] * 3
    assert len({sent['requestId'] for sent in runner.sent}) == 1


def test_what_succeeds_is_not_tried_again(function, runner, clock):
    runner.failures = 1
    accept(function)
    assert runner.tries() == 1
    clock.advance(61)
    assert runner.tries() == 2
    clock.advance(HOUR)
    assert runner.tries() == 2


def test_a_call_that_is_waited_for_is_tried_once(function, runner, clock):
    runner.failures = 9
    assert function.invoke(FunctionName='f')['FunctionError'] == 'Unhandled'
    clock.advance(HOUR)
    assert runner.tries() == 1
    assert 'requestId' not in runner.sent[0]


@pytest.mark.parametrize(('config', 'tries'), [({'MaximumRetryAttempts': 0}, 1), ({'MaximumRetryAttempts': 1}, 2)])
def test_it_is_tried_as_often_as_configured(function, runner, clock, config, tries):
    runner.failures = 9
    function.put_function_event_invoke_config(FunctionName='f', **config)
    accept(function)
    for _ in range(3):
        runner.tries()
        clock.advance(121)
    assert runner.tries() == tries


def test_an_event_that_is_too_old_is_discarded(client, function, runner, clock, told):
    runner.failures = 9
    permit_destination(client)
    function.put_function_event_invoke_config(
        FunctionName='f', MaximumEventAgeInSeconds=100, DestinationConfig={'OnFailure': {'Destination': QUEUE}}
    )
    accept(function)
    assert runner.tries() == 1
    clock.advance(61)
    assert runner.tries() == 2
    clock.advance(121)
    assert runner.tries() == 2
    [record] = told()
    context = record['requestContext']
    assert (context['condition'], context['approximateInvokeCount']) == ('EventAgeExceeded', 2)


def test_a_destination_is_told_what_failed(client, function, runner, clock, told):
    runner.failures = 1
    permit_destination(client)
    function.put_function_event_invoke_config(
        FunctionName='f', MaximumRetryAttempts=0, DestinationConfig={'OnFailure': {'Destination': QUEUE}}
    )
    accept(function)
    runner.tries()
    [record] = told()
    assert record.pop('timestamp').endswith('Z')
    assert record == {
        'version': '1.0',
        'requestContext': {
            'requestId': runner.sent[0]['requestId'],
            'functionArn': f'{ARN}:$LATEST',
            'condition': 'RetriesExhausted',
            'approximateInvokeCount': 1,
        },
        'requestPayload': {'n': 1},
        'responseContext': {'statusCode': 200, 'executedVersion': '$LATEST', 'functionError': 'Unhandled'},
        'responsePayload': ERROR,
    }
    accept(function)
    runner.tries()
    assert len(told()) == 1


def test_a_destination_is_told_what_succeeded(client, function, runner, told):
    permit_destination(client)
    function.put_function_event_invoke_config(FunctionName='f', DestinationConfig={'OnSuccess': {'Destination': QUEUE}})
    accept(function)
    runner.tries()
    [record] = told()
    assert (record['requestContext']['condition'], record['responsePayload']) == ('Success', {'ok': True})
    assert 'functionError' not in record['responseContext']


def test_a_destination_is_told_only_what_the_execution_role_may(function, runner, told):
    function.put_function_event_invoke_config(FunctionName='f', DestinationConfig={'OnSuccess': {'Destination': QUEUE}})
    accept(function)
    runner.tries()
    assert told() == []


def test_a_configuration_is_replaced_or_changed(function):
    def configured():
        found = function.get_function_event_invoke_config(FunctionName='f')
        return {name: found[name] for name in ('MaximumRetryAttempts', 'MaximumEventAgeInSeconds') if name in found}

    function.put_function_event_invoke_config(FunctionName='f', MaximumRetryAttempts=0)
    function.update_function_event_invoke_config(FunctionName='f', MaximumEventAgeInSeconds=60)
    assert configured() == {'MaximumRetryAttempts': 0, 'MaximumEventAgeInSeconds': 60}
    function.put_function_event_invoke_config(FunctionName='f', MaximumRetryAttempts=1)
    assert configured() == {'MaximumRetryAttempts': 1}


def test_a_configuration_of_a_stack(client, function):
    stacks = client('cloudformation')

    def deploy(call, resources):
        call(StackName='s', TemplateBody=json.dumps({'Resources': {'Queue': queue, **resources}}))

    queue = {'Type': 'AWS::SQS::Queue', 'Properties': {'QueueName': 'q'}}
    # As the Serverless Framework writes it.
    properties = {'FunctionName': 'f', 'DestinationConfig': {}, 'Qualifier': '$LATEST', 'MaximumRetryAttempts': 0}
    config = {'Type': 'AWS::Lambda::EventInvokeConfig', 'Properties': properties}
    deploy(stacks.create_stack, {'Config': config})
    assert function.get_function_event_invoke_config(FunctionName='f')['MaximumRetryAttempts'] == 0
    properties['MaximumRetryAttempts'] = 1
    deploy(stacks.update_stack, {'Config': config})
    assert function.get_function_event_invoke_config(FunctionName='f')['MaximumRetryAttempts'] == 1
    deploy(stacks.update_stack, {})
    with pytest.raises(ClientError, match='ResourceNotFoundException'):
        function.get_function_event_invoke_config(FunctionName='f')
