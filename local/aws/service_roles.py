"""How an AWS service comes to act in a role: Lambda in a function's execution role.

A service assumes a role by a way of its own that no caller has: it needs no permission, and the role's trust policy must
name it. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html
"""

import datetime

from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.sts.utils import random_session_token

from authorization import role_of
from doors import DoorError, door
from policy import Principal, resource_policy_allows
from principals import Session, open_session

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
    key = iam_backends[role.account_id]['aws'].create_temp_access_key()
    key.role_arn = role.arn
    now = utcnow()
    session = Session(
        access_key=key.access_key_id,
        token=random_session_token(),
        role=role,
        name=name,
        account=role.account_id,
        policies=None,
        issued=now,
        expiration=now + datetime.timedelta(seconds=SECONDS),
    )
    open_session(session)
    return {
        'accessKeyId': key.access_key_id,
        'secretAccessKey': key.secret_access_key,
        'sessionToken': session.token,
        'expiration': session.expiration.isoformat() + 'Z',
    }
