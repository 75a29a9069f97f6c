"""The decision of IAM: what the policies that apply to a request say together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from conditions import Context, MissingKey, as_list, check_operators, conditions_hold, substitute, wildcard_match


@dataclass
class Principal:
    """Who asks: the ARN of a session, user or root; for a session the ARN of its role; or the name of a service."""

    account: str
    arn: str
    role_arn: str | None = None
    service: str | None = None


@dataclass
class Policies:
    """The policy documents that limit a principal. `boundary` and `session` are None where there is none; a principal
    with `unlimited` (an account's root) needs no identity policy."""

    identity: list[str] = field(default_factory=list)
    boundary: str | None = None
    session: list[str] | None = None
    unlimited: bool = False


@dataclass
class Decision:
    """Allowed, or the end of AWS's sentence that says why not."""

    allowed: bool
    reason: str = ''


@lru_cache(maxsize=5_000)
def parse(document: str) -> list[dict[str, Any]]:
    """The statements of a policy document. Raises ValueError on what is no JSON object with statements."""
    body = json.loads(document)
    if not isinstance(body, dict) or 'Statement' not in body:
        raise ValueError('the policy has no Statement')
    statements = as_list(body['Statement'])
    if not all(isinstance(statement, dict) and statement.get('Effect') in ('Allow', 'Deny') for statement in statements):
        raise ValueError('a statement has no Effect of Allow or Deny')
    for statement in statements:
        check_operators(statement.get('Condition', {}))
    return statements


def decide(
    principal: Principal,
    policies: Policies,
    action: str,
    resource: str,
    resource_account: str,
    context: Context,
    resource_policy: str | None = None,
    trust: bool = False,
) -> Decision:
    """The decision on one action and one resource.

    `trust` says that the resource policy is a role's trust policy, which must always allow by itself.
    """
    identity = _effects(policies.identity, action, resource, context)
    boundary = None if policies.boundary is None else _effects([policies.boundary], action, resource, context)
    session = None if policies.session is None else _effects(policies.session, action, resource, context)
    granted, denied = _grant(resource_policy, principal, action, None if trust else resource, context)

    for present, name in (
        ('Deny' in identity, 'an identity-based policy'),
        (denied, 'the role trust policy' if trust else 'a resource-based policy'),
        ('Deny' in (boundary or ()), 'a permissions boundary'),
        ('Deny' in (session or ()), 'a session policy'),
    ):
        if present:
            return Decision(False, f'with an explicit deny in {name}')

    same_account = resource_account == principal.account
    if trust and granted is None:
        return Decision(False, f'because no role trust policy allows the {action} action')
    # A resource policy that names the session itself is limited by no other policy of the same account.
    if same_account and granted == 'session':
        return Decision(True)
    named = same_account and granted == 'principal'
    if not (policies.unlimited or 'Allow' in identity or named):
        return Decision(False, f'because no identity-based policy allows the {action} action')
    # A resource policy that names an IAM user gives it more than its boundary; one that names a role does not.
    if boundary is not None and 'Allow' not in boundary and not (named and principal.role_arn is None):
        return Decision(False, f'because no permissions boundary allows the {action} action')
    if session is not None and 'Allow' not in session:
        return Decision(False, f'because no session policy allows the {action} action')
    if not same_account and granted is None:
        return Decision(False, f'because no resource-based policy allows the {action} action')
    return Decision(True)


def resource_policy_allows(
    document: str | None, principal: Principal, action: str, resource: str | None, context: Context
) -> bool:
    """Whether a resource policy by itself lets `principal` in, as a service or another account needs it."""
    granted, denied = _grant(document, principal, action, resource, context)
    return granted is not None and not denied


def _effects(documents: list[str], action: str, resource: str | None, context: Context) -> set[str]:
    return {
        statement['Effect']
        for document in documents
        for statement in parse(document)
        if _applies(statement, action, resource, context)
    }


def _grant(
    document: str | None, principal: Principal, action: str, resource: str | None, context: Context
) -> tuple[str | None, bool]:
    """How closely the resource policy's Allow names the principal (session, principal, account, or None), and whether
    it denies."""
    granted: set[str] = set()
    denied = False
    for statement in parse(document) if document else []:
        named = _names(statement, principal)
        if named is None or not _applies(statement, action, resource, context):
            continue
        if statement['Effect'] == 'Deny':
            denied = True
        else:
            granted.add(named)
    return next((rank for rank in ('session', 'principal', 'account') if rank in granted), None), denied


def _names(statement: dict[str, Any], principal: Principal) -> str | None:
    if 'NotPrincipal' in statement:
        return 'principal' if _named(statement['NotPrincipal'], principal) is None else None
    return _named(statement.get('Principal'), principal)


def _named(element: Any, principal: Principal) -> str | None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    if element == '*':
        return 'principal'
    if not isinstance(element, dict):
        return None
    if principal.service:
        return 'principal' if principal.service in as_list(element.get('Service')) else None
    names = as_list(element.get('AWS'))
    if principal.role_arn and principal.arn in names:
        return 'session'
    if '*' in names or (principal.role_arn or principal.arn) in names:
        return 'principal'
    if principal.account in names or f'arn:aws:iam::{principal.account}:root' in names:
        return 'account'
    return None


def _applies(statement: dict[str, Any], action: str, resource: str | None, context: Context) -> bool:
    actions = as_list(statement.get('Action', statement.get('NotAction')))
    acts = any(wildcard_match(pattern, action, ignore_case=True) for pattern in actions)
    if acts == ('NotAction' in statement and 'Action' not in statement):
        return False
    if resource is not None and not _reaches(statement, resource, context):
        return False
    return conditions_hold(statement.get('Condition', {}), context)


def _reaches(statement: dict[str, Any], resource: str, context: Context) -> bool:
    excluded = 'NotResource' in statement
    for pattern in as_list(statement.get('NotResource' if excluded else 'Resource')):
        try:
            if wildcard_match(substitute(pattern, context), resource):
                return not excluded
        except MissingKey:
            continue
    return excluded
