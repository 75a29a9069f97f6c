"""AWS Systems Manager Run Command: commands go to agents and have their answers; moto says Success of each.

Facts supplied:
- A command goes to instances whose agents are registered; another is refused as InvalidInstanceId. One whose agent is
  not online waits, and is TimedOut when it was not delivered in TimeoutSeconds, an hour by default.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
  https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
- GetCommandInvocation has at most 24,000 characters of an output, ListCommandInvocations 2,500 with `Details`.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandPlugin.html
- DescribeInstanceInformation tells of the agents.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html

Targets are tags or instance ids. Of AWS's own documents this cloud has those that run a script.
"""

import datetime
import json
import math
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import InvalidDocument, InvalidFilterKey, SSMException
from moto.ssm.responses import SimpleSystemManagerResponse as Response

import clock
from agents import Agent, agents_of, on_change
from doors import on_reset
from pages import InvalidToken, page

SCRIPT = {'commands': True, 'workingDirectory': False, 'executionTimeout': False}
# AWS's own documents: the plugin of each and its parameters, with whether they are needed.
OWN_DOCUMENTS = {
    'AWS-RunShellScript': ('aws:runShellScript', SCRIPT),
    'AWS-RunPowerShellScript': ('aws:runPowerShellScript', SCRIPT),
}
DELIVERY_SECONDS = 3600
MOST_INSTANCES = 50
MOST_CHARACTERS, MOST_CHARACTERS_LISTED = 24_000, 2_500
ENDED = ('Success', 'Failed', 'TimedOut', 'Cancelled')


@dataclass(eq=False)
class Invocation:
    """A command at one instance. `due` is when it has its answer, infinite while it is not delivered."""

    instance: str
    delivered_by: float
    begun: float | None = None
    due: float = math.inf
    answer: dict[str, Any] = field(default_factory=dict)
    cancelled: float | None = None

    def status(self) -> str:
        """Its status now."""
        if self.cancelled is not None:
            return 'Cancelled'
        if self.begun is None:
            return 'TimedOut' if clock.now() >= self.delivered_by else 'Pending'
        if clock.now() < self.due:
            return 'InProgress'
        return 'Failed' if self.code else 'Success'

    @property
    def code(self) -> int:
        return int(self.answer.get('code', 0))

    @property
    def moment(self) -> float:
        """When its status changes by itself."""
        return self.delivered_by if self.begun is None else self.due

    def deliver(self, agent: Agent, parameters: str) -> None:
        """The agent gets it."""
        self.begun, self.answer = clock.now(), agent.answer(parameters)
        self.due = self.begun + float(self.answer.get('seconds', 0))


@dataclass(eq=False)
class Command:
    """A command that was sent."""

    document: str
    plugin: str
    parameters: dict[str, list[str]]
    comment: str
    seconds: int
    targets: list[dict[str, Any]]
    invocations: dict[str, Invocation]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent: float = field(default_factory=clock.now)

    def deliver(self, agents: dict[str, Agent]) -> None:
        """Those of the instances whose agents are online get it, if they have not."""
        for invocation in self.invocations.values():
            agent = agents.get(invocation.instance)
            if agent and agent.online and invocation.status() == 'Pending':
                invocation.deliver(agent, json.dumps(self.parameters))

    def statuses(self) -> list[str]:
        return [each.status() for each in self.invocations.values()]

    def ended(self) -> bool:
        return all(each in ENDED for each in self.statuses())

    def moment(self) -> float:
        """When the status of one of its invocations changes by itself."""
        return min((each.moment for each in self.invocations.values() if each.status() not in ENDED), default=math.inf)

    def status(self) -> str:
        """The status of the whole."""
        found = self.statuses()
        if not self.ended():
            return 'Pending' if set(found) == {'Pending'} else 'InProgress'
        return next((each for each in ('Failed', 'TimedOut', 'Cancelled') if each in found), 'Success')


commands: dict[tuple[str, str], dict[str, Command]] = {}


@on_reset
def forget() -> None:
    """No command was sent."""
    commands.clear()


@on_change
def deliver(account: str, region: str) -> None:
    """What waits for an agent of an account and Region is delivered."""
    for command in list(commands.get((account, region), {}).values()):
        command.deliver(agents_of(account, region))
    clock.wake()


def send_command(response: Response) -> ActionResult:
    """Answers SendCommand."""
    for name in ('OutputS3BucketName', 'NotificationConfig', 'AlarmConfiguration', 'CloudWatchOutputConfig'):
        if response._get_param(name):
            raise NotImplementedError(f'{name} of SendCommand')
    account, region = response.current_account, response.region
    name, parameters = response._get_param('DocumentName'), response._get_param('Parameters') or {}
    plugin, declared = _document(response, name)
    unknown = sorted(parameters.keys() - declared.keys())
    missing = sorted(key for key, needed in declared.items() if needed and key not in parameters)
    if unknown or missing:
        raise SSMException('InvalidParameters', f'{name} has no parameters {unknown}, and needs {missing}')
    agents, seconds = agents_of(account, region), response._get_int_param('TimeoutSeconds') or DELIVERY_SECONDS
    targets = response._get_param('Targets') or []
    instances = _instances(account, region, response._get_param('InstanceIds') or [], targets)
    command = Command(
        document=name,
        plugin=plugin,
        parameters=parameters,
        comment=response._get_param('Comment', ''),
        seconds=seconds,
        targets=targets,
        invocations={each: Invocation(each, clock.now() + seconds) for each in instances},
    )
    commands.setdefault((account, region), {})[command.id] = command
    told = _command(command)
    command.deliver(agents)
    return ActionResult({'Command': told})


def _document(response: Response, name: str) -> tuple[str, dict[str, bool]]:
    bare = name.rpartition('document/')[2]
    if bare in OWN_DOCUMENTS:
        return OWN_DOCUMENTS[bare]
    document = response.ssm_backend._get_documents(bare).get_default_version()
    if document.document_type != 'Command':
        raise InvalidDocument(f'The document {name} is of the type {document.document_type}, not Command')
    declared = document.content_json.get('parameters') or {}
    plugins = [step.get('action', '') for step in document.content_json.get('mainSteps') or []]
    return ','.join(plugins), {key: 'default' not in value for key, value in declared.items()}


def _instances(account: str, region: str, named: list[str], targets: list[dict[str, Any]]) -> list[str]:
    agents = agents_of(account, region)
    unknown = [each for each in named if each not in agents]
    if unknown or len(named) > MOST_INSTANCES:
        bad = ', '.join(unknown or named)
        raise SSMException('InvalidInstanceId', f'Instances [{bad}] not in a valid state for account {account}')
    found = list(agents) if targets else named
    for target in targets:
        key, wanted = target['Key'], target['Values']
        if key == 'InstanceIds':
            found = [each for each in found if each in wanted]
        elif key.startswith('tag:'):
            tags = ec2_backends[account][region].tags
            found = [each for each in found if tags.get(each, {}).get(key.removeprefix('tag:')) in wanted]
        else:
            raise NotImplementedError(f'the target {key} of SendCommand')
    return found


def _time(moment: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


def _command(command: Command) -> dict[str, Any]:
    statuses = command.statuses()
    return {
        'CommandId': command.id,
        'DocumentName': command.document,
        'DocumentVersion': '$DEFAULT',
        'Comment': command.comment,
        'ExpiresAfter': _time(command.sent + command.seconds),
        'Parameters': command.parameters,
        'InstanceIds': [] if command.targets else list(command.invocations),
        'Targets': command.targets,
        'RequestedDateTime': _time(command.sent),
        'Status': command.status(),
        'StatusDetails': command.status(),
        'TargetCount': len(statuses),
        'CompletedCount': sum(each in ENDED for each in statuses),
        'ErrorCount': statuses.count('Failed'),
        'DeliveryTimedOutCount': statuses.count('TimedOut'),
        'TimeoutSeconds': command.seconds,
    }


def _told(command: Command, invocation: Invocation) -> dict[str, Any]:
    status = invocation.status()
    return {
        'CommandId': command.id,
        'InstanceId': invocation.instance,
        'Comment': command.comment,
        'DocumentName': command.document,
        'DocumentVersion': '$DEFAULT',
        'Status': status,
        'StatusDetails': 'Delivery Timed Out' if status == 'TimedOut' else status,
    }


def _outputs(invocation: Invocation) -> tuple[str, str, int]:
    """Standard output, standard error and exit code so far."""
    if invocation.status() not in ('Success', 'Failed'):
        return '', '', -1
    return str(invocation.answer.get('output', '')), str(invocation.answer.get('error', '')), invocation.code


def _named(response: Response) -> Command:
    identifier = response._get_param('CommandId')
    found = commands.get((response.current_account, response.region), {}).get(identifier)
    if found is None:
        raise SSMException('InvalidCommandId', f'There is no command {identifier}')
    return found


def get_command_invocation(response: Response) -> ActionResult:
    """Answers GetCommandInvocation."""
    identifier = response._get_param('CommandId')
    command = commands.get((response.current_account, response.region), {}).get(identifier)
    invocation = command.invocations.get(response._get_param('InstanceId')) if command else None
    plugin = response._get_param('PluginName')
    if command is None or invocation is None or (plugin and plugin != command.plugin):
        raise SSMException('InvocationDoesNotExist', 'The command and the instance do not match any invocation.')
    output, error, code = _outputs(invocation)
    begun, ended = invocation.begun, invocation.status() in ('Success', 'Failed')
    return ActionResult(
        {
            **_told(command, invocation),
            'PluginName': command.plugin,
            'ResponseCode': code,
            'ExecutionStartDateTime': _time(begun).isoformat() if begun else '',
            'ExecutionElapsedTime': f'PT{invocation.due - begun:.3f}S' if begun and ended else '',
            'ExecutionEndDateTime': _time(invocation.due).isoformat() if ended else '',
            'StandardOutputContent': output[:MOST_CHARACTERS],
            'StandardOutputUrl': '',
            'StandardErrorContent': error[:MOST_CHARACTERS],
            'StandardErrorUrl': '',
        }
    )


def list_command_invocations(response: Response) -> ActionResult:
    """Answers ListCommandInvocations."""
    group = commands.get((response.current_account, response.region), {})
    chosen = [_named(response)] if response._get_param('CommandId') else list(group.values())
    instance, details = response._get_param('InstanceId'), response._get_bool_param('Details')
    if response._get_param('Filters'):
        raise NotImplementedError('Filters of ListCommandInvocations')
    found = []
    for command in chosen:
        for invocation in command.invocations.values():
            if instance in (None, invocation.instance):
                told = {**_told(command, invocation), 'RequestedDateTime': _time(command.sent)}
                found.append({**told, 'CommandPlugins': [_plugin(command, invocation)] if details else []})
    found, token = _page(response, found)
    return ActionResult({'CommandInvocations': found, 'NextToken': token})


def _plugin(command: Command, invocation: Invocation) -> dict[str, Any]:
    output, error, code = _outputs(invocation)
    return {
        'Name': command.plugin,
        'Status': invocation.status(),
        'StatusDetails': invocation.status(),
        'ResponseCode': code,
        'Output': whole_output(output, error)[:MOST_CHARACTERS_LISTED],
        **({'ResponseStartDateTime': _time(invocation.begun)} if invocation.begun else {}),
    }


def whole_output(output: str, error: str) -> str:
    """Standard output and error as one text."""
    return f'{output}\n----------ERROR-------\n{error}' if error else output


def list_commands(response: Response) -> ActionResult:
    """Answers ListCommands."""
    group = commands.get((response.current_account, response.region), {})
    chosen = [_named(response)] if response._get_param('CommandId') else list(group.values())[::-1]
    instance = response._get_param('InstanceId')
    if response._get_param('Filters'):
        raise NotImplementedError('Filters of ListCommands')
    found, token = _page(response, [_command(each) for each in chosen if instance in (None, *each.invocations)])
    return ActionResult({'Commands': found, 'NextToken': token})


def cancel_command(response: Response) -> ActionResult:
    """Answers CancelCommand."""
    command, named = _named(response), response._get_param('InstanceIds') or []
    for invocation in command.invocations.values():
        if invocation.status() not in ENDED and (not named or invocation.instance in named):
            invocation.cancelled = clock.now()
    clock.wake()
    return EmptyResult()


def describe_instance_information(response: Response) -> ActionResult:
    """Answers DescribeInstanceInformation."""
    given = [(each['Key'], each['Values']) for each in response._get_param('Filters') or []]
    given += [(each['key'], each['valueSet']) for each in response._get_param('InstanceInformationFilterList') or []]
    found = [
        {
            'InstanceId': agent.instance,
            'PingStatus': 'Online' if agent.online else 'ConnectionLost',
            'LastPingDateTime': _time(agent.seen),
            'PlatformType': agent.platform,
            'ResourceType': 'EC2Instance',
        }
        for agent in agents_of(response.current_account, response.region).values()
    ]
    for key, wanted in given:
        place = {'InstanceIds': 'InstanceId', 'PlatformTypes': 'PlatformType'}.get(key, key)
        if place not in ('InstanceId', 'PingStatus', 'PlatformType', 'ResourceType'):
            raise InvalidFilterKey(f'The specified key is not valid: {key}')
        found = [each for each in found if each[place] in wanted]
    found, token = _page(response, found)
    return ActionResult({'InstanceInformationList': found, 'NextToken': token})


def _page(response: Response, found: list[Any]) -> tuple[list[Any], str | None]:
    try:
        return page(found, response._get_int_param('MaxResults') or 50, response._get_param('NextToken'))
    except InvalidToken as error:
        raise SSMException('InvalidNextToken', 'The specified token is not valid.') from error


Response.send_command = send_command
Response.get_command_invocation = get_command_invocation
Response.list_command_invocations = list_command_invocations
Response.list_commands = list_commands
Response.cancel_command = cancel_command
Response.describe_instance_information = describe_instance_information
