"""The filters of Security Hub's GetFindings: does a finding pass them.

Values of one filter are alternatives, but every negative one must hold; different filters must all hold.
https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFindingFilters.html
https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_StringFilter.html
"""

import datetime

PATHS = {
    name: path.split('.')
    for name, path in {
        'AwsAccountId': 'AwsAccountId',
        'CompanyName': 'CompanyName',
        'ComplianceAssociatedStandardsId': 'Compliance.AssociatedStandards.StandardsId',
        'ComplianceSecurityControlId': 'Compliance.SecurityControlId',
        'ComplianceStatus': 'Compliance.Status',
        'Confidence': 'Confidence',
        'CreatedAt': 'CreatedAt',
        'Criticality': 'Criticality',
        'Description': 'Description',
        'FirstObservedAt': 'FirstObservedAt',
        'GeneratorId': 'GeneratorId',
        'Id': 'Id',
        'LastObservedAt': 'LastObservedAt',
        'NoteText': 'Note.Text',
        'NoteUpdatedAt': 'Note.UpdatedAt',
        'NoteUpdatedBy': 'Note.UpdatedBy',
        'ProductArn': 'ProductArn',
        'ProductFields': 'ProductFields',
        'ProductName': 'ProductName',
        'RecordState': 'RecordState',
        'Region': 'Region',
        'ResourceId': 'Resources.Id',
        'ResourceRegion': 'Resources.Region',
        'ResourceTags': 'Resources.Tags',
        'ResourceType': 'Resources.Type',
        'SeverityLabel': 'Severity.Label',
        'Title': 'Title',
        'Type': 'Types',
        'UpdatedAt': 'UpdatedAt',
        'UserDefinedFields': 'UserDefinedFields',
        'VerificationState': 'VerificationState',
        'WorkflowState': 'WorkflowState',
        'WorkflowStatus': 'Workflow.Status',
    }.items()
}
POSITIVE = {
    'EQUALS': lambda actual, wanted: actual == wanted,
    'PREFIX': lambda actual, wanted: actual.startswith(wanted),
    'CONTAINS': lambda actual, wanted: wanted in actual,
}
NEGATIVE = {'NOT_EQUALS': 'EQUALS', 'PREFIX_NOT_EQUALS': 'PREFIX', 'NOT_CONTAINS': 'CONTAINS'}
NUMERIC = {
    'Eq': lambda actual, wanted: actual == wanted,
    'Gt': lambda actual, wanted: actual > wanted,
    'Gte': lambda actual, wanted: actual >= wanted,
    'Lt': lambda actual, wanted: actual < wanted,
    'Lte': lambda actual, wanted: actual <= wanted,
}


class UnknownFilter(ValueError):
    """A filter that this cloud does not evaluate: it must not pass unnoticed."""


def matches(finding: dict, filters: dict) -> bool:
    """Whether `finding` (ASFF) passes `filters` (AwsSecurityFindingFilters). Raises UnknownFilter."""
    for name in filters:
        if name not in PATHS:
            raise UnknownFilter(f'The filter {name} is not evaluated by this cloud.')
    return all(
        _passes(values_at(finding, PATHS[name]), conditions) for name, conditions in filters.items() if conditions
    )


def values_at(finding: dict, path: list[str]) -> list:
    """All values at a path of names, through lists."""
    values = [finding]
    for name in path:
        values = [value[name] for value in values if isinstance(value, dict) and name in value]
        values = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return values


def _passes(values: list, conditions: list[dict]) -> bool:
    negative = [condition for condition in conditions if condition.get('Comparison') in NEGATIVE]
    positive = [condition for condition in conditions if condition not in negative]
    return all(not _holds(values, condition) for condition in negative) and (
        not positive or any(_holds(values, condition) for condition in positive)
    )


def _holds(values: list, condition: dict) -> bool:
    """Whether a condition holds for one of the values, a negative one being read as its opposite."""
    if 'Value' in condition:
        name = condition.get('Comparison', 'EQUALS')
        compare = POSITIVE[NEGATIVE.get(name, name)]
        if 'Key' in condition:
            values = [value[condition['Key']] for value in values if condition['Key'] in value]
        return any(compare(str(value), condition['Value']) for value in values)
    if condition.keys() & {'Start', 'End', 'DateRange'}:
        start, end = _range(condition)
        return any(start <= _moment(value) <= end for value in values)
    return any(all(NUMERIC[name](value, bound) for name, bound in condition.items()) for value in values)


def _range(condition: dict) -> tuple[datetime.datetime, datetime.datetime]:
    now = datetime.datetime.now(datetime.UTC)
    if 'DateRange' in condition:
        return now - datetime.timedelta(days=condition['DateRange']['Value']), now
    earliest, latest = (
        moment.replace(tzinfo=datetime.UTC) for moment in (datetime.datetime.min, datetime.datetime.max)
    )
    return (
        _moment(condition['Start']) if 'Start' in condition else earliest,
        _moment(condition['End']) if 'End' in condition else latest,
    )


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
