"""AWS CloudFormation: what a deployment of Firebreak needs and moto leaves out.

Facts supplied, where moto differs:
- Policies of queues, buckets and buses, and alarms, are resources of a stack. moto reports them as created and creates
  nothing.
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
- ValidateTemplate looks at the syntax alone. moto has cfn-lint look at it, and takes its advice for errors.
  https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ValidateTemplate.html
- A role's inline policy is text, however it was put. moto keeps the template's object.
  https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
"""

import json
from typing import Any

import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.parsing import get_model_map
from moto.cloudformation.utils import yaml_tag_constructor
from moto.cloudwatch.models import cloudwatch_backends
from moto.events.models import events_backends
from moto.iam.models import Role
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

put_policy_as_moto = Role.put_policy

if yaml.__with_libyaml__:
    # It reads a template fifteen times as fast as the parser in Python that moto asks for, and moto reads each several times.
    yaml.CLoader.add_multi_constructor('', yaml_tag_constructor)
    yaml.Loader, yaml.SafeLoader = yaml.CLoader, yaml.CSafeLoader


class StackResource:
    """What a stack puts beside the resources that moto knows: a policy on some of them, an alarm.

    It has the methods of moto's CloudFormationModel, which only modules within moto can inherit.
    """

    def __init__(self, name: str, properties: dict[str, Any]):
        self.physical_resource_id = name
        self.properties = properties

    def delete(self, account_id: str, region_name: str) -> None:
        self.remove(self.properties, account_id, region_name)

    def is_created(self) -> bool:
        return True

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return False

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str) -> None:
        """Puts what the properties say."""
        raise NotImplementedError

    @classmethod
    def remove(cls, properties: dict[str, Any], account: str, region: str) -> None:
        """Takes away what of it still exists."""
        raise NotImplementedError

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> 'StackResource':
        cls.put(cloudformation_json['Properties'], account_id, region_name)
        return cls(resource_name, cloudformation_json['Properties'])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> 'StackResource':
        original_resource.delete(account_id, region_name)
        original_resource.properties = cloudformation_json['Properties']
        cls.put(original_resource.properties, account_id, region_name)
        return original_resource


class QueuePolicy(StackResource):
    """Queues are named by URL."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str) -> None:
        for url in properties['Queues']:
            queue = sqs_backends[account][region].get_queue(url.rsplit('/', 1)[-1])
            queue.policy = json.dumps(properties['PolicyDocument'])

    @classmethod
    def remove(cls, properties: dict[str, Any], account: str, region: str) -> None:
        queues = sqs_backends[account][region].queues
        for url in properties['Queues']:
            name = url.rsplit('/', 1)[-1]
            if name in queues:
                queues[name].policy = None


class BucketPolicy(StackResource):
    """One bucket, named."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str) -> None:
        document = json.dumps(properties['PolicyDocument']).encode()
        s3_backends[account]['aws'].put_bucket_policy(properties['Bucket'], document)

    @classmethod
    def remove(cls, properties: dict[str, Any], account: str, region: str) -> None:
        bucket = s3_backends[account]['aws'].buckets.get(properties['Bucket'])
        if bucket:
            bucket.policy = None


class EventBusPolicy(StackResource):
    """One statement of a bus's policy, under its Sid."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str) -> None:
        bus = events_backends[account][region].describe_event_bus(properties.get('EventBusName', 'default'))
        sid = properties['StatementId']
        if 'Statement' in properties:
            others = [statement.describe() for name, statement in bus._statements.items() if name != sid]
            bus.add_policy({'Statement': [*others, {**properties['Statement'], 'Sid': sid}]})
        else:
            principal = {'AWS': f'arn:aws:iam::{properties["Principal"]}:root'}
            given = properties.get('Condition')
            condition = {given['Type']: {given['Key']: given['Value']}} if given else None
            bus.add_permission(sid, properties['Action'], principal, condition)

    @classmethod
    def remove(cls, properties: dict[str, Any], account: str, region: str) -> None:
        bus = events_backends[account][region].event_buses.get(properties.get('EventBusName', 'default'))
        if bus:
            bus._statements.pop(properties['StatementId'], None)


class Alarm(StackResource):
    """An alarm on one metric. Nothing in the embedded cloud measures metrics: its state is what SetAlarmState says."""

    @classmethod
    def put(cls, properties: dict[str, Any], account: str, region: str) -> None:
        cloudwatch_backends[account][region].put_metric_alarm(
            name=properties['AlarmName'],
            description=properties.get('AlarmDescription', ''),
            namespace=properties['Namespace'],
            metric_name=properties['MetricName'],
            dimensions=properties.get('Dimensions', []),
            statistic=properties['Statistic'],
            period=int(properties['Period']),
            evaluation_periods=int(properties['EvaluationPeriods']),
            comparison_operator=properties['ComparisonOperator'],
            threshold=float(properties['Threshold']),
            treat_missing_data=properties.get('TreatMissingData', 'missing'),
            alarm_actions=properties.get('AlarmActions', []),
        )

    @classmethod
    def remove(cls, properties: dict[str, Any], account: str, region: str) -> None:
        cloudwatch_backends[account][region].delete_alarms([properties['AlarmName']])


class _TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Ref`, `!Sub`)."""


_TemplateLoader.add_multi_constructor('!', lambda loader, suffix, node: yaml_tag_constructor(loader, f'!{suffix}', node))


def validate_template(backend: CloudFormationBackend, template: str) -> list[Any]:
    """Replaces CloudFormationBackend.validate_template: nothing, or a ValidationError for what is no template."""
    try:
        body = yaml.load(template, Loader=_TemplateLoader)
    except yaml.YAMLError as error:
        raise ValidationError(message=f'Template format error: YAML not well-formed. {error}') from None
    if not isinstance(body, dict):
        raise ValidationError(message='Template format error: unsupported structure.')
    resources = body.get('Resources')
    if not isinstance(resources, dict) or not resources:
        raise ValidationError(message='Template format error: At least one Resources member must be defined.')
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get('Type'), str):
            raise ValidationError(message=f"Template format error: Every Resources object must contain a Type member. [{name}]")
    return []


def put_policy(role: Role, policy_name: str, policy_json: str | dict[str, Any]) -> None:
    """Replaces Role.put_policy."""
    put_policy_as_moto(role, policy_name, policy_json if isinstance(policy_json, str) else json.dumps(policy_json))


CloudFormationBackend.validate_template = validate_template
Role.put_policy = put_policy
get_model_map().update(
    {
        'AWS::CloudWatch::Alarm': Alarm,
        'AWS::SQS::QueuePolicy': QueuePolicy,
        'AWS::S3::BucketPolicy': BucketPolicy,
        'AWS::Events::EventBusPolicy': EventBusPolicy,
    }
)
