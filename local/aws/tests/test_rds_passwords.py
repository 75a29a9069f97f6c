"""RDS: who manages the password of a master user."""

import json

import pytest
from botocore.exceptions import ClientError

INSTANCE = {'DBInstanceIdentifier': 'orders', 'Engine': 'postgres', 'DBInstanceClass': 'db.t3.micro', 'AllocatedStorage': 20}
CLUSTER = {'DBClusterIdentifier': 'orders', 'Engine': 'aurora-postgresql'}


@pytest.fixture
def rds(client):
    return client('rds')


@pytest.fixture(params=['instance', 'cluster'])
def database(request, rds):
    """(modify, read): a database whose password RDS does not manage."""
    if request.param == 'instance':
        rds.create_db_instance(**INSTANCE, MasterUsername='root', MasterUserPassword='something')
        name = {'DBInstanceIdentifier': 'orders'}
        return (
            lambda **change: rds.modify_db_instance(**name, **change),
            lambda: rds.describe_db_instances(**name)['DBInstances'][0],
        )
    rds.create_db_cluster(**CLUSTER, MasterUsername='root', MasterUserPassword='something')
    name = {'DBClusterIdentifier': 'orders'}
    return lambda **change: rds.modify_db_cluster(**name, **change), lambda: rds.describe_db_clusters(**name)['DBClusters'][0]


def refused(operation, **arguments) -> str:
    with pytest.raises(ClientError) as error:
        operation(**arguments)
    return error.value.response['Error']['Code']


def test_rds_makes_a_password_rotates_it_and_ends_with_another(database, client):
    modify, read = database
    secrets = client('secretsmanager')
    modify(ManageMasterUserPassword=True, ApplyImmediately=True)
    secret = read()['MasterUserSecret']['SecretArn']
    first = secrets.get_secret_value(SecretId=secret)
    modify(RotateMasterUserPassword=True, ApplyImmediately=True)
    second = secrets.get_secret_value(SecretId=secret)
    assert first['VersionId'] != second['VersionId']
    assert json.loads(first['SecretString'])['password'] != json.loads(second['SecretString'])['password']
    assert secrets.describe_secret(SecretId=secret)['VersionIdsToStages'] == {
        first['VersionId']: ['AWSPREVIOUS'],
        second['VersionId']: ['AWSCURRENT'],
    }
    modify(ManageMasterUserPassword=False, MasterUserPassword='something-else', ApplyImmediately=True)
    assert 'MasterUserSecret' not in read()


def test_what_does_not_fit_together_is_refused(database):
    modify, read = database
    assert refused(modify, RotateMasterUserPassword=True, ApplyImmediately=True) == 'InvalidParameterCombination'
    both = {'ManageMasterUserPassword': True, 'MasterUserPassword': 'something'}
    assert refused(modify, **both) == 'InvalidParameterCombination'
    modify(ManageMasterUserPassword=True, ApplyImmediately=True)
    assert refused(modify, RotateMasterUserPassword=True) == 'InvalidParameterCombination'
    assert refused(modify, ManageMasterUserPassword=False) == 'InvalidParameterCombination'
    assert read()['MasterUserSecret']


def test_the_password_of_a_member_is_the_clusters(rds):
    rds.create_db_cluster(**CLUSTER, MasterUsername='root', MasterUserPassword='something')
    rds.create_db_instance(DBInstanceIdentifier='m', DBClusterIdentifier='orders', Engine='aurora-postgresql', DBInstanceClass='db.r6g.large')
    change = {'DBInstanceIdentifier': 'm', 'ManageMasterUserPassword': True}
    assert refused(rds.modify_db_instance, **change) == 'InvalidParameterCombination'
