"""Amazon S3: access control lists, under Object Ownership and Block Public Access.

Facts supplied, where moto differs:
- With Object Ownership BucketOwnerEnforced a bucket has no ACLs but its owner's full control.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
- BlockPublicAcls refuses an ACL that grants to everyone or to all AWS users.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
- GetBucketAcl tells the permissions in force: under IgnorePublicAcls, none for the public (same page).
- An object has a private ACL of its own unless the request gives one, and an ACL may come in the body.
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html
- A canned ACL of two permissions is two grants. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
"""

from contextvars import ContextVar

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeAcl, FakeBucket, S3Backend, get_canned_acl
from moto.s3.responses import S3Response

from principals import current_caller
from s3_public_access import effective_block, is_public_acl

ENFORCED = 'BucketOwnerEnforced'
BLOCKED = (
    'User: {user} is not authorized to perform: {action} on resource: "{resource}" because public {kind} are prevented '
    'by the {setting} setting in S3 Block Public Access.'
)

# True while moto finishes a new bucket with the ACL that came with the request, which was checked before.
creating: ContextVar[bool] = ContextVar('creating', default=False)

put_bucket_acl_as_moto = S3Backend.put_bucket_acl
get_bucket_acl_as_moto = S3Backend.get_bucket_acl
put_ownership_as_moto = S3Backend.put_bucket_ownership_controls
put_object_as_moto = S3Response.put_object


def blocked(bucket: FakeBucket, action: str, resource: str, kind: str, setting: str) -> S3ClientError:
    """The AccessDenied of a Block Public Access setting."""
    caller = current_caller.get(None)
    user = caller.principal.arn if caller else f'arn:aws:iam::{bucket.account_id}:root'
    return S3ClientError(
        'AccessDenied', BLOCKED.format(user=user, action=action, resource=resource, kind=kind, setting=setting)
    )


def check_new_bucket(response: S3Response, request) -> None:
    """Raises what CreateBucket answers to an ACL that the new bucket could not have."""
    acl = response._acl_from_headers(request.headers)
    if acl and request.headers.get('x-amz-object-ownership', ENFORCED) == ENFORCED and _grants_others(acl):
        raise _acl_with_ownership()
    if is_public_acl(acl):
        raise S3ClientError(
            'InvalidBucketAclWithBlockPublicAccessError',
            'Bucket cannot have public ACLs set with BlockPublicAccess enabled',
        )


def _acl_with_ownership() -> S3ClientError:
    return S3ClientError(
        'InvalidBucketAclWithObjectOwnership', f"Bucket cannot have ACLs set with ObjectOwnership's {ENFORCED} setting"
    )


def check_acl(bucket: FakeBucket, acl: FakeAcl | None, key: str | None = None) -> None:
    """Raises what S3 answers to an ACL that the bucket's Object Ownership or Block Public Access refuses."""
    if bucket.ownership_rule == ENFORCED and _grants_others(acl):
        raise S3ClientError('AccessControlListNotSupported', 'The bucket does not allow ACLs')
    if is_public_acl(acl) and effective_block(bucket).block_public_acls:
        action, resource = ('s3:PutObjectAcl', f'{bucket.arn}/{key}') if key else ('s3:PutBucketAcl', bucket.arn)
        raise blocked(bucket, action, resource, 'ACLs', 'BlockPublicAcls')


def _grants_others(acl: FakeAcl | None) -> bool:
    [owner] = get_canned_acl('private').grants
    return acl is None or any(
        grant.grantees != owner.grantees or grant.permissions != owner.permissions for grant in acl.grants
    )


def put_bucket_acl(backend: S3Backend, bucket_name: str, acl: FakeAcl | None) -> None:
    """Wraps PutBucketAcl. An empty list of grants is an ACL that grants nothing."""
    if not creating.get():
        check_acl(backend.get_bucket(bucket_name), acl)
    put_bucket_acl_as_moto(backend, bucket_name, acl or FakeAcl())


def get_bucket_acl(backend: S3Backend, bucket_name: str) -> FakeAcl:
    """Wraps GetBucketAcl: without ACLs, the owner alone has full control."""
    bucket = backend.get_bucket(bucket_name)
    if bucket.ownership_rule == ENFORCED:
        return get_canned_acl('private')
    acl = get_bucket_acl_as_moto(backend, bucket_name)
    if not effective_block(bucket).ignore_public_acls:
        return acl
    return FakeAcl([grant for grant in acl.grants if not is_public_acl(FakeAcl([grant]))])


def put_bucket_ownership_controls(backend: S3Backend, bucket_name: str, ownership: str) -> None:
    """Wraps PutBucketOwnershipControls."""
    if ownership == ENFORCED and _grants_others(backend.get_bucket(bucket_name).acl):
        raise _acl_with_ownership()
    put_ownership_as_moto(backend, bucket_name, ownership)


def put_object(response: S3Response):
    """Wraps PutObject."""
    answer = put_object_as_moto(response)
    if response._acl_from_headers(response.headers) is None:
        response.backend.get_object(response.bucket_name, response.parse_key_name()).set_acl(get_canned_acl('private'))
    return answer


def put_object_acl(response: S3Response):
    """Answers PutObjectAcl, the ACL being in the headers or in the body."""
    acl = response._acl_from_headers(response.headers) or response._acl_from_body() or FakeAcl()
    key = response.parse_key_name()
    check_acl(response.backend.get_bucket(response.bucket_name), acl, key)
    response.backend.put_object_acl(response.bucket_name, key, acl)
    return 200, {}, ''


def acl_to_dict(acl: FakeAcl) -> dict:
    """Replaces `_acl_to_dict`, which tells the first grantee and the first permission of a grant only."""
    grants = [
        {
            'Grantee': {
                'Type': grantee.type,
                'URI': grantee.uri or None,
                'ID': grantee.id or None,
                'DisplayName': grantee.display_name or None,
            },
            'Permission': permission,
        }
        for grant in acl.grants
        for grantee in grant.grantees
        for permission in grant.permissions
    ]
    [owner] = get_canned_acl('private').grants
    return {'Owner': {'ID': owner.grantees[0].id, 'DisplayName': 'webfile'}, 'Grants': grants}


S3Response.put_object = put_object
S3Response.put_object_acl = put_object_acl
S3Response._acl_to_dict = staticmethod(acl_to_dict)
S3Backend.put_bucket_acl = put_bucket_acl
S3Backend.get_bucket_acl = get_bucket_acl
S3Backend.put_bucket_ownership_controls = put_bucket_ownership_controls
