"""Amazon SNS: topics that queues subscribe to.

Facts supplied, where moto differs:
- A queue gets a message only if its own policy admits SNS for this topic; the publisher never learns of it.
  https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
- A subscription is a resource of a stack; moto reports it as created and creates nothing.
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html
"""

import json
import logging
from typing import Any

from moto.cloudformation.parsing import get_model_map
from moto.sns.models import Subscription, sns_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn

from cloudformation import StackResource
from policy import Principal, resource_policy_allows

log = logging.getLogger(__name__)

SNS = Principal('', '', service='sns.amazonaws.com')
# Attributes that a template gives a subscription as properties.
ATTRIBUTES = ('RawMessageDelivery', 'DeliveryPolicy', 'FilterPolicy', 'FilterPolicyScope', 'RedrivePolicy')

publish_as_moto = Subscription.publish


def publish(subscription: Subscription, *arguments, **named) -> None:
    """Wraps `Subscription.publish`."""
    if subscription.protocol != 'sqs' or _admitted(subscription):
        publish_as_moto(subscription, *arguments, **named)
    else:
        log.warning('%s does not admit messages of %s', subscription.endpoint, subscription.topic_arn)


def _admitted(subscription: Subscription) -> bool:
    arn, source = parse_arn(subscription.endpoint), subscription.topic_arn
    queue = sqs_backends[arn.account][arn.region].queues.get(arn.resource_id)
    if queue is None:
        return False
    context = {'aws:sourcearn': [source], 'aws:sourceaccount': [parse_arn(source).account]}
    return resource_policy_allows(queue.policy, SNS, 'sqs:SendMessage', subscription.endpoint, context)


class StackSubscription(StackResource):
    """A subscription of a stack; `Ref` gives its ARN."""

    def delete(self, account_id: str, region_name: str) -> None:
        sns_backends[account_id][region_name].unsubscribe(self.physical_resource_id)

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> 'StackSubscription':
        properties, backend = cloudformation_json['Properties'], sns_backends[account_id][region_name]
        arn = backend.subscribe(properties['TopicArn'], properties['Endpoint'], properties['Protocol']).arn
        for name in ATTRIBUTES:
            value = properties.get(name)
            # For moto, RawMessageDelivery is on whatever its value.
            if value is not None and str(value).lower() != 'false':
                backend.set_subscription_attributes(arn, name, value if isinstance(value, str) else json.dumps(value))
        return cls(arn, properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: 'StackSubscription',
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> 'StackSubscription':
        original_resource.delete(account_id, region_name)
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)


Subscription.publish = publish
get_model_map()['AWS::SNS::Subscription'] = StackSubscription
