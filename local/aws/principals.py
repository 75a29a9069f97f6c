"""Who calls: the account's root, an IAM user or a role's session, by the access key of the request.

A key that no AWS would have issued (`test`, or none at all) acts as the root of the account in the header
`x-moto-account-id`, or of the security account: it is how the machine itself sets things up. Signatures are
checked by http_api.py alone.
"""

import contextvars
import datetime
import uuid
from dataclasses import dataclass

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow
from moto.iam.models import Group, ManagedPolicy, Role, User, iam_backends
from moto.sts.utils import random_session_token

from api_call import ApiCall
from doors import DoorError, door, on_reset
from managed_policies import load
from policy import Policies, Principal


@dataclass
class Session:
    """What AssumeRole issued. `issued` and `expiration` are naive UTC times, as moto keeps times."""

    access_key: str
    secret: str
    token: str
    role: Role
    name: str
    account: str
    policies: list[str] | None
    issued: datetime.datetime
    expiration: datetime.datetime
    # How much of the space for packed policies they take, in %; None where there are none.
    packed: int | None = None

    @property
    def arn(self) -> str:
        return f'arn:aws:sts::{self.account}:assumed-role/{self.role.name}/{self.name}'


@dataclass
class Caller:
    """A principal with its policies. Exactly one of `user` and `session` is set, or neither for root.

    An `anonymous` caller sent no credentials: moto has it act in the same account, and s3.py decides what it may do.
    """

    principal: Principal
    user_id: str
    user: User | None = None
    session: Session | None = None
    anonymous: bool = False

    @property
    def account(self) -> str:
        return self.principal.account

    @property
    def label(self) -> str:
        """What the call log and the fault rules know the caller as: its ARN, 'root' or 'anonymous'."""
        return self.principal.arn if self.checked else 'anonymous' if self.anonymous else 'root'

    def secret(self, access_key: str) -> str | None:
        """The secret of one of the caller's access keys; root has none that is known."""
        if self.session:
            return self.session.secret
        keys = self.user.access_keys if self.user else []
        return next((key.secret_access_key for key in keys if key.access_key_id == access_key), None)

    @property
    def checked(self) -> bool:
        """Whether IAM is asked about this caller's calls."""
        return self.user is not None or self.session is not None

    def policies(self) -> Policies:
        """The policies as they are now: a change to a role counts for its open sessions."""
        if self.session:
            role = self.session.role
            current = iam_backends[self.account]['aws'].roles.get(role.id)
            if current is None:
                return Policies(session=self.session.policies)
            return Policies(_documents(current), _boundary(current, self.account), self.session.policies)
        if self.user:
            groups = iam_backends[self.account]['aws'].get_groups_for_user(self.user.name)
            documents = _documents(self.user) + [text for group in groups for text in _documents(group)]
            return Policies(documents)
        return Policies(unlimited=True)


class BadCredentials(Exception):
    """Credentials that AWS refuses before it asks IAM. `kind` is 'invalid' or 'expired'."""

    def __init__(self, kind: str):
        super().__init__(kind)
        self.kind = kind


# The caller of the request that this thread is serving.
current_caller: contextvars.ContextVar[Caller] = contextvars.ContextVar('current_caller')

_sessions: dict[str, Session] = {}
_forwarded: dict[str, tuple['Credentials', Caller]] = {}


def open_session(
    role: Role, name: str, seconds: int, policies: list[str] | None = None, packed: int | None = None
) -> Session:
    """Begins a session of a role that may be assumed, for so many seconds, limited by session policies."""
    key = iam_backends[role.account_id]['aws'].create_temp_access_key()
    key.role_arn = role.arn
    now = utcnow()
    session = Session(
        access_key=key.access_key_id,
        secret=key.secret_access_key,
        token=random_session_token(),
        role=role,
        name=name,
        account=role.account_id,
        policies=policies,
        issued=now,
        expiration=now + datetime.timedelta(seconds=seconds),
        packed=packed,
    )
    _sessions[session.access_key] = session
    return session


def issued_sessions() -> list[Session]:
    """All sessions, oldest first."""
    return list(_sessions.values())


@dataclass(frozen=True)
class Credentials:
    """What a request is signed with."""

    access_key: str
    secret: str
    token: str


def forward(caller: Caller) -> Credentials:
    """Credentials by which a service that a caller asked for something asks others for it, as the caller.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html"""
    credentials = Credentials(f'ASIA{uuid.uuid4().hex[:16].upper()}', uuid.uuid4().hex, random_session_token())
    _forwarded[credentials.access_key] = credentials, caller
    return credentials


@door('POST', '/sessions/expire')
def expire_session(request):
    """A door of the embedded cloud, not of AWS: lets the time of the session with {accessKeyId} be over now."""
    session = _sessions.get(request.json.get('accessKeyId'))
    if session is None:
        raise DoorError(404, 'there is no such session')
    session.expiration = utcnow()


@on_reset
def forget_sessions() -> None:
    """Ends all sessions."""
    _sessions.clear()
    _forwarded.clear()


def identify(call: ApiCall) -> Caller:
    """The caller of a call. Raises BadCredentials for a key that is unknown though it looks issued, is inactive, or
    has expired, and for a session token that is not the key's."""
    session = _sessions.get(call.access_key)
    if session:
        if call.session_token != session.token:
            raise BadCredentials('invalid')
        if utcnow() >= session.expiration:
            raise BadCredentials('expired')
        return caller_in(session)
    if call.access_key in _forwarded:
        credentials, caller = _forwarded[call.access_key]
        if call.session_token != credentials.token:
            raise BadCredentials('invalid')
        return caller
    user = _user(call.access_key)
    if user:
        return user
    if call.access_key.startswith(('AKIA', 'ASIA')):
        raise BadCredentials('invalid')
    account = call.headers.get('x-moto-account-id') or DEFAULT_ACCOUNT_ID
    return Caller(Principal(account, f'arn:aws:iam::{account}:root'), account, anonymous=not call.access_key)


def caller_in(session: Session) -> Caller:
    """The caller of a call that is made in a session."""
    principal = Principal(session.account, session.arn, role_arn=session.role.arn)
    return Caller(principal, f'{session.role.id}:{session.name}', session=session)


def _user(access_key: str) -> Caller | None:
    if not access_key.startswith('AKIA'):
        return None
    for account, backends in list(iam_backends.items()):
        for user in list(backends['aws'].users.values()):
            for key in user.access_keys:
                if key.access_key_id == access_key:
                    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys-admin-managed.html
                    if key.status != 'Active':
                        raise BadCredentials('invalid')
                    return Caller(Principal(account, user.arn), user.id, user=user)
    return None


def managed_document(policy: ManagedPolicy) -> str:
    """The text of a managed policy's default version."""
    return next(item.document for item in policy.versions if item.version_id == policy.default_version_id)


def _documents(entity: Role | User | Group) -> list[str]:
    return list(entity.policies.values()) + [managed_document(policy) for policy in entity.managed_policies.values()]


def _boundary(role: Role, account: str) -> str | None:
    arn = role.permissions_boundary_arn
    if not arn:
        return None
    backend = iam_backends[account]['aws']
    load(backend, arn)
    policy = backend.managed_policies.get(arn)
    # A boundary that does not exist allows nothing.
    return managed_document(policy) if policy else '{"Statement": []}'
