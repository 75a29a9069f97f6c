"""AWS CloudFormation: properties that moto reads over, of resources that it makes, at their creation and their update.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
"""

from collections.abc import Callable

from moto.awslambda.models import LambdaFunction
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.iam.models import Role, iam_backends
from moto.s3.models import FakeBucket, PublicAccessBlock
from moto.sqs.models import Queue


def complete_table(table: Table, properties: dict) -> None:
    """Point-in-time recovery, time to live, encryption under a key, deletion protection."""
    backend = dynamodb_backends[table.account_id][table.region_name]
    recovery = properties.get('PointInTimeRecoverySpecification', {}).get('PointInTimeRecoveryEnabled', False)
    backend.update_continuous_backups(table.name, {'PointInTimeRecoveryEnabled': _boolean(recovery)})
    time_to_live = properties.get('TimeToLiveSpecification')
    if time_to_live:
        backend.update_time_to_live(table.name, {**time_to_live, 'Enabled': _boolean(time_to_live['Enabled'])})
    encryption = properties.get('SSESpecification', {})
    if table.sse_specification:
        table.sse_specification['Enabled'] = _boolean(encryption.get('SSEEnabled', False))
    table.deletion_protection_enabled = _boolean(properties.get('DeletionProtectionEnabled', False))


def complete_function(function: LambdaFunction, properties: dict) -> None:
    """The architecture, the tracing mode and the log format."""
    function.architectures = properties.get('Architectures', ['x86_64'])
    function.tracing_config = properties.get('TracingConfig', {'Mode': 'PassThrough'})
    function.logging_config = properties.get('LoggingConfig', {})


def complete_bucket(bucket: FakeBucket, properties: dict) -> None:
    """Block Public Access, Object Ownership and versioning; what a template leaves out is as for any new bucket."""
    block = properties.get('PublicAccessBlockConfiguration')
    if block is not None:
        settings = ('BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets')
        bucket.public_access_block = PublicAccessBlock(*(_boolean(block.get(name, False)) for name in settings))
    for rule in properties.get('OwnershipControls', {}).get('Rules', []):
        bucket.ownership_rule = rule['ObjectOwnership']
    versioning = properties.get('VersioningConfiguration')
    if versioning:
        bucket.versioning_status = versioning['Status']


def complete_role(role: Role, properties: dict) -> None:
    """The managed policies: those that are named, and no others."""
    backend = iam_backends[role.account_id][role.partition]
    named = properties.get('ManagedPolicyArns', [])
    for arn in [arn for arn in role.managed_policies if arn not in named]:
        backend.detach_role_policy(arn, role.name)
    for arn in named:
        backend.attach_role_policy(arn, role.name)


def complete_queue(queue: Queue, properties: dict) -> None:
    """All attributes, which moto takes at the creation only."""
    queue._set_attributes(
        {name: value for name, value in properties.items() if name not in ('QueueName', 'Tags', 'FifoQueue')}
    )


def _boolean(value) -> bool:
    return str(value).lower() == 'true'


def completed(create: Callable, complete: Callable) -> Callable:
    """moto's `create_from_cloudformation_json` with `complete` after it."""

    def create_completed(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        resource = create(resource_name, cloudformation_json, account_id, region_name, **kwargs)
        complete(resource, cloudformation_json['Properties'])
        return resource

    return classmethod(create_completed)


def updated(update: Callable | None, complete: Callable) -> Callable:
    """moto's `update_from_cloudformation_json`, where it has one, with `complete` after it."""

    def update_completed(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        arguments = (new_resource_name, cloudformation_json, account_id, region_name)
        resource = update(original_resource, *arguments) if update else original_resource
        complete(resource, cloudformation_json['Properties'])
        return resource

    return classmethod(update_completed)


for _model, _complete in (
    (Table, complete_table),
    (LambdaFunction, complete_function),
    (FakeBucket, complete_bucket),
    (Role, complete_role),
    (Queue, complete_queue),
):
    _update = _model.update_from_cloudformation_json
    _model.create_from_cloudformation_json = completed(_model.create_from_cloudformation_json, _complete)
    _model.update_from_cloudformation_json = updated(None if _model is Table else _update, _complete)
