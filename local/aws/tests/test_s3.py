"""S3: private from the start, Block Public Access, Object Ownership, expected owners and what outsiders can reach."""

import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

SECURITY, MEMBER, OUTSIDE = '111122223333', '444455556666', '999900001111'
HOME = 'eu-west-1'
EVERYONE = 'http://acs.amazonaws.com/groups/global/AllUsers'
AUTHENTICATED = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers'
SETTINGS = ('BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets')
BUCKET = 'customer-data'


def block(**on):
    return {name: on.get(name, False) for name in SETTINGS}


def policy(principal='*', action=('s3:GetObject', 's3:ListBucket'), effect='Allow', **extra):
    statement = {
        'Effect': effect,
        'Principal': principal,
        'Action': list(action),
        'Resource': [f'arn:aws:s3:::{BUCKET}', f'arn:aws:s3:::{BUCKET}/*'],
        **extra,
    }
    return json.dumps({'Version': '2012-10-17', 'Statement': [statement]})


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**{'Bucket': BUCKET, **arguments})
    return error.value.response['Error']['Code']


@pytest.fixture
def s3(client):
    """The owner's client, with a bucket and an object in it."""
    s3 = client('s3', SECURITY, HOME)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={'LocationConstraint': HOME})
    s3.put_object(Bucket=BUCKET, Key='a/b.txt', Body=b'text')
    return s3


@pytest.fixture
def opened(s3):
    """The same bucket after its owner took the defaults away."""
    s3.delete_public_access_block(Bucket=BUCKET)
    s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls={'Rules': [{'ObjectOwnership': 'ObjectWriter'}]})
    return s3


@pytest.fixture
def anonymous(cloud):
    """`anonymous(path, method)`: the status of a request without a signature."""

    def request(path, method='GET', body=None):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f'{cloud.endpoint}/{BUCKET}{path}', body, method=method)
            ) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    return request


class TestNewBuckets:
    def test_they_are_private(self, s3):
        assert s3.get_public_access_block(Bucket=BUCKET)['PublicAccessBlockConfiguration'] == dict.fromkeys(
            SETTINGS, True
        )
        [rule] = s3.get_bucket_ownership_controls(Bucket=BUCKET)['OwnershipControls']['Rules']
        assert rule['ObjectOwnership'] == 'BucketOwnerEnforced'
        assert [grant['Permission'] for grant in s3.get_bucket_acl(Bucket=BUCKET)['Grants']] == ['FULL_CONTROL']

    def test_they_tell_their_region(self, s3):
        assert s3.head_bucket(Bucket=BUCKET)['BucketRegion'] == HOME
        assert s3.get_bucket_location(Bucket=BUCKET)['LocationConstraint'] == HOME

    def test_they_take_no_public_acl(self, client):
        s3 = client('s3', SECURITY, 'us-east-1')
        assert refused(s3.create_bucket, Bucket='new', ACL='public-read') == 'InvalidBucketAclWithObjectOwnership'
        code = refused(s3.create_bucket, Bucket='new', ACL='public-read', ObjectOwnership='ObjectWriter')
        assert code == 'InvalidBucketAclWithBlockPublicAccessError'
        assert s3.list_buckets()['Buckets'] == []
        s3.create_bucket(Bucket='new', ACL='private', ObjectOwnership='BucketOwnerPreferred')


class TestPolicies:
    def test_a_public_policy_is_refused_by_the_bucket_setting(self, s3):
        assert refused(s3.put_bucket_policy, Policy=policy()) == 'AccessDenied'
        assert refused(s3.get_bucket_policy) == 'NoSuchBucketPolicy'
        s3.put_bucket_policy(Bucket=BUCKET, Policy=policy({'AWS': MEMBER}))

    def test_a_public_policy_is_refused_by_the_account_setting(self, opened, client):
        control = client('s3control', SECURITY, HOME)
        # The SDK puts the account into the host name, which an IP address does not take.
        control.meta.events.register(
            'before-send.*', lambda request, **_: setattr(request, 'url', request.url.replace(f'{SECURITY}.', ''))
        )
        control.put_public_access_block(
            AccountId=SECURITY, PublicAccessBlockConfiguration=block(BlockPublicPolicy=True)
        )
        assert refused(opened.put_bucket_policy, Policy=policy()) == 'AccessDenied'
        control.delete_public_access_block(AccountId=SECURITY)
        opened.put_bucket_policy(Bucket=BUCKET, Policy=policy())

    def test_a_policy_is_returned_as_it_was_put(self, opened):
        text = policy().replace(', ', ' ,\n ')
        opened.put_bucket_policy(Bucket=BUCKET, Policy=text)
        assert opened.get_bucket_policy(Bucket=BUCKET)['Policy'] == text

    @pytest.mark.parametrize(('document', 'public'), [(policy(), True), (policy({'AWS': MEMBER}), False)])
    def test_the_status_tells_whether_it_is_public(self, opened, document, public):
        assert refused(opened.get_bucket_policy_status) == 'NoSuchBucketPolicy'
        opened.put_bucket_policy(Bucket=BUCKET, Policy=document)
        assert opened.get_bucket_policy_status(Bucket=BUCKET)['PolicyStatus']['IsPublic'] is public

    @pytest.mark.parametrize(
        'document',
        ['{', '{}', '{"Version": "2012-10-17", "Statement": []}', policy().replace(BUCKET, 'another')],
    )
    def test_a_malformed_policy_is_refused(self, opened, document):
        assert refused(opened.put_bucket_policy, Policy=document) == 'MalformedPolicy'


class TestOwnership:
    def test_enforced_means_no_acls(self, s3):
        assert refused(s3.put_bucket_acl, ACL='public-read') == 'AccessControlListNotSupported'
        assert refused(s3.put_object, Key='k', ACL='public-read') == 'AccessControlListNotSupported'
        assert refused(s3.put_object_acl, Key='a/b.txt', ACL='public-read') == 'AccessControlListNotSupported'
        s3.put_object(Bucket=BUCKET, Key='k', ACL='bucket-owner-full-control')

    def test_it_cannot_be_enforced_over_grants(self, opened):
        opened.put_bucket_acl(Bucket=BUCKET, ACL='public-read')
        enforced = {'Rules': [{'ObjectOwnership': 'BucketOwnerEnforced'}]}
        assert (
            refused(opened.put_bucket_ownership_controls, OwnershipControls=enforced)
            == 'InvalidBucketAclWithObjectOwnership'
        )
        opened.put_bucket_acl(Bucket=BUCKET, ACL='private')
        opened.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls=enforced)


class TestAcls:
    def grants(self, s3):
        return [
            (grant['Grantee'].get('URI'), grant['Permission']) for grant in s3.get_bucket_acl(Bucket=BUCKET)['Grants']
        ]

    def test_grants_round_trip(self, opened):
        opened.put_bucket_acl(Bucket=BUCKET, ACL='public-read-write')
        assert self.grants(opened) == [(None, 'FULL_CONTROL'), (EVERYONE, 'READ'), (EVERYONE, 'WRITE')]
        current = opened.get_bucket_acl(Bucket=BUCKET)
        current['Grants'].append({'Grantee': {'Type': 'Group', 'URI': AUTHENTICATED}, 'Permission': 'READ_ACP'})
        put = {name: current[name] for name in ('Owner', 'Grants')}
        opened.put_bucket_acl(Bucket=BUCKET, AccessControlPolicy=put)
        assert self.grants(opened)[1:] == [(EVERYONE, 'READ'), (EVERYONE, 'WRITE'), (AUTHENTICATED, 'READ_ACP')]
        opened.put_bucket_acl(Bucket=BUCKET, AccessControlPolicy={'Owner': current['Owner'], 'Grants': []})
        assert self.grants(opened) == []

    def test_grants_that_are_ignored_are_not_told(self, opened):
        opened.put_bucket_acl(Bucket=BUCKET, ACL='public-read')
        opened.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block(IgnorePublicAcls=True))
        assert self.grants(opened) == [(None, 'FULL_CONTROL')]
        opened.delete_public_access_block(Bucket=BUCKET)
        assert self.grants(opened) == [(None, 'FULL_CONTROL'), (EVERYONE, 'READ')]

    def test_several_grantees_of_one_header_are_several_grants(self, opened):
        opened.put_bucket_acl(Bucket=BUCKET, GrantRead=f'uri="{EVERYONE}", uri="{AUTHENTICATED}"')
        assert self.grants(opened) == [(EVERYONE, 'READ'), (AUTHENTICATED, 'READ')]

    @pytest.mark.parametrize('acl', ['public-read', 'public-read-write', 'authenticated-read'])
    def test_public_acls_are_refused_when_blocked(self, opened, acl):
        opened.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block(BlockPublicAcls=True))
        assert refused(opened.put_bucket_acl, ACL=acl) == 'AccessDenied'
        assert refused(opened.put_object, Key='k', ACL=acl) == 'AccessDenied'
        assert refused(opened.put_object_acl, Key='a/b.txt', ACL=acl) == 'AccessDenied'
        opened.put_bucket_acl(Bucket=BUCKET, ACL='private')

    def test_an_object_acl_in_the_body_counts(self, opened, anonymous):
        owner = opened.get_bucket_acl(Bucket=BUCKET)['Owner']
        grant = {'Grantee': {'Type': 'Group', 'URI': EVERYONE}, 'Permission': 'READ'}
        opened.put_object_acl(Bucket=BUCKET, Key='a/b.txt', AccessControlPolicy={'Owner': owner, 'Grants': [grant]})
        assert anonymous('/a/b.txt') == 200


class TestOutsiders:
    def test_nobody_outside_reads_a_private_bucket(self, opened, client, anonymous):
        assert anonymous('/a/b.txt') == 403
        assert anonymous('') == 403
        outside = client('s3', OUTSIDE, HOME)
        assert refused(outside.get_object, Key='a/b.txt') == 'AccessDenied'
        assert refused(outside.put_bucket_policy, Policy=policy()) == 'AccessDenied'
        assert opened.get_object(Bucket=BUCKET, Key='a/b.txt')['Body'].read() == b'text'

    def test_a_public_policy_lets_everyone_in_until_restricted(self, opened, client, anonymous):
        opened.put_bucket_policy(Bucket=BUCKET, Policy=policy())
        assert (anonymous('/a/b.txt'), anonymous(''), anonymous('/new', 'PUT', b'x')) == (200, 200, 403)
        outside = client('s3', OUTSIDE, HOME)
        assert outside.get_object(Bucket=BUCKET, Key='a/b.txt')['Body'].read() == b'text'
        opened.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block(RestrictPublicBuckets=True))
        assert (anonymous('/a/b.txt'), anonymous('')) == (403, 403)
        assert refused(outside.get_object, Key='a/b.txt') == 'AccessDenied'
        assert opened.get_object(Bucket=BUCKET, Key='a/b.txt')['Body'].read() == b'text'

    def test_a_policy_for_one_account_stays_in_force_when_restricted(self, opened, client, anonymous):
        opened.put_bucket_policy(Bucket=BUCKET, Policy=policy({'AWS': MEMBER}))
        opened.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block(RestrictPublicBuckets=True))
        assert client('s3', MEMBER, HOME).get_object(Bucket=BUCKET, Key='a/b.txt')['Body'].read() == b'text'
        assert refused(client('s3', OUTSIDE, HOME).get_object, Key='a/b.txt') == 'AccessDenied'
        assert anonymous('/a/b.txt') == 403

    def test_a_policy_for_the_organisation(self, opened, client, anonymous):
        condition = {'StringEquals': {'aws:PrincipalOrgID': 'o-firebreak0'}}
        opened.put_bucket_policy(Bucket=BUCKET, Policy=policy(Condition=condition))
        assert client('s3', MEMBER, HOME).get_object(Bucket=BUCKET, Key='a/b.txt')['Body'].read() == b'text'
        assert refused(client('s3', OUTSIDE, HOME).get_object, Key='a/b.txt') == 'AccessDenied'
        assert anonymous('/a/b.txt') == 403

    def test_a_public_acl_lets_everyone_in_until_ignored(self, opened, anonymous):
        opened.put_bucket_acl(Bucket=BUCKET, ACL='public-read')
        assert (anonymous(''), anonymous('/a/b.txt'), anonymous('?acl')) == (200, 403, 403)
        opened.put_object_acl(Bucket=BUCKET, Key='a/b.txt', ACL='public-read')
        opened.put_object(Bucket=BUCKET, Key='private.txt', Body=b'x')
        assert (anonymous('/a/b.txt'), anonymous('/private.txt')) == (200, 403)
        opened.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=block(IgnorePublicAcls=True))
        assert (anonymous(''), anonymous('/a/b.txt')) == (403, 403)

    def test_an_acl_for_authenticated_users(self, opened, client, anonymous):
        opened.put_bucket_acl(Bucket=BUCKET, ACL='authenticated-read')
        assert client('s3', OUTSIDE, HOME).list_objects_v2(Bucket=BUCKET)['KeyCount'] == 1
        assert anonymous('') == 403

    def test_a_deny_wins_over_an_acl(self, opened, anonymous):
        opened.put_bucket_acl(Bucket=BUCKET, ACL='public-read')
        opened.put_bucket_policy(Bucket=BUCKET, Policy=policy(effect='Deny', action=['s3:ListBucket']))
        assert anonymous('') == 403

    def test_a_deny_of_plain_http_locks_nobody_out(self, opened):
        deny = policy(effect='Deny', action=['s3:*'], Condition={'Bool': {'aws:SecureTransport': 'false'}})
        opened.put_bucket_policy(Bucket=BUCKET, Policy=deny)
        assert opened.get_object(Bucket=BUCKET, Key='a/b.txt')['Body'].read() == b'text'


class TestExpectedOwner:
    def test_every_call_on_another_accounts_bucket_is_refused(self, opened):
        for call, arguments in (
            (opened.get_bucket_policy, {}),
            (opened.get_bucket_policy_status, {}),
            (opened.get_public_access_block, {}),
            (opened.put_public_access_block, {'PublicAccessBlockConfiguration': block()}),
            (opened.get_bucket_acl, {}),
            (opened.get_bucket_tagging, {}),
            (opened.list_objects_v2, {}),
            (opened.get_object, {'Key': 'a/b.txt'}),
            (opened.put_object, {'Key': 'k'}),
        ):
            assert refused(call, ExpectedBucketOwner=MEMBER, **arguments) == 'AccessDenied'
        assert refused(opened.head_bucket, ExpectedBucketOwner=MEMBER) == '403'

    def test_the_owner_is_let_through(self, opened):
        opened.list_objects_v2(Bucket=BUCKET, ExpectedBucketOwner=SECURITY)
        assert refused(opened.get_bucket_policy, Bucket='missing', ExpectedBucketOwner=MEMBER) == 'NoSuchBucket'


def test_a_policy_lets_objects_be_made_and_not_replaced(s3, cloud, client):
    once = {'Null': {'s3:if-none-match': 'true'}, 'Bool': {'s3:ObjectCreationOperation': 'true'}}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(action=['s3:PutObject'], effect='Deny', Condition=once))
    role = cloud.role('writer', [{'Effect': 'Allow', 'Action': 's3:PutObject', 'Resource': '*'}])
    writer = cloud.client('s3', credentials=cloud.assume(role))
    assert refused(writer.put_object, Key='new', Body=b'text') == 'AccessDenied'
    writer.put_object(Bucket=BUCKET, Key='new', Body=b'text', IfNoneMatch='*')
    assert refused(writer.put_object, Key='new', Body=b'other', IfNoneMatch='*') == 'PreconditionFailed'
    upload = writer.create_multipart_upload(Bucket=BUCKET, Key='large')['UploadId']
    part = writer.upload_part(Bucket=BUCKET, Key='large', UploadId=upload, PartNumber=1, Body=b'text')
    parts = {'UploadId': upload, 'MultipartUpload': {'Parts': [{'ETag': part['ETag'], 'PartNumber': 1}]}}
    assert refused(writer.complete_multipart_upload, Key='large', **parts) == 'AccessDenied'
    writer.complete_multipart_upload(Bucket=BUCKET, Key='large', IfNoneMatch='*', **parts)
