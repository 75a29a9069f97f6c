"""Amazon EC2: security groups and their rules.

Facts supplied, where moto differs:
- AuthorizeSecurityGroupIngress and -Egress answer all rules they made, and make all of them or none.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
- RevokeSecurityGroupIngress and -Egress answer what they took away, as one change; an id of no rule of the group is
  InvalidSecurityGroupRuleId.NotFound.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
- A rule tells who owns its group, its ARN, and ports of -1 when it is for all of them.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
- CreateSecurityGroup answers the tags. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
- A group that an interface has, or that a rule of another group names, is not deleted, nor is a default group.
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
"""

from collections.abc import Callable

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidSecurityGroupNotFoundError,
    InvalidSecurityGroupRuleIdNotFoundError,
)
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend, SecurityGroupRule
from moto.ec2.responses import EC2Response

ALL_PORTS = -1

create_as_moto = EC2Response.create_security_group
delete_as_moto = SecurityGroupBackend.delete_security_group
describe_as_moto = SecurityGroupBackend.describe_security_groups


def create_security_group(response: EC2Response) -> ActionResult:
    """Answers CreateSecurityGroup."""
    result = create_as_moto(response)
    group = response.ec2_backend.get_security_group_from_id(result._result['GroupId'])
    result._result['Tags'] = group.tag_set
    return result


def authorize(direction: str) -> Callable:
    """Answers AuthorizeSecurityGroupIngress or AuthorizeSecurityGroupEgress."""

    def operation(response: EC2Response) -> ActionResult:
        response.error_on_dryrun()
        group = _group(response)
        before = list(_rules(group, direction))
        try:
            added = [
                rule
                for permission in response._process_rules_from_querystring()
                for rule in getattr(response.ec2_backend, f'authorize_security_group_{direction}')(**permission)[0]
            ]
        except EC2ClientError:
            setattr(group, f'{direction}_rules', before)
            raise
        return ActionResult({'Return': True, 'SecurityGroupRules': [described(rule) for rule in added]})

    return operation


def revoke(direction: str) -> Callable:
    """Answers RevokeSecurityGroupIngress or RevokeSecurityGroupEgress."""

    def operation(response: EC2Response) -> ActionResult:
        response.error_on_dryrun()
        group = _group(response)
        before = list(_rules(group, direction))
        known = {rule.id for rule in before}
        for rule_id in response._get_param('SecurityGroupRuleIds', []):
            if rule_id not in known:
                raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        try:
            for permission in response._process_rules_from_querystring():
                del permission['sgrule_tags']
                getattr(response.ec2_backend, f'revoke_security_group_{direction}')(**permission)
        except EC2ClientError:
            setattr(group, f'{direction}_rules', before)
            raise
        left = {rule.id for rule in _rules(group, direction)}
        revoked = [_revoked(rule) for rule in before if rule.id not in left]
        return ActionResult({'Return': True, 'RevokedSecurityGroupRules': revoked})

    return operation


def _group(response: EC2Response) -> SecurityGroup:
    name = response._get_param('GroupId') or response._get_param('GroupName')
    group = response.ec2_backend.get_security_group_by_name_or_id(name)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(name)
    return group


def _rules(group: SecurityGroup, direction: str) -> list[SecurityGroupRule]:
    return getattr(group, f'{direction}_rules')


def _revoked(rule: SecurityGroupRule) -> dict:
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokedSecurityGroupRule.html
    told = described(rule)
    reference = told.pop('ReferencedGroupInfo', {})
    for name in ('GroupOwnerId', 'SecurityGroupRuleArn', 'Tags'):
        del told[name]
    return {**told, **({'ReferencedGroupId': reference['GroupId']} if reference else {})}


def described(rule: SecurityGroupRule) -> dict:
    """A rule as the API tells it."""
    backend, reference = rule.ec2_backend, rule.source_group
    told = {
        'SecurityGroupRuleId': rule.id,
        'GroupId': rule.group_id,
        'GroupOwnerId': backend.account_id,
        'IsEgress': rule.is_egress,
        'IpProtocol': rule.ip_protocol,
        'FromPort': ALL_PORTS if rule.from_port is None else rule.from_port,
        'ToPort': ALL_PORTS if rule.to_port is None else rule.to_port,
        'CidrIpv4': rule.cidr_ipv4,
        'CidrIpv6': rule.cidr_ipv6,
        'PrefixListId': rule.prefix_list_id,
        'ReferencedGroupInfo': {name: reference[name] for name in ('GroupId', 'UserId') if name in reference},
        'Description': rule.description or reference.get('Description'),
        'SecurityGroupRuleArn': f'arn:aws:ec2:{backend.region_name}:{backend.account_id}:security-group-rule/{rule.id}',
        'Tags': rule.tag_set,
    }
    return {name: value for name, value in told.items() if value not in (None, {})}


def describe_security_group_rules(response: EC2Response) -> ActionResult:
    """Answers DescribeSecurityGroupRules."""
    response.error_on_dryrun()
    rules = response.ec2_backend.describe_security_group_rules(
        response._get_param('SecurityGroupRuleIds', []), response._filters_from_querystring()
    )
    return ActionResult({'SecurityGroupRules': [described(rule) for rule in rules]})


def describe_security_groups(backend: EC2Backend, group_ids=None, groupnames=None, filters=None) -> list[SecurityGroup]:
    """Wraps `describe_security_groups`, which names a missing group as a Python set."""
    for group_id in group_ids or []:
        if backend.get_security_group_from_id(group_id) is None:
            raise InvalidSecurityGroupNotFoundError(group_id)
    return describe_as_moto(backend, group_ids, groupnames, filters)


def delete_security_group(backend: EC2Backend, name: str | None = None, group_id: str | None = None) -> None:
    """Wraps `delete_security_group`, which deletes a group in use."""
    group = backend.get_security_group_from_id(group_id) if group_id else backend.get_security_group_from_name(name)
    if group is not None:
        if group.is_default:
            raise EC2ClientError(
                'CannotDelete', f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            )
        if _is_used(backend, group):
            raise DependencyViolationError(f'resource {group.id} has a dependent object')
    delete_as_moto(backend, name, group_id)


def _is_used(backend: EC2Backend, group: SecurityGroup) -> bool:
    others = [each for groups in backend.groups.values() for each in groups.values() if each is not group]
    return any(group in interface.group_set for interface in backend.enis.values()) or any(
        rule.source_group.get('GroupId') == group.id
        for other in others
        for rule in other.ingress_rules + other.egress_rules
    )


EC2Response.create_security_group = create_security_group
EC2Response.describe_security_group_rules = describe_security_group_rules
for _direction in ('ingress', 'egress'):
    setattr(EC2Response, f'authorize_security_group_{_direction}', authorize(_direction))
    setattr(EC2Response, f'revoke_security_group_{_direction}', revoke(_direction))
SecurityGroupBackend.describe_security_groups = describe_security_groups
SecurityGroupBackend.delete_security_group = delete_security_group
