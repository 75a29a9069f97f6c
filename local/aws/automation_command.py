"""SSM Automation: the action `aws:runCommand`.

Facts supplied: the command is sent and waited for; its step fails unless all instances succeed. The outputs are of one
command. https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-runcommand.html
"""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from automation_execution import StepFailed, Task, action
from automation_values import texts
from run_command import commands

STAGE = 'verifying the command has completed'


@action('aws:runCommand')
def run_command(task: Task) -> dict[str, Any]:
    """Sends a command and waits for its end."""
    inputs, execution = dict(task.inputs), task.execution
    parameters = {key: texts(value) for key, value in inputs.pop('Parameters', {}).items()}
    ssm = task.calls.client('ssm')
    try:
        sent = ssm.send_command(**inputs, Parameters=parameters)['Command']['CommandId']
    except (ClientError, BotoCoreError) as error:
        raise StepFailed(str(error)) from error
    command = commands[execution.account, execution.region][sent]
    while not command.ended():
        task.wait(STAGE, command.ended, until=command.moment())
    try:
        found = ssm.list_command_invocations(CommandId=sent, Details=True)['CommandInvocations']
    except (ClientError, BotoCoreError) as error:
        raise StepFailed(str(error), STAGE) from error
    plugins = [each['CommandPlugins'][0] for each in found]
    worst = next((each for each in plugins if each['Status'] != 'Success'), plugins[0] if plugins else None)
    outputs = {
        'Status': command.status(),
        'ResponseCode': worst['ResponseCode'] if worst else -1,
        'Output': '\n'.join(each['Output'] for each in plugins),
        'CommandId': sent,
    }
    if outputs['Status'] != 'Success' or not plugins:
        said = ', '.join(f'{name}=[{value}]' for name, value in outputs.items())
        raise StepFailed(f'Command {sent} returns unexpected invocation result: {{{said}}}', STAGE)
    return outputs
