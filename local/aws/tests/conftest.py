"""One embedded cloud for all tests of this folder; its state is cleared before each."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

FOLDER = Path(__file__).parent.parent
sys.path.insert(0, str(FOLDER))

SECURITY_ACCOUNT = '111122223333'
HOME_REGION = 'eu-west-1'


@pytest.fixture(scope='session')
def server():
    """The endpoint of a cloud started for this session."""
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / 'server.py'), '--port', '0'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield json.loads(process.stdout.readline())['endpoint']
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def cloud(server):
    """The endpoint of the cloud, empty."""
    urllib.request.urlopen(urllib.request.Request(f'{server}/moto-api/reset', method='POST')).close()
    return server


@pytest.fixture
def client(cloud):
    """`client(service, account, region)`: a boto3 client that acts as the root of an account."""

    def connect(service, account=SECURITY_ACCOUNT, region=HOME_REGION):
        made = boto3.client(
            service,
            region_name=region,
            endpoint_url=cloud,
            aws_access_key_id='test',
            aws_secret_access_key='test',
            config=Config(retries={'max_attempts': 1}, s3={'addressing_style': 'path'}),
        )
        made.meta.events.register('before-send.*', lambda request, **_: request.headers.__setitem__('x-moto-account-id', account))
        return made

    return connect


@pytest.fixture
def post(cloud):
    """`post(path, body)`: the JSON answer of one of the cloud's own doors."""

    def send(path, body):
        request = urllib.request.Request(
            cloud + path, data=json.dumps(body).encode(), headers={'Content-Type': 'application/json'}, method='POST'
        )
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read() or 'null')

    return send
