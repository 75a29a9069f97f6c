"""How an AWS service acts in a role: Lambda in a function's execution role, EventBridge Scheduler in a schedule's.

A service assumes a role by a way of its own that no caller has: it needs no permission, and the role's trust policy must
name it. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html
"""

from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

from authorization import resource_account, resource_policy, role_of, role_trust, sentence
from conditions import Context
from doors import DoorError, door
from policy import Principal, decide, resource_policy_allows
from principals import Caller, Session, caller_in, open_session
from resources import Access

# As Lambda's own credentials of a function last.
SECONDS = 12 * 3_600


class NotPermitted(Exception):
    """A role that a service may not assume, or that may not do what the service would do in it: AWS's sentence about it."""


def trusts(role_arn: str, service: str, source: str | None = None) -> bool:
    """Whether there is such a role and its trust policy names the service, which acts for the resource `source`."""
    account = resource_account(role_arn, '')
    context = {'aws:sourceaccount': [account], **({'aws:sourcearn': [source]} if source else {})}
    principal = Principal('', '', service=service)
    return resource_policy_allows(role_trust(role_arn), principal, 'sts:AssumeRole', None, context)


def assume_as_service(service: str, role_arn: str, name: str, source: str | None = None) -> Session:
    """A session of a role for a service, which acts for the resource `source`. Raises NotPermitted."""
    role = role_of(role_arn)
    if role is None or not trusts(role_arn, service, source):
        raise NotPermitted(f'The role {role_arn} cannot be assumed by {service}.')
    return open_session(role, name, SECONDS)


def require(session: Session, action: str, resource: str) -> None:
    """Raises NotPermitted unless IAM allows an action on a resource in a session."""
    require_of(caller_in(session), action, resource)


def require_of(caller: Caller, action: str, resource: str, keys: Context | None = None) -> None:
    """Raises NotPermitted unless IAM allows a caller an action on a resource, where these condition keys are."""
    account = resource_account(resource, caller.account)
    document, context = resource_policy(resource, account), {'aws:resourceaccount': [account], **(keys or {})}
    decision = decide(caller.principal, caller.policies(), action, resource, account, context, document)
    if not decision.allowed:
        raise NotPermitted(sentence(caller, Access(action, resource), decision))


def send_message(session: Session, queue_arn: str, body: str, attributes: dict[str, str] | None = None) -> None:
    """Puts a message with attributes of text into a queue. Raises NotPermitted, and LookupError without such a queue."""
    require(session, 'sqs:SendMessage', queue_arn)
    arn = parse_arn(queue_arn)
    backend = sqs_backends[arn.account][arn.region]
    if arn.resource_id not in backend.queues:
        raise LookupError(f'The queue {queue_arn} does not exist.')
    texts = {name: {'DataType': 'String', 'StringValue': value} for name, value in (attributes or {}).items()}
    backend.send_message(arn.resource_id, body, message_attributes=texts)


@door('POST', '/service-role')
def assume(request):
    """A door of the embedded cloud, not of AWS: a service assumes a role.

    {service: 'lambda.amazonaws.com', roleArn, sessionName, sourceArn?} -> {accessKeyId, secretAccessKey, sessionToken,
    expiration}; 403 where the role does not exist or its trust policy does not name the service.
    """
    body = request.json
    try:
        session = assume_as_service(
            body.get('service', ''), body.get('roleArn', ''), body.get('sessionName', ''), body.get('sourceArn')
        )
    except NotPermitted as error:
        raise DoorError(403, str(error)) from error
    return {
        'accessKeyId': session.access_key,
        'secretAccessKey': session.secret,
        'sessionToken': session.token,
        'expiration': session.expiration.isoformat() + 'Z',
    }
