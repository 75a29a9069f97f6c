"""AWS Security Hub CSPM: findings are imported, updated, found and told to EventBridge.

Facts supplied, where moto differs:
- BatchImportFindings takes findings of the caller's own account and default product. It updates a finding that is there
  already, but never its Note, UserDefinedFields, VerificationState and Workflow.
  https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
- ProcessedAt is when Security Hub took in what the provider told.
  https://docs.aws.amazon.com/securityhub/latest/userguide/asff-top-level-attributes.html#asff-processedat
- BatchUpdateFindings, which changes exactly those and a few more.
  https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
- The workflow of a finding starts again when its record or its control does, and ends when its control passes.
  https://docs.aws.amazon.com/securityhub/latest/userguide/findings-workflow-status.html
- Every import and every update is an event. https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-integration-types.html

The filters of GetFindings are in finding_filters.py. AWS's own services import findings of their own products by a way
that no caller has: the door `POST /firebreak/findings`.
"""

import copy
import datetime
import json

from moto.securityhub import urls
from moto.securityhub.exceptions import InvalidInputException
from moto.securityhub.models import Finding, SecurityHubBackend, securityhub_backends
from moto.securityhub.responses import SecurityHubResponse

from doors import DoorError, door
from events import emit
from finding_filters import UnknownFilter, matches, values_at
from pages import InvalidToken, page

BATCH = 100
REQUIRED = (
    'AwsAccountId', 'CreatedAt', 'Description', 'GeneratorId', 'Id', 'ProductArn', 'Resources', 'SchemaVersion',
    'Severity', 'Title', 'UpdatedAt',
)  # fmt: skip
CUSTOMERS_OWN = ('Note', 'UserDefinedFields', 'VerificationState', 'Workflow')
UPDATABLE = (*CUSTOMERS_OWN, 'Confidence', 'Criticality', 'RelatedFindings', 'Severity', 'Types')
WORKFLOW_STATUSES = ('NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED')
LABELS = {'INFORMATIONAL': 0, 'LOW': 1, 'MEDIUM': 40, 'HIGH': 70, 'CRITICAL': 90}
NOTE_LENGTH = 512


class Rejected(ValueError):
    """Why one finding of a batch is not imported."""


def import_finding(backend: SecurityHubBackend, finding: dict) -> None:
    """Store a finding, new or over the one of the same Id and product, and tell EventBridge. Raises Rejected."""
    missing = [name for name in REQUIRED if name not in finding]
    if missing:
        raise Rejected(
            f'Finding does not adhere to Amazon Finding Format. data should have required property {missing[0]}.'
        )
    if not isinstance(finding['Resources'], list) or not finding['Resources']:
        raise Rejected(
            'Finding does not adhere to Amazon Finding Format. data.Resources should NOT have fewer than 1 items.'
        )
    stored = _find(backend, finding)
    before = stored.data if stored else {}
    after = {
        'RecordState': 'ACTIVE',
        'Region': backend.region_name,
        **before,
        **{name: value for name, value in finding.items() if not stored or name not in CUSTOMERS_OWN},
    }
    after['ProcessedAt'] = _now()
    after['Severity'] = _severity(after['Severity'])
    after['Workflow'] = {'Status': _workflow_status(before, after)}
    after.setdefault('WorkflowState', 'NEW')
    if stored:
        stored.data = after
    else:
        backend.findings.append(Finding(finding['Id'], after))
    _tell(backend, after)


def _find(backend: SecurityHubBackend, identifier: dict) -> Finding | None:
    for finding in backend.findings:
        if (finding.data['Id'], finding.data['ProductArn']) == (identifier['Id'], identifier['ProductArn']):
            return finding
    return None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def _severity(severity: dict) -> dict:
    # https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html#Severity
    if 'Label' in severity:
        return {'Normalized': LABELS[severity['Label']], **severity}
    score = severity.get('Normalized', 0)
    return {**severity, 'Label': next(label for label, lowest in reversed(LABELS.items()) if score >= lowest)}


def _workflow_status(before: dict, after: dict) -> str:
    status = after.get('Workflow', {}).get('Status', 'NEW')
    if status == 'SUPPRESSED':
        return status
    was, now = before.get('Compliance', {}).get('Status'), after.get('Compliance', {}).get('Status')
    if now == 'PASSED' and after['ProductArn'].endswith('product/aws/securityhub'):
        return 'RESOLVED'
    failed_again = was == 'PASSED' and now in ('FAILED', 'WARNING', 'NOT_AVAILABLE')
    back = before.get('RecordState') == 'ARCHIVED' and after['RecordState'] == 'ACTIVE'
    return 'NEW' if failed_again or back else status


def _tell(backend: SecurityHubBackend, finding: dict) -> None:
    emit(
        backend.account_id,
        backend.region_name,
        'aws.securityhub',
        'Security Hub Findings - Imported',
        {'findings': [copy.deepcopy(finding)]},
        [f'{finding["ProductArn"]}/{finding["Id"]}'],
    )


@door('POST', '/findings')
def import_findings(request):
    """A door of the embedded cloud, not of AWS: AWS's services import findings as their own products.

    `{account, region, findings: [ASFF]}`; the account is the one whose Security Hub shows them, which may be the
    administrator of the finding's account.
    """
    body = request.json
    backend = securityhub_backends[body['account']][body['region']]
    for finding in body['findings']:
        try:
            import_finding(backend, finding)
        except Rejected as error:
            raise DoorError(400, str(error)) from error
    return {'imported': len(body['findings'])}


def batch_import_findings(backend: SecurityHubBackend, findings: list[dict]) -> tuple[int, int, list[dict]]:
    """Replaces `SecurityHubBackend.batch_import_findings`."""
    if not 1 <= len(findings) <= BATCH:
        raise InvalidInputException('BatchImportFindings', f'Findings must have from 1 to {BATCH} members')
    product = f'arn:aws:securityhub:{backend.region_name}:{backend.account_id}:product/{backend.account_id}/default'
    failed = []
    for finding in findings:
        try:
            if finding.get('AwsAccountId') != backend.account_id:
                raise Rejected(f'AwsAccountId must be {backend.account_id}, the account of the caller.')
            if finding.get('ProductArn') != product:
                raise Rejected(f'Account {backend.account_id} may not import findings of {finding.get("ProductArn")}.')
            import_finding(backend, finding)
        except Rejected as error:
            failed.append({'Id': finding.get('Id', ''), 'ErrorCode': 'InvalidInput', 'ErrorMessage': str(error)})
    return len(failed), len(findings) - len(failed), failed


def batch_update_findings(response: SecurityHubResponse) -> str:
    """Answers BatchUpdateFindings."""
    backend, body = response.securityhub_backend, json.loads(response.body)
    identifiers = body.get('FindingIdentifiers', [])
    _check_update(identifiers, body)
    changes = {name: body[name] for name in UPDATABLE if name in body}
    if 'Note' in changes:
        changes['Note'] = {**changes['Note'], 'UpdatedAt': _now()}
    if 'Severity' in changes:
        changes['Severity'] = _severity(changes['Severity'])
    processed, unprocessed = [], []
    for identifier in identifiers:
        finding = _find(backend, identifier)
        if finding is None:
            refusal = {'ErrorCode': 'FindingNotFound', 'ErrorMessage': 'Finding Not Found'}
            unprocessed.append({'FindingIdentifier': identifier, **refusal})
            continue
        finding.data = {**finding.data, **copy.deepcopy(changes)}
        _tell(backend, finding.data)
        processed.append(identifier)
    return json.dumps({'ProcessedFindings': processed, 'UnprocessedFindings': unprocessed})


def _check_update(identifiers: list[dict], body: dict) -> None:
    note, workflow = body.get('Note', {}), body.get('Workflow', {})
    for holds, problem in (
        (1 <= len(identifiers) <= BATCH, f'FindingIdentifiers must have from 1 to {BATCH} members'),
        (not note or {'Text', 'UpdatedBy'} <= note.keys(), 'Note must have Text and UpdatedBy'),
        (len(note.get('Text', '')) <= NOTE_LENGTH, f'Note.Text must have at most {NOTE_LENGTH} characters'),
        (workflow.get('Status', 'NEW') in WORKFLOW_STATUSES, f'Workflow.Status must be one of {WORKFLOW_STATUSES}'),
    ):
        if not holds:
            raise InvalidInputException('BatchUpdateFindings', problem)


def get_findings(backend: SecurityHubBackend, filters=None, sort_criteria=None, max_results=None, next_token=None):
    """Replaces `SecurityHubBackend.get_findings`: the findings of one page, and the token of the next."""
    limit = int(max_results or BATCH)
    if not 1 <= limit <= BATCH:
        raise InvalidInputException('GetFindings', f'MaxResults must be a number between 1 and {BATCH}')
    try:
        found = [finding.data for finding in backend.findings if matches(finding.data, filters or {})]
    except UnknownFilter as error:
        raise InvalidInputException('GetFindings', str(error)) from error
    for criterion in reversed(sort_criteria or []):
        found.sort(
            key=lambda finding: [str(value) for value in values_at(finding, criterion['Field'].split('.'))],
            reverse=criterion.get('SortOrder') == 'desc',
        )
    try:
        return page(found, limit, next_token)
    except InvalidToken as error:
        raise InvalidInputException('GetFindings', 'NextToken is not valid') from error


SecurityHubBackend.batch_import_findings = batch_import_findings
SecurityHubBackend.get_findings = get_findings
SecurityHubResponse.batch_update_findings = batch_update_findings
urls.url_paths['{0}/findings/batchupdate$'] = SecurityHubResponse.dispatch
