"""Amazon SQS: SetQueueAttributes changes the attributes it is given, where moto forgets the policy each time.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html

Delays, visibility timeouts and retention go by the embedded cloud's clock, which tests can advance.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
"""

import moto.sqs.models
from moto.sqs.models import Queue

import clock

set_attributes_as_moto = Queue._set_attributes


def set_attributes(queue: Queue, attributes: dict, now: float | None = None) -> None:
    """Wraps `Queue._set_attributes`."""
    kept = {'Policy': queue.policy} if hasattr(queue, '_policy_json') else {}
    set_attributes_as_moto(queue, {**kept, **attributes}, now)


Queue._set_attributes = set_attributes
moto.sqs.models.unix_time = clock.now
moto.sqs.models.unix_time_millis = lambda: 1000 * clock.now()
