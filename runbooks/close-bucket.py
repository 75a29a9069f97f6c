# The groups of grantees that are everybody, and everybody with any AWS account.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups
EVERYBODY = (
    'http://acs.amazonaws.com/groups/global/AllUsers',
    'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
)
BLOCKED = {'BlockPublicAcls': True, 'BlockPublicPolicy': True, 'IgnorePublicAcls': True, 'RestrictPublicBuckets': True}
SAID = {'block': 'Block Public Access', 'policy': 'policy', 'grants': 'ACL'}
s3 = boto3.client('s3')


def bucket(run):
    return {'Bucket': run['target'], 'ExpectedBucketOwner': run['account']}


def read(run):
    """The state of the bucket: all that closing it changes. None: it has no such configuration."""
    return {
        'block': or_none('NoSuchPublicAccessBlockConfiguration', lambda: public_access_block(run)),
        'policy': or_none('NoSuchBucketPolicy', lambda: json.loads(s3.get_bucket_policy(**bucket(run))['Policy'])),
        'grants': s3.get_bucket_acl(**bucket(run))['Grants'],
    }


def public_access_block(run):
    return s3.get_public_access_block(**bucket(run))['PublicAccessBlockConfiguration']


def or_none(code, ask):
    try:
        return ask()
    except ClientError as error:
        if code_of(error) != code:
            raise
        return None


def closed(state):
    """A state without what is public in it."""
    left = [each for each in statements(state) if not is_public(each)]
    changed = len(left) < len(statements(state))
    policy = ({**state['policy'], 'Statement': left} if left else None) if changed else state['policy']
    grants = [each for each in state['grants'] if each['Grantee'].get('URI') not in EVERYBODY]
    return {'block': BLOCKED, 'policy': policy, 'grants': grants}


def statements(state):
    stated = (state['policy'] or {}).get('Statement', [])
    return stated if isinstance(stated, list) else [stated]


def is_public(statement):
    """Whether it grants to everybody whatever the request. Where conditions decide, S3 does: the block goes by its word."""
    return statement['Effect'] == 'Allow' and is_everybody(statement.get('Principal')) and not statement.get('Condition')


def is_everybody(principal):
    named = principal.get('AWS', []) if isinstance(principal, dict) else principal
    return '*' in (named if isinstance(named, list) else [named])


def name_of(grant):
    return f"{grant['Permission']} of {grant['Grantee']['URI'].rsplit('/', 1)[1]}"


def to_restore(run, state):
    """(what the execution that closed it kept, parts to write back, what somebody changed since)"""
    document, _ = kept(run, run['contained'], 'before.json')
    if document is None:
        raise ValueError(f"Execution {run['contained']} of this runbook kept nothing: it closed no bucket")
    parts, changed = [], []
    for part, value in state.items():
        if value == document['before'][part]:
            continue
        if value == document['after'][part]:
            parts.append(part)
        else:
            changed.append(f'its {SAID[part]} is {json.dumps(value)}')
    return document, parts, changed
