"""IAM, enforced on every call of a role's session or an IAM user.

Supplies what moto lacks: it evaluates no policy. The condition keys are those that AWS sends with a request:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
Resource policies are asked for S3 buckets, SQS queues and roles; service control policies and key policies are not.
"""

from datetime import UTC, datetime

from moto.iam.models import Role, iam_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from api_call import ApiCall
from conditions import Context
from dynamodb_access import dynamodb_accesses
from organization import organization_id
from policy import Decision, decide
from principals import Caller
from resource_tags import request_tags, resource_tags
from resources import Access, accesses


# What s3:ObjectCreationOperation is true for, of the calls that need s3:PutObject.
OBJECT_CREATIONS = ('PutObject', 'CopyObject', 'CompleteMultipartUpload')


class AccessDenied(Exception):
    """A refused call: AWS's sentence about it."""


def asked(call: ApiCall, caller: Caller) -> list[Access]:
    """The questions that IAM is asked about a call."""
    user = caller.user.name if caller.user else None
    found = dynamodb_accesses(call, caller.account) if call.prefix == 'dynamodb' else None
    return accesses(call, caller.account, user) if found is None else found


def authorize(call: ApiCall, caller: Caller, questions: list[Access]) -> None:
    """Raises AccessDenied when one of the questions is answered with no.

    Root is asked nothing but whether a role trusts it.
    """
    if not caller.checked and call.operation != 'AssumeRole':
        return
    policies = caller.policies()
    common = _request_context(call, caller)
    for access in questions:
        account = resource_account(access.resource, caller.account)
        context = {**common, **_resource_context(call, access, account), **access.context}
        trust = access.action == 'sts:AssumeRole'
        document = role_trust(access.resource) if trust else resource_policy(access.resource, account)
        decision = decide(
            caller.principal, policies, access.action, access.resource, account, context, document, trust
        )
        if not decision.allowed:
            raise AccessDenied(sentence(caller, access, decision))


def sentence(caller: Caller, access: Access, decision: Decision) -> str:
    """What AWS says about a refusal."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    quoted = f'"{access.resource}"' if access.action.startswith('s3:') else access.resource
    on = '' if access.resource == '*' else f' on resource: {quoted}'
    return f'User: {caller.principal.arn} is not authorized to perform: {access.action}{on} {decision.reason}'


def resource_account(arn: str, own: str) -> str:
    """The account that owns what an ARN names; for a bucket, whose ARN names none, the one that moto knows. What is the
    organisation's counts as the caller's own: AWS Organizations itself says which members may ask about it."""
    parts = arn.split(':', 5)
    if len(parts) < 6:
        return own
    if parts[2] == 's3' and not parts[4]:
        _, owner = s3_backends.bucket_accounts.get(parts[5].partition('/')[0], ('aws', own))
        return owner
    return parts[4] if parts[4].isdigit() and parts[2] != 'organizations' else own


def role_of(arn: str) -> Role | None:
    """The role of an ARN in any account, or None."""
    account = resource_account(arn, '')
    roles = iam_backends[account]['aws'].roles.values() if account else []
    return next((role for role in list(roles) if role.arn == arn), None)


def role_trust(arn: str) -> str | None:
    """The trust policy of a role, or None."""
    role = role_of(arn)
    return role.assume_role_policy_document if role else None


def resource_policy(arn: str, account: str) -> str | None:
    """The policy of a bucket or queue of an account, or None."""
    parts = arn.split(':', 5)
    if len(parts) < 6:
        return None
    if parts[2] == 's3':
        bucket = s3_backends[account]['aws'].buckets.get(parts[5].partition('/')[0])
        policy = bucket.policy if bucket else None
        return policy.decode() if isinstance(policy, bytes) else policy
    if parts[2] == 'sqs':
        queue = sqs_backends[account][parts[3]].queues.get(parts[5])
        return queue.policy if queue else None
    return None


def _request_context(call: ApiCall, caller: Caller) -> Context:
    now = datetime.now(UTC)
    principal = caller.principal
    kind = 'AssumedRole' if caller.session else 'User' if caller.user else 'Account'
    keys: dict[str, str | None] = {
        # The condition key of a session is the ARN of its role.
        'aws:PrincipalArn': principal.role_arn or principal.arn,
        'aws:PrincipalAccount': principal.account,
        'aws:PrincipalOrgID': organization_id(principal.account),
        'aws:PrincipalType': kind,
        'aws:PrincipalIsAWSService': 'false',
        'aws:ViaAWSService': 'false',
        'aws:userid': caller.user_id,
        'aws:username': caller.user.name if caller.user else None,
        'aws:RequestedRegion': call.region,
        'ec2:Region': call.region if call.service == 'ec2' else None,
        'aws:CurrentTime': now.strftime('%Y-%m-%dT%H:%M:%SZ'),
        'aws:EpochTime': str(int(now.timestamp())),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
        'aws:TokenIssueTime': f'{caller.session.issued:%Y-%m-%dT%H:%M:%SZ}' if caller.session else None,
        'aws:SourceIp': call.source_ip,
        'aws:UserAgent': call.headers.get('User-Agent'),
        # The embedded cloud speaks plain HTTP on this machine in place of AWS's HTTPS endpoints.
        'aws:SecureTransport': 'true',
        'sts:ExternalId': call.parameters.get('ExternalId') if call.service == 'sts' else None,
        'sts:RoleSessionName': call.parameters.get('RoleSessionName') if call.service == 'sts' else None,
    }
    context = {key.lower(): [value] for key, value in keys.items() if value is not None}
    principal_tags = resource_tags(principal.role_arn or principal.arn, principal.account, call.region)
    context.update({f'aws:principaltag/{key}'.lower(): [value] for key, value in principal_tags.items()})
    return context


def _resource_context(call: ApiCall, access: Access, account: str) -> Context:
    context = {'aws:resourceaccount': [account]}
    organization = organization_id(account)
    if organization:
        context['aws:resourceorgid'] = [organization]
    if call.prefix == 's3':
        context['s3:resourceaccount'] = [account]
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        context['s3:objectcreationoperation'] = [str(call.operation in OBJECT_CREATIONS).lower()]
        if 'If-None-Match' in call.headers:
            context['s3:if-none-match'] = [call.headers['If-None-Match']]
    given = request_tags(call, access.resource)
    if given:
        context['aws:tagkeys'] = list(given)
        context.update({f'aws:requesttag/{key}'.lower(): [value] for key, value in given.items()})
    for key, value in resource_tags(access.resource, account, call.region).items():
        context[f'aws:resourcetag/{key}'.lower()] = [value]
        context[f'{call.prefix}:resourcetag/{key}'.lower()] = [value]
    return context
