"""Amazon DynamoDB: writes are atomic, and a stream tells every change once and nothing else.

Facts supplied, where moto differs:
- An item operation, and a transaction as a whole, happens at once for every other caller. moto undoes a transaction by
  putting back a copy of the tables, and with it what others wrote meanwhile; and it makes that copy anew for each item of a
  transaction, which takes the longer the more is in the table.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
- A stream has no record of a write that changed nothing, or that was undone, and one record of an item that an update
  made; a reader keeps its place when a transaction is cancelled. A record tells its Region.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
- A query reads the partition that it names. moto sorts the whole table for each.
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
"""

import copy
import threading
from collections import defaultdict

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import ShardIterator
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

one_at_a_time = threading.RLock()

call_action_as_moto = DynamoHandler.call_action
call_stream_action_as_moto = DynamoDBStreamsHandler.call_action
add_as_moto = StreamShard.add
make_record_as_moto = StreamRecord.__init__
read_as_moto = ShardIterator.get
update_item_as_moto = DynamoDBBackend.update_item
transact_as_moto = DynamoDBBackend.transact_write_items
query_as_moto = Table.query


def call_action(handler: DynamoHandler):
    """Wraps every request. The answer is written from the items themselves, so it belongs to the operation."""
    with one_at_a_time:
        return call_action_as_moto(handler)


def call_stream_action(handler: DynamoDBStreamsHandler):
    """Wraps every request on a stream, which must not see a transaction that may be undone."""
    with one_at_a_time:
        return call_stream_action_as_moto(handler)


def make_record(record: StreamRecord, table: Table, *arguments) -> None:
    """Wraps the making of a record, which is always of us-east-1 in moto."""
    make_record_as_moto(record, table, *arguments)
    record.record['awsRegion'] = table.region_name


def add(shard: StreamShard, old: Item | None, new: Item | None) -> None:
    """Wraps `StreamShard.add`."""
    if old is None or new is None or old.to_json() != new.to_json():
        add_as_moto(shard, old, new)


def read(iterator: ShardIterator, limit: int = 1000) -> dict:
    """Wraps `ShardIterator.get`: who finds nothing reads on from there. moto keeps every iterator that it makes, and
    pollers ask several times a second for as long as the cloud runs."""
    if iterator.stream_shard.get(iterator.sequence_number, 1):
        return read_as_moto(iterator, limit)
    return {'NextShardIterator': iterator.arn, 'Records': []}


def view(table: Table) -> Table:
    """A table with the same of everything, for as long as somebody has it: moto keeps each that is made or copied."""
    made = object.__new__(Table)
    made.__dict__.update(table.__dict__)
    return made


def copy_table(table: Table, memo: dict) -> Table:
    """Replaces the copying of a table, for what a transaction may have to put back: the items are the same ones, since none
    is ever changed. Whatever writes puts another one in its place."""
    copied = view(table)
    copied.items = defaultdict(
        dict, {key: dict(items) if table.has_range_key else items for key, items in table.items.items()}
    )
    return copied


def place(table: Table, item: Item) -> None:
    """Puts an item in the place of the one that has its key."""
    if table.has_range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item


def update_item(backend: DynamoDBBackend, table_name: str, key: dict, *arguments, **named) -> Item:
    """Wraps `update_item`, which changes the item itself, and puts the bare key of one that does not exist before it updates
    that."""
    table = backend.get_table(table_name)
    known = backend.get_item(table_name, key)
    if known is not None:
        place(table, copy.deepcopy(known))
        try:
            return update_item_as_moto(backend, table_name, key, *arguments, **named)
        except Exception:
            place(table, known)
            raise
    shard, table.stream_shard = table.stream_shard, None
    try:
        item = update_item_as_moto(backend, table_name, key, *arguments, **named)
    except Exception:
        backend.delete_item(table_name, key)
        raise
    finally:
        table.stream_shard = shard
    if shard is not None:
        shard.add(None, item)
    return item


def query(table: Table, hash_key: DynamoType | None, *arguments, **named):
    """Wraps `Table.query`: of a query on the table itself moto sees nothing but the partition."""
    index_name = arguments[6] if len(arguments) > 6 else named.get('index_name')
    if index_name is None and hash_key is not None:
        partition = view(table)
        partition.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
        table = partition
    return query_as_moto(table, hash_key, *arguments, **named)


def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict]) -> None:
    """Wraps `transact_write_items`: what it undoes is undone in the tables and streams themselves."""
    tables = dict(backend.tables)
    lengths = {name: len(table.stream_shard.items) for name, table in tables.items() if table.stream_shard}
    try:
        transact_as_moto(backend, transact_items)
    except Exception:
        for name, table in tables.items():
            table.items = backend.tables[name].items
            backend.tables[name] = table
        for name, length in lengths.items():
            del tables[name].stream_shard.items[length:]
        raise


DynamoHandler.call_action = call_action
DynamoDBStreamsHandler.call_action = call_stream_action
StreamRecord.__init__ = make_record
StreamShard.add = add
ShardIterator.get = read
Table.__deepcopy__ = copy_table
DynamoDBBackend.update_item = update_item
DynamoDBBackend.transact_write_items = transact_write_items
Table.query = query
