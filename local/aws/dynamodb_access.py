"""What IAM is asked about a DynamoDB call: tables, indexes, streams, the partition keys that it names, and the attributes
of the items that it puts.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

import re
from collections.abc import Iterable
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from api_call import ApiCall
from resources import Access

_WORDS = {'SET', 'REMOVE', 'ADD', 'DELETE', 'AND', 'OR', 'NOT', 'BETWEEN', 'IN'}
_ITEM_ACTIONS = {'Put': 'PutItem', 'Update': 'UpdateItem', 'Delete': 'DeleteItem', 'ConditionCheck': 'ConditionCheckItem'}


def dynamodb_accesses(call: ApiCall, account: str) -> list[Access] | None:
    """The questions of a call that names items, an index or a stream; None leaves it to the general rule."""
    parameters = call.parameters
    if call.operation in ('TransactWriteItems', 'TransactGetItems'):
        return [
            _access(call, account, _ITEM_ACTIONS.get(kind, 'GetItem'), request['TableName'], [request])
            for item in parameters.get('TransactItems', [])
            for kind, request in item.items()
        ]
    if call.operation in ('BatchWriteItem', 'BatchGetItem'):
        return [
            _access(call, account, call.operation, table, list(_batch_items(requests)))
            for table, requests in parameters.get('RequestItems', {}).items()
        ]
    if call.operation in ('GetRecords', 'GetShardIterator', 'DescribeStream'):
        # A shard iterator begins with the ARN of its stream.
        arn = parameters.get('StreamArn') or parameters.get('ShardIterator', '*').partition('|')[0]
        return [Access(f'dynamodb:{call.operation}', arn)]
    if call.operation in ('GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan'):
        return [_access(call, account, call.operation, parameters.get('TableName', '*'), [parameters])]
    return None


def _batch_items(requests: Any) -> Iterable[dict[str, Any]]:
    if isinstance(requests, dict):
        return ({'Key': key} for key in requests.get('Keys', []))
    return (action for request in requests for action in request.values())


def _access(call: ApiCall, account: str, action: str, table: str, items: list[dict[str, Any]]) -> Access:
    arn = table if table.startswith('arn:') else f'arn:aws:dynamodb:{call.region}:{account}:table/{table}'
    index = items[0].get('IndexName') if items else None
    key = partition_key(arn, index)
    leading = [value for item in items for value in _leading(item, key)] if key else []
    context = {'dynamodb:leadingkeys': list(dict.fromkeys(leading))} if leading else {}
    attributes = [name for item in items for name in _attributes(item)]
    if attributes:
        context['dynamodb:attributes'] = list(dict.fromkeys(attributes))
    return Access(f'dynamodb:{action}', f'{arn}/index/{index}' if index else arn, context)


def _attributes(request: dict[str, Any]) -> list[str]:
    """The attributes of an item that a request puts, or that an update names."""
    if 'UpdateExpression' not in request:
        return list(request.get('Item', {}))
    text = f'{request["UpdateExpression"]} {request.get("ConditionExpression", "")}'
    names = request.get('ExpressionAttributeNames', {})
    # Functions have a bracket after them; what follows a dot is within an attribute.
    plain = set(re.findall(r'(?<![\w#:.])[A-Za-z_]\w*(?![\w(])', text)) - _WORDS
    return [*request['Key'], *names.values(), *sorted(plain)]


def partition_key(arn: str, index: str | None) -> str | None:
    """The name of the partition key of a table, or of one of its indexes; None for a table that does not exist."""
    region, account, name = arn.split(':')[3], arn.split(':')[4], arn.split(':table/')[-1]
    table = dynamodb_backends[account][region].tables.get(name)
    if table is None:
        return None
    if index is None:
        return table.hash_key_attr
    named = next((item for item in [*table.global_indexes, *table.indexes] if item.name == index), None)
    return next((part['AttributeName'] for part in named.schema if part['KeyType'] == 'HASH'), None) if named else None


def _leading(item: dict[str, Any], key: str) -> list[str]:
    values = item.get('Key') or item.get('Item')
    if values:
        return _scalar(values.get(key))
    condition = item.get('KeyConditions', {}).get(key, {}).get('AttributeValueList')
    if condition:
        return _scalar(condition[0])
    names = {alias for alias, name in item.get('ExpressionAttributeNames', {}).items() if name == key} | {key}
    for name, value in re.findall(r'([#\w.-]+)\s*=\s*(:\w+)', item.get('KeyConditionExpression', '')):
        if name in names:
            return _scalar(item.get('ExpressionAttributeValues', {}).get(value))
    return []


def _scalar(value: dict[str, Any] | None) -> list[str]:
    return [str(text) for text in (value or {}).values()]
