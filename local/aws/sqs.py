"""Amazon SQS: SetQueueAttributes changes the attributes it is given, where moto forgets the policy each time.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from moto.sqs.models import Queue

set_attributes_as_moto = Queue._set_attributes


def set_attributes(queue: Queue, attributes: dict, now: float | None = None) -> None:
    """Wraps `Queue._set_attributes`."""
    kept = {'Policy': queue.policy} if hasattr(queue, '_policy_json') else {}
    set_attributes_as_moto(queue, {**kept, **attributes}, now)


Queue._set_attributes = set_attributes
