"""DynamoDB: what a stream tells, and transactions that others cannot disturb."""

import threading
import time

import pytest
from botocore.exceptions import ClientError

HOME, SECURITY = 'eu-west-1', '111122223333'


def key(value):
    return {'pk': {'S': value}}


class Ledger:
    """A table with a stream, and a reader that keeps its place in it."""

    def __init__(self, client):
        self.client, self.streams = client('dynamodb', SECURITY, HOME), client('dynamodbstreams', SECURITY, HOME)
        self.client.create_table(
            TableName='t',
            BillingMode='PAY_PER_REQUEST',
            AttributeDefinitions=[{'AttributeName': 'pk', 'AttributeType': 'S'}],
            KeySchema=[{'AttributeName': 'pk', 'KeyType': 'HASH'}],
            StreamSpecification={'StreamEnabled': True, 'StreamViewType': 'NEW_AND_OLD_IMAGES'},
        )
        arn = self.client.describe_table(TableName='t')['Table']['LatestStreamArn']
        [shard] = self.streams.describe_stream(StreamArn=arn)['StreamDescription']['Shards']
        place = {'StreamArn': arn, 'ShardId': shard['ShardId'], 'ShardIteratorType': 'TRIM_HORIZON'}
        self.iterator = self.streams.get_shard_iterator(**place)['ShardIterator']

    def put(self, name, **arguments):
        self.client.put_item(TableName='t', Item={**key(name), 'v': {'N': '1'}}, **arguments)

    def set(self, name, value, **arguments):
        return self.client.update_item(
            TableName='t',
            Key=key(name),
            UpdateExpression='SET v = :v',
            ExpressionAttributeValues={':v': {'N': value}},
            **arguments,
        )

    def get(self, name):
        return self.client.get_item(TableName='t', Key=key(name)).get('Item')

    def transact(self, *operations):
        self.client.transact_write_items(TransactItems=list(operations))

    def new(self):
        """The stream's records since the last call: event name, old value, new value."""
        answer = self.streams.get_records(ShardIterator=self.iterator)
        self.iterator = answer['NextShardIterator']
        self.records = answer['Records']
        images = [
            (each['eventName'], each['dynamodb'].get('OldImage'), each['dynamodb'].get('NewImage'))
            for each in self.records
        ]
        return [
            (name, old and old.get('v', {}).get('N'), new and new.get('v', {}).get('N')) for name, old, new in images
        ]


@pytest.fixture
def ledger(client):
    return Ledger(client)


PUT = {'Put': {'TableName': 't', 'Item': key('b')}}
FAILING = {'Put': {'TableName': 't', 'Item': key('a'), 'ConditionExpression': 'attribute_not_exists(pk)'}}


class TestStream:
    def test_each_change_is_one_record(self, ledger):
        ledger.put('a')
        ledger.set('a', '2')
        ledger.client.delete_item(TableName='t', Key=key('a'))
        assert ledger.new() == [('INSERT', None, '1'), ('MODIFY', '1', '2'), ('REMOVE', '2', None)]
        assert {record['awsRegion'] for record in ledger.records} == {HOME}
        numbers = [int(record['dynamodb']['SequenceNumber']) for record in ledger.records]
        assert numbers == sorted(set(numbers))

    def test_a_write_that_changes_nothing_is_none(self, ledger):
        ledger.put('a')
        ledger.put('a')
        ledger.set('a', '1')
        ledger.client.delete_item(TableName='t', Key=key('missing'))
        assert ledger.new() == [('INSERT', None, '1')]

    def test_an_update_that_makes_an_item_is_one(self, ledger):
        answer = ledger.set('new', '7', ReturnValues='ALL_NEW')
        assert answer['Attributes'] == ledger.get('new') == {**key('new'), 'v': {'N': '7'}}
        assert ledger.new() == [('INSERT', None, '7')]

    def test_an_update_that_fails_is_none_and_makes_nothing(self, ledger):
        for update in (
            {'UpdateExpression': 'SET notes.x = :v', 'ExpressionAttributeValues': {':v': {'N': '1'}}},
            {'UpdateExpression': 'SET v = n + :v', 'ExpressionAttributeValues': {':v': {'N': '1'}}},
        ):
            with pytest.raises(ClientError, match='ValidationException'):
                ledger.client.update_item(TableName='t', Key=key('new'), **update)
        with pytest.raises(ClientError, match='ConditionalCheckFailedException'):
            ledger.set('new', '1', ConditionExpression='attribute_exists(pk)')
        assert (ledger.get('new'), ledger.new()) == (None, [])

    def test_a_cancelled_transaction_is_none_and_the_reader_keeps_its_place(self, ledger):
        ledger.put('a')
        with pytest.raises(ClientError, match='TransactionCanceledException'):
            ledger.transact(PUT, FAILING)
        assert ledger.get('b') is None
        assert ledger.new() == [('INSERT', None, '1')]
        ledger.transact(
            PUT,
            {
                'Update': {
                    'TableName': 't',
                    'Key': key('c'),
                    'UpdateExpression': 'SET v = :v',
                    'ExpressionAttributeValues': {':v': {'N': '3'}},
                }
            },
        )
        assert ledger.new() == [('INSERT', None, None), ('INSERT', None, '3')]


    def test_a_reader_that_finds_nothing_reads_on_from_there(self, ledger):
        for _ in range(3):
            assert ledger.new() == []
        ledger.put('a')
        assert ledger.new() == [('INSERT', None, '1')]
        assert ledger.new() == []

    def test_attributes_of_every_type_are_told(self, ledger):
        item = {
            **key('a'),
            'bytes': {'B': b'\x00\xff'},
            'sets': {'M': {'bytes': {'BS': [b'a', b'b']}, 'numbers': {'NS': ['1', '2.5']}, 'texts': {'SS': ['x']}}},
            'list': {'L': [{'NULL': True}, {'BOOL': False}, {'B': b'c'}]},
        }
        ledger.client.put_item(TableName='t', Item=item)
        ledger.new()
        [record] = ledger.records
        assert record['dynamodb']['NewImage'] == item
        assert (record['dynamodb']['Keys'], record['dynamodb']['StreamViewType']) == (key('a'), 'NEW_AND_OLD_IMAGES')


class TestConditions:
    def test_the_item_that_failed_the_condition_is_answered(self, ledger):
        ledger.put('a')
        with pytest.raises(ClientError) as error:
            ledger.put(
                'a', ConditionExpression='attribute_not_exists(pk)', ReturnValuesOnConditionCheckFailure='ALL_OLD'
            )
        assert error.value.response['Item'] == {**key('a'), 'v': {'N': '1'}}

    def test_a_key_of_a_map_is_set_by_itself(self, ledger):
        ledger.client.put_item(TableName='t', Item={**key('a'), 'notes': {'M': {}}})
        update = {
            'UpdateExpression': 'SET notes.#k = if_not_exists(notes.#k, :v)',
            'ExpressionAttributeNames': {'#k': 'arn:aws:s3:::b/x.y'},
        }
        for value in ('first', 'second'):
            ledger.client.update_item(
                TableName='t', Key=key('a'), **update, ExpressionAttributeValues={':v': {'S': value}}
            )
        assert ledger.get('a')['notes'] == {'M': {'arn:aws:s3:::b/x.y': {'S': 'first'}}}


def test_a_cancelled_transaction_undoes_nobody_elses_write(ledger):
    ledger.put('a')
    stop = threading.Event()

    def cancel():
        while not stop.is_set():
            with pytest.raises(ClientError, match='TransactionCanceledException'):
                ledger.transact(PUT, FAILING)

    threads = [threading.Thread(target=cancel) for _ in range(2)]
    for thread in threads:
        thread.start()
    names = [f'n{number}' for number in range(40)]
    for name in names:
        ledger.put(name)
    stop.set()
    for thread in threads:
        thread.join()
    assert [name for name in names if ledger.get(name) is None] == []


def test_a_query_takes_no_longer_the_more_is_in_other_partitions(ledger):
    def query(name):
        answer = ledger.client.query(
            TableName='t', KeyConditionExpression='pk = :pk', ExpressionAttributeValues={':pk': {'S': name}}
        )
        return [item['pk']['S'] for item in answer['Items']]

    def fastest():
        times = []
        for _ in range(10):
            began = time.perf_counter()
            assert query('a') == ['a']
            times.append(time.perf_counter() - began)
        return min(times)

    ledger.put('a')
    alone = fastest()
    for first in range(0, 5_000, 25):
        puts = [{'PutRequest': {'Item': key(f'other-{first + number}')}} for number in range(25)]
        ledger.client.batch_write_item(RequestItems={'t': puts})
    assert fastest() < 3 * alone
    assert query('missing') == []
