"""AWS Systems Manager Automation: its API, which moto lacks.

Facts supplied:
- StartAutomationExecution checks the parameters, that the starter may pass the document's role (iam:PassRole), and that
  the service can assume it; then the execution goes on by itself.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-troubleshooting.html (the errors)
- SendAutomationSignal is heard by an approve step that waits, from its approvers.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendAutomationSignal.html
- StopAutomationExecution cancels the step that is under way. Of its types this cloud knows Cancel.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StopAutomationExecution.html

Rate control, targets and the interactive mode are not known here.
"""

import datetime
import re
import uuid
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import AccessDeniedException, InvalidDocument, InvalidFilterKey, SSMException
from moto.ssm.models import Document
from moto.ssm.responses import SimpleSystemManagerResponse as Response

from automation_approval import SIGNALS, NotAdmitted, hear
from automation_calls import Calls
from automation_execution import PARENT, Execution, StepRun, executions, told_inputs
from automation_parameters import BadParameter, values
from automation_values import references, resolve, texts
from pages import InvalidToken, page
from principals import current_caller
from service_roles import NotPermitted, assume_as_service, require_of

SSM = 'ssm.amazonaws.com'
UNKNOWN = (
    'Targets',
    'TargetMaps',
    'TargetLocations',
    'TargetLocationsURL',
    'TargetParameterName',
    'AlarmConfiguration',
)


def _not_valid(reason: str) -> SSMException:
    return SSMException('InvalidAutomationExecutionParametersException', reason)


def start_automation_execution(response: Response) -> ActionResult:
    """Answers StartAutomationExecution."""
    for name in UNKNOWN:
        if response._get_param(name):
            raise NotImplementedError(f'{name} of StartAutomationExecution')
    if response._get_param('Mode', 'Auto') != 'Auto':
        raise NotImplementedError('the mode Interactive of StartAutomationExecution')
    document = _document(response)
    token, given = response._get_param('ClientToken'), response._get_param('Parameters') or {}
    known = next((each for each in _group(response).values() if token and each.token == token), None)
    if known:
        if (known.document, known.parameters) != (document.name, given):
            raise SSMException('IdempotentParameterMismatch', 'The client token was used with other parameters.')
        return ActionResult({'AutomationExecutionId': known.id})
    parent = response.headers.get('User-Agent', '').partition(PARENT)[2] or None
    execution = begin(response.current_account, response.region, document, given, token, parent)
    return ActionResult({'AutomationExecutionId': execution.id})


def _document(response: Response) -> Document:
    name, version = response._get_param('DocumentName'), response._get_param('DocumentVersion')
    documents = response.ssm_backend._documents.get(name.rpartition('document/')[2])
    if documents is None or documents.get_default_version().document_type != 'Automation':
        raise SSMException('AutomationDefinitionNotFoundException', f'Automation definition {name} is not found.')
    try:
        return documents.find(None if version == '$DEFAULT' else version)
    except InvalidDocument as error:
        raise SSMException(
            'AutomationDefinitionVersionNotFoundException', f'Automation definition {name} has no version {version}.'
        ) from error


def begin(
    account: str,
    region: str,
    document: Document,
    given: dict[str, list[str]],
    token: str | None = None,
    parent: str | None = None,
) -> Execution:
    """Starts an execution for the caller of the request."""
    caller, content, identifier = current_caller.get(), document.content_json, str(uuid.uuid4())
    try:
        resolved = values(content.get('parameters') or {}, given)
    except BadParameter as error:
        raise _not_valid(str(error)) from error
    role = resolve(content.get('assumeRole') or '', lambda name: resolved.get(name, ''))
    by: Any = caller
    if role:
        by = _assume(role, identifier, f'arn:aws:ssm:{region}:{account}:automation-execution/{identifier}')
    execution = Execution(
        id=identifier,
        account=account,
        region=region,
        document=document.name,
        version=document.document_version,
        content=content,
        parameters=given,
        values=resolved,
        started_by=caller.principal.arn,
        calls=Calls(by, region),
        token=token,
        parent=parent,
    )
    executions.setdefault((account, region), {})[identifier] = execution
    execution.start()
    return execution


def _assume(role: str, identifier: str, source: str) -> Any:
    if not re.fullmatch(r'arn:aws:iam::\d{12}:role/[\w+=,.@/-]+', role):
        raise _not_valid('The format of the supplied assume role ARN is invalid.')
    caller = current_caller.get()
    try:
        if caller.checked:
            require_of(caller, 'iam:PassRole', role, {'iam:passedtoservice': [SSM]})
    except NotPermitted as error:
        raise AccessDeniedException(str(error)) from error
    try:
        return assume_as_service(SSM, role, f'Automation-{identifier}', source)
    except NotPermitted as error:
        raise _not_valid('The defined assume role is unable to be assumed.') from error


def _group(response: Response) -> dict[str, Execution]:
    return executions.get((response.current_account, response.region), {})


def _execution(response: Response) -> Execution:
    identifier = response._get_param('AutomationExecutionId')
    found = _group(response).get(identifier)
    if found is None:
        raise SSMException(
            'AutomationExecutionNotFoundException', f'Automation execution {identifier} does not exist.'
        )
    return found


def get_automation_execution(response: Response) -> ActionResult:
    """Answers GetAutomationExecution."""
    execution = _execution(response)
    return ActionResult(
        {
            'AutomationExecution': {
                **_metadata(execution),
                'Parameters': execution.parameters,
                'Variables': {name: texts(value) for name, value in execution.variables.items() if value is not None},
                'StepExecutions': [_step(run) for run in list(execution.runs)],
                'StepExecutionsTruncated': False,
            }
        }
    )


def _metadata(execution: Execution) -> dict[str, Any]:
    current = execution.current
    return {
        'AutomationExecutionId': execution.id,
        'DocumentName': execution.document,
        'DocumentVersion': execution.version,
        'AutomationExecutionStatus': execution.status,
        'ExecutionStartTime': _time(execution.started),
        'ExecutedBy': execution.started_by,
        'Outputs': execution.outputs(),
        'Mode': 'Auto',
        'ResolvedTargets': {'ParameterValues': [], 'Truncated': False},
        'Targets': [],
        'AutomationType': 'Local',
        **({'ExecutionEndTime': _time(execution.ended)} if execution.ended else {}),
        **({'FailureMessage': execution.failure} if execution.failure else {}),
        **({'ParentAutomationExecutionId': execution.parent} if execution.parent else {}),
        **({'CurrentStepName': current.step['name'], 'CurrentAction': current.step['action']} if current else {}),
    }


def _step(run: StepRun) -> dict[str, Any]:
    step = run.step
    told = {
        'StepName': step['name'],
        'Action': step['action'],
        'StepStatus': run.status,
        'StepExecutionId': run.id,
        'OverriddenParameters': {},
        'Inputs': told_inputs(run),
        'Outputs': {name: texts(value) for name, value in run.outputs.items()},
    }
    for name in ('onFailure', 'isEnd', 'isCritical', 'nextStep', 'maxAttempts', 'timeoutSeconds'):
        # A number may be a reference.
        if name in step and not any(references(step[name])):
            told[name[0].upper() + name[1:]] = step[name]
    if run.started:
        told['ExecutionStartTime'] = _time(run.started)
    if run.ended:
        told['ExecutionEndTime'] = _time(run.ended)
    if run.failure:
        told['FailureMessage'] = run.failure
        told['FailureDetails'] = {'FailureStage': 'Invocation', 'FailureType': run.kind, 'Details': {}}
    if run.parent:
        told['ParentStepDetails'] = {
            'StepExecutionId': run.parent.id,
            'StepName': run.parent.step['name'],
            'Action': run.parent.step['action'],
            'Iteration': run.iteration,
            **({} if run.value is None else {'IteratorValue': texts(run.value)[0]}),
        }
    return told


def _time(moment: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


def describe_automation_executions(response: Response) -> ActionResult:
    """Answers DescribeAutomationExecutions, the newest first."""
    found = sorted(_group(response).values(), key=lambda each: -each.started)
    for given in response._get_param('Filters') or []:
        found = [each for each in found if _admitted(each, given['Key'], given['Values'])]
    found, token = _page(response, found)
    return ActionResult({'AutomationExecutionMetadataList': [_metadata(each) for each in found], 'NextToken': token})


def _admitted(execution: Execution, key: str, wanted: list[str]) -> bool:
    if key == 'DocumentNamePrefix':
        return execution.document.startswith(tuple(wanted))
    if key in ('StartTimeBefore', 'StartTimeAfter'):
        moment = datetime.datetime.fromisoformat(wanted[0]).timestamp()
        return execution.started <= moment if key == 'StartTimeBefore' else execution.started >= moment
    current = execution.current
    actual = {
        'ExecutionStatus': execution.status,
        'ExecutionId': execution.id,
        'ParentExecutionId': execution.parent,
        'CurrentAction': current.step['action'] if current else None,
        'AutomationType': 'Local',
    }
    if key not in actual:
        raise InvalidFilterKey(f'The specified key is not valid: {key}')
    return actual[key] in wanted


def describe_automation_step_executions(response: Response) -> ActionResult:
    """Answers DescribeAutomationStepExecutions."""
    found = [_step(run) for run in list(_execution(response).runs)]
    for given in response._get_param('Filters') or []:
        key = 'StepStatus' if given['Key'] == 'StepExecutionStatus' else given['Key']
        if key not in ('StepStatus', 'StepExecutionId', 'StepName', 'Action'):
            raise InvalidFilterKey(f'The specified key is not valid: {given["Key"]}')
        found = [each for each in found if each[key] in given['Values']]
    if response._get_bool_param('ReverseOrder'):
        found.reverse()
    found, token = _page(response, found)
    return ActionResult({'StepExecutions': found, 'NextToken': token})


def _page(response: Response, found: list[Any]) -> tuple[list[Any], str | None]:
    try:
        return page(found, response._get_int_param('MaxResults') or 50, response._get_param('NextToken'))
    except InvalidToken as error:
        raise SSMException('InvalidNextToken', 'The specified token is not valid.') from error


def send_automation_signal(response: Response) -> ActionResult:
    """Answers SendAutomationSignal."""
    execution, signal = _execution(response), response._get_param('SignalType')
    comment = ' '.join((response._get_param('Payload') or {}).get('Comment', []))
    try:
        if signal not in SIGNALS:
            raise NotAdmitted(f'The signal {signal} is none that this execution waits for.')
        hear(execution, current_caller.get(), signal, comment)
    except NotAdmitted as error:
        raise SSMException('InvalidAutomationSignalException', str(error)) from error
    return EmptyResult()


def stop_automation_execution(response: Response) -> ActionResult:
    """Answers StopAutomationExecution."""
    execution = _execution(response)
    if response._get_param('Type', 'Cancel') != 'Cancel':
        raise NotImplementedError('the type Complete of StopAutomationExecution')
    if execution.stopped or execution.ended is not None:
        raise SSMException(
            'InvalidAutomationStatusUpdateException', f'The execution is {execution.status} and cannot be stopped.'
        )
    execution.stop()
    return EmptyResult()


Response.start_automation_execution = start_automation_execution
Response.get_automation_execution = get_automation_execution
Response.describe_automation_executions = describe_automation_executions
Response.describe_automation_step_executions = describe_automation_step_executions
Response.send_automation_signal = send_automation_signal
Response.stop_automation_execution = stop_automation_execution
