# Those of the remediation instances.isolate-instance, by the same names and tags (engine/own-groups.ts): no rules at all; and all
# traffic both ways, under which connections are no longer tracked, so that they end when it goes.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html#untracked-connections
EVERYTHING = {('-1', 'IpRanges', 'CidrIp', '0.0.0.0/0'), ('-1', 'Ipv6Ranges', 'CidrIpv6', '::/0')}
RULES = {'quarantine': set(), 'flush': EVERYTHING}


def groups_of(vpc, account):
    """{id: which} of the groups of a VPC that are exactly ours. Whoever may make groups can give one our name and tag, or one of
    ours a rule more: by such a group nobody is isolated."""
    filters = [{'Name': 'vpc-id', 'Values': [vpc]}, {'Name': 'tag:firebreak:role', 'Values': list(RULES)}]
    pages = ec2.get_paginator('describe_security_groups').paginate(Filters=filters)
    found = {}
    for group in (group for page in pages for group in page['SecurityGroups']):
        which = next(tag['Value'] for tag in group.get('Tags', []) if tag['Key'] == 'firebreak:role')
        called = (group['GroupName'] + '-').startswith(f'firebreak-{which}-')
        if called and group['OwnerId'] == account and rules_of(group) == (RULES[which], RULES[which]):
            found[group['GroupId']] = which
    return dict(sorted(found.items()))


def rules_of(group):
    """(rules in, rules out) of a group, one peer to a rule."""
    kinds = (('IpRanges', 'CidrIp'), ('Ipv6Ranges', 'CidrIpv6'), ('PrefixListIds', 'PrefixListId'), ('UserIdGroupPairs', 'GroupId'))
    return tuple(
        {
            (rule['IpProtocol'] if rule['IpProtocol'] == '-1' else str(rule), kind, key, peer[key])
            for rule in group[direction] for kind, key in kinds for peer in rule.get(kind, [])
        }
        for direction in ('IpPermissions', 'IpPermissionsEgress')
    )
