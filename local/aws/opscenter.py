"""AWS Systems Manager OpsCenter: OpsItems, of which moto has none.

Facts supplied:
- What an OpsItem is made of, and of which words a source and a key of operational data may not be.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CreateOpsItem.html
- One with the deduplication string of another that is open or in progress is not created, and the error names that one; the
  string is not changed afterwards. https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-working-deduplication.html
- An update changes what it names, and of operational data the keys that it names.
  https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UpdateOpsItem.html
- Only searchable data are in a list. https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeOpsItems.html
- Limits: https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm

Of the list's filters there are those of `_VALUES`, with Equal and Contains.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

from moto.core.utils import utcnow

from api_call import ApiCall
from doors import on_reset
from own_operations import Failure, operation, page_of
from principals import Caller

OPERATIONAL_DATA_BYTES = 20 * 1_024
DEDUPLICATION_LENGTH = 512
MOST_RUNBOOKS = 10
MOST_RELATED = 100
MOST_OPEN = 500_000
RESERVED = re.compile(r'/?(amazon|aws|amzn|ssm)', re.IGNORECASE)
AWSS_OWN = ('/aws/dedup', '/aws/resources', '/aws/automations')
KEPT = ('Title', 'Description', 'Source', 'Category', 'Severity', 'Priority', 'Notifications', 'RelatedOpsItems')
ASSOCIATIONS = ('IsParentOf', 'RelatesTo')

Item = dict[str, Any]

_items: dict[tuple[str, str], dict[str, Item]] = {}
_lock = threading.RLock()


@on_reset
def forget() -> None:
    """There are no OpsItems."""
    _items.clear()


def _invalid(message: str, *parameters: str) -> Exception:
    return Failure('OpsItemInvalidParameterException', message, ParameterNames=list(parameters))


def _limit(kind: str, limit: int, message: str) -> Exception:
    return Failure('OpsItemLimitExceededException', message, ResourceTypes=['OpsItem'], Limit=limit, LimitType=kind)


def _held(call: ApiCall, caller: Caller) -> dict[str, Item]:
    return _items.setdefault((caller.account, call.region), {})


def _item(call: ApiCall, caller: Caller) -> Item:
    identifier = call.parameters['OpsItemId']
    item = _held(call, caller).get(identifier)
    if item is None:
        raise Failure('OpsItemNotFoundException', f'OpsItem ID {identifier} was not found.')
    return item


@operation('ssm', 'CreateOpsItem')
def create_ops_item(call: ApiCall, caller: Caller) -> dict:
    """Answers CreateOpsItem."""
    given = call.parameters
    if re.search('aws|amazon|amzn', given['Source'], re.IGNORECASE):
        raise _invalid('The source cannot contain aws, amazon or amzn.', 'Source')
    if given.get('OpsItemType', '/aws/issue') != '/aws/issue':
        raise _invalid('The embedded cloud has OpsItems of the type /aws/issue alone.', 'OpsItemType')
    data = _checked({}, given.get('OperationalData', {}))
    with _lock:
        held = _held(call, caller)
        deduplication = _deduplication(data)
        for other in held.values():
            if deduplication and other['Status'] in ('Open', 'InProgress') and _of_one(other, given, deduplication):
                message = f'An OpsItem with the same deduplication string exists: {other["OpsItemId"]}'
                raise Failure('OpsItemAlreadyExistsException', message, OpsItemId=other['OpsItemId'])
        if len(held) >= MOST_OPEN:
            raise _limit('AccountLimit', MOST_OPEN, 'The account has as many OpsItems as it may have.')
        identifier = f'oi-{uuid.uuid4().hex[:12]}'
        now, who = utcnow(), caller.principal.arn
        item = {
            'OpsItemId': identifier,
            'OpsItemArn': f'arn:aws:ssm:{call.region}:{caller.account}:opsitem/{identifier}',
            'OpsItemType': '/aws/issue',
            'Status': 'Open',
            'CreatedBy': who,
            'CreatedTime': now,
            'LastModifiedBy': who,
            'LastModifiedTime': now,
            'Version': '1',
            'OperationalData': data,
            **{name: given[name] for name in KEPT if name in given},
        }
        held[identifier] = item
        item['events'] = [_event(item, 'OpsItem Create', who)]
        item['related'] = []
    return {name: item[name] for name in ('OpsItemId', 'OpsItemArn')}


def _of_one(other: Item, given: dict[str, Any], deduplication: str) -> bool:
    return other['Source'] == given['Source'] and _deduplication(other['OperationalData']) == deduplication


def _deduplication(data: dict[str, Any]) -> str | None:
    return json.loads(data['/aws/dedup']['Value'])['dedupString'] if '/aws/dedup' in data else None


def _checked(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Operational data with what is given over what was there. Raises what OpsCenter says to what it refuses."""
    for key in given:
        if RESERVED.match(key) and key not in AWSS_OWN:
            raise _invalid('Operational data keys cannot begin with amazon, aws, amzn or ssm.', 'OperationalData')
    data = {**before, **{key: {'Type': 'String', **value} for key, value in given.items()}}
    if sum(len(f'{key}{each["Value"]}'.encode()) for key, each in data.items()) > OPERATIONAL_DATA_BYTES:
        raise _limit('OperationalData', OPERATIONAL_DATA_BYTES, 'The operational data is larger than 20 KB.')
    listed: tuple[tuple[str, str, int], ...] = (
        ('/aws/resources', 'arn', MOST_RELATED),
        ('/aws/automations', 'automationId', MOST_RUNBOOKS),
    )
    for key, name, most in listed:
        texts = _read(data, key, lambda value, name=name: [each[name] for each in value])
        if len(texts or []) > most:
            raise _limit(key, most, f'{key} has more than {most} members.')
    string = _read(data, '/aws/dedup', lambda value: value['dedupString'])
    if string is not None and not 0 < len(string) <= DEDUPLICATION_LENGTH:
        raise _invalid(f'The deduplication string has at most {DEDUPLICATION_LENGTH} characters.', 'OperationalData')
    return data


def _read(data: dict[str, Any], key: str, look: Callable[[Any], Any]) -> Any:
    """What is in a value of operational data that is JSON of a form of AWS's, or None without one."""
    try:
        return look(json.loads(data[key]['Value'])) if key in data else None
    except (ValueError, TypeError, KeyError) as error:
        raise _invalid(f'The value of {key} is not of its form.', 'OperationalData') from error


@operation('ssm', 'GetOpsItem')
def get_ops_item(call: ApiCall, caller: Caller) -> dict:
    """Answers GetOpsItem."""
    with _lock:
        return {'OpsItem': dict(_item(call, caller))}


@operation('ssm', 'UpdateOpsItem')
def update_ops_item(call: ApiCall, caller: Caller) -> dict:
    """Answers UpdateOpsItem."""
    given = call.parameters
    if '/aws/dedup' in {*given.get('OperationalData', {}), *given.get('OperationalDataToDelete', [])}:
        raise _invalid('The deduplication string of an OpsItem cannot be changed.', 'OperationalData')
    if given.get('Status', 'Open') not in ('Open', 'InProgress', 'Resolved'):
        raise _invalid('An OpsItem of the type /aws/issue is open, in progress or resolved.', 'Status')
    with _lock:
        item = _item(call, caller)
        left = {
            key: value
            for key, value in item['OperationalData'].items()
            if key not in given.get('OperationalDataToDelete', [])
        }
        data = _checked(left, given.get('OperationalData', {}))
        who = caller.principal.arn
        item.update({name: given[name] for name in (*KEPT, 'Status') if name in given})
        item.update(OperationalData=data, LastModifiedBy=who, LastModifiedTime=utcnow())
        item['Version'] = str(int(item['Version']) + 1)
        item['events'].append(_event(item, 'OpsItem Update', who))
    return {}


def _event(item: Item, kind: str, who: str) -> dict[str, Any]:
    told = {'ops-item-id': item['OpsItemId'], 'title': item['Title'], 'status': item['Status'], 'version': item['Version']}
    return {
        'OpsItemId': item['OpsItemId'],
        'EventId': str(uuid.uuid4()),
        'Source': 'aws.ssm',
        'DetailType': kind,
        'Detail': json.dumps(told),
        'CreatedBy': {'Arn': who},
        'CreatedTime': item['LastModifiedTime'],
    }


@operation('ssm', 'DeleteOpsItem')
def delete_ops_item(call: ApiCall, caller: Caller) -> dict:
    """Answers DeleteOpsItem, also where there is none."""
    with _lock:
        _held(call, caller).pop(call.parameters['OpsItemId'], None)
    return {}


@operation('ssm', 'ListOpsItemEvents')
def list_ops_item_events(call: ApiCall, caller: Caller) -> dict:
    """Answers ListOpsItemEvents."""
    wanted = [value for each in call.parameters.get('Filters', []) for value in each['Values']]
    with _lock:
        held = _held(call, caller)
        unknown = [identifier for identifier in wanted if identifier not in held]
        if unknown:
            raise Failure('OpsItemNotFoundException', f'OpsItem ID {unknown[0]} was not found.')
        found = [event for item in held.values() if not wanted or item['OpsItemId'] in wanted for event in item['events']]
    return page_of(call, found, 'Summaries')


def _data(item: Item, key: str) -> list[str]:
    """The value of a key of operational data, if there is one."""
    return [value['Value'] for name, value in item['OperationalData'].items() if name == key]


def _searchable(item: Item) -> dict[str, Any]:
    return {key: value for key, value in item['OperationalData'].items() if value['Type'] == 'SearchableString'}


# By what a list is filtered: the texts of an OpsItem that a filter compares.
_VALUES: dict[str, Callable[[Item], list[str]]] = {
    **{key: (lambda item, key=key: [str(item[key])] if key in item else [])
       for key in ('Status', 'Source', 'Priority', 'Title', 'OpsItemId', 'Category', 'Severity', 'OpsItemType')},
    'OperationalData': lambda item: [
        json.dumps({'key': key, 'value': value['Value']}) for key, value in _searchable(item).items()
    ],
    'OperationalDataKey': lambda item: list(_searchable(item)),
    'OperationalDataValue': lambda item: [value['Value'] for value in _searchable(item).values()],
    'ResourceId': lambda item: _data(item, '/aws/resources'),
    'AutomationId': lambda item: _data(item, '/aws/automations'),
}  # fmt: skip


@operation('ssm', 'DescribeOpsItems')
def describe_ops_items(call: ApiCall, caller: Caller) -> dict:
    """Answers DescribeOpsItems."""
    filters = call.parameters.get('OpsItemFilters', [])
    with _lock:
        found = [item for item in _held(call, caller).values() if all(_matches(item, each) for each in filters)]
        summaries = [{**item, 'OperationalData': _searchable(item)} for item in found]
    return page_of(call, summaries, 'OpsItemSummaries')


def _matches(item: Item, wanted: dict[str, Any]) -> bool:
    look, operator = _VALUES.get(wanted['Key']), wanted['Operator']
    if look is None or operator not in ('Equal', 'Contains'):
        raise NotImplementedError(f'DescribeOpsItems has no filter {wanted["Key"]} {operator} in the embedded cloud')
    values = wanted['Values']
    if wanted['Key'] == 'OperationalData':
        values = [json.dumps(json.loads(value)) for value in values]
    compared = look(item)
    if operator == 'Contains':
        return any(value in text for value in values for text in compared)
    return any(value in compared for value in values)


@operation('ssm', 'AssociateOpsItemRelatedItem')
def associate_ops_item_related_item(call: ApiCall, caller: Caller) -> dict:
    """Answers AssociateOpsItemRelatedItem."""
    given, uri = call.parameters, call.parameters['ResourceUri']
    if given['AssociationType'] not in ASSOCIATIONS:
        raise _invalid(f'The association type is one of {", ".join(ASSOCIATIONS)}.', 'AssociationType')
    with _lock:
        item = _item(call, caller)
        if any(each['ResourceUri'] == uri for each in item['related']):
            raise Failure(
                'OpsItemRelatedItemAlreadyExistsException',
                'The related item is associated with the OpsItem already.',
                ResourceUri=uri,
                OpsItemId=item['OpsItemId'],
            )
        if len(item['related']) >= MOST_RELATED:
            raise _limit('RelatedItem', MOST_RELATED, f'The OpsItem has {MOST_RELATED} related items.')
        now, who = utcnow(), {'Arn': caller.principal.arn}
        made = {
            'OpsItemId': item['OpsItemId'],
            'AssociationId': str(uuid.uuid4()),
            **{name: given[name] for name in ('ResourceType', 'AssociationType', 'ResourceUri')},
            **{'CreatedBy': who, 'CreatedTime': now, 'LastModifiedBy': who, 'LastModifiedTime': now},
        }
        item['related'].append(made)
    return {'AssociationId': made['AssociationId']}


@operation('ssm', 'ListOpsItemRelatedItems')
def list_ops_item_related_items(call: ApiCall, caller: Caller) -> dict:
    """Answers ListOpsItemRelatedItems."""
    wanted, filters = call.parameters.get('OpsItemId'), call.parameters.get('Filters', [])
    with _lock:
        found = [
            each
            for item in _held(call, caller).values()
            if wanted in (None, item['OpsItemId'])
            for each in item['related']
            if all(each[condition['Key']] in condition['Values'] for condition in filters)
        ]
    return page_of(call, found, 'Summaries')
