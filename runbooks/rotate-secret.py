secrets = boto3.client('secretsmanager')


def current(secret):
    """The id of the version that is current; None before a secret has a value."""
    versions = secret.get('VersionIdsToStages', {})
    return next((version for version, stages in versions.items() if 'AWSCURRENT' in stages), None)


def to_restore(run, secret):
    """(what the execution that rotated kept, whether AWSCURRENT is to be moved back)"""
    document, _ = kept(run, run['contained'], 'before.json')
    if document is None:
        raise ValueError(f"Execution {run['contained']} of this runbook kept nothing: it rotated no secret")
    if document['arn'] != secret['ARN']:
        raise ValueError(f"Execution {run['contained']} rotated {document['arn']}")
    if current(secret) not in (document['current'], document['execution']):
        raise ValueError(f'Changed since it was rotated: version {current(secret)} is current')
    if document['current'] not in secret['VersionIdsToStages']:
        raise ValueError(f"Version {document['current']} does not exist any more: Secrets Manager deletes what has no label")
    return document, current(secret) == document['execution']
