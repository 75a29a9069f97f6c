"""AWS Systems Manager Run Command: commands, how they get to agents, and what becomes of them by the clock."""

import json
import math
import uuid
from dataclasses import dataclass, field
from typing import Any

import clock
from agents import Agent, agents_of, on_change
from doors import on_reset

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
