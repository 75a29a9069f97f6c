"""SSM Automation: an execution: its steps one after the other, their attempts, failures and outputs, and how it ends.

Facts supplied, which moto lacks:
- A step is tried `maxAttempts` times. What fails then ends the automation, unless `onFailure` says otherwise; where the
  automation goes on, it fails at its end all the same if the step is critical, which it is unless it says otherwise or
  continues on failure.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
- A step that ran out of time is TimedOut, and so is the automation that it ends.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-handling-timeouts.html
- Steps that were not reached stay Pending; one that is stopped goes on where its `onCancel` says.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-statuses.html

Time goes by the clock of the embedded cloud.
"""

import contextlib
import datetime
import json
import logging
import math
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import clock
from automation_calls import Calls
from automation_document import ACTIONS, EXECUTION_ID
from automation_values import MISSING, WrongType, plain, resolve, select, text, texts, typed
from doors import on_reset

log = logging.getLogger(__name__)

GUIDE = 'Please refer to Automation Service Troubleshooting Guide for more diagnosis details.'
# What an output says where no value came.
NO_OUTPUT = 'No output available yet because the step is not successfully executed'
# What a request says in its user agent when one execution starts another, before the id of the one.
PARENT = 'parent-automation/'
# What a runbook may do at its own cancellation, in seconds.
CANCELLATION_SECONDS = 120


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


class Over(Exception):
    """The automation ends at a step, the last or one that failed: how that ended."""

    def __init__(self, run: 'StepRun'):
        super().__init__(run.step['name'])
        self.run = run


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


_actions: dict[str, Action] = {}


def action(name: str, seconds: float = math.inf, most: float = math.inf, lazy: tuple[str, ...] = ()):
    """Registers a function as what steps of an action do. It may put the name of a step to go on with into
    `task.execution.chosen`."""

    def register(do: Callable[[Task], dict[str, Any]]) -> Callable[[Task], dict[str, Any]]:
        _actions[name] = Action(do, seconds, most, lazy)
        return do

    return register


@dataclass(eq=False)
class Execution:
    """A started automation. `parameters` are as they were given, `values` what they and the defaults come to."""

    id: str
    account: str
    region: str
    document: str
    version: str
    content: dict[str, Any]
    parameters: dict[str, list[str]]
    values: dict[str, Any]
    started_by: str
    calls: Calls
    token: str | None = None
    parent: str | None = None
    state: str = 'InProgress'
    failure: str = ''
    started: float = field(default_factory=clock.now)
    ended: float | None = None
    # Somebody stopped it; the step that is under way shall end; nobody knows it any more.
    stopped: bool = False
    cancelled: bool = False
    forgotten: bool = False
    chosen: str | None = None
    approval: Any = None

    def __post_init__(self) -> None:
        self.runs = [StepRun(step) for step in self.content['mainSteps']]
        self.variables = {
            name: declaration.get('default') for name, declaration in (self.content.get('variables') or {}).items()
        }
        self.current: StepRun | None = None
        self._found: dict[str, Any] = {}
        self._flaw: tuple[str, str] | None = None
        self._deadline = math.inf

    @property
    def arn(self) -> str:
        return f'arn:aws:ssm:{self.region}:{self.account}:automation-execution/{self.id}'

    @property
    def status(self) -> str:
        """The status as the API tells it."""
        return 'Cancelling' if self.stopped and self.ended is None else self.state

    def start(self) -> None:
        """Begins with the first step, in a thread of its own."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Has the step that is under way be cancelled."""
        self.stopped = self.cancelled = True
        clock.wake()

    def forget(self) -> None:
        """Has it end at once."""
        self.forgotten = self.cancelled = True
        clock.wake()

    def find(self, name: str) -> Any:
        """What a reference refers to, or MISSING."""
        if name in self.values:
            return self.values[name]
        if name in self._found:
            return self._found[name]
        if name.startswith('variable:'):
            return self.variables.get(name.removeprefix('variable:'), MISSING)
        now = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC)
        return {
            EXECUTION_ID: self.id,
            'global:ACCOUNT_ID': self.account,
            'global:AWS_PARTITION': 'aws',
            'global:REGION': self.region,
            'global:DATE': f'{now:%Y-%m-%d}',
            'global:DATE_TIME': f'{now:%Y-%m-%d_%H.%M.%S}',
        }.get(name, MISSING)

    def keep(self, step: str, name: str, value: Any) -> None:
        """Makes a value an output of a step that others can refer to."""
        self._found[f'{step}.{name}'] = value

    def outputs(self) -> dict[str, list[str]]:
        """The outputs that the document names."""
        found = {}
        for name in self.content.get('outputs') or []:
            bare = name.strip('{} ')
            value = self.find(bare)
            found[bare] = [NO_OUTPUT] if value is MISSING else texts(value)
        return found

    def _run(self) -> None:
        status, self.failure = 'Success', ''
        try:
            runs = {run.step['name']: run for run in self.runs}
            self.go(self.content['mainSteps'], lambda step: runs[step['name']])
        except Over:
            pass
        except Cancelled:
            status = 'Cancelled'
        except Exception as error:
            log.exception('automation %s', self.id)
            status, self.failure = 'Failed', f'Internal Server Error. {error!r} {GUIDE}'
        if status == 'Success' and self._flaw:
            status, self.failure = self._flaw
        self.state, self.current = status, None
        self.ended = clock.now()
        clock.wake()

    def add(self, run: StepRun) -> StepRun:
        """Lists a run of a step that is within another; the others are listed from the beginning."""
        self.runs.append(run)
        return run

    def go(
        self, steps: list[dict[str, Any]], run_of: Callable[[dict[str, Any]], StepRun], first: str | None = None
    ) -> None:
        """Runs steps until none comes next. Raises Over where the automation ends, and Cancelled."""
        places = {step['name']: place for place, step in enumerate(steps)}
        place = places[first] if first else 0
        while place < len(steps):
            run = run_of(steps[place])
            try:
                following = self._step(run)
            except Cancelled:
                cancellation = run.step.get('onCancel', 'Abort')
                if cancellation.startswith('step:') and not self.forgotten:
                    self.cancelled, self._deadline = False, clock.now() + CANCELLATION_SECONDS
                    with contextlib.suppress(Over):
                        self.go(steps, run_of, cancellation.removeprefix('step:'))
                raise
            place = places[following] if following else place + 1

    def _step(self, run: StepRun) -> str | None:
        """Runs a step; answers the step that comes next, if it is another than the following."""
        step, self.current, self.chosen = run.step, run, None
        run.started, run.status = clock.now(), 'InProgress'
        try:
            self._try(run)
            run.status = 'Success'
        except StepFailed as error:
            run.status, run.failure, run.kind = error.status, str(error), error.kind
        except Cancelled:
            run.status = 'Cancelled'
            raise
        except Over as error:
            # Of a step within this one.
            run.status, run.failure, run.kind = error.run.status, error.run.failure, error.run.kind
            raise
        finally:
            run.ended = clock.now()
        if run.status == 'Success':
            chosen, self.chosen = self.chosen, None
            if step.get('isEnd') and not chosen:
                raise Over(run)
            return chosen or step.get('nextStep')
        on_failure = step.get('onFailure', 'Abort')
        if step.get('isCritical', on_failure != 'Continue'):
            self._flaw = self._flaw or (run.status, run.failure)
        if on_failure == 'Abort' or step.get('isEnd'):
            raise Over(run)
        return on_failure.removeprefix('step:') if on_failure.startswith('step:') else step.get('nextStep')

    def _try(self, run: StepRun) -> None:
        attempts = int(resolve(run.step.get('maxAttempts', 1), self.find))
        for attempt in range(1, attempts + 1):
            try:
                return self._attempt(run)
            except StepFailed:
                if attempt == attempts:
                    raise
            if clock.wait_for(lambda: self.cancelled, clock.now() + min(2 ** (attempt - 1), 8) / 4):
                raise Cancelled

    def _attempt(self, run: StepRun) -> None:
        step = run.step
        act = _actions.get(step['action'])
        if act is None:
            raise StepFailed(f'The embedded cloud does not do {step["action"]}')
        given = step['inputs']
        inputs = {key: value if key in act.lazy else resolve(value, self.find) for key, value in given.items()}
        run.inputs = inputs
        said = resolve(step.get('timeoutSeconds', act.seconds), self.find)
        task = Task(self, run, inputs, min(clock.now() + min(float(said), act.most), self._deadline))
        if self.cancelled:
            raise Cancelled
        response = act.do(task)
        self._take_outputs(run, response)

    def _take_outputs(self, run: StepRun, response: dict[str, Any]) -> None:
        for name in ACTIONS[run.step['action']][1]:
            if name == 'OutputPayload':
                run.outputs[name] = text(response)
            elif name in response:
                run.outputs[name] = response[name]
        for output in run.step.get('outputs') or []:
            value = select(output['Selector'], response)
            if value is MISSING or value is None:
                continue
            try:
                run.outputs[output['Name']] = typed(value, output['Type'])
            except WrongType as error:
                raise StepFailed(f'Output {output["Name"]} {error}', kind='Verification') from error
        for name, value in run.outputs.items():
            self.keep(run.step['name'], name, value)


def told_inputs(run: StepRun) -> dict[str, str]:
    """The inputs of a step as the API tells them: JSON texts."""
    return {key: json.dumps(plain(value)) for key, value in run.inputs.items()}


# The executions of each account and Region, by id.
executions: dict[tuple[str, str], dict[str, Execution]] = {}


@on_reset
def forget() -> None:
    """Ends all executions, and forgets them."""
    for group in list(executions.values()):
        for each in list(group.values()):
            each.forget()
    executions.clear()
