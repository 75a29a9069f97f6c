"""The AWS organisation that the cloud's accounts belong to, for the condition key `aws:PrincipalOrgID`.

An organisation created through moto's Organizations API is the one that counts. Until there is one, the three accounts
of the embedded cloud form `o-firebreak0`, so that a deployment needs no organisation to be built first; any other
account belongs to none.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
"""

from moto.organizations.models import organizations_backends

DEFAULT_ID = 'o-firebreak0'
DEFAULT_ACCOUNTS = ('111122223333', '444455556666', '777788889999')


def organization_id(account: str) -> str | None:
    """The id of the organisation that `account` is a member of, or None."""
    created = [backend for regions in organizations_backends.values() for backend in regions.values() if backend.org]
    if not created:
        return DEFAULT_ID if account in DEFAULT_ACCOUNTS else None
    return next((org.org.id for org in created if any(member.id == account for member in org.accounts)), None)
