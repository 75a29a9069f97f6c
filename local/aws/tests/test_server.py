"""The server process: how it says that it is ready, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from conftest import SECURITY, SERVER


def start(*arguments, **more) -> tuple[subprocess.Popen, dict]:
    process = subprocess.Popen([sys.executable, str(SERVER), *arguments], stdout=subprocess.PIPE, text=True, **more)
    return process, json.loads(process.stdout.readline())


def test_it_tells_where_it_is_and_ends_on_sigterm(tmp_path):
    process, ready = start('--port', '0', '--ready-file', str(tmp_path / 'ready'), stdin=subprocess.PIPE)
    assert ready == {'endpoint': ready['endpoint'], 'pid': process.pid}
    assert json.loads((tmp_path / 'ready').read_text()) == ready
    with urllib.request.urlopen(f'{ready["endpoint"]}/firebreak/calls', timeout=10) as response:
        assert json.load(response) == []
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0


def test_it_ends_with_its_parent():
    """A parent that gives it no pipe and dies without a word."""
    parent = f'''
import subprocess, sys
child = subprocess.Popen([sys.executable, {str(SERVER)!r}], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline(), end='', flush=True)
'''
    told = subprocess.run([sys.executable, '-c', parent], capture_output=True, text=True, timeout=30, check=True)
    ready = json.loads(told.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f'{ready["endpoint"]}/firebreak/calls', timeout=10).close()
        except OSError:
            return
        time.sleep(0.1)
    os.kill(ready['pid'], signal.SIGKILL)
    pytest.fail('the server outlived its parent')


def test_accounts_are_apart_and_the_security_account_is_the_default(cloud):
    cloud.client('iam', '777788889999').create_user(UserName='other')
    assert cloud.client('iam').list_users()['Users'] == []
    identity = boto3.client(
        'sts', region_name='eu-west-1', endpoint_url=cloud.endpoint, aws_access_key_id='x', aws_secret_access_key='x'
    ).get_caller_identity()
    assert (identity['Account'], identity['Arn']) == (SECURITY, f'arn:aws:iam::{SECURITY}:root')


def test_no_image_or_snapshot_is_there_from_the_start(cloud):
    assert cloud.client('ec2').describe_snapshots()['Snapshots'] == []


def test_an_operation_that_is_missing_says_so_and_is_not_retried(cloud):
    ssm = cloud.client('ssm', retries={'total_max_attempts': 3})
    with pytest.raises(ssm.exceptions.ClientError) as error:
        ssm.list_inventory_entries(InstanceId='i-0123456789abcdef0', TypeName='AWS:Application')
    assert error.value.response['Error']['Code'] == 'NotImplemented'
    assert len(cloud.door('GET', '/calls')[1]) == 1


def test_a_request_without_credentials_is_anonymous(cloud):
    s3 = boto3.client('s3', region_name='eu-west-1', endpoint_url=cloud.endpoint, config=Config(signature_version=UNSIGNED))
    with pytest.raises(s3.exceptions.ClientError):
        s3.get_object(Bucket='nowhere', Key='a')
    assert cloud.door('GET', '/calls')[1][-1]['principal'] == 'anonymous'


def test_a_reset_forgets_calls_faults_and_sessions(cloud):
    arn = cloud.role('worker')
    credentials = cloud.assume(arn)
    cloud.door('PUT', '/faults', [{'service': 's3', 'latency': 1}])
    urllib.request.urlopen(urllib.request.Request(f'{cloud.endpoint}/moto-api/reset', method='POST')).close()
    assert cloud.door('GET', '/calls') == (200, [])
    assert cloud.door('GET', '/faults') == (200, [])
    iam = cloud.client('iam', credentials=credentials)
    with pytest.raises(iam.exceptions.ClientError) as error:
        iam.list_users()
    assert error.value.response['Error']['Code'] == 'InvalidClientTokenId'
