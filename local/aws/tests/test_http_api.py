"""The HTTPS door: an HTTP API of a stack answers at its endpoint, to whom IAM lets, by running its function."""

import base64
import json
import time
import urllib.error
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, allow, policy
from test_lambda import Runner

FUNCTION = f'arn:aws:lambda:{REGION}:{SECURITY}:function:approve'
PATH = '/responses/storage-0a1b2c3d4e/approve'
API = {'Ref': 'HttpApi'}


def route(key: str, authorization: str = 'AWS_IAM') -> dict:
    target = {'Fn::Join': ['/', ['integrations', {'Ref': 'Integration'}]]}
    return {
        'Type': 'AWS::ApiGatewayV2::Route',
        'Properties': {'ApiId': API, 'RouteKey': key, 'Target': target, 'AuthorizationType': authorization},
    }


RESOURCES = {
    'Function': {
        'Type': 'AWS::Lambda::Function',
        'Properties': {
            'FunctionName': 'approve',
            'Runtime': 'nodejs24.x',
            'Role': f'arn:aws:iam::{SECURITY}:role/worker',
            'Handler': 'index.handler',
            'Code': {'ZipFile': 'x'},
        },
    },
    'HttpApi': {'Type': 'AWS::ApiGatewayV2::Api', 'Properties': {'Name': 'door', 'ProtocolType': 'HTTP'}},
    'Stage': {
        'Type': 'AWS::ApiGatewayV2::Stage',
        'Properties': {'ApiId': API, 'StageName': '$default', 'AutoDeploy': True},
    },
    'Permission': {
        'Type': 'AWS::Lambda::Permission',
        'Properties': {
            'FunctionName': {'Fn::GetAtt': ['Function', 'Arn']},
            'Action': 'lambda:InvokeFunction',
            'Principal': 'apigateway.amazonaws.com',
            'SourceArn': {'Fn::Join': ['', [f'arn:aws:execute-api:{REGION}:{SECURITY}:', API, '/*']]},
        },
    },
    'Integration': {
        'Type': 'AWS::ApiGatewayV2::Integration',
        'Properties': {
            'ApiId': API,
            'IntegrationType': 'AWS_PROXY',
            'IntegrationUri': {'Fn::GetAtt': ['Function', 'Arn']},
            'PayloadFormatVersion': '2.0',
            'TimeoutInMillis': 1_000,
        },
    },
    'Approve': route('POST /responses/{id}/approve'),
    'Any': route('ANY /responses/{id}/approve'),
    'Latest': route('POST /responses/latest/approve'),
    'Greedy': route('GET /files/{name+}'),
    'Open': route('GET /open', 'NONE'),
    'Parameter': {
        'Type': 'AWS::SSM::Parameter',
        'Properties': {'Name': '/firebreak/door', 'Type': 'String', 'Value': {'Fn::GetAtt': ['HttpApi', 'ApiEndpoint']}},
    },
}


class Door:
    """The deployed door, and a client of it."""

    def __init__(self, cloud, runner):
        self.cloud, self.runner = cloud, runner
        cloud.role('worker', trust={'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'})
        self.deploy(RESOURCES)
        self.url = cloud.client('ssm').get_parameter(Name='/firebreak/door')['Parameter']['Value']
        self.api = self.url.rpartition('/')[2]

    def deploy(self, resources, update=False):
        stacks = self.cloud.client('cloudformation')
        call = stacks.update_stack if update else stacks.create_stack
        call(StackName='s', TemplateBody=json.dumps({'Resources': resources}))
        assert stacks.describe_stacks(StackName='s')['Stacks'][0]['StackStatus'].endswith('E_COMPLETE')

    def analyst(self, *statements, account=SECURITY):
        """Credentials of a session of a role with these statements, by default any call of this door."""
        statements = statements or (allow('execute-api:Invoke', resource=f'arn:aws:execute-api:{REGION}:{SECURITY}:{self.api}/*'),)
        arn = self.cloud.role(f'analyst-{time.monotonic_ns()}', list(statements), account=account)
        return self.cloud.assume(arn)

    def call(self, path, credentials=None, method='POST', body=None, service='execute-api', region=REGION, secret=None, tamper=None, **headers):
        """Status, body and headers of the answer to a request, signed with credentials if there are any; `tamper` is the body
        that is sent in place of the signed one."""
        request = AWSRequest(method, self.url + path, headers, body)
        if credentials:
            given = (credentials['AccessKeyId'], secret or credentials['SecretAccessKey'], credentials.get('SessionToken'))
            SigV4Auth(Credentials(*given), service, region).add_auth(request)
        prepared = request.prepare()
        sent = urllib.request.Request(prepared.url, tamper or body, dict(prepared.headers), method=method)
        try:
            with urllib.request.urlopen(sent, timeout=20) as response:
                return response.status, response.read(), response.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers


@pytest.fixture
def door(cloud):
    runner = Runner()
    cloud.door('PUT', '/runner', {'url': runner.url})
    yield Door(cloud, runner)
    runner.server.shutdown()
    runner.server.server_close()


def message(answer):
    return answer[0], json.loads(answer[1])


FORBIDDEN = (403, {'message': 'Forbidden'})


def test_the_function_is_told_who_calls_in_payload_format_2(door):
    analyst = door.analyst()
    door.runner.answer = {'payload': {'statusCode': 202, 'headers': {'X-Outcome': 'approved'}, 'body': '{"ok":true}'}}
    status, body, headers = door.call(
        f'{PATH}?why=a%20b&why=c', analyst, body=b'{"reason": "\xc3\xa9"}', **{'Content-Type': 'application/json', 'User-Agent': 'test'}
    )
    assert (status, body, headers['x-outcome']) == (202, b'{"ok":true}', 'approved')
    [(_, sent)] = door.runner.sent
    assert sent['functionArn'] == FUNCTION
    event = sent['payload']
    identity = door.cloud.client('sts', credentials=analyst).get_caller_identity()
    context = event.pop('requestContext')
    assert context.pop('authorizer') == {
        'iam': {
            'accessKey': analyst['AccessKeyId'],
            'accountId': SECURITY,
            'callerId': identity['UserId'],
            'cognitoIdentity': None,
            'principalOrgId': 'o-firebreak0',
            'userArn': identity['Arn'],
            'userId': identity['UserId'],
        }
    }
    assert abs(context.pop('timeEpoch') / 1_000 - time.time()) < 60
    assert headers['apigw-requestid'] == context.pop('requestId')
    assert time.strptime(context.pop('time'), '%d/%b/%Y:%H:%M:%S +0000')
    assert context == {
        'accountId': SECURITY,
        'apiId': door.api,
        'domainName': f'{door.api}.execute-api.{REGION}.amazonaws.com',
        'domainPrefix': door.api,
        'http': {'method': 'POST', 'path': PATH, 'protocol': 'HTTP/1.1', 'sourceIp': '127.0.0.1', 'userAgent': 'test'},
        'routeKey': 'POST /responses/{id}/approve',
        'stage': '$default',
    }
    assert event.pop('headers')['content-type'] == 'application/json'
    assert event == {
        'version': '2.0',
        'routeKey': 'POST /responses/{id}/approve',
        'rawPath': PATH,
        'rawQueryString': 'why=a%20b&why=c',
        'queryStringParameters': {'why': 'a b,c'},
        'pathParameters': {'id': 'storage-0a1b2c3d4e'},
        'body': '{"reason": "é"}',
        'isBase64Encoded': False,
    }


def test_a_user_is_told_by_its_name(door):
    iam = door.cloud.client('iam')
    iam.create_user(UserName='ana')
    statement = allow('execute-api:Invoke', resource=f'arn:aws:execute-api:{REGION}:{SECURITY}:{door.api}/$default/POST/responses/*')
    iam.put_user_policy(UserName='ana', PolicyName='p', PolicyDocument=policy(statement))
    key = iam.create_access_key(UserName='ana')['AccessKey']
    assert door.call(PATH, key)[0] == 200
    told = door.runner.sent[0][1]['payload']['requestContext']['authorizer']['iam']
    assert told['userArn'] == f'arn:aws:iam::{SECURITY}:user/ana'


@pytest.mark.parametrize(
    ('method', 'path', 'key', 'arguments'),
    [
        ('POST', '/responses/a%20b/approve', 'POST /responses/{id}/approve', {'id': 'a b'}),
        ('PUT', '/responses/a/approve', 'ANY /responses/{id}/approve', {'id': 'a'}),
        ('POST', '/responses/latest/approve', 'POST /responses/latest/approve', None),
        ('GET', '/files/a/b.txt', 'GET /files/{name+}', {'name': 'a/b.txt'}),
    ],
)
def test_the_most_specific_route_is_taken(door, method, path, key, arguments):
    assert door.call(path, door.analyst(), method)[0] == 200
    event = door.runner.sent[0][1]['payload']
    assert (event['routeKey'], event.get('pathParameters')) == (key, arguments)


@pytest.mark.parametrize(
    ('method', 'path'),
    [('POST', ''), ('POST', '/responses'), ('POST', '/responses/a/b/approve'), ('POST', '/responses//approve'), ('POST', f'{PATH}/'), ('GET', '/files/'), ('POST', '/open')],
)
def test_what_no_route_matches_is_not_found(door, method, path):
    assert message(door.call(path, method=method)) == (404, {'message': 'Not Found'})
    assert message(door.call(path, door.analyst(), method)) == (404, {'message': 'Not Found'})
    assert door.runner.sent == []


def test_an_api_that_does_not_exist_is_not_found(door):
    door.url = door.url[:-3] + 'xxx'
    assert message(door.call(PATH)) == (404, {'message': 'Not Found'})


def test_only_a_right_signature_opens(door):
    analyst = door.analyst()
    assert door.call(PATH, analyst, body=b'{}')[0] == 200
    door.runner.sent.clear()
    unknown = {'AccessKeyId': 'AKIAIOSFODNN7EXAMPLE', 'SecretAccessKey': 'x'}
    for answer in (
        door.call(PATH),
        door.call(PATH, unknown),
        door.call(PATH, analyst, secret='other'),
        door.call(PATH, analyst, body=b'{}', tamper=b'[]'),
        door.call(PATH, {**analyst, 'SessionToken': 'other'}),
        door.call(PATH, analyst, service='lambda'),
        door.call(PATH, analyst, region='us-east-1'),
    ):
        assert message(answer) == FORBIDDEN
    door.cloud.door('POST', '/sessions/expire', {'accessKeyId': analyst['AccessKeyId']})
    assert message(door.call(PATH, analyst)) == FORBIDDEN
    assert door.runner.sent == []


def test_iam_decides_by_api_stage_method_and_path(door):
    arn = f'arn:aws:execute-api:{REGION}:{SECURITY}:{door.api}/$default/POST/responses'
    for statements in (
        [allow('ssm:GetParameter')],
        [allow('execute-api:Invoke', resource=f'{arn}/other/approve')],
        [allow('execute-api:Invoke', resource=arn.replace('POST', 'GET') + '/*')],
        [allow('execute-api:Invoke', resource=arn.replace(door.api, 'other') + '/*')],
        [allow('execute-api:Invoke'), {**allow('execute-api:Invoke', resource=f'{arn}/*/approve'), 'Effect': 'Deny'}],
    ):
        assert message(door.call(PATH, door.analyst(*statements))) == FORBIDDEN
    assert message(door.call(PATH, door.analyst(allow('execute-api:Invoke'), account=MEMBER))) == FORBIDDEN
    assert door.runner.sent == []
    assert door.call(PATH, door.analyst(allow('execute-api:Invoke', resource=f'{arn}/*/approve')))[0] == 200


def test_a_route_for_everybody_asks_nobody(door):
    assert door.call('/open', method='GET')[0] == 200
    assert 'authorizer' not in door.runner.sent[0][1]['payload']['requestContext']


def test_calls_are_logged_and_disturbed_as_any_call(door):
    analyst, nobody = door.analyst(), door.analyst(allow('ssm:GetParameter'))
    door.cloud.door('DELETE', '/calls')
    door.call(PATH, analyst)
    door.call(PATH, nobody)
    _, [allowed, denied] = door.cloud.door('GET', '/calls')
    assert (allowed['service'], allowed['operation'], allowed['region'], allowed['account']) == ('execute-api', 'Invoke', REGION, SECURITY)
    assert (allowed['actions'], allowed['status'], allowed['decision']) == (['execute-api:Invoke'], 200, 'allowed')
    assert allowed['resources'] == [f'arn:aws:execute-api:{REGION}:{SECURITY}:{door.api}/$default/POST{PATH}']
    assert ':assumed-role/analyst-' in allowed['principal']
    assert (denied['status'], denied['decision']) == (403, 'denied')

    door.cloud.door('PUT', '/faults', [{'service': 'execute-api', 'times': 1, 'error': {'status': 503, 'code': 'x', 'message': 'Service Unavailable'}}])
    assert message(door.call(PATH, analyst)) == (503, {'message': 'Service Unavailable'})
    door.cloud.door('PUT', '/faults', [{'operation': 'Invoke', 'phase': 'after', 'reset': True}])
    with pytest.raises(OSError):
        door.call(PATH, analyst)
    assert len(door.runner.sent) == 2
    door.cloud.door('PUT', '/faults', [{'service': 'execute-api', 'throttle': {'bucket': 0, 'refillPerSecond': 0}}])
    assert message(door.call(PATH, analyst)) == (429, {'message': 'Too Many Requests'})


@pytest.mark.parametrize(
    ('payload', 'status', 'body', 'kind'),
    [
        ({'approved': True}, 200, b'{"approved": true}', 'application/json'),
        ('Hello', 200, b'Hello', 'application/json'),
        (None, 200, b'null', 'application/json'),
        ({'statusCode': 204}, 204, b'', None),
        ({'statusCode': 409, 'body': 'x', 'headers': {'Content-Type': 'application/json'}}, 409, b'x', 'application/json'),
        ({'statusCode': 200, 'body': base64.b64encode(b'\xff').decode(), 'isBase64Encoded': True}, 200, b'\xff', 'text/plain;charset=UTF-8'),
        ({'statusCode': 'none'}, 500, b'{"message": "Internal Server Error"}', 'application/json'),
        ({'statusCode': 200, 'body': {'an': 'object'}}, 500, b'{"message": "Internal Server Error"}', 'application/json'),
    ],
)  # fmt: skip
def test_the_answer_of_the_function_is_the_response(door, payload, status, body, kind):
    door.runner.answer = {'payload': payload}
    answer = door.call(PATH, door.analyst())
    assert answer[:2] == (status, body)
    assert kind is None or answer[2]['content-type'] == kind


def test_what_goes_wrong_behind_the_door_is_not_told(door):
    analyst = door.analyst()
    door.runner.answer = {'payload': {'errorMessage': 'secret'}, 'functionError': 'Unhandled'}
    assert message(door.call(PATH, analyst)) == (500, {'message': 'Internal Server Error'})
    door.runner.answer = {'payload': {}}
    functions = door.cloud.client('lambda')
    [statement] = json.loads(functions.get_policy(FunctionName='approve')['Policy'])['Statement']
    functions.remove_permission(FunctionName='approve', StatementId=statement['Sid'])
    other = {'Principal': 'apigateway.amazonaws.com', 'SourceArn': f'arn:aws:execute-api:{REGION}:{SECURITY}:other/*'}
    functions.add_permission(FunctionName='approve', StatementId='other', Action='lambda:InvokeFunction', **other)
    door.runner.sent.clear()
    assert message(door.call(PATH, analyst)) == (500, {'message': 'Internal Server Error'})
    assert door.runner.sent == []


def test_a_function_that_takes_too_long_is_given_up(door):
    door.runner.seconds = 3
    started = time.monotonic()
    assert message(door.call(PATH, door.analyst())) == (503, {'message': 'Service Unavailable'})
    assert time.monotonic() - started < 2.5


def test_the_payload_is_limited(door):
    body = bytes(10 * 1_048_576)
    analyst = door.analyst()
    assert door.call(PATH, analyst, body=body, **{'Content-Type': 'application/octet-stream'})[0] == 200
    event = door.runner.sent[0][1]['payload']
    assert (event['isBase64Encoded'], len(base64.b64decode(event['body']))) == (True, len(body))
    assert message(door.call(PATH, analyst, body=body + b'x')) == (413, {'message': 'Request Entity Too Large'})


def test_an_update_keeps_the_address(door):
    api = door.cloud.client('apigatewayv2')
    before = {route['RouteKey']: route['RouteId'] for route in api.get_routes(ApiId=door.api)['Items']}
    changed = {name: resource for name, resource in RESOURCES.items() if name != 'Open'}
    changed['HttpApi'] = {'Type': 'AWS::ApiGatewayV2::Api', 'Properties': {'Name': 'renamed', 'ProtocolType': 'HTTP'}}
    changed['Approve'] = route('POST /responses/{id}/deny')
    door.deploy(changed, update=True)
    [kept] = api.get_apis()['Items']
    assert (kept['ApiEndpoint'], kept['Name']) == (door.url, 'renamed')
    after = {route['RouteKey']: route['RouteId'] for route in api.get_routes(ApiId=door.api)['Items']}
    assert after['POST /responses/{id}/deny'] == before['POST /responses/{id}/approve']
    assert 'GET /open' not in after
    assert door.call('/responses/a/deny', door.analyst())[0] == 200


def test_a_deleted_stack_closes_the_door(door):
    door.cloud.client('cloudformation').delete_stack(StackName='s')
    assert door.cloud.client('apigatewayv2').get_apis()['Items'] == []
    assert door.call(PATH)[0] == 404


def test_only_who_may_read_the_parameter_learns_the_address(door):
    parameter = f'arn:aws:ssm:{REGION}:{SECURITY}:parameter/firebreak/door'
    allowed = door.cloud.client('ssm', credentials=door.analyst(allow('ssm:GetParameter', resource=parameter)))
    assert allowed.get_parameter(Name='/firebreak/door')['Parameter']['Value'] == door.url
    denied = door.cloud.client('ssm', credentials=door.analyst(allow('ssm:GetParameter', resource=f'{parameter}s')))
    with pytest.raises(ClientError, match='AccessDeniedException'):
        denied.get_parameter(Name='/firebreak/door')
