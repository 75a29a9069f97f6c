"""AWS CloudFormation: schedules of EventBridge Scheduler and their groups, of which moto makes none in a stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedule.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-scheduler-schedulegroup.html
"""

import datetime
from typing import Any

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.cloudformation.parsing import get_model_map
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, ScheduleGroup, scheduler_backends

from cloudformation import StackResource


class SchedulerResource(StackResource):
    """A resource of a stack that `Ref` names by its name, and that has an ARN. An update makes it anew."""

    def __init__(self, name: str, properties: dict[str, Any], arn: str):
        super().__init__(name, properties)
        self.arn = arn

    @classmethod
    def make(cls, backend: EventBridgeSchedulerBackend, name: str, properties: dict[str, Any]) -> Schedule | ScheduleGroup:
        """Makes what the properties say."""
        raise NotImplementedError

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> 'SchedulerResource':
        properties = cloudformation_json['Properties']
        made = cls.make(scheduler_backends[account_id][region_name], properties.get('Name', resource_name), properties)
        return cls(made.name, properties, made.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: 'SchedulerResource',
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> 'SchedulerResource':
        original_resource.delete(account_id, region_name)
        # A name that CloudFormation chose is kept.
        name = new_resource_name if 'Name' in original_resource.properties else original_resource.physical_resource_id
        return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr == 'Arn'

    def get_cfn_attribute(self, attribute: str) -> str:
        if not self.has_cfn_attr(attribute):
            raise UnformattedGetAttTemplateException()
        return self.arn


class StackSchedule(SchedulerResource):
    """A schedule."""

    @classmethod
    def make(cls, backend: EventBridgeSchedulerBackend, name: str, properties: dict[str, Any]) -> Schedule:
        return backend.create_schedule(
            name=name,
            group_name=properties.get('GroupName'),
            description=properties.get('Description'),
            schedule_expression=properties['ScheduleExpression'],
            schedule_expression_timezone=properties.get('ScheduleExpressionTimezone'),
            flexible_time_window=_with_numbers(properties['FlexibleTimeWindow'], 'MaximumWindowInMinutes'),
            target=_target(properties['Target']),
            state=properties.get('State'),
            kms_key_arn=properties.get('KmsKeyArn'),
            start_date=_seconds(properties.get('StartDate')),
            end_date=_seconds(properties.get('EndDate')),
            action_after_completion=None,
        )

    def delete(self, account_id: str, region_name: str) -> None:
        groups = scheduler_backends[account_id][region_name].schedule_groups
        group = groups.get(self.properties.get('GroupName', 'default'))
        if group:
            group.schedules.pop(self.physical_resource_id, None)


class StackScheduleGroup(SchedulerResource):
    """A group of schedules."""

    @classmethod
    def make(cls, backend: EventBridgeSchedulerBackend, name: str, properties: dict[str, Any]) -> ScheduleGroup:
        return backend.create_schedule_group(name, properties.get('Tags', []))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: 'SchedulerResource',
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> 'SchedulerResource':
        # Tags are all that changes without a new group, which would lose the schedules.
        original_resource.properties = cloudformation_json['Properties']
        tagger = scheduler_backends[account_id][region_name].tagger
        tagger.delete_all_tags_for_resource(original_resource.arn)
        tagger.tag_resource(original_resource.arn, original_resource.properties.get('Tags', []))
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        scheduler_backends[account_id][region_name].schedule_groups.pop(self.physical_resource_id, None)


def _target(properties: dict[str, Any]) -> dict[str, Any]:
    target = dict(properties)
    if 'RetryPolicy' in target:
        target['RetryPolicy'] = _with_numbers(target['RetryPolicy'], 'MaximumEventAgeInSeconds', 'MaximumRetryAttempts')
    return target


def _with_numbers(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: int(value) if name in names else value for name, value in properties.items()}


def _seconds(instant: str | None) -> float | None:
    if not instant:
        return None
    told = datetime.datetime.fromisoformat(instant)
    return told.replace(tzinfo=told.tzinfo or datetime.UTC).timestamp()


get_model_map().update({'AWS::Scheduler::Schedule': StackSchedule, 'AWS::Scheduler::ScheduleGroup': StackScheduleGroup})
