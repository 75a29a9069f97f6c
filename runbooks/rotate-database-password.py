rds = boto3.client('rds')


def read(run):
    """How the master password of the database is managed. The password itself is never read."""
    try:
        database, kind = rds.describe_db_instances(DBInstanceIdentifier=run['target'])['DBInstances'][0], 'instance'
    except rds.exceptions.DBInstanceNotFoundFault:
        database, kind = rds.describe_db_clusters(DBClusterIdentifier=run['target'])['DBClusters'][0], 'cluster'
    secret = database.get('MasterUserSecret')
    instance = kind == 'instance'
    return {
        'kind': kind,
        'arn': database['DBInstanceArn' if instance else 'DBClusterArn'],
        'engine': database['Engine'],
        'status': database['DBInstanceStatus' if instance else 'Status'],
        'user': database['MasterUsername'],
        'cluster': database.get('DBClusterIdentifier') if instance else None,
        'source': database.get('ReadReplicaSourceDBInstanceIdentifier' if instance else 'ReplicationSourceIdentifier'),
        'replicas': database.get('ReadReplicaDBInstanceIdentifiers' if instance else 'ReadReplicaIdentifiers', []),
        'pending': 'MasterUserPassword' in (database.get('PendingModifiedValues') or {}),
        'secret': secret and secret['SecretArn'],
        'secretStatus': secret and secret['SecretStatus'],
        'version': secret and current_version(secret['SecretArn']),
    }


def current_version(arn):
    versions = boto3.client('secretsmanager').describe_secret(SecretId=arn)['VersionIdsToStages']
    return next(version for version, stages in versions.items() if 'AWSCURRENT' in stages)


def way(before):
    """The step that makes a new password."""
    return f"{'Rotate' if before['secret'] else 'Manage'}{before['kind'].capitalize()}"


def secret_name(run):
    """The secret that holds the password when RDS manages it no more."""
    return f"firebreak/{run['target']}/{run['execution']}"


def to_restore(run, state):
    """(what the execution that rotated kept, whether RDS is to manage the password no more)"""
    document, _ = kept(run, run['contained'], 'before.json')
    if document is None:
        raise ValueError(f"Execution {run['contained']} of this runbook kept nothing: it rotated no password")
    if document['before']['arn'] != state['arn']:
        raise ValueError(f"Execution {run['contained']} rotated the password of {document['before']['arn']}")
    if document['before']['secret']:
        raise ValueError('RDS managed the password before, and does: there is nothing to take back. To replace it, rotate again')
    return document, state['secret'] is not None
