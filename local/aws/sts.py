"""AWS STS: AssumeRole as AWS does it.

Facts supplied, where moto differs: the role exists, its trust policy admits the caller (authorization.py asks it), the
session is limited by the policies passed, lasts no longer than AWS lets it, and ends.
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html (role chaining: one hour)
"""

import json
import re
import zlib

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.models import ManagedPolicy, Role, iam_backends
from moto.sts.responses import TokenResponse

import managed_policies
import policy
from authorization import role_of
from principals import current_caller, managed_document, open_session

POLICY_CHARACTERS = 2_048
POLICY_ARNS = 10
# AWS does not disclose how it packs policies, nor into how much space. We take the deflated size against 1,024 bytes,
# by which a full policy of random identifiers is just too large: a cautious guess that errs on the side of refusing.
PACKED_BYTES = 1_024
CHAINED_SECONDS = 3_600


class StsError(ServiceException):
    """An error of STS; `code` is the AWS error code."""

    def __init__(self, code: str, message: str):
        super().__init__(code, message)
        self.code = code


def _invalid(value: object, name: str, constraint: str) -> StsError:
    return StsError(
        'ValidationError',
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {constraint}",
    )


def assume_role(response: TokenResponse) -> ActionResult:
    """Replaces TokenResponse.assume_role: credentials of a new session, or a ValidationError, MalformedPolicyDocument
    or PackedPolicyTooLarge."""
    caller = current_caller.get()
    arn = response._get_param('RoleArn')
    name = response._get_param('RoleSessionName') or ''
    if not re.fullmatch(r'[\w+=,.@-]{2,64}', name, re.ASCII):
        raise _invalid(name, 'roleSessionName', r'satisfy regular expression pattern: [\w+=,.@-]* with a length of 2 to 64')
    # Its trust policy has been asked: the role exists.
    role = role_of(arn)
    duration = _duration(response._get_int_param('DurationSeconds', 3_600), role, chained=caller.session is not None)
    documents, packed = _session_policies(role, response._get_param('Policy'), response._get_param('PolicyArns') or [])
    session = open_session(role, name, duration, documents, packed)
    return ActionResult(
        {
            'Credentials': {
                'AccessKeyId': session.access_key,
                'SecretAccessKey': session.secret,
                'SessionToken': session.token,
                'Expiration': session.expiration,
            },
            'AssumedRoleUser': {'AssumedRoleId': f'{role.id}:{name}', 'Arn': session.arn},
            **({} if packed is None else {'PackedPolicySize': packed}),
        }
    )


def _duration(seconds: int, role: Role, chained: bool) -> int:
    if seconds < 900:
        raise _invalid(seconds, 'durationSeconds', 'have value greater than or equal to 900')
    if seconds > 43_200:
        raise _invalid(seconds, 'durationSeconds', 'have value less than or equal to 43200')
    if chained and seconds > CHAINED_SECONDS:
        raise StsError(
            'ValidationError',
            'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
        )
    if seconds > int(role.max_session_duration or 3_600):
        raise StsError(
            'ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.'
        )
    return seconds


def _session_policies(role: Role, inline: str | None, arns: list[dict]) -> tuple[list[str] | None, int | None]:
    """The session policies' documents, None where none is passed, and how much of the packed space they take in %."""
    if inline is None and not arns:
        return None, None
    if inline is not None and not 1 <= len(inline) <= POLICY_CHARACTERS:
        raise _invalid(inline, 'policy', f'have length less than or equal to {POLICY_CHARACTERS}')
    if len(arns) > POLICY_ARNS:
        raise _invalid(arns, 'policyArns', f'have length less than or equal to {POLICY_ARNS}')
    documents = [managed_document(_managed(role, item['arn'])) for item in arns]
    if inline is not None:
        try:
            policy.parse(inline)
        except ValueError as error:
            raise StsError('MalformedPolicyDocument', f'The policy is not in the valid JSON format: {error}') from None
        documents.append(inline)
    packed = _packed_percent(inline, [item['arn'] for item in arns])
    if packed > 100:
        raise StsError(
            'PackedPolicyTooLarge', f'Packed policy consumes {packed}% of allotted space, please use smaller policy.'
        )
    return documents, packed


def _managed(role: Role, arn: str) -> ManagedPolicy:
    backend = iam_backends[role.account_id]['aws']
    managed_policies.load(backend, arn)
    found = backend.managed_policies.get(arn)
    if found is None:
        raise StsError('ValidationError', f'Policy {arn} does not exist or is not attachable.')
    return found


def _packed_percent(inline: str | None, arns: list[str]) -> int:
    text = (json.dumps(json.loads(inline), separators=(',', ':')) if inline else '') + ''.join(arns)
    size = len(zlib.compress(text.encode(), level=9, wbits=-15))
    return -(-100 * size // PACKED_BYTES)


def get_caller_identity(response: TokenResponse) -> ActionResult:
    """Replaces TokenResponse.get_caller_identity: the session, the user, or the account's root.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    caller = current_caller.get()
    return ActionResult({'UserId': caller.user_id, 'Account': caller.account, 'Arn': caller.principal.arn})


TokenResponse.assume_role = assume_role
TokenResponse.get_caller_identity = get_caller_identity
