"""How an AWS service comes to act in a role: Lambda in a function's execution role.

A service assumes a role by a way of its own that no caller has: it needs no permission, and the role's trust policy must
name it. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html
"""

from authorization import role_of
from doors import DoorError, door
from policy import Principal, resource_policy_allows
from principals import open_session

# As Lambda's own credentials of a function last.
SECONDS = 12 * 3_600


@door('POST', '/service-role')
def assume(request):
    """A door of the embedded cloud, not of AWS: a service assumes a role.

    {service: 'lambda.amazonaws.com', roleArn, sessionName, sourceArn?} -> {accessKeyId, secretAccessKey, sessionToken,
    expiration}; 403 where the role does not exist or its trust policy does not name the service.
    """
    body = request.json
    service, arn, name = body.get('service', ''), body.get('roleArn', ''), body.get('sessionName', '')
    role = role_of(arn)
    source = body.get('sourceArn')
    context = {'aws:sourceaccount': [role.account_id] if role else [], **({'aws:sourcearn': [source]} if source else {})}
    trust = role.assume_role_policy_document if role else None
    if role is None or not resource_policy_allows(trust, Principal('', '', service=service), 'sts:AssumeRole', None, context):
        raise DoorError(403, f'The role {arn} cannot be assumed by {service}.')
    session = open_session(role, name, SECONDS)
    return {
        'accessKeyId': session.access_key,
        'secretAccessKey': session.secret,
        'sessionToken': session.token,
        'expiration': session.expiration.isoformat() + 'Z',
    }
