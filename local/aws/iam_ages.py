"""AWS IAM: access keys of any age.

Facts supplied, where moto differs:
- When a key was made and last used is set by no API: the door `POST /firebreak/access-keys` sets it.
- GetAccessKeyLastUsed knows the keys of the caller's own account.
  https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
- ListAccessKeys has pages. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
"""

import datetime

from moto.core.responses import ActionResult
from moto.iam.exceptions import ValidationError
from moto.iam.models import AccessKey, AccessKeyLastUsed, IAMBackend, iam_backends
from moto.iam.responses import IamResponse

from doors import DoorError, door
from pages import InvalidToken, page

list_access_keys_as_moto = IamResponse.list_access_keys


@door('POST', '/access-keys')
def set_ages(request):
    """A door of the embedded cloud, not of AWS: sets when an access key was made and last used.

    `{account, accessKeyId, createDate?, lastUsed?: {date, serviceName, region} | null}`, dates in ISO 8601; a
    lastUsed of null is a key that was never used, an absent one is left as it is.
    """
    body = request.json
    key = iam_backends[body['account']]['aws'].access_keys.get(body['accessKeyId'])
    if key is None:
        raise DoorError(404, f'account {body["account"]} has no access key {body["accessKeyId"]}')
    if 'createDate' in body:
        key.create_date = _moment(body['createDate'])
    if 'lastUsed' in body:
        used = body['lastUsed']
        key.last_used = used and AccessKeyLastUsed(_moment(used['date']), used['serviceName'], used['region'])


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise DoorError(400, f'{text} is not an ISO 8601 time') from error
    # moto keeps times in UTC without saying so.
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def own_access_keys(backend: IAMBackend) -> list[AccessKey]:
    """Replaces `get_all_access_keys_for_all_users`, which goes through all accounts."""
    return [key for user in backend.users.values() for key in user.access_keys]


def list_access_keys(response: IamResponse) -> ActionResult:
    """Answers ListAccessKeys."""
    result = list_access_keys_as_moto(response).result
    limit = response._get_param('MaxItems')
    try:
        keys, marker = page(result['AccessKeyMetadata'], int(limit) if limit else None, response._get_param('Marker'))
    except InvalidToken as error:
        raise ValidationError('Invalid Marker.') from error
    return ActionResult({**result, 'AccessKeyMetadata': keys, 'IsTruncated': marker is not None, 'Marker': marker})


IAMBackend.get_all_access_keys_for_all_users = own_access_keys
IamResponse.list_access_keys = list_access_keys
