"""EBS snapshots: who may use them, who sees them, and what block public access does."""

import pytest
from botocore.exceptions import ClientError
from conftest import allow

SECURITY, MEMBER, OUTSIDE = '111122223333', '444455556666', '999900001111'
HOME = 'eu-west-1'


@pytest.fixture
def ec2(client):
    return client('ec2', SECURITY, HOME)


def take(ec2, encrypted=False, key=None, **arguments):
    given = {'KmsKeyId': key} if key else {}
    volume = ec2.create_volume(AvailabilityZone=f'{HOME}a', Size=1, Encrypted=encrypted, **given)['VolumeId']
    return ec2.create_snapshot(VolumeId=volume, **arguments)['SnapshotId']


def permissions(ec2, snapshot):
    return ec2.describe_snapshot_attribute(SnapshotId=snapshot, Attribute='createVolumePermission')[
        'CreateVolumePermissions'
    ]


def change(ec2, snapshot, **arguments):
    ec2.modify_snapshot_attribute(SnapshotId=snapshot, Attribute='createVolumePermission', **arguments)


def refused(call, *arguments, **named):
    with pytest.raises(ClientError) as error:
        call(*arguments, **named)
    return error.value.response['Error']['Code']


def ids(ec2, **arguments):
    return [snapshot['SnapshotId'] for snapshot in ec2.describe_snapshots(**arguments)['Snapshots']]


ADD = [
    {'OperationType': 'add', 'GroupNames': ['all'], 'UserIds': [MEMBER]},
    {'CreateVolumePermission': {'Add': [{'Group': 'all'}, {'UserId': MEMBER}]}},
]
REMOVE = [
    {'OperationType': 'remove', 'GroupNames': ['all']},
    {'CreateVolumePermission': {'Remove': [{'Group': 'all'}]}},
]


@pytest.mark.parametrize('add', ADD, ids=['operation', 'struct'])
@pytest.mark.parametrize('remove', REMOVE, ids=['operation', 'struct'])
def test_both_forms_change_the_permissions(ec2, add, remove):
    snapshot = take(ec2)
    change(ec2, snapshot, **add)
    assert permissions(ec2, snapshot) == [{'Group': 'all'}, {'UserId': MEMBER}]
    change(ec2, snapshot, **remove)
    assert permissions(ec2, snapshot) == [{'UserId': MEMBER}]


def test_adding_and_removing_at_once_is_refused(ec2):
    snapshot = take(ec2)
    both = {'Add': [{'UserId': MEMBER}], 'Remove': [{'Group': 'all'}]}
    assert refused(change, ec2, snapshot, CreateVolumePermission=both) == 'InvalidParameterCombination'
    assert permissions(ec2, snapshot) == []


def test_reset_makes_it_private(ec2):
    snapshot = take(ec2)
    change(ec2, snapshot, **ADD[0])
    ec2.reset_snapshot_attribute(SnapshotId=snapshot, Attribute='createVolumePermission')
    assert permissions(ec2, snapshot) == []


def test_a_dry_run_changes_nothing(ec2):
    snapshot = take(ec2)
    assert refused(change, ec2, snapshot, DryRun=True, **ADD[0]) == 'DryRunOperation'
    assert permissions(ec2, snapshot) == []


@pytest.mark.parametrize(
    ('snapshot', 'code'),
    [('snap-0123456789abcdef0', 'InvalidSnapshot.NotFound'), ('snapshot', 'InvalidSnapshotID.Malformed')],
)
def test_the_errors_for_a_missing_snapshot(ec2, snapshot, code):
    assert refused(change, ec2, snapshot, **ADD[0]) == code
    assert refused(permissions, ec2, snapshot) == code
    assert refused(ids, ec2, SnapshotIds=[snapshot]) == code


def test_a_user_is_an_account(ec2):
    assert refused(change, ec2, take(ec2), OperationType='add', UserIds=['alice']) == 'InvalidUserID.Malformed'


def test_an_encrypted_snapshot_is_never_public(ec2, client):
    key = client('kms', SECURITY, HOME).create_key()['KeyMetadata']['Arn']
    snapshot = take(ec2, encrypted=True, key=key)
    assert refused(change, ec2, snapshot, OperationType='add', GroupNames=['all']) == 'OperationNotPermitted'
    change(ec2, snapshot, OperationType='add', UserIds=[MEMBER])
    assert permissions(ec2, snapshot) == [{'UserId': MEMBER}]


def test_a_snapshot_under_the_default_key_is_not_shared(ec2):
    snapshot = take(ec2, encrypted=True)
    assert refused(change, ec2, snapshot, OperationType='add', UserIds=[MEMBER]) == 'OperationNotPermitted'


def test_owners_and_restorable_by_narrow_the_list(ec2, client):
    member, outside = client('ec2', MEMBER, HOME), client('ec2', OUTSIDE, HOME)
    private, public, shared = take(ec2), take(ec2), take(ec2)
    change(ec2, public, OperationType='add', GroupNames=['all'])
    change(ec2, shared, OperationType='add', UserIds=[MEMBER])
    foreign = take(member)

    assert ids(ec2, OwnerIds=['self']) == [private, public, shared]
    assert ids(ec2, OwnerIds=['self'], RestorableByUserIds=['all']) == [public]
    assert ids(ec2, OwnerIds=['self'], RestorableByUserIds=[MEMBER]) == [shared]
    assert ids(ec2, OwnerIds=[MEMBER]) == []
    assert ids(member) == [foreign, public, shared]
    assert ids(member, RestorableByUserIds=['self']) == [foreign, shared]
    assert ids(outside) == [public]
    assert ids(outside, SnapshotIds=[public]) == [public]
    assert refused(ids, outside, SnapshotIds=[private]) == 'InvalidSnapshot.NotFound'
    assert refused(permissions, outside, public) == 'InvalidSnapshot.NotFound'
    assert ids(client('ec2', OUTSIDE, 'us-east-1')) == []


def test_a_list_has_pages(ec2):
    taken = [take(ec2) for _ in range(12)]
    pages = list(ec2.get_paginator('describe_snapshots').paginate(OwnerIds=['self'], PaginationConfig={'PageSize': 5}))
    assert [len(page['Snapshots']) for page in pages] == [5, 5, 2]
    assert [snapshot['SnapshotId'] for page in pages for snapshot in page['Snapshots']] == taken
    assert refused(ids, ec2, MaxResults=4) == 'InvalidParameterValue'
    assert refused(ids, ec2, MaxResults=5, SnapshotIds=taken[:1]) == 'InvalidParameterCombination'
    assert refused(ids, ec2, MaxResults=5, NextToken='?') == 'InvalidParameterValue'


class TestBlockPublicAccess:
    def state(self, ec2):
        return ec2.get_snapshot_block_public_access_state()['State']

    def test_it_is_off_until_enabled_in_a_region(self, ec2, client):
        assert self.state(ec2) == 'unblocked'
        assert ec2.enable_snapshot_block_public_access(State='block-new-sharing')['State'] == 'block-new-sharing'
        assert self.state(ec2) == 'block-new-sharing'
        assert self.state(client('ec2', SECURITY, 'us-east-1')) == 'unblocked'
        assert ec2.disable_snapshot_block_public_access()['State'] == 'unblocked'
        assert self.state(ec2) == 'unblocked'

    @pytest.mark.parametrize('mode', ['block-new-sharing', 'block-all-sharing'])
    def test_either_mode_refuses_new_public_sharing_only(self, ec2, mode):
        snapshot = take(ec2)
        ec2.enable_snapshot_block_public_access(State=mode)
        assert refused(change, ec2, snapshot, OperationType='add', GroupNames=['all']) == 'OperationNotPermitted'
        change(ec2, snapshot, OperationType='add', UserIds=[MEMBER])
        assert permissions(ec2, snapshot) == [{'UserId': MEMBER}]

    def test_block_all_hides_what_is_public_and_keeps_its_attributes(self, ec2, client):
        outside, snapshot = client('ec2', OUTSIDE, HOME), take(ec2)
        change(ec2, snapshot, OperationType='add', GroupNames=['all'])
        ec2.enable_snapshot_block_public_access(State='block-all-sharing')
        assert ids(outside) == []
        assert permissions(ec2, snapshot) == [{'Group': 'all'}]
        ec2.enable_snapshot_block_public_access(State='block-new-sharing')
        assert ids(outside) == [snapshot]


def test_snapshots_of_an_instance_carry_description_and_tags(ec2):
    subnet = ec2.create_subnet(VpcId=ec2.create_vpc(CidrBlock='10.0.0.0/16')['Vpc']['VpcId'], CidrBlock='10.0.1.0/24')[
        'Subnet'
    ]
    instance = ec2.run_instances(ImageId='ami-12345678', MinCount=1, MaxCount=1, SubnetId=subnet['SubnetId'])[
        'Instances'
    ][0]
    tags = [{'ResourceType': 'volume', 'Tags': [{'Key': 'owner', 'Value': 'db'}, {'Key': 'case', 'Value': '0'}]}]
    volume = ec2.create_volume(AvailabilityZone=subnet['AvailabilityZone'], Size=2, TagSpecifications=tags)['VolumeId']
    ec2.attach_volume(VolumeId=volume, InstanceId=instance['InstanceId'], Device='/dev/sdf')
    taken = ec2.create_snapshots(
        InstanceSpecification={'InstanceId': instance['InstanceId']},
        Description='evidence',
        CopyTagsFromSource='volume',
        TagSpecifications=[{'ResourceType': 'snapshot', 'Tags': [{'Key': 'case', 'Value': '1'}]}],
    )['Snapshots']
    assert len({snapshot['VolumeId'] for snapshot in taken}) == 2
    assert all(snapshot['Description'] == 'evidence' and snapshot['State'] for snapshot in taken)
    [of_volume] = [snapshot for snapshot in taken if snapshot['VolumeId'] == volume]
    stored = ec2.describe_snapshots(SnapshotIds=[of_volume['SnapshotId']])['Snapshots'][0]['Tags']
    assert {tag['Key']: tag['Value'] for tag in stored} == {'owner': 'db', 'case': '1'}


def test_no_snapshot_is_made_where_its_tags_and_those_of_its_volume_are_too_many(ec2):
    instance = ec2.run_instances(ImageId='ami-12345678', MinCount=1, MaxCount=1)['Instances'][0]['InstanceId']
    attached = [{'Name': 'attachment.instance-id', 'Values': [instance]}]
    [volume] = ec2.describe_volumes(Filters=attached)['Volumes']
    ec2.create_tags(Resources=[volume['VolumeId']], Tags=[{'Key': f'k{n}', 'Value': ''} for n in range(50)])
    taking = {
        'InstanceSpecification': {'InstanceId': instance},
        'TagSpecifications': [{'ResourceType': 'snapshot', 'Tags': [{'Key': 'case', 'Value': '1'}]}],
    }
    with pytest.raises(ClientError) as error:
        ec2.create_snapshots(CopyTagsFromSource='volume', **taking)
    assert error.value.response['Error']['Code'] == 'TagLimitExceeded'
    of_volume = [{'Name': 'volume-id', 'Values': [volume['VolumeId']]}]
    assert ec2.describe_snapshots(Filters=of_volume)['Snapshots'] == []
    assert len(ec2.create_snapshots(**taking)['Snapshots']) == 1


@pytest.mark.parametrize('everybody', ADD)
def test_iam_may_forbid_that_it_is_shared_with_everybody_or_with_others(cloud, ec2, everybody):
    snapshot = take(ec2)
    condition = {'Null': {'ec2:Add/group': 'true'}, 'StringEqualsIfExists': {'ec2:Add/userId': MEMBER}}
    sharer = cloud.role('sharer', [allow('ec2:ModifySnapshotAttribute', Condition=condition)])
    narrowed = cloud.client('ec2', credentials=cloud.assume(sharer))
    member, outside = ({'OperationType': 'add', 'UserIds': [user]} for user in (MEMBER, OUTSIDE))
    assert refused(change, narrowed, snapshot, **everybody) == 'UnauthorizedOperation'
    assert refused(change, narrowed, snapshot, **outside) == 'UnauthorizedOperation'
    added = {'Add': [{'UserId': OUTSIDE}]}
    assert refused(change, narrowed, snapshot, CreateVolumePermission=added) == 'UnauthorizedOperation'
    change(narrowed, snapshot, **member)
    change(narrowed, snapshot, OperationType='remove', GroupNames=['all'])
    assert permissions(ec2, snapshot) == [{'UserId': MEMBER}]
