"""Secrets Manager: rotation."""

import time

import pytest
from botocore.exceptions import ClientError
from test_lambda import ARN, functions, runner  # noqa: F401

TOKEN = '11111111-2222-3333-4444-555555555555'


@pytest.fixture
def secrets(client):
    secrets = client('secretsmanager')
    secrets.create_secret(Name='orders', SecretString='first')
    return secrets


def refused(operation, **arguments) -> str:
    with pytest.raises(ClientError) as error:
        operation(**arguments)
    return error.value.response['Error']['Code']


def steps(runner, number: int) -> list[dict]:
    """The events of that many steps, in their order."""
    for _ in range(100):
        if len(runner.sent) >= number:
            break
        time.sleep(0.05)
    return [sent['payload'] for _, sent in runner.sent]


def test_a_secret_without_a_function_is_not_rotated(secrets):
    assert refused(secrets.rotate_secret, SecretId='orders') == 'InvalidRequestException'
    assert refused(secrets.rotate_secret, SecretId='other') == 'ResourceNotFoundException'


def test_its_function_runs_for_four_steps_and_moves_the_label(secrets, functions, runner):  # noqa: F811
    secrets.rotate_secret(SecretId='orders', RotationLambdaARN=ARN, RotateImmediately=False)
    answer = secrets.rotate_secret(SecretId='orders', ClientRequestToken=TOKEN)
    assert answer['VersionId'] == TOKEN
    assert [event['Step'] for event in steps(runner, 4)] == ['createSecret', 'setSecret', 'testSecret', 'finishSecret']
    assert {event['ClientRequestToken'] for event in steps(runner, 4)} == {TOKEN}

    before = secrets.describe_secret(SecretId='orders')
    assert before['RotationLambdaARN'] == ARN
    assert before['VersionIdsToStages'][TOKEN] == ['AWSPENDING']
    assert refused(secrets.rotate_secret, SecretId='orders') == 'InvalidRequestException'

    # As the function does in its first and its last step.
    secrets.put_secret_value(SecretId='orders', ClientRequestToken=TOKEN, SecretString='second', VersionStages=['AWSPENDING'])
    assert secrets.get_secret_value(SecretId='orders')['SecretString'] == 'first'
    current = next(each for each, stages in before['VersionIdsToStages'].items() if 'AWSCURRENT' in stages)
    moved = {'VersionStage': 'AWSCURRENT', 'MoveToVersionId': TOKEN, 'RemoveFromVersionId': current}
    secrets.update_secret_version_stage(SecretId='orders', **moved)
    secrets.update_secret_version_stage(SecretId='orders', VersionStage='AWSPENDING', RemoveFromVersionId=TOKEN)
    assert secrets.get_secret_value(SecretId='orders')['SecretString'] == 'second'
    after = secrets.describe_secret(SecretId='orders')['VersionIdsToStages']
    assert after == {current: ['AWSPREVIOUS'], TOKEN: ['AWSCURRENT']}
    secrets.rotate_secret(SecretId='orders')


def test_a_step_that_fails_is_the_last(secrets, functions, runner):  # noqa: F811
    runner.answer = {'payload': {'errorMessage': 'no'}, 'functionError': 'Unhandled'}
    secrets.rotate_secret(SecretId='orders', RotationLambdaARN=ARN)
    assert steps(runner, 1)[0]['Step'] == 'createSecret'
    time.sleep(0.3)
    assert len(runner.sent) == 1
