"""AWS Organizations: the organisation that the cloud's accounts belong to, as its members see it.

An organisation created through moto's Organizations API is the one that counts. Until there is one, the accounts of the
embedded cloud form `o-firebreak0`, so that a deployment needs no organisation to be built first; any other account
belongs to none. Its management account has nothing else in it: to tag an account, its root does (`TagResource`).

Facts supplied, where moto differs:
- A member that is a delegated administrator of a service may call what describes and lists, on the whole organisation;
  any member may call DescribeOrganization, and no member anything else.
  https://docs.aws.amazon.com/organizations/latest/APIReference/action-reference.html
  https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html
  https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListTagsForResource.html
- The condition key `aws:PrincipalOrgID`.
  https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
"""

import threading

from moto.core.utils import utcnow
from moto.organizations.exceptions import OrganizationsClientError
from moto.organizations.models import FakeAccount, FakeOrganization, FakeRoot, OrganizationsBackend, organizations_backends
from moto.organizations.responses import OrganizationsResponse

DEFAULT_ID = 'o-firebreak0'
MANAGEMENT_ACCOUNT = '000011112222'
SECURITY_ACCOUNT = '111122223333'
_SANDBOX = {'firebreak:sandbox': 'true'}
# The members of the default organisation, with their tags.
DEFAULT_ACCOUNTS: dict[str, dict[str, str]] = {
    MANAGEMENT_ACCOUNT: {},
    SECURITY_ACCOUNT: {},
    '444455556666': {},
    '777788889999': {},
    '222233334444': _SANDBOX,
    '333344445555': _SANDBOX,
}
# The security account administers it, as it does in the organisation that README.md describes.
ADMINISTERED = 'guardduty.amazonaws.com'

_lock = threading.Lock()


class Member:
    """An account that was there before the organisation; each of moto's is a new one, with a role in it."""

    arn, describe, close = FakeAccount.arn, FakeAccount.describe, FakeAccount.close

    def __init__(self, organization: FakeOrganization, account: str, tags: dict[str, str]):
        self.type = 'ACCOUNT'
        self.region = organization.region
        self.organization_id = organization.id
        self.master_account_id = organization.master_account_id
        self.create_account_status_id = ''
        self.id = account
        self.name = f'account {account}'
        self.email = f'{account}@example.com'
        self.create_time = utcnow()
        self.status = self.state = 'ACTIVE'
        self.joined_method = 'INVITED'
        self.parent_id = organization.root_id
        self.attached_policies = []
        self.tags = dict(tags)


def organization_of(account: str) -> OrganizationsBackend | None:
    """The backend of the organisation that `account` is a member of, or None."""
    created = [
        backend
        for regions in list(organizations_backends.values())
        for backend in list(regions.values())
        if backend.org and backend.account_id != MANAGEMENT_ACCOUNT
    ]
    backends = created or [_default()]
    return next((each for each in backends if any(member.id == account for member in each.accounts)), None)


def organization_id(account: str) -> str | None:
    """The id of the organisation that `account` is a member of, or None."""
    backend = organization_of(account)
    return backend.org.id if backend and backend.org else None


def _default() -> OrganizationsBackend:
    backend = organizations_backends[MANAGEMENT_ACCOUNT]['aws']
    with _lock:
        if backend.org is None:
            organization = FakeOrganization(MANAGEMENT_ACCOUNT, 'us-east-1', 'ALL')
            organization.id = DEFAULT_ID
            backend.ou.append(FakeRoot(organization))
            backend.accounts += [Member(organization, account, tags) for account, tags in DEFAULT_ACCOUNTS.items()]
            backend.register_delegated_administrator(AccountId=SECURITY_ACCOUNT, ServicePrincipal=ADMINISTERED)
            # Last: who sees it sees all of it.
            backend.org = organization
    return backend


def answering(response: OrganizationsResponse) -> OrganizationsBackend:
    """Replaces OrganizationsResponse.organizations_backend: the organisation that answers the caller, or its refusal."""
    account, operation = response.current_account, response._get_action()
    organization = organization_of(account)
    own = organizations_backends[account][response.partition]
    if organization is None or organization is own or operation == 'CreateOrganization':
        return own
    administers = any(administrator.account.id == account for administrator in organization.admins)
    if operation == 'DescribeOrganization' or (administers and operation.startswith(('Describe', 'List'))):
        return organization
    raise OrganizationsClientError('AccessDeniedException', "You don't have permissions to access this resource.")


OrganizationsResponse.organizations_backend = property(answering)
