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


def to_restore(run, state):
    """(what the containing execution kept, steps back, what somebody changed since): a part that is as it was before needs no
    step, one that is as the containment left it has one, and any other is a change that a person has to look at."""
    document, _ = kept(run, run['contained'], 'before.json')
    if document is None:
        raise ValueError(f"Execution {run['contained']} of this runbook kept nothing: it contained nobody")
    steps, changed = [], []
    if document['before']['id'] != state['id']:
        changed.append(f"{run['target']} is not the user that was contained: that one was {document['before']['arn']}")
    present = state['policies'].get(document['policy'])
    if present == DENY:
        steps.append(['deny', document['policy']])
    elif present is not None:
        changed.append(f"the inline policy {document['policy']} does not say what it said")
    for role in document['roles']:
        present = policy_of_role(role['name'], role['policy'])
        if present == role['document']:
            steps.append(['role', role['name'], role['policy']])
        elif present is not None:
            changed.append(f"the inline policy {role['policy']} of the role {role['name']} does not say what it said")
    if run['activateKeys'] == 'true':
        for key, status in sorted(document['before']['keys'].items()):
            if status == 'Active' and key not in state['keys']:
                changed.append(f'the access key {key} does not exist any more')
            elif status == 'Active' and state['keys'][key] != 'Active':
                steps.append(['key', key])
    return document, steps, changed
