"""Tags of resources and of requests, for the condition keys aws:ResourceTag, aws:RequestTag and aws:TagKeys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
"""

from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.rds.models import rds_backends
from moto.sqs.models import sqs_backends

from api_call import ApiCall


def resource_tags(arn: str, account: str, region: str) -> dict[str, str]:
    """The tags of an existing resource of EC2, IAM, RDS, SQS or DynamoDB; empty for one that moto does not have."""
    parts = arn.split(':', 5)
    if len(parts) < 6 or '*' in arn:
        return {}
    service, name = parts[2], parts[5]
    region = parts[3] or region
    if service == 'ec2':
        return dict(ec2_backends[account][region].tags.get(name.partition('/')[2], {}))
    if service == 'iam':
        return _iam_tags(arn, account)
    if service == 'rds':
        return _pairs(_rds_tags(arn, account, region))
    if service == 'sqs':
        queue = sqs_backends[account][region].queues.get(name)
        return dict(queue.tags) if queue else {}
    if service == 'dynamodb':
        table = dynamodb_backends[account][region].tables.get(name.split('/')[1] if '/' in name else name)
        return _pairs(table.tags) if table else {}
    return {}


def _iam_tags(arn: str, account: str) -> dict[str, str]:
    backend = iam_backends[account]['aws']
    if ':user/' in arn:
        return _pairs(backend.tagger.list_tags_for_resource(arn)['Tags'])
    role = next((role for role in list(backend.roles.values()) if role.arn == arn), None)
    return _pairs(role.tags) if role else {}


def _rds_tags(arn: str, account: str, region: str) -> list[dict[str, str]]:
    backend = rds_backends[account][region]
    kind, _, name = arn.split(':', 5)[5].partition(':')
    held = {
        'snapshot': backend.database_snapshots,
        'cluster-snapshot': backend.cluster_snapshots,
        'db': backend.databases,
        'cluster': backend.clusters,
    }.get(kind, {})
    return held[name].get_tags() if name in held else []


def request_tags(call: ApiCall, arn: str) -> dict[str, str]:
    """The tags that a call would put on what an ARN names. Specifications of EC2 say for which type of new resources they
    are, and only those are asked about with them; tags that a call gives without a type count for all that it touches.
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    kind = arn.rpartition(':')[2].partition('/')[0] if arn.endswith('/*') else None
    given: list[Any] = [call.parameters.get('Tags'), call.parameters.get('TagList')]
    given += [
        item.get('Tags') for item in call.parameters.get('TagSpecifications') or [] if item.get('ResourceType') == kind
    ]
    return {key: value for tags in given if isinstance(tags, list | dict) for key, value in _pairs(tags).items()}


def _pairs(tags: Any) -> dict[str, str]:
    if isinstance(tags, dict):
        return {key: value for key, value in tags.items() if isinstance(value, str)}
    return {tag['Key']: tag.get('Value', '') for tag in tags or [] if isinstance(tag, dict) and 'Key' in tag}
