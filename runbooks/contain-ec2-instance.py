ec2 = boto3.client('ec2')
scaling = boto3.client('autoscaling')
balancing = boto3.client('elbv2')
TAG = 'firebreak:contained'


def read(run):
    """(state, facts): all that containing the instance changes, and what else has to be known of it."""
    name = run['target']
    found = ec2.describe_instances(InstanceIds=[name])['Reservations'][0]['Instances'][0]
    if found['State']['Name'] in ('shutting-down', 'terminated'):
        raise ValueError(f"{name} is {found['State']['Name']}")
    attached = [{'Name': 'attachment.instance-id', 'Values': [name]}]
    pages = ec2.get_paginator('describe_network_interfaces').paginate(Filters=attached)
    interfaces = [interface for page in pages for interface in page['NetworkInterfaces']]
    vpc = found['VpcId']
    if not interfaces:
        raise ValueError(f'EC2 answered without the interfaces of {name}')

    def attribute(key):
        answer = ec2.describe_instance_attribute(InstanceId=name, Attribute=key)
        return answer[key[0].upper() + key[1:]]['Value']

    member = scaling.describe_auto_scaling_instances(InstanceIds=[name])['AutoScalingInstances']
    pages = balancing.get_paginator('describe_target_groups').paginate()
    groups = [group['TargetGroupArn'] for page in pages for group in page['TargetGroups']
              if group['TargetType'] == 'instance' and group['VpcId'] == vpc]
    state = {
        'protected': attribute('disableApiTermination'),
        'shutdown': attribute('instanceInitiatedShutdownBehavior'),
        'volumes': {
            mapping['DeviceName']: [mapping['Ebs']['VolumeId'], mapping['Ebs']['DeleteOnTermination']]
            for mapping in found['BlockDeviceMappings'] if 'Ebs' in mapping
        },
        'scaling': [member[0]['AutoScalingGroupName'], settling(member[0]['LifecycleState'])] if member else None,
        'targets': sorted([group, port] for group in groups for port in ports(group, name)),
        'interfaces': {each['NetworkInterfaceId']: sorted(group['GroupId'] for group in each['Groups']) for each in interfaces},
    }
    facts = {
        'vpc': vpc,
        'tags': {tag['Key']: tag['Value'] for tag in found.get('Tags', [])},
        'targetGroups': groups,
        'unchangeable': [each['NetworkInterfaceId'] for each in interfaces if each.get('RequesterManaged') or each['VpcId'] != vpc],
        'instance': found,
    }
    return state, facts


def settling(lifecycle):
    """Where a member of an Auto Scaling group is, or is on its way to."""
    return 'Standby' if 'Standby' in lifecycle else 'InService' if lifecycle.startswith('Pending') else lifecycle


def ports(group, name):
    """Ports at which the instance is a target of a group; one that is draining is no longer."""
    health = balancing.describe_target_health(TargetGroupArn=group)['TargetHealthDescriptions']
    return [each['Target']['Port'] for each in health
            if each['Target']['Id'] == name and each['TargetHealth']['State'] != 'draining']


def first_containment(run, facts):
    """What was kept by the execution that contains this instance already, or began to; None without one. Whoever may tag the
    instance can name any execution: it counts when that kept something about this very instance."""
    execution = facts['tags'].get(TAG, '')
    if not re.fullmatch(r'[0-9a-f-]{36}', execution):
        return None
    document, _ = kept(run, execution, 'before.json')
    return document if document and document['target'] == run['target'] else None
