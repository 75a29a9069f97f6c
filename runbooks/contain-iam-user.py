import re

MARK = 'FirebreakContain-'
DENY = {'Version': '2012-10-17', 'Statement': [{'Sid': 'Contained', 'Effect': 'Deny', 'Action': '*', 'Resource': '*'}]}
iam = boto3.client('iam')


def read(run):
    """The state of the user: all that containing it changes."""
    try:
        user = iam.get_user(UserName=run['target'])['User']
    except iam.exceptions.NoSuchEntityException:
        raise ValueError(f"There is no IAM user {run['target']}. The root user is none: only a service control policy keeps it from acting")
    pages = iam.get_paginator('list_access_keys').paginate(UserName=run['target'])
    names = iam.get_paginator('list_user_policies').paginate(UserName=run['target'])
    ours = [name for page in names for name in page['PolicyNames'] if name.startswith(MARK)]
    return {
        'id': user['UserId'],
        'arn': user['Arn'],
        'keys': {key['AccessKeyId']: key['Status'] for page in pages for key in page['AccessKeyMetadata']},
        'policies': {name: iam.get_user_policy(UserName=run['target'], PolicyName=name)['PolicyDocument'] for name in ours},
    }


def told(state):
    """The access keys and their status, in words."""
    return ', '.join(f'{key} is {status}' for key, status in sorted(state['keys'].items())) or 'there are none'


def policy_of_role(role, name):
    """An inline policy of a role, or None."""
    try:
        return iam.get_role_policy(RoleName=role, PolicyName=name)['PolicyDocument']
    except iam.exceptions.NoSuchEntityException:
        return None


def first_containment(run, state):
    """What was kept by the execution that contains this user already, or began to; None without one. Anybody who may change the
    user can give it a policy with such a name: it counts when an execution kept something about this very user."""
    for name in sorted(state['policies']):
        execution = name.removeprefix(MARK)
        if re.fullmatch(r'[0-9a-f-]{36}', execution):
            document, _ = kept(run, execution, 'before.json')
            if document and document['before']['id'] == state['id'] and document['policy'] == name:
                return document
    return None
