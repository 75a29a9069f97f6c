"""AWS Secrets Manager: rotation.

Facts supplied, where moto differs:
- RotateSecret has the rotation function that the secret has, unless it is given another; without any it is refused, but for
  a secret that another service owns, whose value that service replaces.
  https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
- It answers at once, with the new version labelled AWSPENDING. The function then runs for each of four steps, one after
  the other, and moves AWSCURRENT in the last; a step that fails ends the rotation there.
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
- While AWSPENDING is on a version that is not current, a rotation is in progress and another is refused.
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html
- GetSecretValue answers the version that is AWSCURRENT, also when the label was moved.
  https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
"""

import json
import logging
import threading
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.moto_api._internal import mock_random
from moto.secretsmanager.exceptions import (
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    ResourceNotFoundException,
    SecretNotFoundException,
)
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend
from moto.secretsmanager.utils import random_password

import clock
from runner import RunnerError, run

log = logging.getLogger(__name__)

update_stage_as_moto = SecretsManagerBackend.update_secret_version_stage
STEPS = ('createSecret', 'setSecret', 'testSecret', 'finishSecret')
DAY = 86400


def rotate_secret(
    backend: SecretsManagerBackend,
    secret_id: str,
    client_request_token: str | None = None,
    rotation_lambda_arn: str | None = None,
    rotation_rules: dict[str, Any] | None = None,
    rotate_immediately: bool = True,
) -> str:
    """Replaces SecretsManagerBackend.rotate_secret."""
    if not backend._is_valid_identifier(secret_id):
        raise SecretNotFoundException()
    secret = backend.secrets[secret_id]
    if isinstance(secret, ReplicaSecret):
        raise OperationNotPermittedOnReplica()
    if secret.is_deleted():
        raise InvalidRequestException('You tried to perform the operation on a secret that is currently marked deleted.')
    owned, function = secret.owning_service, rotation_lambda_arn or secret.rotation_lambda_arn
    if not function and not owned:
        raise InvalidRequestException('No Lambda rotation function ARN is associated with this secret.')
    version_id = client_request_token or str(mock_random.uuid4())
    _refuse_another(secret, version_id)
    if function:
        _require_function(backend, function)
        secret.rotation_lambda_arn = function
    secret.rotation_requested = secret.rotation_enabled = True
    days = (rotation_rules or {}).get('AutomaticallyAfterDays')
    if days:
        secret.auto_rotate_after_days, secret.next_rotation_date = days, int(clock.now()) + days * DAY
    if owned:
        _replace(secret, version_id)
    elif rotate_immediately and version_id not in secret.versions:
        secret.versions[version_id] = {
            'createdate': int(clock.now()),
            'version_id': version_id,
            'version_stages': ['AWSPENDING'],
        }
        threading.Thread(target=_run_steps, args=(function, secret.arn, version_id), daemon=True).start()
    return secret.to_short_dict(version_id=version_id)


def _refuse_another(secret: FakeSecret, version_id: str) -> None:
    for other, version in secret.versions.items():
        stages = version['version_stages']
        if 'AWSPENDING' in stages and 'AWSCURRENT' not in stages and other != version_id:
            raise InvalidRequestException('A previous rotation is not complete. That rotation will be reattempted.')


def _require_function(backend: SecretsManagerBackend, arn: str) -> None:
    try:
        lambda_backends[backend.account_id][backend.region_name].get_function(arn)
    except Exception as error:
        raise ResourceNotFoundException(f"Resource not found for ARN '{arn}'.") from error


def _replace(secret: FakeSecret, version_id: str) -> None:
    """What the owning service does: another password, current at once."""
    value = json.loads(secret.versions[secret.default_version_id]['secret_string'])
    value['password'] = random_password(28, '', False, True, False, False, False, True)
    new = {
        'createdate': int(clock.now()),
        'version_id': version_id,
        'version_stages': ['AWSCURRENT'],
        'secret_string': json.dumps(value),
    }
    secret.reset_default_version(new, version_id)
    secret.secret_string = new['secret_string']
    secret.last_rotation_date = int(clock.now())


def _run_steps(function: str, secret_arn: str, token: str) -> None:
    for step in STEPS:
        event = {'Step': step, 'SecretId': secret_arn, 'ClientRequestToken': token}
        try:
            outcome = run(function, json.dumps(event))
        except RunnerError as error:
            log.warning('%s of %s: %s', step, secret_arn, error)
            return
        if outcome.error:
            log.warning('%s of %s: %s', step, secret_arn, outcome.payload)
            return


def update_secret_version_stage(backend: SecretsManagerBackend, secret_id: str, *arguments, **named) -> tuple[str, str]:
    """Replaces SecretsManagerBackend.update_secret_version_stage."""
    answer = update_stage_as_moto(backend, secret_id, *arguments, **named)
    secret = backend.secrets[secret_id]
    secret.default_version_id = next(
        (each for each, version in secret.versions.items() if 'AWSCURRENT' in version['version_stages']), None
    )
    return answer


SecretsManagerBackend.rotate_secret = rotate_secret
SecretsManagerBackend.update_secret_version_stage = update_secret_version_stage
