"""What IAM is asked about a call: its actions, each with the ARNs of the resources it touches.

The resource types of an action and their ARN formats come from iam_actions.json, the exceptions from operation to
action from iam_operations.json; the input of the call fills the formats. A type that an action requires and the input
does not name (a snapshot about to be created) is asked as `*`; an action without resources is asked about `*`.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
import pathlib
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jmespath
from moto.iam.models import iam_backends

from api_call import ApiCall
from conditions import Context
from organization import organization_of

_FOLDER = pathlib.Path(__file__).parent
ACTIONS: dict[str, Any] = json.loads((_FOLDER / 'iam_actions.json').read_text('utf-8'))
OPERATIONS: dict[str, Any] = json.loads((_FOLDER / 'iam_operations.json').read_text('utf-8'))

# Where in the input a placeholder of an ARN format is found, when not under its own name or its plural.
PLACES = {
    ('ec2', 'SecurityGroupId'): (
        'GroupId || GroupIds || SecurityGroupIds || Groups || SecurityGroupId || NetworkInterfaces[].Groups[]'
    ),
    ('ec2', 'SecurityGroupRuleId'): 'SecurityGroupRuleId || SecurityGroupRuleIds || SecurityGroupRules[].SecurityGroupRuleId',
    ('ec2', 'SubnetId'): 'SubnetId || SubnetIds || NetworkInterfaces[].SubnetId',
    ('ec2', 'NetworkInterfaceId'): (
        'NetworkInterfaceId || NetworkInterfaceIds || NetworkInterfaces[].NetworkInterfaceId'
    ),
    ('ec2', 'InstanceId'): 'InstanceId || InstanceIds || InstanceSpecification.InstanceId',
    ('autoscaling', 'GroupFriendlyName'): 'AutoScalingGroupName',
    ('s3', 'BucketName'): 'Bucket',
    ('s3', 'ObjectName'): 'Key || Delete.Objects[].Key',
    # AWS does not say which of the two a copy is asked about: both, which errs on the side of refusing.
    ('rds', 'SnapshotName'): 'DBSnapshotIdentifier || [SourceDBSnapshotIdentifier, TargetDBSnapshotIdentifier]',
    ('rds', 'ClusterSnapshotName'): (
        'DBClusterSnapshotIdentifier || [SourceDBClusterSnapshotIdentifier, TargetDBClusterSnapshotIdentifier]'
    ),
    ('rds', 'DbInstanceName'): 'DBInstanceIdentifier',
    ('rds', 'DbClusterInstanceName'): 'DBClusterIdentifier',
    ('rds', 'SubnetGroupName'): 'DBSubnetGroupName',
    ('rds', 'ParameterGroupName'): 'DBParameterGroupName',
    ('logs', 'LogGroupName'): 'logGroupName',
    ('logs', 'LogStreamName'): 'logStreamName',
    ('sns', 'TopicName'): 'Name',
    ('ssm', 'DocumentName'): 'DocumentName || Name',
    ('ssm', 'ParameterNameWithoutLeadingSlash'): 'Name || Names',
    ('ssm', 'AutomationExecutionId'): 'AutomationExecutionId',
    ('ssm', 'ResourceId'): 'OpsItemId || ResourceId',
    ('events', 'RuleName'): 'Rule || Name',
    ('events', 'EventBusName'): 'EventBusName',
    ('cloudformation', 'StackName'): 'StackName',
    ('secretsmanager', 'SecretId'): 'SecretId || Name',
    ('lambda', 'UUID'): 'UUID',
    ('scheduler', 'ScheduleName'): 'Name',
}

# The placeholder that the id of a resource fills, by the id's prefix, for calls that name resources of any type.
PLACE_BY_ID_PREFIX = {
    'ami': 'ImageId',
    'eni': 'NetworkInterfaceId',
    'i': 'InstanceId',
    'sg': 'SecurityGroupId',
    'sgr': 'SecurityGroupRuleId',
    'snap': 'SnapshotId',
    'subnet': 'SubnetId',
    'vol': 'VolumeId',
    'vpc': 'VpcId',
}


# Where a call gives a service a role, and the service's name.
_GIVES_ROLE = {
    'scheduler': ('Target.RoleArn', 'scheduler.amazonaws.com'),
    'ssm-incidents': ('actions[0].ssmAutomation.roleArn', 'ssm-incidents.amazonaws.com'),
}


@dataclass
class Access:
    """One question to IAM: an action on a resource, with the condition keys that only this question has."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def accesses(call: ApiCall, account: str, caller_user: str | None = None) -> list[Access]:
    """The questions that a call of `account` raises, all of which must be answered with yes; empty for an operation
    that needs no permission."""
    if not call.operation:
        return [Access(f'{call.prefix}:UnknownOperation', '*')]
    if call.service == 'events' and call.operation == 'PutEvents':
        return [_event_access(call.region, account, entry) for entry in call.parameters.get('Entries', [])]
    actions = OPERATIONS.get(call.service, {}).get(call.operation, [f'{call.prefix}:{call.operation}'])
    found = [
        Access(action, resource, _request_keys(call, resource))
        for action in actions
        for resource in _resources(call, action, account, _with_defaults(call, account, caller_user, action))
    ]
    return found + _tagging(call, account) + _passed_roles(call)


def _event_access(region: str, account: str, entry: dict[str, Any]) -> Access:
    """An event that is put on a bus. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html"""
    bus = entry.get('EventBusName') or 'default'
    arn = bus if bus.startswith('arn:') else f'arn:aws:events:{region}:{account}:event-bus/{bus}'
    keys = {'events:source': entry.get('Source'), 'events:detail-type': entry.get('DetailType')}
    return Access('events:PutEvents', arn, {key: [value] for key, value in keys.items() if value})


def _request_keys(call: ApiCall, resource: str) -> Context:
    """EC2's keys of what a call asks for: the type of a new instance; whom a snapshot is shared with, or no longer.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html"""
    kind = call.parameters.get('InstanceType')
    if call.operation == 'RunInstances' and kind and resource.endswith(':instance/*'):
        return {'ec2:instancetype': [kind]}
    if call.operation != 'ModifySnapshotAttribute':
        return {}
    change = call.parameters.get('CreateVolumePermission') or {}
    listed = str(call.parameters.get('OperationType', '')).capitalize()
    found: Context = {}
    for way in ('Add', 'Remove'):
        for kind, names in (('Group', 'GroupNames'), ('UserId', 'UserIds')):
            values = [each[kind] for each in change.get(way) or [] if each.get(kind)]
            values += call.parameters.get(names) or [] if way == listed else []
            if values:
                found[f'ec2:{way}/{kind}'.lower()] = values
    return found


def _with_defaults(call: ApiCall, account: str, caller_user: str | None, action: str) -> dict[str, Any]:
    """The input, completed with what AWS itself takes when the caller leaves it out or names it indirectly."""
    parameters = dict(call.parameters)
    if call.service == 'iam':
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html
        backend = iam_backends[account]['aws']
        user = parameters.get('UserName') or _key_owner(backend, parameters.get('AccessKeyId')) or caller_user
        for entity, name, place in ((backend.users, user, 'User'), (backend.roles, parameters.get('RoleName'), 'Role')):
            if name:
                new = parameters.get('Path', '/')
                path = next((item.path for item in list(entity.values()) if item.name == name), new)
                parameters[f'{place}NameWithPath'] = f'{path}{name}'.lstrip('/')
        if 'GroupName' in parameters:
            parameters['GroupNameWithPath'] = parameters['GroupName']
    elif call.service == 'ec2' and call.operation in ('CreateTags', 'DeleteTags'):
        for identifier in parameters.get('Resources', []):
            place = PLACE_BY_ID_PREFIX.get(identifier.partition('-')[0])
            if place:
                parameters.setdefault(place, []).append(identifier)
    elif call.service == 'ec2' and call.operation == 'RunInstances':
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html
        parameters['VolumeId'] = '*'
    elif call.service == 'ec2' and call.operation == 'CopySnapshot':
        # https://aws.amazon.com/blogs/storage/enhancing-resource-level-permissions-for-copying-amazon-ebs-snapshots/
        source = f'arn:aws:ec2:{parameters.get("SourceRegion")}::snapshot/{parameters.get("SourceSnapshotId")}'
        parameters.update(SourceSnapshotArn=source, SnapshotId='*')
    elif call.service == 'organizations':
        # An account is a resource of the management account, whoever asks about it.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
        organization = organization_of(account)
        asked = parameters.get('AccountId') or parameters.get('ResourceId') or ''
        if organization and organization.org and re.fullmatch(r'\d{12}', asked):
            manager, identifier = organization.org.master_account_id, organization.org.id
            parameters['AccountArn'] = f'arn:aws:organizations::{manager}:account/{identifier}/{asked}'
    elif call.service == 'sqs' and 'QueueUrl' in parameters:
        owner, name = parameters['QueueUrl'].rstrip('/').split('/')[-2:]
        parameters['QueueArn'] = f'arn:aws:sqs:{call.region}:{owner}:{name}'
    elif call.service == 'events':
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-manage-iam-access.html
        bus = parameters.pop('EventBusName', None) or 'default'
        if 'EventBus' in call.operation:
            parameters['EventBusName'] = parameters.get('Name') or 'default'
        elif bus != 'default':
            rule = parameters.pop('Rule', None) or parameters.pop('Name', None)
            parameters['Rule'] = f'{bus.rpartition("/")[2]}/{rule}'
    elif call.service == 's3' and action == 's3:GetObject' and 'CopySource' in parameters:
        bucket, _, key = parameters['CopySource'].lstrip('/').partition('?')[0].partition('/')
        parameters.update(Bucket=bucket, Key=key)
    elif call.service == 'scheduler' and 'ScheduleGroup' in call.operation:
        parameters['GroupName'] = parameters.get('Name')
    elif call.service == 'scheduler':
        parameters.setdefault('GroupName', 'default')
    elif call.service == 'lambda' and parameters.get('Qualifier'):
        parameters['FunctionName'] = f'{parameters["FunctionName"]}:{parameters["Qualifier"]}'
    elif call.service == 'ssm':
        for name in ('Name', 'Names'):
            if name in parameters and 'Parameter' in call.operation:
                value = parameters[name]
                bare = [item.lstrip('/') for item in value] if isinstance(value, list) else value.lstrip('/')
                parameters[name] = bare
    elif call.service == 'ssm-incidents':
        # The ARN of an incident record has the name of its response plan, which IAM is asked about too.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanagerincidentmanager.html
        record = parameters.get('incidentRecordArn') or parameters.get('arn') or ''
        if ':incident-record/' in record:
            parameters['ResponsePlan'] = record.split('/')[1]
    elif call.service == 'kms' and str(parameters.get('KeyId', '')).startswith('alias/'):
        parameters['KeyId'] = _key_of_alias(call.region, account, parameters['KeyId'])
    return parameters


def _key_owner(backend: Any, access_key: str | None) -> str | None:
    for user in list(backend.users.values()) if access_key else []:
        if any(key.access_key_id == access_key for key in user.access_keys):
            return user.name
    return None


def _key_of_alias(region: str, account: str, alias: str) -> str:
    from moto.kms.models import kms_backends

    return kms_backends[account][region].get_key_id_from_alias(alias) or alias


def _resources(call: ApiCall, action: str, account: str, parameters: dict[str, Any]) -> list[str]:
    prefix, _, name = action.partition(':')
    described = ACTIONS.get(prefix, {}).get('actions', {}).get(name, {})
    formats = ACTIONS.get(prefix, {}).get('resources', {})
    found: list[str] = []
    for kind in described.get('requires', []):
        found += fill(formats[kind], prefix, call.region, account, parameters, required=True)
    for kind in described.get('accepts', []):
        # Some kinds of EC2 are named in the reference without an ARN format of their own.
        found += fill(formats.get(kind, ''), prefix, call.region, account, parameters, required=False)
    if prefix == 'logs' and 'Tag' not in name:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
        found = [f'{arn}:*' if re.fullmatch(r'arn:[^*]*:log-group:[^:]+', arn) else arn for arn in found]
    if prefix == 'ssm':
        found = [arn for arn in map(_as_ssm_names_it, found) if arn]
    return list(dict.fromkeys(found)) or ['*']


def _as_ssm_names_it(arn: str) -> str | None:
    """An ARN of Systems Manager. An instance of EC2 is no managed instance beside that, and AWS's own documents belong to
    no account. https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html"""
    if re.search(r':managed-instance/i-', arn):
        return None
    return re.sub(r'^(arn:aws:ssm:[^:]*:)\d*(:document/AWS\w*-)', r'\1\2', arn)


def fill(
    template: str, prefix: str, region: str, account: str, parameters: dict[str, Any], required: bool
) -> list[str]:
    """The ARNs of one resource type that an input names: by an ARN in it, or by names put into the format. A required
    type leaves `*` where the input is silent; one that is not required is then left out."""
    given = [arn for arn in _arns(parameters) if _format_pattern(template).fullmatch(arn)]
    text = template.replace('${Partition}', 'aws').replace('${Region}', region).replace('${Account}', account)
    arns = [text] if text else []
    for place in re.findall(r'\$\{([^}]+)\}', text):
        values = _values(prefix, place, parameters)
        if not values and (given or not required):
            return given
        arns = [arn.replace(f'${{{place}}}', value) for arn in arns for value in values or ['*']]
    return given + arns


def _arns(parameters: dict[str, Any]) -> list[str]:
    texts = [item for value in parameters.values() for item in (value if isinstance(value, list) else [value])]
    return [text for text in texts if isinstance(text, str) and text.startswith('arn:')]


@cache
def _format_pattern(template: str) -> re.Pattern[str]:
    fixed = {'${Partition}': '[^:]*', '${Region}': '[^:]*', '${Account}': '[^:]*'}
    parts = re.split(r'(\$\{[^}]+\})', template)
    last = len(parts) - 2
    return re.compile(
        ''.join(
            fixed.get(part) or (('.+' if index == last else '[^:]+') if part.startswith('${') else re.escape(part))
            for index, part in enumerate(parts)
        )
    )


def _values(prefix: str, place: str, parameters: dict[str, Any]) -> list[str]:
    expression = PLACES.get((prefix, place))
    if expression:
        value = _search(expression, parameters)
    else:
        names = (place, f'{place}s', place[0].lower() + place[1:])
        value = next((parameters[name] for name in names if parameters.get(name)), None)
    items = value if isinstance(value, list) else [value]
    # A full ARN of another type is no name.
    return [item for item in items if isinstance(item, str) and item and not item.startswith('arn:')]


@cache
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def _search(expression: str, parameters: dict[str, Any]) -> Any:
    return _compiled(expression).search(parameters)


def _tagging(call: ApiCall, account: str) -> list[Access]:
    """The tagging that a create call does on the way and that needs a permission of its own.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"""
    formats = ACTIONS.get(call.prefix, {}).get('resources', {})
    if call.service == 'ec2':
        return [
            Access('ec2:CreateTags', arn, {'ec2:createaction': [call.operation]})
            for kind in _search('TagSpecifications[?Tags].ResourceType', call.parameters) or []
            for arn in fill(formats.get(kind, ''), 'ec2', call.region, account, {}, required=True)
        ]
    if call.service == 'rds' and call.operation.startswith(('Create', 'Copy')) and call.parameters.get('Tags'):
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/security_iam_id-based-policy-examples-grant-permissions-tags-on-create.html
        kinds = ACTIONS['rds']['actions'][call.operation].get('requires', [])[-1:]
        copy = {
            name.removeprefix('Target'): value
            for name, value in call.parameters.items()
            if not name.startswith('Source')
        }
        return [
            Access('rds:AddTagsToResource', arn)
            for kind in kinds
            for arn in fill(formats[kind], 'rds', call.region, account, copy, required=True)
        ]
    if call.service == 'iam' and call.operation in ('CreateUser', 'CreateRole') and call.parameters.get('Tags'):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_users.html
        action = call.operation.replace('Create', 'iam:Tag')
        named = _with_defaults(call, account, None, action)
        return [Access(action, arn) for arn in _resources(call, action, account, named)]
    return []


def _passed_roles(call: ApiCall) -> list[Access]:
    """The role that a schedule, or a response plan for its runbook, is given.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    if call.service not in _GIVES_ROLE:
        return []
    expression, service = _GIVES_ROLE[call.service]
    role = _search(expression, call.parameters)
    return [Access('iam:PassRole', role, {'iam:passedtoservice': [service]})] if role else []
