"""Sharing of RDS snapshots, the same for snapshots of instances and of clusters."""

import pytest
from botocore.exceptions import ClientError
from conftest import REGION, allow

SECURITY, MEMBER, OUTSIDE = '111122223333', '444455556666', '999900001111'


class Snapshots:
    """One kind of snapshot, with the operations of both kinds under the same names."""

    def __init__(self, client, cluster):
        self.client, self.prefix, self.parent = client, *(('DBCluster', 'cluster') if cluster else ('DB', 'database'))
        self.cluster = cluster
        self.arn_type = 'cluster-snapshot' if cluster else 'snapshot'

    def rds(self, account=SECURITY):
        return self.client('rds', account, 'eu-west-1')

    def create(self, name='s1', encrypted=False):
        rds, password = (
            self.rds(),
            {'MasterUsername': 'a', 'MasterUserPassword': 'abcdefgh1', 'StorageEncrypted': encrypted},
        )
        if self.cluster:
            rds.create_db_cluster(DBClusterIdentifier=f'{name}-c', Engine='aurora-mysql', **password)
            rds.create_db_cluster_snapshot(
                DBClusterIdentifier=f'{name}-c', DBClusterSnapshotIdentifier=name, Tags=[{'Key': 'k', 'Value': 'v'}]
            )
        else:
            rds.create_db_instance(
                DBInstanceIdentifier=f'{name}-c',
                DBInstanceClass='db.t3.micro',
                Engine='mysql',
                AllocatedStorage=20,
                **password,
            )
            rds.create_db_snapshot(
                DBInstanceIdentifier=f'{name}-c', DBSnapshotIdentifier=name, Tags=[{'Key': 'k', 'Value': 'v'}]
            )
        return f'arn:aws:rds:eu-west-1:{SECURITY}:{self.arn_type}:{name}'

    def modify(self, identifier='s1', account=SECURITY, **values):
        call = (
            self.rds(account).modify_db_cluster_snapshot_attribute
            if self.cluster
            else self.rds(account).modify_db_snapshot_attribute
        )
        answer = call(**{f'{self.prefix}SnapshotIdentifier': identifier}, AttributeName='restore', **values)
        return self.restore(answer)

    def shared_with(self, identifier='s1'):
        rds = self.rds()
        call = rds.describe_db_cluster_snapshot_attributes if self.cluster else rds.describe_db_snapshot_attributes
        return self.restore(call(**{f'{self.prefix}SnapshotIdentifier': identifier}))

    def restore(self, answer):
        result = answer[f'{self.prefix}SnapshotAttributesResult']
        assert result[f'{self.prefix}SnapshotIdentifier'] == 's1'
        [attribute] = result[f'{self.prefix}SnapshotAttributes']
        assert attribute['AttributeName'] == 'restore'
        return attribute['AttributeValues']

    def describe(self, identifier=None, account=SECURITY, **arguments):
        rds = self.rds(account)
        if identifier:
            arguments[f'{self.prefix}SnapshotIdentifier'] = identifier
        answer = (
            rds.describe_db_cluster_snapshots(**arguments) if self.cluster else rds.describe_db_snapshots(**arguments)
        )
        return answer[f'{self.prefix}Snapshots']

    def names(self, **arguments):
        return [snapshot[f'{self.prefix}SnapshotIdentifier'] for snapshot in self.describe(**arguments)]

    def automated(self):
        return self.names(SnapshotType='automated')[0]


@pytest.fixture(params=[False, True], ids=['instance', 'cluster'])
def snapshots(client, request):
    return Snapshots(client, cluster=request.param)


def code(error):
    return error.value.response['Error']['Code']


def test_the_answer_of_a_change_carries_the_new_list(snapshots):
    arn = snapshots.create()
    assert snapshots.shared_with() == []
    assert snapshots.modify(ValuesToAdd=['all', MEMBER]) == ['all', MEMBER]
    assert snapshots.modify(identifier=arn, ValuesToAdd=['all']) == ['all', MEMBER]
    assert snapshots.shared_with(arn) == ['all', MEMBER]
    assert snapshots.modify(ValuesToRemove=['all', OUTSIDE]) == [MEMBER]
    assert snapshots.shared_with() == [MEMBER]


def test_a_snapshot_is_found_by_identifier_and_by_arn(snapshots):
    arn = snapshots.create()
    [by_id], [by_arn] = snapshots.describe('s1'), snapshots.describe(arn)
    assert by_id == by_arn
    assert by_arn[f'{snapshots.prefix}SnapshotArn'] == arn
    assert by_arn['TagList'] == [{'Key': 'k', 'Value': 'v'}]
    assert snapshots.rds().list_tags_for_resource(ResourceName=arn)['TagList'] == [{'Key': 'k', 'Value': 'v'}]


def test_public_snapshots_are_listed_in_every_account(snapshots):
    arn = snapshots.create()
    assert snapshots.names(SnapshotType='public') == []
    snapshots.modify(ValuesToAdd=['all'])
    assert snapshots.names(SnapshotType='public') == ['s1']
    assert snapshots.names(account=OUTSIDE, SnapshotType='public') == ['s1']
    assert snapshots.names(account=OUTSIDE, IncludePublic=True) == ['s1']
    assert snapshots.names(account=OUTSIDE) == []
    assert snapshots.names(account=OUTSIDE, identifier=arn, IncludePublic=True) == ['s1']


def test_shared_snapshots_are_listed_where_they_are_shared_to(snapshots):
    arn = snapshots.create()
    snapshots.modify(ValuesToAdd=[MEMBER])
    assert snapshots.names(account=MEMBER, SnapshotType='shared') == ['s1']
    assert snapshots.names(account=MEMBER, identifier=arn, IncludeShared=True) == ['s1']
    assert snapshots.names(account=OUTSIDE, SnapshotType='shared') == []
    assert snapshots.names(SnapshotType='shared') == []
    with pytest.raises(ClientError) as error:
        snapshots.describe(arn, account=OUTSIDE)
    assert 'NotFound' in code(error)


def test_the_errors_for_a_missing_snapshot(snapshots):
    missing = 'DBClusterSnapshotNotFoundFault' if snapshots.cluster else 'DBSnapshotNotFound'
    for call in (
        snapshots.describe,
        snapshots.shared_with,
        lambda name: snapshots.modify(name, ValuesToRemove=['all']),
    ):
        with pytest.raises(ClientError) as error:
            call('nope')
        assert code(error) == missing
        assert error.value.response['ResponseMetadata']['HTTPStatusCode'] == 404


def test_another_account_cannot_share_it(snapshots):
    arn = snapshots.create()
    with pytest.raises(ClientError, match='NotFound'):
        snapshots.modify(arn, account=OUTSIDE, ValuesToAdd=[OUTSIDE])
    assert snapshots.shared_with() == []


def test_an_automated_snapshot_is_not_shared(snapshots):
    snapshots.create()
    with pytest.raises(ClientError) as error:
        snapshots.modify(snapshots.automated(), ValuesToAdd=['all'])
    assert code(error) == ('InvalidDBClusterSnapshotStateFault' if snapshots.cluster else 'InvalidDBSnapshotState')


def test_an_encrypted_snapshot_is_shared_with_accounts_only(snapshots):
    snapshots.create(encrypted=True)
    assert snapshots.modify(ValuesToAdd=[MEMBER]) == [MEMBER]
    with pytest.raises(ClientError) as error:
        snapshots.modify(ValuesToAdd=['all'])
    assert code(error) == 'InvalidParameterValue'
    assert snapshots.shared_with() == [MEMBER]


@pytest.mark.parametrize('value', ['everyone', '1234', ''])
def test_a_value_is_an_account_or_all(snapshots, value):
    snapshots.create()
    with pytest.raises(ClientError) as error:
        snapshots.modify(ValuesToAdd=[value])
    assert code(error) == 'InvalidParameterValue'


def test_a_list_has_pages(snapshots):
    for name in ('s1', 's2', 's3'):
        snapshots.create(name)
    operation = 'describe_db_cluster_snapshots' if snapshots.cluster else 'describe_db_snapshots'
    paginator = snapshots.rds().get_paginator(operation)
    pages = list(paginator.paginate(SnapshotType='manual', PaginationConfig={'PageSize': 2}))
    assert len(pages) == 2
    names = [
        each[f'{snapshots.prefix}SnapshotIdentifier'] for page in pages for each in page[f'{snapshots.prefix}Snapshots']
    ]
    assert names == ['s1', 's2', 's3']


def test_a_copy_is_asked_for_its_source_and_itself_and_its_tags_for_itself_alone(cloud, client):
    of_instances = Snapshots(client, cluster=False)
    of_instances.create('golden')
    snapshot = f'arn:aws:rds:{REGION}:{SECURITY}:snapshot:'
    copying = [
        allow('rds:CopyDBSnapshot', resource=[f'{snapshot}golden', f'{snapshot}copy-*']),
        allow('rds:AddTagsToResource', resource=f'{snapshot}copy-*'),
    ]
    rds = cloud.client('rds', credentials=cloud.assume(cloud.role('copier', copying)))

    def copy(source, target):
        tags = [{'Key': 'run', 'Value': 'r-1'}]
        return rds.copy_db_snapshot(SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=target, Tags=tags)

    assert copy('golden', 'copy-1')['DBSnapshot']['TagList'] == [{'Key': 'run', 'Value': 'r-1'}]
    for source, target, action, refused in (
        ('golden', 'other-1', 'CopyDBSnapshot', 'other-1'),
        ('another', 'copy-2', 'CopyDBSnapshot', 'another'),
    ):
        with pytest.raises(ClientError, match=f'rds:{action} on resource: {snapshot}{refused} '):
            copy(source, target)
