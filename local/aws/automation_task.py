"""SSM Automation: one run of a step, what an action is given for it, how it waits, and how it fails.

Failure messages are as public logs of AWS show them.
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-troubleshooting.html
"""

import math
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import clock
from automation_calls import Calls

if TYPE_CHECKING:
    from automation_execution import Execution

GUIDE = 'Please refer to Automation Service Troubleshooting Guide for more diagnosis details.'


class StepFailed(Exception):
    """An action that did not do its work: `stage` is what it was about, `kind` as FailureDetails has it."""

    status = 'Failed'

    def __init__(self, reason: str, stage: str = 'Execute/Cancelling action', kind: str = 'Action'):
        super().__init__(f'Step fails when it is {stage}. {reason.rstrip(".")}. {GUIDE}')
        self.kind = kind


class StepTimedOut(StepFailed):
    """A step that ran out of time while it was about something."""

    status = 'TimedOut'

    def __init__(self, stage: str):
        Exception.__init__(self, f'Step timed out while step is {stage}. {GUIDE}')
        self.kind = 'Action'


class Cancelled(Exception):
    """The execution was stopped."""


@dataclass(eq=False)
class StepRun:
    """One run of a step, also one that has not begun. `parent` is the run of the loop that it is within, `iteration`
    and `value` are the loop's."""

    step: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = 'Pending'
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    failure: str = ''
    kind: str = ''
    started: float | None = None
    ended: float | None = None
    parent: 'StepRun | None' = None
    iteration: int = 0
    value: Any = None
    # The step that it chose to go on with.
    chosen: str | None = None


@dataclass
class Task:
    """What an action works with: its step's inputs, and until when it may."""

    execution: 'Execution'
    run: StepRun
    inputs: dict[str, Any]
    deadline: float

    @property
    def calls(self) -> Calls:
        return self.execution.calls

    def wait(self, stage: str, happened: Callable[[], bool] = lambda: False, until: float = math.inf) -> bool:
        """Waits for something to have happened or for a moment; answers whether it happened. Raises StepTimedOut, and
        Cancelled when the execution is stopped meanwhile."""
        execution = self.execution
        clock.wait_for(lambda: happened() or execution.cancelled, min(until, self.deadline))
        if execution.cancelled:
            raise Cancelled
        if happened():
            return True
        if until <= self.deadline and clock.now() >= until:
            return False
        raise StepTimedOut(stage)

    def wait_for_work(self, stage: str, work: Callable[[], Any]) -> Any:
        """What work in another thread comes to, while the step has time. Raises what it raises."""
        done: list[tuple[Any, Exception | None]] = []

        def do() -> None:
            try:
                done.append((work(), None))
            except Exception as error:
                done.append((None, error))
            clock.wake()

        threading.Thread(target=do, daemon=True).start()
        self.wait(stage, lambda: bool(done))
        answer, error = done[0]
        if error:
            raise error
        return answer


@dataclass
class Action:
    """What a step does: it answers what outputs are selected from. `seconds` is how long it has if the step does not
    say, and `most` how long it has at all; inputs called in `lazy` it resolves itself."""

    do: Callable[[Task], dict[str, Any]]
    seconds: float
    most: float
    lazy: tuple[str, ...]


actions: dict[str, Action] = {}


def action(name: str, seconds: float = math.inf, most: float = math.inf, lazy: tuple[str, ...] = ()):
    """Registers a function as what steps of an action do. It may choose a step to go on with."""

    def register(do: Callable[[Task], dict[str, Any]]) -> Callable[[Task], dict[str, Any]]:
        actions[name] = Action(do, seconds, most, lazy)
        return do

    return register
