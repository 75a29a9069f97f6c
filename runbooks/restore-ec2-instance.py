def to_restore(run, state, facts):
    """(steps back, what somebody changed since): a part that is as it was before needs no step, one that is as the containment
    left it has one, and any other is a change that a person has to look at."""
    document, _ = kept(run, run['contained'], 'before.json')
    if document is None or document['target'] != run['target']:
        raise ValueError(f"Execution {run['contained']} of this runbook kept nothing about {run['target']}")
    before, steps, changed = document['before'], [], []

    ours = groups_of(facts['vpc'], run['account'])
    known = {group for groups in before['interfaces'].values() for group in groups}
    pages = ec2.get_paginator('describe_security_groups').paginate(Filters=[{'Name': 'group-id', 'Values': sorted(known)}])
    gone = known - {group['GroupId'] for page in pages for group in page['SecurityGroups']}
    changed += [f'the security group {group} does not exist any more' for group in sorted(gone)]
    for interface in sorted({*before['interfaces'], *state['interfaces']}):
        was, now = before['interfaces'].get(interface), state['interfaces'].get(interface)
        if was is None or now is None:
            changed.append(f"the interface {interface} was {'attached' if was is None else 'detached'}")
        elif now != was and len(now) == 1 and now[0] in ours:
            steps.append(['interface', interface, was])
        elif now != was:
            changed.append(f"the interface {interface} has the groups {', '.join(now)}")

    for group, port in before['targets']:
        if group not in facts['targetGroups']:
            changed.append(f'the target group {group} does not exist any more')
        elif [group, port] not in state['targets']:
            steps.append(['target', group, port])

    was, now = before['scaling'], state['scaling']
    if was != now and was is not None and was[1] == 'InService':
        groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[was[0]])['AutoScalingGroups']
        if now not in (None, [was[0], 'Standby']):
            changed.append(f"it is {now[1]} in the Auto Scaling group {now[0]}")
        elif not groups:
            changed.append(f'the Auto Scaling group {was[0]} does not exist any more')
        elif groups[0]['DesiredCapacity'] >= groups[0]['MaxSize']:
            changed.append(f"the Auto Scaling group {was[0]} has no room: give it one more than {groups[0]['MaxSize']} first")
        else:
            steps.append(['scaling', was[0], now is not None])

    for device, (volume, deleted) in sorted(before['volumes'].items()):
        if device not in state['volumes'] or state['volumes'][device][0] != volume:
            changed.append(f'the volume {volume} is no longer attached at {device}')
        elif deleted and not state['volumes'][device][1]:
            steps.append(['volume', device, volume])
    if before['shutdown'] != state['shutdown']:
        steps.append(['shutdown', before['shutdown']])
    if state['protected'] and not before['protected']:
        steps.append(['protected'])
    if facts['tags'].get(TAG):
        steps.append(['tag'])
    return steps, changed
