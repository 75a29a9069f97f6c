"""Amazon S3: buckets are private from the start, and who gets in.

Facts supplied, where moto differs:
- New buckets block all public access and have no ACLs (BucketOwnerEnforced).
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
- BlockPublicPolicy refuses a public policy; RestrictPublicBuckets closes a bucket with a public policy to everyone
  outside its account. https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
- An anonymous caller, or another account, needs the bucket policy or an ACL.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
- x-amz-expected-bucket-owner is checked on every request.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
- GetBucketPolicyStatus answers IsPublic. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html
- A policy has statements, all about the bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
"""

from moto.core.responses import ActionResult
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import NoSuchBucketPolicy, S3ClientError
from moto.s3.models import (
    ALL_USERS_GRANTEE,
    AUTHENTICATED_USERS_GRANTEE,
    FakeBucket,
    PublicAccessBlock,
    S3Backend,
    s3_backends,
)
from moto.s3.responses import ACTION_MAP, S3Response

from conditions import Context, as_list
from organization import organization_id
from policy import Policies, Principal, decide, parse
from principals import current_caller
from s3_acl import ENFORCED, blocked, check_acl, check_new_bucket, creating
from s3_public_access import effective_block, is_public_policy

ANONYMOUS = Principal('', '')
# The grants of an ACL that let a caller do an action.
ACL_PERMISSIONS = {
    's3:ListBucket': 'READ',
    's3:ListBucketVersions': 'READ',
    's3:ListBucketMultipartUploads': 'READ',
    's3:PutObject': 'WRITE',
    's3:DeleteObject': 'WRITE',
    's3:GetBucketAcl': 'READ_ACP',
    's3:PutBucketAcl': 'WRITE_ACP',
    's3:GetObject': 'READ',
    's3:GetObjectVersion': 'READ',
    's3:GetObjectAcl': 'READ_ACP',
    's3:PutObjectAcl': 'WRITE_ACP',
}
ON_BUCKET_ACL = ('s3:PutObject', 's3:DeleteObject')

make_bucket_as_moto = FakeBucket.__init__
bucket_response_as_moto = S3Response._bucket_response
key_response_as_moto = S3Response._key_response
put_bucket_policy_as_moto = S3Backend.put_bucket_policy


def make_bucket(bucket: FakeBucket, *arguments, **named) -> None:
    """Wraps the making of a bucket."""
    make_bucket_as_moto(bucket, *arguments, **named)
    bucket.public_access_block = PublicAccessBlock(True, True, True, True)
    bucket.ownership_rule = ENFORCED


def bucket_response(response: S3Response, request, full_url: str):
    """Wraps every request on a bucket."""
    query = response._get_querystring(request, full_url)
    if request.method == 'PUT' and not query.keys() - {'x-id'}:
        return _create_bucket(response, request, full_url)
    bucket = find_bucket(response.bucket_name)
    if bucket:
        _check_owner(request, bucket)
        _check_outsider(request, bucket, _action(response, 'BUCKET', request.method, query))
        if request.method == 'GET' and 'policyStatus' in query:
            return _policy_status(response, bucket)
    return bucket_response_as_moto(response, request, full_url)


def key_response(response: S3Response, request, full_url: str):
    """Wraps every request on an object."""
    bucket = find_bucket(response.bucket_name)
    if bucket:
        key = response.parse_key_name()
        _check_owner(request, bucket)
        _check_outsider(
            request, bucket, _action(response, 'KEY', request.method, response._get_querystring(request, full_url)), key
        )
        acl = response._acl_from_headers(request.headers) if request.method in ('PUT', 'POST') else None
        if acl:
            check_acl(bucket, acl, key)
    return key_response_as_moto(response, request, full_url)


def find_bucket(name: str) -> FakeBucket | None:
    """The bucket of that name in any account."""
    partition, account = s3_backends.bucket_accounts.get(name, ('aws', None))
    return s3_backends[account][partition].buckets.get(name) if account else None


def _create_bucket(response: S3Response, request, full_url: str):
    check_new_bucket(response, request)
    token = creating.set(True)
    try:
        return bucket_response_as_moto(response, request, full_url)
    finally:
        creating.reset(token)


def _action(response: S3Response, kind: str, method: str, query: dict) -> str | None:
    """The IAM action of a request; None for a CORS preflight, which needs no permission."""
    if method == 'OPTIONS':
        return None
    if kind == 'BUCKET' and method == 'POST':
        return 's3:DeleteObject' if 'delete' in query else 's3:PutObject'
    response._set_action(kind, 'GET' if method == 'HEAD' else method, query)
    return f's3:{response.data["Action"]}'


def _check_owner(request, bucket: FakeBucket) -> None:
    expected = request.headers.get('x-amz-expected-bucket-owner')
    source_owner = request.headers.get('x-amz-source-expected-bucket-owner')
    source = find_bucket(request.headers.get('x-amz-copy-source', '').lstrip('/').partition('/')[0])
    if expected not in (None, bucket.account_id) or (source_owner and source and source_owner != source.account_id):
        raise S3ClientError('AccessDenied', 'Access Denied')


def _check_outsider(request, bucket: FakeBucket, action: str | None, key: str | None = None) -> None:
    """Raises AccessDenied for a caller who is of no account, or of another, and whom neither policy nor ACL lets in."""
    signed = 'Authorization' in request.headers or {'X-Amz-Signature', 'Signature'} & request.args.keys()
    caller = current_caller.get() if signed else None
    principal = caller.principal if caller else ANONYMOUS
    if action is None or principal.account == bucket.account_id:
        return
    document = bucket.policy.decode() if bucket.policy else None
    block = effective_block(bucket)
    restricted = bool(document) and block.restrict_public_buckets and is_public_policy(document)
    if caller and caller.checked and not restricted:
        # IAM asked the bucket policy already, with all of the request's condition keys.
        return
    resource = f'{bucket.arn}/{key}' if key else bucket.arn
    asked = (principal, Policies(unlimited=True), action, resource, bucket.account_id, _context(request, principal))
    decision = decide(*asked, document)
    if decision.allowed and not restricted:
        return
    denied = 'explicit deny' in decision.reason
    if (
        denied
        or bucket.ownership_rule == ENFORCED
        or block.ignore_public_acls
        or not _acl_lets_in(bucket, action, key, bool(signed))
    ):
        raise S3ClientError('AccessDenied', 'Access Denied')


def _context(request, principal: Principal) -> Context:
    organization = organization_id(principal.account)
    return {
        'aws:sourceip': [request.remote_addr or '127.0.0.1'],
        'aws:securetransport': ['true'],
        'aws:principalaccount': [principal.account] if principal.account else [],
        'aws:principalarn': [principal.arn] if principal.arn else [],
        'aws:principalorgid': [organization] if organization else [],
    }


def _acl_lets_in(bucket: FakeBucket, action: str, key: str | None, signed: bool) -> bool:
    stored = bucket.keys.get(key) if key and action not in ON_BUCKET_ACL else bucket
    groups = [ALL_USERS_GRANTEE] + ([AUTHENTICATED_USERS_GRANTEE] if signed else [])
    return any(
        grantee in groups and {ACL_PERMISSIONS.get(action), 'FULL_CONTROL'} & set(grant.permissions)
        for grant in (stored.acl.grants if stored and stored.acl else [])
        for grantee in grant.grantees
    )


def _policy_status(response: S3Response, bucket: FakeBucket):
    if not bucket.policy:
        raise NoSuchBucketPolicy(bucket_name=bucket.name)
    response.data['Action'] = 'GetBucketPolicyStatus'
    return response.serialized(ActionResult({'PolicyStatus': {'IsPublic': is_public_policy(bucket.policy.decode())}}))


def put_bucket_policy(backend: S3Backend, bucket_name: str, policy: bytes) -> None:
    """Wraps PutBucketPolicy."""
    bucket, document = backend.get_bucket(bucket_name), policy.decode()
    try:
        statements = parse(document)
    except ValueError as error:
        raise S3ClientError('MalformedPolicy', 'This policy contains invalid Json') from error
    if not statements:
        raise S3ClientError('MalformedPolicy', 'Could not parse the policy: Statement is empty!')
    for resource in (each for statement in statements for each in as_list(statement.get('Resource'))):
        if resource not in ('*', bucket.arn, f'{bucket.arn}*') and not resource.startswith(f'{bucket.arn}/'):
            raise S3ClientError('MalformedPolicy', 'Policy has invalid resource')
    if effective_block(bucket).block_public_policy and is_public_policy(document):
        raise blocked(bucket, 's3:PutBucketPolicy', bucket.arn, 'policies', 'BlockPublicPolicy')
    put_bucket_policy_as_moto(backend, bucket_name, policy)


FakeBucket.__init__ = make_bucket
# Whether a request is let in was decided before moto sees it.
FakeBucket.get_permission = lambda bucket, action, resource: PermissionResult.PERMITTED
S3Response._bucket_response = bucket_response
S3Response._key_response = key_response
S3Backend.put_bucket_policy = put_bucket_policy
# Sub-resources that moto's table of actions lacks, and would take for a list of objects.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
ACTION_MAP['BUCKET']['GET'].update(
    {
        'policyStatus': 'GetBucketPolicyStatus',
        'publicAccessBlock': 'GetBucketPublicAccessBlock',
        'ownershipControls': 'GetBucketOwnershipControls',
        'encryption': 'GetEncryptionConfiguration',
        'replication': 'GetReplicationConfiguration',
        'object-lock': 'GetBucketObjectLockConfiguration',
        'inventory': 'GetInventoryConfiguration',
    }
)
ACTION_MAP['BUCKET']['PUT'].update(
    {
        'publicAccessBlock': 'PutBucketPublicAccessBlock',
        'ownershipControls': 'PutBucketOwnershipControls',
        'encryption': 'PutEncryptionConfiguration',
        'replication': 'PutReplicationConfiguration',
        'object-lock': 'PutBucketObjectLockConfiguration',
        'inventory': 'PutInventoryConfiguration',
    }
)
ACTION_MAP['BUCKET']['DELETE'].update(
    {
        'publicAccessBlock': 'PutBucketPublicAccessBlock',
        'ownershipControls': 'PutBucketOwnershipControls',
        'encryption': 'PutEncryptionConfiguration',
        'replication': 'PutReplicationConfiguration',
    }
)
