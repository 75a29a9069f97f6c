"""SSM Automation: documents of schema 0.3, and what AWS refuses in one when it is created.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html (what all steps have)
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from automation_conditions import BadCondition, check_condition
from automation_parameters import BadParameter, check_declaration
from automation_values import TYPES, BadSelector, check_selector, references

# https://docs.aws.amazon.com/general/latest/gr/ssm.html
MOST_BYTES = 64 * 1024
TOP = {'schemaVersion', 'description', 'assumeRole', 'parameters', 'variables', 'mainSteps', 'outputs', 'files'}
STEP = {
    'name',
    'action',
    'description',
    'inputs',
    'outputs',
    'maxAttempts',
    'timeoutSeconds',
    'onFailure',
    'onCancel',
    'isCritical',
    'isEnd',
    'nextStep',
}
GLOBALS = ('global:ACCOUNT_ID', 'global:AWS_PARTITION', 'global:DATE', 'global:DATE_TIME', 'global:REGION')
EXECUTION_ID = 'automation:EXECUTION_ID'
# https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeScript.html
RUNTIMES = ('python3.10', 'python3.11', 'python3.12', 'PowerShell 7.4')

# The actions: the inputs that each must have, and the outputs that it has by itself.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
ACTIONS: dict[str, tuple[set[str], set[str]]] = {
    'aws:approve': ({'Approvers'}, {'ApprovalStatus', 'ApproverDecisions'}),
    'aws:assertAwsResourceProperty': ({'Service', 'Api', 'PropertySelector', 'DesiredValues'}, set()),
    'aws:branch': ({'Choices'}, set()),
    'aws:changeInstanceState': ({'InstanceIds', 'DesiredState'}, {'InstanceStates'}),
    'aws:copyImage': ({'SourceImageId', 'SourceRegion', 'ImageName'}, {'ImageId', 'ImageState'}),
    'aws:createImage': ({'InstanceId', 'ImageName'}, {'ImageId', 'ImageState'}),
    'aws:createStack': ({'StackName'}, {'StackId', 'StackStatus', 'StackStatusReason'}),
    'aws:createTags': ({'ResourceIds', 'Tags'}, set()),
    'aws:deleteImage': ({'ImageId'}, set()),
    'aws:deleteStack': ({'StackName'}, set()),
    'aws:executeAutomation': ({'DocumentName'}, {'ExecutionId', 'Status', 'Output'}),
    'aws:executeAwsApi': ({'Service', 'Api'}, {'OutputPayload'}),
    'aws:executeScript': ({'Runtime', 'Script'}, {'Payload', 'OutputPayload'}),
    'aws:executeStateMachine': ({'stateMachineArn'}, {'executionArn', 'input', 'name', 'status', 'output'}),
    'aws:invokeLambdaFunction': ({'FunctionName'}, {'StatusCode', 'FunctionError', 'LogResult', 'Payload'}),
    'aws:invokeWebhook': ({'IntegrationName'}, {'Response', 'ResponseCode'}),
    'aws:loop': ({'Steps'}, {'CurrentIteratorValue'}),
    'aws:pause': (set(), set()),
    'aws:runCommand': ({'DocumentName'}, {'CommandId', 'Status', 'ResponseCode', 'Output', 'OutputPayload'}),
    'aws:runInstances': ({'ImageId'}, {'InstanceIds', 'InstanceStates'}),
    'aws:sleep': (set(), set()),
    'aws:updateVariable': ({'Name', 'Value'}, set()),
    'aws:waitForAwsResourceProperty': ({'Service', 'Api', 'PropertySelector', 'DesiredValues'}, set()),
}


class BadDocument(ValueError):
    """A document that AWS refuses: a sentence about it."""


def check(content: Any) -> None:
    """Raises BadDocument for what is no Automation document."""
    if not isinstance(content, dict) or content.get('schemaVersion') != '0.3':
        raise BadDocument('An Automation document has the schemaVersion 0.3.')
    _only(content, TOP, 'The document')
    parameters, variables = content.get('parameters') or {}, content.get('variables') or {}
    try:
        for name, declaration in {**parameters, **variables}.items():
            check_declaration(name, declaration)
    except BadParameter as error:
        raise BadDocument(str(error)) from error
    steps = content.get('mainSteps')
    _check_steps(steps, 'mainSteps')
    known = {*parameters, *GLOBALS, EXECUTION_ID, *(f'variable:{name}' for name in variables)}
    names = [step['name'] for step in all_steps(steps)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadDocument(f'The step names {twice} are not unique.')
    for step in all_steps(steps):
        known |= {f'{step["name"]}.{name}' for name in output_names(step)}
    _check_references(content, known)


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The steps, and those within loops."""
    for step in steps:
        yield step
        if step['action'] == 'aws:loop':
            yield from all_steps(step['inputs']['Steps'])


def output_names(step: dict[str, Any]) -> set[str]:
    """The names of a step's outputs: its action's and those that it selects."""
    return ACTIONS[step['action']][1] | {output['Name'] for output in step.get('outputs') or []}


def _only(given: dict[str, Any], allowed: set[str], what: str) -> None:
    unknown = sorted(given.keys() - allowed)
    if unknown:
        raise BadDocument(f'{what} has unknown properties {unknown}.')


def _check_steps(steps: Any, where: str) -> None:
    if not isinstance(steps, list) or not steps:
        raise BadDocument(f'{where} is a list of steps.')
    for step in steps:
        if not isinstance(step, dict) or not re.fullmatch(r'\w{1,128}', str(step.get('name', '')), re.ASCII):
            raise BadDocument(f'Each of {where} has a name of letters, digits and underscores.')
        _check_step(step)
    names = {step['name'] for step in steps}
    for step in steps:
        unknown = sorted(set(_targets(step)) - names)
        if unknown:
            raise BadDocument(f'Step {step["name"]} goes on to steps that do not exist: {unknown}.')
    _check_ways(steps)


def _targets(step: dict[str, Any]) -> Iterator[str]:
    for key in ('onFailure', 'onCancel'):
        if str(step.get(key, '')).startswith('step:'):
            yield step[key].removeprefix('step:')
    if 'nextStep' in step:
        yield step['nextStep']
    if step['action'] == 'aws:branch':
        yield from (choice['NextStep'] for choice in step['inputs']['Choices'])
        if 'Default' in step['inputs']:
            yield step['inputs']['Default']


def _check_ways(steps: list[dict[str, Any]]) -> None:
    """Raises BadDocument where steps go round in circles.
    https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html"""
    ways: dict[str, set[str]] = {}
    for step, following in itertools.zip_longest(steps, steps[1:]):
        always = step['action'] == 'aws:branch' and 'Default' in step['inputs']
        ends = always or step.get('isEnd') or 'nextStep' in step
        ways[step['name']] = set(_targets(step)) | ({following['name']} if following and not ends else set())
    trail: list[str] = []
    done: set[str] = set()

    def follow(name: str) -> None:
        if name in trail:
            raise BadDocument(f'The steps go round in circles: {" -> ".join([*trail[trail.index(name):], name])}.')
        if name in done:
            return
        trail.append(name)
        for each in sorted(ways[name]):
            follow(each)
        done.add(trail.pop())

    for name in ways:
        follow(name)


def _check_step(step: dict[str, Any]) -> None:
    name = step['name']
    _only(step, STEP, f'Step {name}')
    action, inputs = step.get('action'), step.get('inputs')
    if action not in ACTIONS:
        raise BadDocument(f'Step {name} has an unknown action {action}.')
    if not isinstance(inputs, dict):
        raise BadDocument(f'Step {name} has no map of inputs.')
    missing = sorted(ACTIONS[action][0] - inputs.keys())
    if missing:
        raise BadDocument(f'Step {name} lacks the inputs {missing}.')
    if not re.fullmatch(r'Abort|Continue|step:\w+', step.get('onFailure', 'Abort')):
        raise BadDocument(f'Step {name} has an invalid onFailure: {step["onFailure"]}.')
    if not re.fullmatch(r'Abort|step:\w+', step.get('onCancel', 'Abort')):
        raise BadDocument(f'Step {name} has an invalid onCancel: {step["onCancel"]}.')
    for flag in ('isCritical', 'isEnd'):
        if not isinstance(step.get(flag, False), bool):
            raise BadDocument(f'Step {name}: {flag} is true or false.')
    for number in ('maxAttempts', 'timeoutSeconds'):
        value = step.get(number, 1)
        whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
        if not whole and not (isinstance(value, str) and any(references(value))):
            raise BadDocument(f'Step {name}: {number} is a number above 0.')
    if step.get('isEnd') and 'nextStep' in step:
        raise BadDocument(f'Step {name} has both isEnd and nextStep.')
    _check_outputs(step)
    _check_inputs(name, action, inputs)


def _check_inputs(name: str, action: str, inputs: dict[str, Any]) -> None:
    try:
        if action == 'aws:branch':
            for choice in inputs['Choices']:
                check_condition(choice)
                if 'NextStep' not in choice:
                    raise BadCondition('a choice has a NextStep')
        if action == 'aws:loop':
            if ('Iterators' in inputs) == ('LoopCondition' in inputs):
                raise BadCondition('a loop has either Iterators or a LoopCondition')
            if 'LoopCondition' in inputs:
                check_condition(inputs['LoopCondition'])
            _check_steps(inputs['Steps'], f'Steps of {name}')
        if 'PropertySelector' in inputs:
            check_selector(inputs['PropertySelector'])
    except (BadCondition, BadSelector) as error:
        raise BadDocument(f'Step {name}: {error}.') from error
    if action == 'aws:sleep' and ('Duration' in inputs) == ('Timestamp' in inputs):
        raise BadDocument(f'Step {name} has either a Duration or a Timestamp.')
    if action != 'aws:executeScript':
        return
    if inputs['Runtime'] not in RUNTIMES:
        raise BadDocument(f'Step {name} has an unsupported Runtime {inputs["Runtime"]}: it is one of {list(RUNTIMES)}.')
    if inputs['Runtime'].startswith('python') and 'Handler' not in inputs:
        raise BadDocument(f'Step {name} lacks the input Handler.')
    # What a parameter says would be code. AWS may be less strict.
    if any(references(inputs['Script'])):
        raise BadDocument(f'Step {name}: a script gets values by its InputPayload, not by references in its text.')


def _check_outputs(step: dict[str, Any]) -> None:
    for output in step.get('outputs') or []:
        if not isinstance(output, dict) or output.keys() != {'Name', 'Selector', 'Type'}:
            raise BadDocument(f'Each output of step {step["name"]} has a Name, a Selector and a Type.')
        if output['Type'] not in TYPES:
            raise BadDocument(f'Output {output["Name"]} of step {step["name"]} has an invalid Type {output["Type"]}.')
        try:
            check_selector(output['Selector'])
        except BadSelector as error:
            raise BadDocument(f'Step {step["name"]}: {error}.') from error


def _check_references(content: dict[str, Any], known: set[str]) -> None:
    for step in all_steps(content['mainSteps']):
        # The steps of a loop are looked at for themselves.
        inputs = {key: value for key, value in step['inputs'].items() if (step['action'], key) != ('aws:loop', 'Steps')}
        unknown = sorted(set(references({**step, 'inputs': inputs})) - known)
        if unknown:
            raise BadDocument(f'Step {step["name"]} refers to {unknown}, which no parameter, variable or output is.')
    role = sorted(set(references(content.get('assumeRole') or '')) - known)
    outputs = content.get('outputs') or []
    if role:
        raise BadDocument(f'assumeRole refers to {role}, which no parameter is.')
    for output in outputs:
        name = output.get('name', '') if isinstance(output, dict) else output
        if name not in known and not (set(references(name)) and set(references(name)) <= known):
            raise BadDocument(f'outputs name {name}, which no step has.')
