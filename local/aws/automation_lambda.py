"""SSM Automation: the action `aws:invokeLambdaFunction`.

Facts supplied:
- The function is invoked and waited for, five minutes at most.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-lamb.html
- A function that fails is a step that fails. AWS documents an output FunctionError and not whether the step goes on: we
  take the cautious reading.
- Selectors find what the function answered below `$.Payload`, and what it answered as an object also at the top.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-loop.html (the example)
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from automation_actions import POLLING
from automation_execution import StepFailed, Task, action
from automation_values import text

SECONDS = 300
MOST_BYTES = 200 * 1024


@action('aws:invokeLambdaFunction', seconds=SECONDS, most=SECONDS)
def invoke_lambda_function(task: Task) -> dict[str, Any]:
    """Invokes a function."""
    parameters = {name: value for name, value in task.inputs.items() if name not in ('Payload', 'InputPayload')}
    payload = task.inputs.get('Payload', task.inputs.get('InputPayload', '{}'))
    client = task.calls.client('lambda', read_timeout=SECONDS + 10, retries={'total_max_attempts': 1})

    def invoke() -> tuple[dict[str, Any], str]:
        answer = client.invoke(**parameters, Payload=text(payload))
        return answer, answer['Payload'].read().decode()

    try:
        answer, returned = task.wait_for_work(POLLING, invoke)
    except (ClientError, BotoCoreError) as error:
        raise StepFailed(str(error)) from error
    if answer.get('FunctionError'):
        said = f'FunctionError {answer["FunctionError"]}, Payload {returned}'
        raise StepFailed(f'Lambda function failed: {said}', POLLING)
    if len(returned.encode()) > MOST_BYTES:
        raise StepFailed(f'The function answered more than {MOST_BYTES // 1024} KB', POLLING)
    found = json.loads(returned) if returned else None
    outputs = {'StatusCode': answer['StatusCode'], 'Payload': found}
    return {**(found if isinstance(found, dict) else {}), **outputs}
