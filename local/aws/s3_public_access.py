"""Amazon S3: what "public" means, and which Block Public Access settings hold for a bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
"""

import ipaddress
import re

from moto.s3.models import ALL_USERS_GRANTEE, AUTHENTICATED_USERS_GRANTEE, FakeAcl, FakeBucket, PublicAccessBlock
from moto.s3control.models import s3control_backends

from conditions import as_list
from policy import parse

# The condition keys that, with fixed values, keep a statement for everyone from being public.
LIMITING_KEYS = {
    'aws:principalorgid',
    'aws:sourcearn',
    'aws:sourcevpc',
    'aws:sourcevpce',
    'aws:sourceowner',
    'aws:sourceaccount',
    'aws:userid',
    's3:x-amz-server-side-encryption-aws-kms-key-id',
    's3:dataaccesspointaccount',
    's3:dataaccesspointarn',
}
LIMITING_OPERATORS = {'StringEquals', 'StringEqualsIgnoreCase', 'StringLike', 'ArnEquals', 'ArnLike'}
# Networks broader than these are public, private ones (RFC 1918) excepted.
BROADEST_PREFIX = {4: 8, 6: 32}
ACCESS_POINT_ARN = re.compile(r'arn:aws[a-z-]*:s3:[a-z0-9-]+:\d{12}:accesspoint/.*')


def is_public_policy(document: str) -> bool:
    """Whether a bucket policy grants anything to more than fixed principals or fixed origins."""
    return any(is_public_statement(statement) for statement in parse(document))


def is_public_statement(statement: dict) -> bool:
    """Whether one statement makes the policy that holds it public. A Deny neither does nor makes up for an Allow."""
    if statement['Effect'] != 'Allow' or _has_fixed_principal(statement):
        return False
    return not any(
        _is_limit(operator, key.lower(), as_list(values))
        for operator, keys in statement.get('Condition', {}).items()
        for key, values in keys.items()
    )


def _has_fixed_principal(statement: dict) -> bool:
    element = statement.get('Principal')
    return isinstance(element, dict) and not any('*' in name for names in element.values() for name in as_list(names))


def _is_limit(operator: str, key: str, values: list) -> bool:
    if key == 'aws:sourceip':
        return operator == 'IpAddress' and all(_is_narrow_network(value) for value in values)
    if key not in LIMITING_KEYS or operator not in LIMITING_OPERATORS:
        return False
    if key == 's3:dataaccesspointarn':
        # The name of the access point may be a wildcard; the account may not.
        return all(ACCESS_POINT_ARN.fullmatch(value) for value in values)
    return not any(re.search(r'[*?]|\$\{', value) for value in values)


def _is_narrow_network(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    private = network.version == 4 and any(
        network.subnet_of(ipaddress.ip_network(block)) for block in ('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16')
    )
    return private or network.prefixlen >= BROADEST_PREFIX[network.version]


def is_public_acl(acl: FakeAcl | None) -> bool:
    """Whether an ACL grants any permission to the groups AllUsers or AuthenticatedUsers."""
    public = (ALL_USERS_GRANTEE, AUTHENTICATED_USERS_GRANTEE)
    return any(grantee in public for grant in (acl.grants if acl else []) for grantee in grant.grantees)


def effective_block(bucket: FakeBucket) -> PublicAccessBlock:
    """The settings in force: each one is on that the bucket or its account has on."""
    account = s3control_backends[bucket.account_id][bucket.partition].public_access_block
    levels = [level for level in (bucket.public_access_block, account) if level]
    return PublicAccessBlock(
        any(level.block_public_acls for level in levels),
        any(level.ignore_public_acls for level in levels),
        any(level.block_public_policy for level in levels),
        any(level.restrict_public_buckets for level in levels),
    )
