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
