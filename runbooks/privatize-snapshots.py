# How long one turn of a loop works. A script may run for 600 seconds.
SECONDS = 300
ec2 = boto3.client('ec2')
rds = boto3.client('rds')


def shared_with(kind, name):
    """Whom a snapshot is shared with: account ids, and `all` for everybody. None: it does not exist."""
    try:
        if kind == 'ebs':
            answer = ec2.describe_snapshot_attribute(SnapshotId=name, Attribute='createVolumePermission')
            return sorted(each.get('UserId') or each['Group'] for each in answer['CreateVolumePermissions'])
        if kind == 'db':
            answer = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=name)
            attributes = answer['DBSnapshotAttributesResult']['DBSnapshotAttributes']
        else:
            answer = rds.describe_db_cluster_snapshot_attributes(DBClusterSnapshotIdentifier=name)
            attributes = answer['DBClusterSnapshotAttributesResult']['DBClusterSnapshotAttributes']
    except ClientError as error:
        if code_of(error) not in ('InvalidSnapshot.NotFound', 'DBSnapshotNotFound', 'DBClusterSnapshotNotFoundFault'):
            raise
        return None
    return sorted(who for each in attributes if each['AttributeName'] == 'restore' for who in each.get('AttributeValues', []))


def block_state():
    """Block public access for snapshots, of the account in this Region."""
    return ec2.get_snapshot_block_public_access_state()['State']


def execution_before(run):
    """The execution that kept what was before."""
    return run['contained'] if run['action'] == 'Restore' else run['execution']


def before(run):
    """What was kept before anything was changed: without the snapshots, which are kept by turns."""
    document, digest = kept(run, execution_before(run), 'before.json')
    if document is None:
        raise ValueError(f'Execution {execution_before(run)} of this runbook kept nothing: it made nothing private')
    return document, digest


def snapshots_before(run, turn):
    """The snapshots that one turn found: kind, name, whom it was shared with, and whom it stays shared with."""
    document, _ = kept(run, execution_before(run), f'before-{turn}.json')
    return document['snapshots']
