import re


def first_containment(run, facts):
    """What was kept by the execution that contains this instance already, or began to; None without one. Whoever may tag the
    instance can name any execution: it counts when that kept something about this very instance."""
    execution = facts['tags'].get(TAG, '')
    if not re.fullmatch(r'[0-9a-f-]{36}', execution):
        return None
    document, _ = kept(run, execution, 'before.json')
    return document if document and document['target'] == run['target'] else None
