"""One embedded cloud for all tests, reset before each; clients for any account, role or key."""

import http.server
import io
import json
import pathlib
import queue
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile

import boto3
import pytest
from botocore.config import Config

SERVER = pathlib.Path(__file__).parents[1] / 'server.py'
SECURITY, MEMBER, OUTSIDE = '111122223333', '444455556666', '999900001111'
REGION = 'eu-west-1'
MINUTE, HOUR, DAY = 60, 3600, 86400

sys.path.insert(0, str(SERVER.parent))


class Cloud:
    """The running server: its doors, and AWS clients on it."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint

    def door(self, method: str, path: str, body=None):
        """Calls a door and returns (status, JSON answer or None)."""
        data = None if body is None else json.dumps(body).encode()
        headers = {'Content-Type': 'application/json'}
        request = urllib.request.Request(f'{self.endpoint}/firebreak{path}', data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def client(self, service: str, account: str = SECURITY, credentials: dict | None = None, region: str = REGION, **config):
        """A client as the root of an account, or with credentials as STS or IAM give them."""
        keys = {'aws_access_key_id': 'test', 'aws_secret_access_key': 'test'}
        if credentials:
            keys = {
                'aws_access_key_id': credentials['AccessKeyId'],
                'aws_secret_access_key': credentials['SecretAccessKey'],
                'aws_session_token': credentials.get('SessionToken'),
            }
        settings = Config(**{'retries': {'total_max_attempts': 1}, **config})
        client = boto3.client(service, region_name=region, endpoint_url=self.endpoint, config=settings, **keys)
        if not credentials:
            client.meta.events.register(
                'before-sign', lambda request, **_: request.headers.add_header('x-moto-account-id', account)
            )
        return client

    def role(self, name: str, statements: list | None = None, trust: dict | list | None = None, account: str = SECURITY) -> str:
        """Creates a role with an inline policy of `statements`; its trust is by default in its own account."""
        iam = self.client('iam', account)
        trust = trust or {'Effect': 'Allow', 'Principal': {'AWS': f'arn:aws:iam::{account}:root'}, 'Action': 'sts:AssumeRole'}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))['Role']['Arn']
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName='inline', PolicyDocument=policy(statements))
        return arn

    def assume(self, arn: str, credentials: dict | None = None, account: str | None = None, **arguments) -> dict:
        """Credentials of a new session of a role, by default assumed by the root of the role's account."""
        sts = self.client('sts', account or arn.split(':')[4], credentials)
        return sts.assume_role(RoleArn=arn, RoleSessionName='session', **arguments)['Credentials']


class Clock:
    """The cloud's clock, which its tests move on."""

    def __init__(self, cloud):
        self.cloud = cloud

    def now(self) -> float:
        return self.cloud.door('GET', '/clock')[1]['now']

    def advance(self, seconds: float) -> float:
        status, answer = self.cloud.door('POST', '/clock', {'advance': seconds})
        assert status == 200, answer
        return answer['now']

    def advance_to(self, hour: int) -> None:
        """To some minutes before a full hour, so that real time that passes meanwhile changes nothing."""
        self.advance((hour * HOUR - 20 * MINUTE - self.now()) % DAY)


def policy(statements: dict | list) -> str:
    return json.dumps({'Version': '2012-10-17', 'Statement': statements})


def allow(*actions: str, resource='*', **more) -> dict:
    return {'Effect': 'Allow', 'Action': list(actions), 'Resource': resource, **more}


def deny(*actions: str, resource='*', **more) -> dict:
    return {**allow(*actions, resource=resource, **more), 'Effect': 'Deny'}


@pytest.fixture(scope='session')
def server():
    process = subprocess.Popen(
        [sys.executable, str(SERVER), '--port', '0'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield Cloud(json.loads(process.stdout.readline())['endpoint'])
    process.stdin.close()
    assert process.wait(timeout=10) == 0


@pytest.fixture
def cloud(server):
    urllib.request.urlopen(urllib.request.Request(f'{server.endpoint}/moto-api/reset', method='POST')).close()
    server.door('PUT', '/runner', {'url': None})
    return server


@pytest.fixture
def clock(cloud):
    return Clock(cloud)


@pytest.fixture
def automation(cloud):
    # It takes its accounts from here.
    from runbooks import Automation

    return Automation(cloud)


@pytest.fixture
def client(cloud):
    """`client(service, account, region)`: a client as the root of an account."""
    return lambda service, account=SECURITY, region=REGION: cloud.client(service, account, region=region)


@pytest.fixture
def post(cloud):
    """`post(path, body)`: posts JSON to a door, which must take it, and returns the answer."""

    def send(path, body):
        status, answer = cloud.door('POST', path.removeprefix('/firebreak'), body)
        assert status < 400, answer
        return answer

    return send


@pytest.fixture
def runner(cloud):
    """A queue of the invocations that reach the runner."""
    received = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.put(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"payload": null}')

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    assert cloud.door('PUT', '/runner', {'url': f'http://127.0.0.1:{server.server_port}'})[0] == 204
    yield received
    server.shutdown()
    server.server_close()


@pytest.fixture
def function(client):
    """A client of Lambda where the function `f` is."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, 'w') as archive:
        archive.writestr('index.mjs', 'export const handler = () => {}')
    trust = {
        'Statement': [
            {'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}
        ]
    }
    role = client('iam').create_role(RoleName='f', AssumeRolePolicyDocument=json.dumps(trust))['Role']['Arn']
    functions = client('lambda')
    arguments = {
        'Runtime': 'nodejs22.x',
        'Role': role,
        'Handler': 'index.handler',
        'Code': {'ZipFile': code.getvalue()},
    }
    functions.create_function(FunctionName='f', **arguments)
    return functions
