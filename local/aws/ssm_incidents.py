"""AWS Systems Manager Incident Manager, of which moto has nothing.

Facts supplied:
- Nothing works before there is a replication set, and it works in the Regions of that set, on the same incidents in each.
  https://docs.aws.amazon.com/incident-manager/latest/userguide/getting-started.html
- An incident is started from a response plan, whose template says what the caller does not. What is done with a client token
  is done once. https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_StartIncident.html
- A template with a deduplication string has one open incident: what would be another becomes that one.
  https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_IncidentTemplate.html
- Callers write two types of timeline events.
  https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_CreateTimelineEvent.html
- The plan's runbook is started in the plan's role, which trusts Incident Manager, with the parameters of the plan and those
  that Incident Manager fills in. https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SsmAutomation.html

The timeline events that Incident Manager writes by itself are not there, contacts are not engaged, and an incident whose
runbook cannot be started has none.
"""

import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.core.utils import utcnow

from api_call import ApiCall
from doors import on_reset
from own_operations import Failure, operation, page_of
from principals import Caller
from service_roles import NotPermitted, assume_as_service

SERVICE = 'ssm-incidents.amazonaws.com'
EVENT_TYPES = ('Custom Event', 'Note')
RECORD_NAMES = (
    'arn', 'automationExecutions', 'chatChannel', 'creationTime', 'dedupeString', 'impact', 'incidentRecordSource',
    'lastModifiedBy', 'lastModifiedTime', 'notificationTargets', 'resolvedTime', 'status', 'summary', 'title',
)  # fmt: skip

Held = dict[str, Any]


@dataclass
class Incidents:
    """What an account has, by ARN; of `done`, what was answered by operation and client token."""

    sets: dict[str, Held] = field(default_factory=dict)
    plans: dict[str, Held] = field(default_factory=dict)
    records: dict[str, Held] = field(default_factory=dict)
    done: dict[tuple[str, str], Held] = field(default_factory=dict)


_accounts: dict[str, Incidents] = {}
_lock = threading.RLock()


@on_reset
def forget() -> None:
    """No account has anything."""
    _accounts.clear()


def _of(call: ApiCall, caller: Caller) -> Incidents:
    """What the caller's account has. Raises as Incident Manager does where it is not set up."""
    incidents = _accounts.setdefault(caller.account, Incidents())
    regions = [region for each in incidents.sets.values() for region in each['regionMap']]
    if 'ReplicationSet' not in call.operation and call.region not in regions:
        raise Failure(
            'ResourceNotFoundException',
            f'There is no replication set with the Region {call.region}.',
            resourceType='REPLICATION_SET',
            resourceIdentifier=call.region,
        )
    return incidents


def _named(held: dict[str, Held], arn: str, kind: str) -> Held:
    if arn not in held:
        raise Failure('ResourceNotFoundException', f'{arn} was not found.', resourceType=kind, resourceIdentifier=arn)
    return held[arn]


def _record(call: ApiCall, caller: Caller, name: str = 'incidentRecordArn') -> Held:
    return _named(_of(call, caller).records, call.parameters[name], 'INCIDENT_RECORD')


def _invalid(message: str) -> Exception:
    return Failure('ValidationException', message)


def _once(call: ApiCall, incidents: Incidents, make: Callable[[], Held]) -> Held:
    """What an operation answered to the same client token, or what it makes."""
    token = call.parameters.get('clientToken')
    key = (call.operation, token)
    if token is None or key not in incidents.done:
        made = make()
        if token is None:
            return made
        incidents.done[key] = made
    return incidents.done[key]


@operation('ssm-incidents', 'CreateReplicationSet')
def create_replication_set(call: ApiCall, caller: Caller) -> Held:
    """Answers CreateReplicationSet; it is active at once."""
    with _lock:
        incidents = _of(call, caller)
        return _once(call, incidents, lambda: _made_set(call, caller, incidents))


def _made_set(call: ApiCall, caller: Caller, incidents: Incidents) -> Held:
    if incidents.sets:
        raise Failure('ConflictException', 'The account has a replication set.', resourceType='REPLICATION_SET')
    arn, now = f'arn:aws:ssm-incidents::{caller.account}:replication-set/{uuid.uuid4()}', utcnow()
    incidents.sets[arn] = {
        'arn': arn,
        'createdBy': caller.principal.arn,
        'createdTime': now,
        'lastModifiedBy': caller.principal.arn,
        'lastModifiedTime': now,
        'deletionProtected': False,
        'status': 'ACTIVE',
        'regionMap': {
            name: {**(settings or {}), 'status': 'ACTIVE', 'statusUpdateDateTime': now}
            for name, settings in call.parameters['regions'].items()
        },
    }
    return {'arn': arn}


@operation('ssm-incidents', 'GetReplicationSet')
def get_replication_set(call: ApiCall, caller: Caller) -> Held:
    """Answers GetReplicationSet."""
    return {'replicationSet': _named(_of(call, caller).sets, call.parameters['arn'], 'REPLICATION_SET')}


@operation('ssm-incidents', 'ListReplicationSets')
def list_replication_sets(call: ApiCall, caller: Caller) -> Held:
    """Answers ListReplicationSets."""
    return page_of(call, list(_of(call, caller).sets), 'replicationSetArns')


@operation('ssm-incidents', 'CreateResponsePlan')
def create_response_plan(call: ApiCall, caller: Caller) -> Held:
    """Answers CreateResponsePlan."""
    with _lock:
        incidents = _of(call, caller)
        return _once(call, incidents, lambda: _made_plan(call.parameters, caller, incidents))


def _made_plan(given: Held, caller: Caller, incidents: Incidents) -> Held:
    arn = f'arn:aws:ssm-incidents::{caller.account}:response-plan/{given["name"]}'
    if arn in incidents.plans:
        message = f'A response plan is called {given["name"]} already.'
        raise Failure('ConflictException', message, resourceType='RESPONSE_PLAN', resourceIdentifier=arn)
    incidents.plans[arn] = {**given, 'arn': arn}
    return {'arn': arn}


@operation('ssm-incidents', 'GetResponsePlan')
def get_response_plan(call: ApiCall, caller: Caller) -> Held:
    """Answers GetResponsePlan."""
    return _named(_of(call, caller).plans, call.parameters['arn'], 'RESPONSE_PLAN')


@operation('ssm-incidents', 'ListResponsePlans')
def list_response_plans(call: ApiCall, caller: Caller) -> Held:
    """Answers ListResponsePlans."""
    return page_of(call, list(_of(call, caller).plans.values()), 'responsePlanSummaries')


@operation('ssm-incidents', 'StartIncident')
def start_incident(call: ApiCall, caller: Caller) -> Held:
    """Answers StartIncident."""
    given = call.parameters
    if given.get('triggerDetails', {}).get('source', '').startswith('aws.'):
        raise _invalid('Only sources that are services of AWS begin with aws.')
    with _lock:
        incidents = _of(call, caller)
        plan = _named(incidents.plans, given['responsePlanArn'], 'RESPONSE_PLAN')
        before = len(incidents.records)
        answer = _once(call, incidents, lambda: {'incidentRecordArn': _open_or_new(call, caller, incidents, plan)})
        is_new = len(incidents.records) > before
        record = incidents.records.get(answer['incidentRecordArn'])
    if is_new and record:
        _start_runbook(call.region, plan, record)
    return answer


def _open_or_new(call: ApiCall, caller: Caller, incidents: Incidents, plan: Held) -> str:
    given, template = call.parameters, plan['incidentTemplate']
    deduplication = template.get('dedupeString')
    for record in incidents.records.values():
        if deduplication and record['status'] == 'OPEN' and record['dedupeString'] == deduplication:
            return record['arn']
    arn = f'arn:aws:ssm-incidents::{caller.account}:incident-record/{plan["name"]}/{uuid.uuid4()}'
    now, who, trigger = utcnow(), caller.principal.arn, given.get('triggerDetails', {})
    source = {'createdBy': who, 'source': trigger.get('source', 'aws.ssm-incidents.custom')}
    if 'triggerArn' in trigger:
        source['resourceArn'] = trigger['triggerArn']
    incidents.records[arn] = {
        'arn': arn,
        'status': 'OPEN',
        'creationTime': now,
        'lastModifiedTime': now,
        'lastModifiedBy': who,
        'automationExecutions': [],
        **{name: template[name] for name in ('summary', 'notificationTargets') if name in template},
        **{name: plan[name] for name in ('chatChannel',) if name in plan},
        **{name: given.get(name, template[name]) for name in ('title', 'impact')},
        # What is to have no other is a string of its own.
        'dedupeString': deduplication or arn.rpartition('/')[2],
        'incidentRecordSource': source,
        'events': {},
        'related': [],
    }
    for item in given.get('relatedItems', []):
        _relate(incidents.records[arn], item)
    return arn


def _start_runbook(region: str, plan: Held, record: Held) -> None:
    """Starts the plan's runbook by the API, in a session of the plan's role."""
    for action in plan.get('actions', []):
        automation = action['ssmAutomation']
        parameters = dict(automation.get('parameters', {}))
        for name, dynamic in automation.get('dynamicParameters', {}).items():
            parameters[name] = _variable(dynamic['variable'], record)
        version = {'DocumentVersion': automation['documentVersion']} if 'documentVersion' in automation else {}
        try:
            session = assume_as_service(SERVICE, automation['roleArn'], 'incident-manager', record['arn'])
            ssm = boto3.client(
                'ssm',
                region_name=region,
                endpoint_url=f'http://127.0.0.1:{os.environ["MOTO_PORT"]}',
                aws_access_key_id=session.access_key,
                aws_secret_access_key=session.secret,
                aws_session_token=session.token,
            )
            started = ssm.start_automation_execution(
                DocumentName=automation['documentName'], Parameters=parameters, **version
            )
        except (NotPermitted, ClientError):
            continue
        account = automation['roleArn'].split(':')[4]
        arn = f'arn:aws:ssm:{region}:{account}:automation-execution/{started["AutomationExecutionId"]}'
        with _lock:
            record['automationExecutions'].append({'ssmExecutionArn': arn})
            _relate(record, {'identifier': {'type': 'AUTOMATION', 'value': {'arn': arn}}})


def _variable(name: str, record: Held) -> list[str]:
    if name == 'INCIDENT_RECORD_ARN':
        return [record['arn']]
    involved = [item['identifier'] for item in record['related']]
    return [each['value']['arn'] for each in involved if each['type'] == 'INVOLVED_RESOURCE' and 'arn' in each['value']]


@operation('ssm-incidents', 'GetIncidentRecord')
def get_incident_record(call: ApiCall, caller: Caller) -> Held:
    """Answers GetIncidentRecord."""
    with _lock:
        record = _record(call, caller, 'arn')
        return {'incidentRecord': {name: record[name] for name in RECORD_NAMES if name in record}}


@operation('ssm-incidents', 'ListIncidentRecords')
def list_incident_records(call: ApiCall, caller: Caller) -> Held:
    """Answers ListIncidentRecords, newest first."""
    values = {
        'creationTime': lambda record: record['creationTime'],
        'createdBy': lambda record: record['incidentRecordSource']['createdBy'],
        'impact': lambda record: record['impact'],
        'status': lambda record: record['status'],
    }
    with _lock:
        found = _filtered(call, list(_of(call, caller).records.values()), values)
    return page_of(call, found[::-1], 'incidentRecordSummaries')


def _filtered(call: ApiCall, items: list[Held], values: dict[str, Callable[[Held], Any]]) -> list[Held]:
    for wanted in call.parameters.get('filters', []):
        look = values.get(wanted['key'])
        if look is None:
            raise _invalid(f'There is no filter {wanted["key"]}.')
        items = [item for item in items if _meets(look(item), wanted['condition'])]
    return items


def _meets(value: Any, condition: Held) -> bool:
    equal = condition.get('equals', {})
    listed = [*equal.get('stringValues', []), *equal.get('integerValues', [])]
    after, before = (condition[name].replace(tzinfo=None) if name in condition else None for name in ('after', 'before'))
    return (not equal or value in listed) and (not after or value > after) and (not before or value < before)


@operation('ssm-incidents', 'UpdateIncidentRecord')
def update_incident_record(call: ApiCall, caller: Caller) -> Held:
    """Answers UpdateIncidentRecord."""
    given = call.parameters
    names = ('status', 'impact', 'title', 'summary', 'chatChannel', 'notificationTargets')

    def update() -> Held:
        record = _record(call, caller, 'arn')
        record.update({name: given[name] for name in names if name in given})
        record.update(lastModifiedTime=utcnow(), lastModifiedBy=caller.principal.arn)
        if given.get('status') == 'RESOLVED':
            record.setdefault('resolvedTime', record['lastModifiedTime'])
        elif given.get('status') == 'OPEN':
            record.pop('resolvedTime', None)
        return {}

    with _lock:
        return _once(call, _of(call, caller), update)


@operation('ssm-incidents', 'DeleteIncidentRecord')
def delete_incident_record(call: ApiCall, caller: Caller) -> Held:
    """Answers DeleteIncidentRecord, also where there is none."""
    with _lock:
        _of(call, caller).records.pop(call.parameters['arn'], None)
    return {}


@operation('ssm-incidents', 'CreateTimelineEvent')
def create_timeline_event(call: ApiCall, caller: Caller) -> Held:
    """Answers CreateTimelineEvent."""
    given = call.parameters
    if given['eventType'] not in EVENT_TYPES:
        raise _invalid(f'The type of an event is one of {", ".join(EVENT_TYPES)}.')

    def create() -> Held:
        record, identifier = _record(call, caller), str(uuid.uuid4())
        record['events'][identifier] = {
            **{name: value for name, value in given.items() if name != 'clientToken'},
            'eventTime': given['eventTime'].replace(tzinfo=None),
            'eventId': identifier,
            'eventUpdatedTime': utcnow(),
        }
        return {'eventId': identifier, 'incidentRecordArn': record['arn']}

    with _lock:
        return _once(call, _of(call, caller), create)


@operation('ssm-incidents', 'GetTimelineEvent')
def get_timeline_event(call: ApiCall, caller: Caller) -> Held:
    """Answers GetTimelineEvent."""
    with _lock:
        events = _record(call, caller)['events']
        return {'event': _named(events, call.parameters['eventId'], 'TIMELINE_EVENT')}


@operation('ssm-incidents', 'ListTimelineEvents')
def list_timeline_events(call: ApiCall, caller: Caller) -> Held:
    """Answers ListTimelineEvents, without what the events say: newest first unless it is asked otherwise."""
    values = {'eventTime': lambda event: event['eventTime'], 'eventType': lambda event: event['eventType']}
    with _lock:
        found = _filtered(call, list(_record(call, caller)['events'].values()), values)
    newest_first = call.parameters.get('sortOrder') != 'ASCENDING'
    return page_of(call, sorted(found, key=lambda event: event['eventTime'], reverse=newest_first), 'eventSummaries')


@operation('ssm-incidents', 'UpdateRelatedItems')
def update_related_items(call: ApiCall, caller: Caller) -> Held:
    """Answers UpdateRelatedItems."""
    change = call.parameters['relatedItemsUpdate']
    if len(change) != 1:
        raise _invalid('One item is added or removed at a time.')

    def update() -> Held:
        record = _record(call, caller)
        if 'itemToAdd' in change:
            _relate(record, change['itemToAdd'])
        else:
            record['related'] = [item for item in record['related'] if item['identifier'] != change['itemToRemove']]
        return {}

    with _lock:
        return _once(call, _of(call, caller), update)


def _relate(record: Held, item: Held) -> None:
    """Has an item among the related ones, once."""
    identifier = item['identifier']
    others = [each for each in record['related'] if each['identifier'] != identifier]
    generated = f'related-item/{identifier["type"]}/{uuid.uuid4().hex.upper()}'
    record['related'] = [*others, {'generatedId': generated, **item}]


@operation('ssm-incidents', 'ListRelatedItems')
def list_related_items(call: ApiCall, caller: Caller) -> Held:
    """Answers ListRelatedItems."""
    with _lock:
        found = list(_record(call, caller)['related'])
    return page_of(call, found, 'relatedItems')
