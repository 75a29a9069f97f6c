"""SSM Agents: the instances that Run Command reaches, and what they answer. Nothing is run on this machine.

A door of the embedded cloud brings an agent:

    PUT /firebreak/agents
    {account, region, instanceId, online?, platform?, answers?: [{when, output?, error?, code?, seconds?}]}

A command is answered by the first of `answers` whose `when` is part of the command's parameters as JSON text: after
`seconds` of the embedded cloud's clock (0), with standard output, standard error and exit code (0). One that none is
for ends with 127, as a shell ends what it does not find. An agent that is not `online` gets no commands until it is.
`platform` is Linux or Windows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import clock
from doors import DoorError, door, on_reset

_KEYS = {'when', 'output', 'error', 'code', 'seconds'}


@dataclass
class Agent:
    """The agent of an instance, since when it is known, and what it answers."""

    instance: str
    online: bool
    platform: str
    answers: list[dict[str, Any]]
    seen: float

    def answer(self, parameters: str) -> dict[str, Any]:
        """What it answers to a command with parameters, given as JSON text."""
        unknown = {'error': 'this agent was not told what to answer', 'code': 127}
        return next((each for each in self.answers if each['when'] in parameters), unknown)


_agents: dict[tuple[str, str, str], Agent] = {}
_on_change: list[Callable[[str, str], None]] = []


def agents_of(account: str, region: str) -> dict[str, Agent]:
    """The agents of an account and Region, by instance."""
    return {key[2]: agent for key, agent in list(_agents.items()) if key[:2] == (account, region)}


def on_change(function: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Registers a function that is called with account and Region after an agent there has changed."""
    _on_change.append(function)
    return function


@door('PUT', '/agents')
def put_agent(request):
    """A door of the embedded cloud, not of AWS: an agent of an instance is there, as this file says."""
    body = request.json
    answers = body.get('answers', [])
    for each in answers:
        if not isinstance(each, dict) or 'when' not in each or not each.keys() <= _KEYS:
            raise DoorError(400, f'an answer has a `when` and of the other keys only {sorted(_KEYS)}')
    account, region, instance = (str(body.get(key, '')) for key in ('account', 'region', 'instanceId'))
    if not (account and region and instance):
        raise DoorError(400, 'account, region and instanceId say whose agent it is')
    agent = Agent(instance, body.get('online', True), body.get('platform', 'Linux'), answers, clock.now())
    _agents[account, region, instance] = agent
    for changed in _on_change:
        changed(account, region)


@on_reset
def forget() -> None:
    """No instance has an agent."""
    _agents.clear()
