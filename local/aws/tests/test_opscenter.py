"""OpsCenter: OpsItems, their limits, duplicates, events and related items; IAM for them."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, allow

WORDS = {'Title': 'a bucket is open', 'Description': 'what and where', 'Source': 'Firebreak'}


def text(value, kind='SearchableString'):
    return {'Type': kind, 'Value': value if isinstance(value, str) else json.dumps(value)}


def dedup(string):
    return {'/aws/dedup': text({'dedupString': string})}


@pytest.fixture
def ssm(client):
    return client('ssm')


def code_of(refused):
    return refused.value.response['Error']['Code']


def test_it_is_kept_as_it_was_given_and_open(ssm):
    data = {**dedup('inc-1'), 'firebreak/timeline': text('first', 'String')}
    given = {**WORDS, 'Severity': '2', 'Category': 'Security', 'Priority': 1, 'OperationalData': data}
    made = ssm.create_ops_item(**given)
    item = ssm.get_ops_item(OpsItemId=made['OpsItemId'])['OpsItem']
    assert {name: item[name] for name in given} == given
    assert made['OpsItemArn'] == f'arn:aws:ssm:{REGION}:{SECURITY}:opsitem/{item["OpsItemId"]}'
    assert (item['Status'], item['Version'], item['OpsItemType']) == ('Open', '1', '/aws/issue')
    assert item['CreatedBy'] == f'arn:aws:iam::{SECURITY}:root'


def test_it_is_there_in_its_account_and_region_until_a_reset(cloud, client, ssm):
    made = ssm.create_ops_item(**WORDS)['OpsItemId']
    for other in (client('ssm', MEMBER), client('ssm', SECURITY, 'us-east-1')):
        with pytest.raises(other.exceptions.OpsItemNotFoundException):
            other.get_ops_item(OpsItemId=made)
        assert other.describe_ops_items(OpsItemFilters=[])['OpsItemSummaries'] == []


@pytest.mark.parametrize(
    ('given', 'code'),
    [
        ({'Source': 'my-AWS-tool'}, 'OpsItemInvalidParameterException'),
        ({'OperationalData': {'aws/mine': text('x')}}, 'OpsItemInvalidParameterException'),
        ({'OperationalData': {'/ssm/mine': text('x')}}, 'OpsItemInvalidParameterException'),
        ({'OperationalData': {'/aws/resources': text('no JSON')}}, 'OpsItemInvalidParameterException'),
        ({'OperationalData': dedup('d' * 513)}, 'OpsItemInvalidParameterException'),
        ({'OperationalData': {'much': text('x' * 20_480)}}, 'OpsItemLimitExceededException'),
        (
            {'OperationalData': {'/aws/automations': text([{'automationId': f'Runbook-{n}'} for n in range(11)])}},
            'OpsItemLimitExceededException',
        ),
        ({'Title': 't' * 1_025}, 'ValidationException'),
        ({'Title': '\N{FIRE}' * 513}, 'ValidationException'),
        ({'Description': 'd' * 2_049}, 'ValidationException'),
        ({'Description': ' '}, 'ValidationException'),
        ({'Priority': 6}, 'ValidationException'),
        ({'OperationalData': {'k': {'Type': 'Number', 'Value': '1'}}}, 'ValidationException'),
    ],
)
def test_what_is_too_much_or_reserved_is_refused(ssm, given, code):
    with pytest.raises(ClientError) as refused:
        ssm.create_ops_item(**{**WORDS, **given})
    assert code_of(refused) == code
    assert ssm.describe_ops_items(OpsItemFilters=[])['OpsItemSummaries'] == []


def test_the_longest_of_all_is_taken(ssm):
    data = {'k': text('x' * 20_479)}
    ssm.create_ops_item(Title='t' * 1_024, Description='d' * 2_048, Source='s' * 128, OperationalData=data)


def test_a_duplicate_is_not_made_and_the_error_names_the_one_that_is_there(ssm):
    first = ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-1'))['OpsItemId']
    for status in ('Open', 'InProgress'):
        ssm.update_ops_item(OpsItemId=first, Status=status)
        with pytest.raises(ssm.exceptions.OpsItemAlreadyExistsException) as refused:
            ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-1'))
        assert refused.value.response['OpsItemId'] == first
    assert ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-2'))['OpsItemId'] != first
    ssm.update_ops_item(OpsItemId=first, Status='Resolved')
    assert ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-1'))['OpsItemId'] != first


def test_an_update_changes_what_it_names_alone(ssm):
    data = {**dedup('inc-1'), 'a': text('1'), 'b': text('2')}
    made = ssm.create_ops_item(**WORDS, Severity='3', OperationalData=data)['OpsItemId']
    ssm.update_ops_item(OpsItemId=made, Severity='1', OperationalData={'a': text('3')}, OperationalDataToDelete=['b'])
    item = ssm.get_ops_item(OpsItemId=made)['OpsItem']
    assert (item['Severity'], item['Title'], item['Version']) == ('1', WORDS['Title'], '2')
    assert item['OperationalData'] == {**dedup('inc-1'), 'a': text('3')}


def test_a_deduplication_string_is_not_changed_and_an_issue_has_three_states(ssm):
    made = ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-1'))['OpsItemId']
    for given in ({'OperationalData': dedup('inc-2')}, {'OperationalDataToDelete': ['/aws/dedup']}, {'Status': 'Approved'}):
        with pytest.raises(ssm.exceptions.OpsItemInvalidParameterException):
            ssm.update_ops_item(OpsItemId=made, **given)
    assert ssm.get_ops_item(OpsItemId=made)['OpsItem']['OperationalData'] == dedup('inc-1')


def test_what_is_searchable_is_listed_and_found(ssm):
    data = {**dedup('inc-1'), 'secret': text('s', 'String'), 'incident': text('inc-1')}
    made = ssm.create_ops_item(**WORDS, OperationalData=data)['OpsItemId']
    ssm.create_ops_item(**{**WORDS, 'Title': 'another'})

    def found(key, value, operator='Equal'):
        wanted = [{'Key': key, 'Values': [value], 'Operator': operator}]
        return [item['OpsItemId'] for item in ssm.describe_ops_items(OpsItemFilters=wanted)['OpsItemSummaries']]

    [summary] = ssm.describe_ops_items(
        OpsItemFilters=[{'Key': 'OperationalDataKey', 'Values': ['incident'], 'Operator': 'Equal'}]
    )['OpsItemSummaries']
    assert set(summary['OperationalData']) == {'/aws/dedup', 'incident'}
    assert found('Title', 'bucket', 'Contains') == [made]
    assert found('OperationalData', '{"key":"incident","value":"inc-1"}') == [made]
    assert found('OperationalDataValue', 's') == []
    assert found('Status', 'Resolved') == []
    assert len(found('Source', 'Firebreak')) == 2
    with pytest.raises(ClientError, match='no filter'):
        found('CreatedBy', 'somebody')


def test_it_comes_in_pages(ssm):
    made = [ssm.create_ops_item(**WORDS)['OpsItemId'] for _ in range(3)]
    pages = ssm.get_paginator('describe_ops_items').paginate(OpsItemFilters=[], PaginationConfig={'PageSize': 2})
    assert [[item['OpsItemId'] for item in page['OpsItemSummaries']] for page in pages] == [made[:2], made[2:]]


def test_what_is_deleted_is_not_there_and_its_string_is_free(ssm):
    made = ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-1'))['OpsItemId']
    for _ in range(2):
        ssm.delete_ops_item(OpsItemId=made)
    with pytest.raises(ssm.exceptions.OpsItemNotFoundException):
        ssm.update_ops_item(OpsItemId=made, Status='Resolved')
    assert ssm.create_ops_item(**WORDS, OperationalData=dedup('inc-1'))['OpsItemId'] != made


def test_its_events_say_what_became_of_it(ssm):
    made = ssm.create_ops_item(**WORDS)['OpsItemId']
    ssm.create_ops_item(**WORDS)
    ssm.update_ops_item(OpsItemId=made, Status='Resolved')
    wanted = [{'Key': 'OpsItemId', 'Values': [made], 'Operator': 'Equal'}]
    created, updated = ssm.list_ops_item_events(Filters=wanted)['Summaries']
    assert (created['DetailType'], updated['DetailType']) == ('OpsItem Create', 'OpsItem Update')
    assert json.loads(updated['Detail'])['status'] == 'Resolved'
    assert len(ssm.list_ops_item_events()['Summaries']) == 3


def test_related_items_are_associated_once(ssm):
    made = ssm.create_ops_item(**WORDS)['OpsItemId']
    related = {
        'OpsItemId': made,
        'AssociationType': 'RelatesTo',
        'ResourceType': 'AWS::SSMIncidents::IncidentRecord',
        'ResourceUri': f'arn:aws:ssm-incidents::{SECURITY}:incident-record/plan/1',
    }
    association = ssm.associate_ops_item_related_item(**related)['AssociationId']
    with pytest.raises(ssm.exceptions.OpsItemRelatedItemAlreadyExistsException) as refused:
        ssm.associate_ops_item_related_item(**related)
    assert refused.value.response['ResourceUri'] == related['ResourceUri']
    [item] = ssm.list_ops_item_related_items(OpsItemId=made)['Summaries']
    assert (item['AssociationId'], item['ResourceType']) == (association, related['ResourceType'])


def test_iam_is_asked_about_the_ops_item(cloud, ssm):
    mine, other = (ssm.create_ops_item(**WORDS)['OpsItemId'] for _ in range(2))
    arn = f'arn:aws:ssm:{REGION}:{SECURITY}:opsitem/{mine}'
    role = cloud.role('narrow', [allow('ssm:UpdateOpsItem', resource=arn)])
    session = cloud.client('ssm', credentials=cloud.assume(role))
    session.update_ops_item(OpsItemId=mine, Status='InProgress')
    for call in (
        lambda: session.update_ops_item(OpsItemId=other, Status='Resolved'),
        lambda: session.get_ops_item(OpsItemId=mine),
        lambda: session.create_ops_item(**WORDS),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert code_of(refused) == 'AccessDeniedException'
    item = ssm.get_ops_item(OpsItemId=mine)['OpsItem']
    assert item['LastModifiedBy'].endswith(':assumed-role/narrow/session')
