"""Incident Manager: replication sets, response plans, incidents, their timelines and related items; IAM for them."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError
from conftest import MEMBER, REGION, SECURITY, allow

TEMPLATE = {'title': 'Something is wrong', 'impact': 3, 'summary': 'Look at it.'}
BUCKET = {'identifier': {'type': 'INVOLVED_RESOURCE', 'value': {'arn': 'arn:aws:s3:::orders'}}, 'title': 'orders'}
NOON = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)


@pytest.fixture
def incidents(client):
    found = client('ssm-incidents')
    found.create_replication_set(regions={REGION: {}})
    return found


@pytest.fixture
def plan(incidents):
    return incidents.create_response_plan(name='firebreak', incidentTemplate=TEMPLATE)['arn']


@pytest.fixture
def record(incidents, plan):
    return incidents.start_incident(responsePlanArn=plan, clientToken='one')['incidentRecordArn']


def code_of(refused):
    return refused.value.response['Error']['Code']


def test_nothing_works_without_a_replication_set_with_the_region(client):
    incidents = client('ssm-incidents')
    with pytest.raises(incidents.exceptions.ResourceNotFoundException, match='replication set'):
        incidents.create_response_plan(name='p', incidentTemplate=TEMPLATE)
    arn = incidents.create_replication_set(regions={'us-east-1': {}})['arn']
    assert incidents.list_replication_sets()['replicationSetArns'] == [arn]
    assert incidents.get_replication_set(arn=arn)['replicationSet']['regionMap']['us-east-1']['status'] == 'ACTIVE'
    with pytest.raises(incidents.exceptions.ResourceNotFoundException, match=REGION):
        incidents.list_response_plans()
    with pytest.raises(incidents.exceptions.ConflictException):
        incidents.create_replication_set(regions={REGION: {}})
    assert client('ssm-incidents', SECURITY, 'us-east-1').list_response_plans()['responsePlanSummaries'] == []


def test_a_plan_is_kept_under_its_name(incidents, plan):
    assert plan == f'arn:aws:ssm-incidents::{SECURITY}:response-plan/firebreak'
    assert incidents.get_response_plan(arn=plan)['incidentTemplate'] == TEMPLATE
    assert [each['name'] for each in incidents.list_response_plans()['responsePlanSummaries']] == ['firebreak']
    with pytest.raises(incidents.exceptions.ConflictException):
        incidents.create_response_plan(name='firebreak', incidentTemplate=TEMPLATE)


def test_an_incident_is_as_its_plan_says_where_the_caller_says_nothing(incidents, plan, record):
    as_planned = incidents.get_incident_record(arn=record)['incidentRecord']
    assert {**TEMPLATE, 'status': 'OPEN'}.items() <= as_planned.items()
    trigger = {'source': 'firebreak', 'timestamp': NOON, 'triggerArn': 'arn:aws:s3:::orders'}
    told = incidents.start_incident(responsePlanArn=plan, title='t', impact=1, triggerDetails=trigger, relatedItems=[BUCKET])
    own = incidents.get_incident_record(arn=told['incidentRecordArn'])['incidentRecord']
    assert (own['title'], own['impact'], own['summary']) == ('t', 1, TEMPLATE['summary'])
    source = {'createdBy': f'arn:aws:iam::{SECURITY}:root', 'source': 'firebreak', 'resourceArn': 'arn:aws:s3:::orders'}
    assert own['incidentRecordSource'] == source
    [related] = incidents.list_related_items(incidentRecordArn=own['arn'])['relatedItems']
    assert BUCKET.items() <= related.items()
    assert related['generatedId'].startswith('related-item/INVOLVED_RESOURCE/')


def test_a_client_token_starts_one_incident(incidents, plan, record):
    assert incidents.start_incident(responsePlanArn=plan, clientToken='one')['incidentRecordArn'] == record
    assert incidents.start_incident(responsePlanArn=plan, clientToken='two')['incidentRecordArn'] != record
    assert len(incidents.list_incident_records()['incidentRecordSummaries']) == 2


def test_a_plan_with_a_deduplication_string_has_one_open_incident(incidents):
    template = {**TEMPLATE, 'dedupeString': 'all'}
    plan = incidents.create_response_plan(name='one', incidentTemplate=template)['arn']
    first = incidents.start_incident(responsePlanArn=plan)['incidentRecordArn']
    assert incidents.start_incident(responsePlanArn=plan)['incidentRecordArn'] == first
    incidents.update_incident_record(arn=first, status='RESOLVED')
    assert incidents.start_incident(responsePlanArn=plan)['incidentRecordArn'] != first


def test_an_update_changes_what_it_names_alone(incidents, record):
    incidents.update_incident_record(arn=record, status='RESOLVED', impact=1)
    resolved = incidents.get_incident_record(arn=record)['incidentRecord']
    assert (resolved['status'], resolved['impact'], resolved['title']) == ('RESOLVED', 1, TEMPLATE['title'])
    assert 'resolvedTime' in resolved
    incidents.update_incident_record(arn=record, status='OPEN')
    assert 'resolvedTime' not in incidents.get_incident_record(arn=record)['incidentRecord']


def test_what_is_deleted_is_not_there(incidents, record):
    for _ in range(2):
        incidents.delete_incident_record(arn=record)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException) as refused:
        incidents.update_incident_record(arn=record, impact=1)
    assert refused.value.response['resourceType'] == 'INCIDENT_RECORD'


def test_incidents_are_found_by_what_they_are(incidents, plan, record):
    incidents.start_incident(responsePlanArn=plan, impact=1)

    def found(key, **condition):
        answer = incidents.list_incident_records(filters=[{'key': key, 'condition': condition}])
        return [each['impact'] for each in answer['incidentRecordSummaries']]

    assert found('impact', equals={'integerValues': [1]}) == [1]
    assert found('status', equals={'stringValues': ['OPEN']}) == [1, 3]
    assert found('creationTime', before=NOON - datetime.timedelta(days=36_500)) == []
    with pytest.raises(incidents.exceptions.ValidationException):
        found('color', equals={'stringValues': ['red']})


def test_a_timeline_has_each_event_once_by_its_token_in_order(incidents, record):
    def tell(minute, token):
        return incidents.create_timeline_event(
            incidentRecordArn=record,
            eventType='Custom Event',
            eventTime=NOON + datetime.timedelta(minutes=minute),
            eventData=f'minute {minute}',
            eventReferences=[{'resource': 'arn:aws:s3:::orders'}],
            clientToken=token,
        )['eventId']

    later, earlier = tell(5, 'b'), tell(1, 'a')
    assert tell(5, 'b') == later
    listed = incidents.list_timeline_events(incidentRecordArn=record, sortBy='EVENT_TIME', sortOrder='ASCENDING')
    assert [event['eventId'] for event in listed['eventSummaries']] == [earlier, later]
    event = incidents.get_timeline_event(incidentRecordArn=record, eventId=later)['event']
    assert (event['eventData'], event['eventTime']) == ('minute 5', NOON + datetime.timedelta(minutes=5))
    assert event['eventReferences'] == [{'resource': 'arn:aws:s3:::orders'}]


def test_related_items_are_there_once_until_they_are_removed(incidents, record):
    for title in ('orders', 'the bucket of orders'):
        update = {'itemToAdd': {**BUCKET, 'title': title}}
        incidents.update_related_items(incidentRecordArn=record, relatedItemsUpdate=update)
    [item] = incidents.list_related_items(incidentRecordArn=record)['relatedItems']
    assert item['title'] == 'the bucket of orders'
    incidents.update_related_items(incidentRecordArn=record, relatedItemsUpdate={'itemToRemove': BUCKET['identifier']})
    assert incidents.list_related_items(incidentRecordArn=record)['relatedItems'] == []


@pytest.mark.parametrize(
    'given',
    [
        {'eventType': 'Anything'},
        {'eventData': 'x' * 12_001},
        {'eventReferences': [{'resource': f'arn:aws:s3:::b{n}'} for n in range(11)]},
        {'eventReferences': [{'resource': 'orders'}]},
        {'clientToken': 'x' * 129},
    ],
)
def test_what_an_event_may_not_be_is_refused(incidents, record, given):
    event = {'incidentRecordArn': record, 'eventType': 'Note', 'eventTime': NOON, 'eventData': 'x', **given}
    with pytest.raises(incidents.exceptions.ValidationException):
        incidents.create_timeline_event(**event)
    assert incidents.list_timeline_events(incidentRecordArn=record)['eventSummaries'] == []


@pytest.mark.parametrize(
    'given',
    [
        {'title': 't' * 201},
        {'impact': 6},
        {'triggerDetails': {'source': 'aws.s3', 'timestamp': NOON}},
        {'relatedItems': [BUCKET] * 101},
    ],
)
def test_what_an_incident_may_not_be_is_refused(incidents, plan, given):
    with pytest.raises(incidents.exceptions.ValidationException):
        incidents.start_incident(responsePlanArn=plan, **given)
    assert incidents.list_incident_records()['incidentRecordSummaries'] == []


def test_what_is_not_there_is_not_found(incidents, plan, client):
    missing = f'arn:aws:ssm-incidents::{SECURITY}:incident-record/firebreak/x'
    for call in (
        lambda: incidents.start_incident(responsePlanArn=f'{plan}s'),
        lambda: incidents.get_incident_record(arn=missing),
        lambda: incidents.list_timeline_events(incidentRecordArn=missing),
    ):
        with pytest.raises(incidents.exceptions.ResourceNotFoundException):
            call()
    elsewhere = client('ssm-incidents', MEMBER)
    with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
        elsewhere.list_incident_records()


def test_iam_is_asked_about_the_plan_and_the_record(cloud, incidents, plan, record):
    record_of_plan = f'arn:aws:ssm-incidents::{SECURITY}:incident-record/firebreak/*'
    role = cloud.role(
        'narrow',
        [
            allow('ssm-incidents:StartIncident', resource=plan),
            allow('ssm-incidents:UpdateIncidentRecord', resource=[plan, record_of_plan]),
            allow('ssm-incidents:CreateTimelineEvent', resource=record_of_plan),
        ],
    )
    session = cloud.client('ssm-incidents', credentials=cloud.assume(role))
    session.start_incident(responsePlanArn=plan)
    session.update_incident_record(arn=record, impact=1)
    other = incidents.create_response_plan(name='other', incidentTemplate=TEMPLATE)['arn']
    event = {'incidentRecordArn': record, 'eventType': 'Note', 'eventTime': NOON, 'eventData': 'x'}
    for call in (
        lambda: session.start_incident(responsePlanArn=other),
        lambda: session.create_timeline_event(**event),
        lambda: session.get_incident_record(arn=record),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert code_of(refused) == 'AccessDeniedException'


def test_a_plan_gives_its_runbook_a_role_that_its_maker_may_pass(cloud, incidents):
    runbook = cloud.role('runbook')
    action = {'ssmAutomation': {'documentName': 'Firebreak-CloseBucket', 'roleArn': runbook}}
    maker = cloud.role('maker', [allow('ssm-incidents:CreateResponsePlan')])
    session = cloud.client('ssm-incidents', credentials=cloud.assume(maker))
    with pytest.raises(ClientError, match='iam:PassRole'):
        session.create_response_plan(name='p', incidentTemplate=TEMPLATE, actions=[action])
    session.create_response_plan(name='p', incidentTemplate=TEMPLATE)


def runbook_role(cloud, *statements):
    """A role that a plan gives to its runbook."""
    trust = {'Effect': 'Allow', 'Principal': {'Service': 'ssm-incidents.amazonaws.com'}, 'Action': 'sts:AssumeRole'}
    return cloud.role('runbook', list(statements), trust)


def plan_with_runbook(incidents, role):
    automation = {
        'documentName': 'Firebreak-Look',
        'roleArn': role,
        'parameters': {'DryRun': ['true']},
        'dynamicParameters': {
            'Incident': {'variable': 'INCIDENT_RECORD_ARN'},
            'Resources': {'variable': 'INVOLVED_RESOURCES'},
        },
    }
    action = {'ssmAutomation': automation}
    return incidents.create_response_plan(name='p', incidentTemplate=TEMPLATE, actions=[action])['arn']


def test_the_runbook_of_a_plan_is_started_once_in_its_role(cloud, incidents):
    role = runbook_role(cloud, allow('ssm:StartAutomationExecution'))
    plan = plan_with_runbook(incidents, role)
    for _ in range(2):
        record = incidents.start_incident(responsePlanArn=plan, clientToken='one', relatedItems=[BUCKET])
    [call] = [each for each in cloud.door('GET', '/calls')[1] if each['operation'] == 'StartAutomationExecution']
    assert call['principal'] == f'arn:aws:sts::{SECURITY}:assumed-role/runbook/incident-manager'
    assert call['decision'] == 'allowed'
    assert incidents.get_incident_record(arn=record['incidentRecordArn'])['incidentRecord']['status'] == 'OPEN'


def test_a_role_that_incident_manager_may_not_assume_starts_no_runbook(cloud, incidents):
    plan = plan_with_runbook(incidents, cloud.role('runbook', [allow('ssm:StartAutomationExecution')]))
    record = incidents.start_incident(responsePlanArn=plan)['incidentRecordArn']
    assert not [each for each in cloud.door('GET', '/calls')[1] if each['operation'] == 'StartAutomationExecution']
    assert incidents.get_incident_record(arn=record)['incidentRecord']['automationExecutions'] == []


def test_a_runbook_gets_the_incident_and_its_resources(cloud, client, incidents):
    content = {
        'schemaVersion': '0.3',
        'parameters': {
            'DryRun': {'type': 'String'},
            'Incident': {'type': 'String'},
            'Resources': {'type': 'StringList'},
        },
        'mainSteps': [{'name': 'wait', 'action': 'aws:sleep', 'inputs': {'Duration': 'PT0S'}}],
    }
    ssm = client('ssm')
    ssm.create_document(Name='Firebreak-Look', DocumentType='Automation', Content=json.dumps(content))
    plan = plan_with_runbook(incidents, runbook_role(cloud, allow('ssm:StartAutomationExecution')))
    record = incidents.start_incident(responsePlanArn=plan, relatedItems=[BUCKET])['incidentRecordArn']
    [started] = incidents.get_incident_record(arn=record)['incidentRecord']['automationExecutions']
    execution = ssm.get_automation_execution(AutomationExecutionId=started['ssmExecutionArn'].rpartition('/')[2])
    assert execution['AutomationExecution']['Parameters'] == {
        'DryRun': ['true'],
        'Incident': [record],
        'Resources': ['arn:aws:s3:::orders'],
    }
    related = incidents.list_related_items(incidentRecordArn=record)['relatedItems']
    assert [item['identifier']['type'] for item in related] == ['INVOLVED_RESOURCE', 'AUTOMATION']
